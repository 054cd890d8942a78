// Finds the cgroup that --cgroup, --unit and --container mean.

import { UsageError } from "../cli/command_line.ts";
import { ownerOf } from "../../language/output/containers.ts";

/** Folders in which runtimes keep what they know of their containers. */
export interface RuntimeFolders {
  /** Mount of the cgroups of version 2. */
  readonly cgroups: string;
  /** Docker: a folder for each container, with config.v2.json. */
  readonly docker: string;
  /** Podman: files that list its containers. */
  readonly podman: readonly string[];
  /** containerd: a folder for each namespace, in them one for each container, with config.json. */
  readonly containerd: string;
}

/** Where the runtimes of this machine keep them. */
export function runtimeFolders(): RuntimeFolders {
  return {
    cgroups: cgroupMount(),
    docker: "/var/lib/docker/containers",
    podman: [
      "/var/lib/containers/storage/overlay-containers/containers.json",
      "/run/containers/storage/overlay-containers/containers.json",
    ],
    containerd: "/run/containerd/io.containerd.runtime.v2.task",
  };
}

/** The mount of cgroups of version 2, which alone can be filtered by. */
function cgroupMount(): string {
  const mounts = Deno.readTextFileSync("/proc/mounts").split("\n").map((line) => line.split(" "));
  const found = mounts.find(([, , type]) => type === "cgroup2")?.[1];
  if (found === undefined) throw new UsageError("no cgroups of version 2 are mounted here");
  return found;
}

/** What the command line says of the cgroup. */
export interface CgroupChoice {
  /** Path of a cgroup, below the mount or as a whole. */
  readonly cgroup?: string;
  /** Name of a unit of systemd. */
  readonly unit?: string;
  /** Name or id of a container. */
  readonly container?: string;
}

/**
 * Finds the folder of the cgroup that is meant.
 *
 * @returns undefined if none is asked for.
 * @throws {UsageError} There is no such cgroup, unit or container, or more than one is meant.
 */
export function findCgroup(
  { cgroup, unit, container }: CgroupChoice,
  folders?: RuntimeFolders,
): string | undefined {
  if ([cgroup, unit, container].filter((one) => one !== undefined).length > 1) {
    throw new UsageError("--cgroup, --unit or --container: one of them", true);
  }
  if (cgroup !== undefined) return byPath(cgroup, folders ?? runtimeFolders());
  if (unit !== undefined) return byUnit(unit, folders ?? runtimeFolders());
  return container === undefined ? undefined : byContainer(container, folders ?? runtimeFolders());
}

function byPath(path: string, { cgroups }: RuntimeFolders): string {
  const folder = path.startsWith(`${cgroups}/`) || path === cgroups
    ? path
    : `${cgroups}/${path.replace(/^\/+/, "")}`;
  try {
    Deno.statSync(`${folder}/cgroup.procs`);
    return folder;
  } catch {
    throw new UsageError(`no cgroup ${path}: ${folder} is none`);
  }
}

/** Folders of all cgroups, parents first. */
function* walk(folder: string): Generator<string> {
  let names: string[];
  try {
    names = [...Deno.readDirSync(folder)].filter((one) => one.isDirectory).map(({ name }) => name);
  } catch {
    return; // removed meanwhile
  }
  for (const name of names.sort()) {
    yield `${folder}/${name}`;
    yield* walk(`${folder}/${name}`);
  }
}

function byUnit(unit: string, { cgroups }: RuntimeFolders): string {
  const name = /\.(service|slice|scope|socket|mount|swap)$/.test(unit) ? unit : `${unit}.service`;
  const found = [...walk(cgroups)].filter((path) => path.endsWith(`/${name}`));
  if (found.length === 0) throw new UsageError(`no unit ${name} runs here`);
  return onlyOne(`unit ${name}`, found);
}

function byContainer(wanted: string, folders: RuntimeFolders): string {
  const ids = [...idsByName(wanted, folders)];
  const found: string[] = [];
  for (const path of walk(folders.cgroups)) {
    const { id } = ownerOf(path.slice(folders.cgroups.length));
    const isMeant = id !== "" &&
      (ids.includes(id) || id === wanted ||
        (/^[0-9a-f]{4,}$/.test(wanted) && id.startsWith(wanted)));
    // Cgroups within the container's are in the filter with it.
    if (isMeant && !found.some((one) => path.startsWith(`${one}/`))) found.push(path);
  }
  if (found.length === 0) {
    throw new UsageError(
      `no container ${wanted} runs here: a name, or an id from 4 digits on`,
    );
  }
  return onlyOne(`container ${wanted}`, found);
}

function onlyOne(what: string, found: readonly string[]): string {
  if (found.length > 1) throw new UsageError(`${what} may be ${found.join(" or ")}: take --cgroup`);
  return found[0];
}

/** Ids of the containers that runtimes know by a name. */
function* idsByName(
  name: string,
  { docker, podman, containerd }: RuntimeFolders,
): Generator<string> {
  for (const id of names(docker)) {
    if (json(`${docker}/${id}/config.v2.json`)?.Name === `/${name}`) yield id;
  }
  for (const file of podman) {
    const all = json(file);
    if (!Array.isArray(all)) continue;
    for (const { id, names: own } of all) if (Array.isArray(own) && own.includes(name)) yield id;
  }
  for (const namespace of names(containerd)) {
    for (const id of names(`${containerd}/${namespace}`)) {
      const annotations = json(`${containerd}/${namespace}/${id}/config.json`)?.annotations ?? {};
      const known = [annotations["io.kubernetes.cri.container-name"], annotations["nerdctl/name"]];
      if (known.includes(name)) yield id;
    }
  }
}

function names(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch {
    return [];
  }
}

// deno-lint-ignore no-explicit-any -- files of others may hold anything
function json(path: string): any {
  try {
    return JSON.parse(Deno.readTextFileSync(path));
  } catch {
    return undefined;
  }
}
