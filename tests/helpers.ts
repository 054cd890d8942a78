// What kernel tests share: running btrace, what they need, and that nothing is left behind.

import { assertEquals } from "./std_assert.ts";
import { missingCapabilities } from "../core/bpf/mod.ts";
import { openDescriptors } from "../core/sys/fd.ts";
import { findOracle } from "./oracle/oracle.ts";

/** The repository. */
export const ROOT = new URL("..", import.meta.url).pathname;

const text = new TextDecoder();

/** True if the program is on the PATH. */
export function hasProgram(name: string): boolean {
  try {
    return new Deno.Command("sh", { args: ["-c", `command -v ${name}`], stdout: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}

/** Runs a program to its end. */
export function output(
  command: string,
  args: readonly string[],
  options: Deno.CommandOptions = {},
): { code: number; stdout: string; stderr: string } {
  const { code, stdout, stderr } = new Deno.Command(command, {
    ...options,
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).outputSync();
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

/** The command line that starts a tool of this checkout. */
export function toolCommand(tool: string, args: readonly string[]): string[] {
  return [Deno.execPath(), "run", "-A", "--no-check", `${ROOT}tools/${tool}.ts`, ...args];
}

/** Runs a tool to its end. */
export function tool(name: string, args: readonly string[], options: Deno.CommandOptions = {}) {
  const [command, ...rest] = toolCommand(name, args);
  return output(command, rest, options);
}

/** The command line that starts btrace in this checkout. */
export function btraceCommand(args: readonly string[]): string[] {
  return toolCommand("btrace", args);
}

/** Runs btrace to its end. */
export function btrace(args: readonly string[], options: Deno.CommandOptions = {}) {
  const [command, ...rest] = btraceCommand(args);
  return output(command, rest, options);
}

/** A btrace that runs until it is told to stop. */
export class RunningBtrace implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<string>;
  #stderr = "";
  #attached: Promise<void>;
  #ended = false;

  constructor(args: readonly string[], prefix: readonly string[] = []) {
    const [command, ...rest] = [...prefix, ...btraceCommand(args)];
    this.#child = new Deno.Command(command, {
      args: rest,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#output = new Response(this.#child.stdout).text();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#attached = promise;
    promise.catch(() => {});
    const { stderr } = this.#child;
    (async () => {
      for await (const chunk of stderr) {
        this.#stderr += text.decode(chunk);
        if (/Attached \d+ probe/.test(this.#stderr)) resolve();
      }
      reject(new Error(`btrace did not attach: ${this.#stderr}`));
    })();
  }

  /** Process id. */
  get pid(): number {
    return this.#child.pid;
  }

  /** What it has said on stderr. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Settles when its probes fire. */
  attached(): Promise<void> {
    return this.#attached;
  }

  /** Sends a signal and waits for the end. */
  async stop(
    signal: Deno.Signal = "SIGINT",
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    try {
      if (!this.#ended) this.#child.kill(signal);
    } catch (error) {
      // It may have ended by itself.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
    return await this.result();
  }

  /** Waits for the end. */
  async result(): Promise<{ code: number; stdout: string; stderr: string }> {
    const [{ code }, stdout] = await Promise.all([this.#child.status, this.#output]);
    this.#ended = true;
    return { code, stdout, stderr: this.#stderr };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) await this.stop("SIGKILL");
  }
}

/** Marks this run's processes: whatever they start inherits the word in its environment. */
const RUN_MARK = "DT_TEST_RUN";
if (!Deno.env.has(RUN_MARK)) Deno.env.set(RUN_MARK, crypto.randomUUID());

/** Ids of the programs, maps and links in the kernel that no other run and no other tracer holds. */
export function kernelObjects(): Set<string> {
  const objects = new Set<string>();
  const others = heldByOthers();
  for (const kind of ["prog", "map", "link"] as const) {
    const { stdout } = output("bpftool", ["-j", kind, "show"]);
    for (const one of JSON.parse(stdout || "[]") as KernelObject[]) {
      const key = `${kind} ${one.id}`;
      if (kind === "prog" && others.has(key)) {
        for (const map of one.map_ids ?? []) others.add(`map ${map}`);
      }
      if (!others.has(key)) objects.add(`${key} ${one.name ?? ""}`);
    }
  }
  return objects;
}

/** What bpftool tells of a program, a map or a link. */
interface KernelObject {
  readonly id: number;
  readonly name?: string;
  /** Of a program: the maps that its code refers to. */
  readonly map_ids?: readonly number[];
}

/** Names of objects in /proc/PID/fdinfo, and what bpftool calls their kinds. */
const FDINFO_KINDS: readonly (readonly [RegExp, string])[] = [
  [/^prog_id:\t(\d+)$/m, "prog"],
  [/^map_id:\t(\d+)$/m, "map"],
  [/^link_id:\t(\d+)$/m, "link"],
];

/** The objects, as "kind id", that processes outside this test run have open. */
function heldByOthers(): Set<string> {
  const held = new Set<string>();
  const mark = `${RUN_MARK}=${Deno.env.get(RUN_MARK)}`;
  for (const { name: pid } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(pid) || pid === `${Deno.pid}`) continue;
    try {
      if (Deno.readTextFileSync(`/proc/${pid}/environ`).split("\0").includes(mark)) continue;
      for (const { name: fd } of Deno.readDirSync(`/proc/${pid}/fd`)) {
        if (!/bpf/.test(Deno.readLinkSync(`/proc/${pid}/fd/${fd}`))) continue;
        const info = Deno.readTextFileSync(`/proc/${pid}/fdinfo/${fd}`);
        for (const [pattern, kind] of FDINFO_KINDS) {
          const id = pattern.exec(info)?.[1];
          if (id !== undefined) held.add(`${kind} ${id}`);
        }
      }
    } catch {
      // The process has ended meanwhile.
    }
  }
  return held;
}

/** Fails if something is in the kernel that was not there before; freeing takes a moment. */
export async function assertNothingLeft(before: ReadonlySet<string>): Promise<void> {
  let left: string[] = [];
  // The kernel frees in the background, hundreds of programs not in a moment.
  for (let i = 0; i < 200; i++) {
    left = [...kernelObjects()].filter((one) => !before.has(one));
    // bpftool, looking at an array of programs while the kernel clears it, makes the kernel keep it for
    // ever: prog_array_map_clear() takes a reference for work that is scheduled already (Linux 6.18). Such
    // a map no descriptor and no program holds; it is not ours any more.
    if (i >= 20) left = left.filter((one) => !isOrphan(one));
    if (left.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assertEquals(left, [], "left in the kernel");
}

/** True for a map that no process has open and no program uses. */
function isOrphan(object: string): boolean {
  const [kind, id] = object.split(" ");
  if (kind !== "map") return false;
  const programs = JSON.parse(output("bpftool", ["-j", "prog", "show"]).stdout || "[]") as {
    map_ids?: number[];
  }[];
  if (programs.some(({ map_ids }) => map_ids?.includes(Number(id)))) return false;
  const { code } = output("sh", ["-c", `grep -qsx 'map_id:\t${id}' /proc/[0-9]*/fdinfo/*`]);
  return code !== 0;
}

/** What a test needs beside Deno. */
export type Need =
  | "bpf"
  | "root"
  | "tracefs"
  | "bpftool"
  | "oracle"
  | "gcc"
  | "setpriv"
  | "unshare"
  | "hotplug"
  | "xz"
  | "node"
  | "perf"
  | "script"
  | "chromium"
  | "sdt.h"
  | "strace"
  | "forkstat"
  | "qemu-system-x86_64"
  | "busybox"
  | "cpio"
  | "zstd";

const EVENTS = "/sys/kernel/tracing/events";

function missing(need: Need): string | undefined {
  switch (need) {
    case "bpf":
      return missingCapabilities().join(" and ") || undefined;
    case "root":
      return Deno.uid() === 0 ? undefined : "root";
    case "hotplug":
      return exists("/sys/devices/system/cpu/cpu1/online") ? undefined : "a second CPU that can go";
    case "oracle":
      return findOracle() === undefined ? "tests/oracle/oracle.ts to fetch it" : undefined;
    case "sdt.h": {
      const folders = ["/usr/include", `/usr/include/${Deno.build.arch}-linux-gnu`];
      return folders.some((one) => exists(`${one}/sys/sdt.h`)) ? undefined : "sys/sdt.h";
    }
    case "tracefs":
      try {
        if (Deno.uid() === 0 && !isReadable(EVENTS)) {
          output("mount", ["-t", "tracefs", "tracefs", "/sys/kernel/tracing"]);
        }
        return isReadable(EVENTS) ? undefined : "tracefs at /sys/kernel/tracing";
      } catch {
        return "tracefs at /sys/kernel/tracing";
      }
    default:
      return hasProgram(need) ? undefined : need;
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function isReadable(path: string): boolean {
  try {
    Deno.readDirSync(path)[Symbol.iterator]().next();
    return true;
  } catch {
    return false;
  }
}

/**
 * A test of the running kernel: skipped, saying why, where something is missing; fails if it leaves a
 * descriptor or anything in the kernel behind.
 */
export function kernelTest(
  name: string,
  needs: readonly Need[],
  fn: () => void | Promise<void>,
): void {
  const all: Need[] = ["bpf", "bpftool", ...needs];
  const lacks = all.map(missing).filter((one) => one !== undefined);
  const suffix = lacks.length === 0 ? "" : ` [skipped: needs ${lacks.join(", ")}]`;
  Deno.test({
    name: name + suffix,
    ignore: lacks.length > 0,
    async fn() {
      const before = kernelObjects();
      await fn();
      await assertNoDescriptors();
      await assertNothingLeft(before);
    },
  });
}

/** What is being waited for closes when the wait has returned. */
async function assertNoDescriptors(): Promise<void> {
  for (let i = 0; openDescriptors().length > 0 && i < 200; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assertEquals(openDescriptors(), [], "leaked descriptors");
}

/** A test that only needs what is named. */
export function testWith(
  name: string,
  needs: readonly Need[],
  fn: () => void | Promise<void>,
): void {
  const lacks = needs.map(missing).filter((one) => one !== undefined);
  const suffix = lacks.length === 0 ? "" : ` [skipped: needs ${lacks.join(", ")}]`;
  Deno.test({ name: name + suffix, ignore: lacks.length > 0, fn });
}

/** The DtError code that a function fails with. */
export function codeOf(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    return (error as { code: string }).code;
  }
  throw new Error("expected an error");
}

/** The same for a promise. */
export async function codeOfAsync(fn: () => Promise<unknown>): Promise<string> {
  try {
    await fn();
  } catch (error) {
    return (error as { code: string }).code;
  }
  throw new Error("expected an error");
}

/** Compiles a program of testdata/; the same one is built once per run. */
export function buildProgram(name: string, ...flags: readonly string[]): string {
  const key = [name, ...flags].join(" ");
  let program = programs.get(key);
  if (program === undefined) {
    const folder = sharedFolder();
    programs.set(key, program = `${folder}/${name}`);
    const args = ["-O1", "-fno-omit-frame-pointer", ...flags, "-o", program];
    const { code, stderr } = output("gcc", [...args, `${ROOT}tests/testdata/${name}.c`]);
    assertEquals(code, 0, stderr);
  }
  return program;
}

const programs = new Map<string, string>();

/** A folder that any user may read, removed when the file's tests are over. */
function sharedFolder(): string {
  const folder = Deno.makeTempDirSync();
  Deno.chmodSync(folder, 0o755);
  globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  return folder;
}

/** Packages of npm that the tools and the tests import. */
const PACKAGES = ["deno-std"];

/** Makes a DENO_DIR that has these packages, for where they cannot be fetched. */
export function copyPackages(to: string): void {
  const { npmCache } = JSON.parse(output(Deno.execPath(), ["info", "--json"]).stdout);
  const folder = "registry.npmjs.org";
  Deno.mkdirSync(`${to}/npm/${folder}`, { recursive: true });
  for (const name of PACKAGES) {
    const { code, stderr } = output("cp", [
      "-r",
      `${npmCache}/${folder}/${name}`,
      `${to}/npm/${folder}/`,
    ]);
    assertEquals(code, 0, stderr);
  }
}

/** A copy of Deno and of this checkout that any user may read, and a cache that any may write. */
let publicFolder: string | undefined;

/** The command line that starts a tool as an ordinary user: uid 65534, these capabilities alone. */
export function nobodyCommand(
  args: readonly string[],
  capabilities: readonly string[] = [],
  tool = "btrace",
): string[] {
  if (publicFolder === undefined) {
    publicFolder = sharedFolder();
    const copied = [
      Deno.execPath(),
      ...["core", "language", "providers", "tools", "deno.json"].map((name) => ROOT + name),
    ];
    assertEquals(output("cp", ["-rL", ...copied, publicFolder]).code, 0);
    copyPackages(`${publicFolder}/cache`);
    output("chmod", ["-R", "a+rX", publicFolder]);
    output("chmod", ["-R", "a+w", `${publicFolder}/cache`]);
  }
  const kept = ["-all", ...capabilities.map((one) => `+${one.slice(4).toLowerCase()}`)].join();
  const [deno] = Deno.execPath().split("/").slice(-1);
  return [
    ...["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"],
    ...["--bounding-set", "--inh-caps", "--ambient-caps"].flatMap((one) => [one, kept]),
    ...["env", `DENO_DIR=${publicFolder}/cache`, `HOME=${publicFolder}/cache`],
    ...[`${publicFolder}/${deno}`, "run", "-A", "--no-check", `${publicFolder}/tools/${tool}.ts`],
    ...args,
  ];
}

/** Runs a tool as an ordinary user with these capabilities. */
export function asNobody(
  args: readonly string[],
  capabilities: readonly string[] = [],
  tool?: string,
) {
  const [command, ...rest] = nobodyCommand(args, capabilities, tool);
  return output(command, rest, { cwd: "/" });
}

/** Runs btrace as an ordinary user with these capabilities. */
export function btraceAsNobody(args: readonly string[], capabilities: readonly string[] = []) {
  return asNobody(args, capabilities);
}

/** A program that makes exactly N getppid calls and prints ns per call. */
export function buildCaller(): string {
  return buildProgram("caller", "-O2");
}

// A descriptor that any test of a file leaks fails that file's run.
Deno.test.afterAll(() => assertNoDescriptors());
