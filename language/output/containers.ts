// Pure: no I/O, no FFI.
// Which container, and which pod of Kubernetes, a cgroup belongs to, by the path of its folder: runtimes put
// their ids and names there.

/** What the path of a cgroup tells. */
export interface Owner {
  /** Id of the container, its first 12 digits as runtimes show it, or its name; empty outside of containers. */
  readonly container: string;
  /** Whole id, or the name, as the path has it. */
  readonly id: string;
  /** UID of the pod of Kubernetes; empty outside of pods. */
  readonly pod: string;
}

const ID = "[0-9a-f]{64}";
/** Parts of paths, by runtime; the first group is the id or the name. */
const PARTS: readonly RegExp[] = [
  // Docker, containerd, CRI-O and podman under systemd: docker-ID.scope, cri-containerd-ID.scope.
  new RegExp(
    `^(?:docker|cri-containerd|crio|libpod|containerd|nerdctl)-(?:conmon-)?(${ID})(?:\\.scope)?$`,
  ),
  // The same without systemd, and Kubernetes with cgroupfs: docker/ID, kubepods/pod…/ID, libpod_parent/ID.
  new RegExp(`^(${ID})$`),
  // systemd-nspawn and machined: machine-NAME.scope, systemd-nspawn@NAME.service.
  /^machine-(.+)\.scope$/,
  /^systemd-nspawn@(.+)\.service$/,
  // LXC: lxc.payload.NAME; lxc/NAME is looked at below.
  /^lxc\.payload\.(.+)$/,
];
/** Pods: kubepods-burstable-podUID.slice, with underscores for hyphens, or podUID. */
const POD =
  /(?:^|-)pod([0-9a-f]{8}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{4}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice)?$/;

/** Digits of an id that runtimes show. */
const SHOWN = 12;

/** Finds the owner of a cgroup. @param path Path below the mount of cgroups. */
export function ownerOf(path: string): Owner {
  let id = "";
  let pod = "";
  const parts = path.split("/").filter((part) => part !== "");
  for (const [i, part] of parts.entries()) {
    pod = POD.exec(part)?.[1].replaceAll("_", "-") ?? pod;
    const found = PARTS.map((pattern) => pattern.exec(part)?.[1]).find((one) => one !== undefined);
    // systemd escapes hyphens of names.
    id = found?.replaceAll("\\x2d", "-") ?? (parts[i - 1] === "lxc" ? part : id);
  }
  const container = new RegExp(`^${ID}$`).test(id) ? id.slice(0, SHOWN) : id;
  return { container, id, pod };
}
