// Tests of --container, --cgroup and --unit, and of the builtins container and pod, with cgroups and
// namespaces that look as runtimes make them.

import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  findCgroup,
  type RuntimeFolders,
  runtimeFolders,
} from "../../tools/btrace/cgroup_target.ts";
import { openDevice } from "../../core/mod.ts";
import { syscall } from "../../providers/mod.ts";
import { btrace, codeOf, kernelTest, output, RunningBtrace } from "../helpers.ts";

const ID = "4f66ad9a0b2e9c8f5d7b3a1c6e8d0f2a4b6c8e0d1f3a5b7c9d1e3f5a7b9c1d3e";
const POD = "0c1d2e3f-4a5b-6c7d-8e9f-0a1b2c3d4e5f";
const POD_SLICE = `kubepods-burstable-pod${POD.replaceAll("-", "_")}.slice`;

/** Folders of cgroups that a test has made; they are removed with what is in them. */
class Cgroups implements Disposable {
  readonly root: string;
  readonly #paths: string[] = [];

  constructor() {
    this.root = `${runtimeFolders().cgroups}/dt-test-${Deno.pid}`;
    this.make("");
  }

  /** Makes a cgroup, and those above it. */
  make(path: string): string {
    let folder = this.root;
    for (const part of ["", ...path.split("/").filter((one) => one !== "")]) {
      if (part !== "") folder += `/${part}`;
      if (this.#paths.includes(folder)) continue;
      Deno.mkdirSync(folder);
      this.#paths.push(folder);
    }
    return folder;
  }

  /** Runs a command in a cgroup, in pid and mount namespaces of its own, as containers have them. */
  run(folder: string, command: string): void {
    const inside = `echo $$ > ${folder}/cgroup.procs; exec unshare -p -m -f sh -c '${command}'`;
    const { code, stderr } = output("sh", ["-c", inside]);
    assertEquals(code, 0, stderr);
  }

  [Symbol.dispose](): void {
    for (const path of this.#paths.toReversed()) {
      for (let i = 0;; i++) {
        try {
          Deno.removeSync(path);
          break;
        } catch (error) {
          // A process that has just ended may still be in it.
          if (i === 100) throw error;
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
        }
      }
    }
  }
}

kernelTest(
  "--container, --unit and --cgroup restrict a script in the kernel",
  ["root", "unshare"],
  async () => {
    using cgroups = new Cgroups();
    const container = cgroups.make(`kubepods.slice/${POD_SLICE}/cri-containerd-${ID}.scope`);
    const unit = cgroups.make("system.slice/dt-everyday.service");
    const script = `syscall:openat:entry /str(args.filename) == "/etc/hostname"/ {
    @[container, pod, comm] = count(); @from[cgroup_path(cgroup, "unified")] = count();
  }`;
    const choices: readonly (readonly [args: string[], inside: string])[] = [
      [["--container", ID.slice(0, 12)], container],
      [["--container", ID], container],
      [["--unit", "dt-everyday"], unit],
      [["--cgroup", cgroups.root], unit],
      [["--cgroup", `/dt-test-${Deno.pid}/kubepods.slice`], container],
    ];
    for (const [args, inside] of choices) {
      await using tracer = new RunningBtrace([...args, "-e", script]);
      await tracer.attached();
      cgroups.run(inside, "cat /etc/hostname >/dev/null; cat /etc/hostname >/dev/null");
      output("cat", ["/etc/hostname"]);
      const { code, stdout, stderr } = await tracer.stop();
      assertEquals(code, 0, stderr);
      const lines = stdout.trim().split("\n").filter((line) => line.startsWith("@["));
      const owner = inside === container ? `${ID.slice(0, 12)}, ${POD}` : ", ";
      assertEquals([args[0], ...lines], [args[0], `@[${owner}, cat]: 2`]);
      assert(stdout.includes(`@from[unified:${inside.slice(runtimeFolders().cgroups.length)}]: 2`));
    }
  },
);

kernelTest("a tool is restricted to a container, and shows its paths and pids", [
  "root",
  "unshare",
  "tracefs",
], async () => {
  using cgroups = new Cgroups();
  const folder = cgroups.make(`docker-${ID}.scope`);
  await using tracer = new RunningBtrace(["opensnoop", "--container", ID.slice(0, 12)]);
  await tracer.attached();
  cgroups.run(folder, "mount -t tmpfs none /mnt; echo x > /mnt/inside; cat /mnt/inside >/dev/null");
  output("cat", ["/etc/hostname"]);
  const { stdout } = await tracer.stop();
  const [, pid] = /^(\d+) +cat +3 +0 \/mnt\/inside$/m.exec(stdout) ?? [];
  // Of the namespace of the tracer, not number 2 or 3 of the container's.
  assert(Number(pid) > 100, stdout);
  assert(!/^\d+ +cat +\d+ +0 \/etc\/hostname$/m.test(stdout));
});

kernelTest("sessions of the library filter by a cgroup", ["root"], () => {
  using cgroups = new Cgroups();
  const inside = cgroups.make("inside");
  const device = openDevice({ providers: [syscall()] });
  using session = device.open({ plane: "kernel" });
  session.enable("syscall:getppid:entry", { filter: { inCgroup: inside } });
  session.start();
  cgroups.run(inside, "sh -c true");
  output("sh", ["-c", "true"]);
  session.stop();
  const { recorded, filtered } = session.stats();
  assert(recorded > 0n && filtered > 0n, `${recorded} recorded, ${filtered} filtered`);
  using other = device.open({ plane: "kernel" });
  assertEquals(
    codeOf(() => other.enable("syscall:getppid:entry", { filter: { inCgroup: "" } })),
    "EINVAL",
  );
  using missing = device.open({ plane: "kernel" });
  missing.enable("syscall:getppid:entry", { filter: { inCgroup: `${inside}/nothing` } });
  assertEquals(codeOf(() => missing.start()), "ENOENT");
});

Deno.test("containers are found by the names that runtimes keep", () => {
  const folder = Deno.makeTempDirSync();
  const other = ID.replaceAll("4", "5");
  const third = ID.replaceAll("4", "6");
  const folders: RuntimeFolders = {
    cgroups: `${folder}/cgroups`,
    docker: `${folder}/docker`,
    podman: [`${folder}/containers.json`],
    containerd: `${folder}/containerd`,
  };
  const docker = `${folders.cgroups}/system.slice/docker-${ID}.scope`;
  const podman = `${folders.cgroups}/machine.slice/libpod-${other}.scope`;
  const kube = `${folders.cgroups}/kubepods/pod${POD}/${third}`;
  for (const path of [`${docker}/init`, `${podman}/container`, kube, `${folders.docker}/${ID}`]) {
    Deno.mkdirSync(path, { recursive: true });
  }
  Deno.writeTextFileSync(
    `${folders.docker}/${ID}/config.v2.json`,
    JSON.stringify({ Name: "/web" }),
  );
  Deno.writeTextFileSync(
    folders.podman[0],
    JSON.stringify([{ id: other, names: ["db"] }, 5, null].slice(0, 1)),
  );
  const task = `${folders.containerd}/k8s.io/${third}`;
  Deno.mkdirSync(task, { recursive: true });
  Deno.writeTextFileSync(
    `${task}/config.json`,
    JSON.stringify({ annotations: { "io.kubernetes.cri.container-name": "app" } }),
  );
  const find = (container: string) => findCgroup({ container }, folders);
  assertEquals([find("web"), find(ID.slice(0, 8)), find(ID)], [docker, docker, docker]);
  assertEquals([find("db"), find("app"), find(third.slice(0, 12))], [podman, kube, kube]);
  const refusals: Readonly<Record<string, RegExp>> = {
    nothing: /no container nothing runs here/,
    // Too short for an id.
    [ID.slice(0, 3)]: /no container \w+ runs here/,
  };
  for (const [name, message] of Object.entries(refusals)) {
    try {
      find(name);
      assert(false, name);
    } catch (error) {
      assertMatch((error as Error).message, message);
    }
  }
  // What others have left there is no JSON.
  Deno.writeTextFileSync(folders.podman[0], "{");
  assertEquals(find("web"), docker);
  Deno.removeSync(folder, { recursive: true });
});

kernelTest("a cgroup, unit or container that is not there is refused in one line", ["root"], () => {
  const errors: Readonly<Record<string, RegExp>> = {
    "--container nothing":
      /^ERROR: no container nothing runs here: a name, or an id from 4 digits on\n$/,
    "--unit nothing": /^ERROR: no unit nothing\.service runs here\n$/,
    "--cgroup /nothing": /^ERROR: no cgroup \/nothing: \S+\/nothing is none\n$/,
    "--cgroup / --unit x":
      /^ERROR: --cgroup, --unit or --container: one of them: see btrace --help\n$/,
    "--cgroup / -p 1": /^ERROR: --cgroup and -p: one of them: see btrace --help\n$/,
    "--unit x --plane user": /^ERROR: --unit needs the kernel plane: see btrace --help\n$/,
  };
  for (const [args, message] of Object.entries(errors)) {
    const { code, stderr } = btrace([...args.split(" "), "-e", "interval:s:1 { exit(); }"]);
    assertEquals([args, code], [args, 1]);
    assertMatch(stderr, message);
  }
});
