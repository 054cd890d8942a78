// Helpers of the tests: running programs and tools, the needs of a test, and the check that a test
// leaves nothing behind.

import { completed } from "./command.ts";
import { processes, variableOf } from "./marked_processes.ts";
import { assertEquals } from "./std_assert.ts";
import { kernelPlaneRefusal } from "../core/bpf/mod.ts";
import { openDescriptors } from "../core/sys/fd.ts";
import { canLimitMemory } from "./memory_group.ts";
import { findOracle } from "./oracle/oracle.ts";

/** Path of this repository, with a slash at its end. */
export const ROOT = new URL("..", import.meta.url).pathname;

const text = new TextDecoder();

/** True if a program is on the PATH. */
export function hasProgram(name: string): boolean {
  try {
    return new Deno.Command("sh", { args: ["-c", `command -v ${name}`], stdout: "null" })
      .outputSync().success;
  } catch {
    return false;
  }
}

/** Runs a program to its end, with nothing on its stdin; returns its status and its output. */
export function output(
  command: string,
  args: readonly string[],
  options: Deno.CommandOptions = {},
): { code: number; stdout: string; stderr: string } {
  const { code, stdout, stderr } = completed(command, args, options);
  return { code, stdout: text.decode(stdout), stderr: text.decode(stderr) };
}

/** Makes the command line that starts a tool of this checkout. */
export function toolCommand(tool: string, args: readonly string[]): string[] {
  return [Deno.execPath(), "run", "-A", "--no-check", `${ROOT}tools/${tool}.ts`, ...args];
}

/** Runs a tool of this checkout to its end. */
export function tool(name: string, args: readonly string[], options: Deno.CommandOptions = {}) {
  const [command, ...rest] = toolCommand(name, args);
  return output(command, rest, options);
}

/** Makes the command line that starts btrace of this checkout. */
export function btraceCommand(args: readonly string[]): string[] {
  return toolCommand("btrace", args);
}

/** Runs btrace to its end; returns its status and its output. */
export function btrace(args: readonly string[], options: Deno.CommandOptions = {}) {
  const [command, ...rest] = btraceCommand(args);
  return output(command, rest, options);
}

/** A btrace in the background that runs until it is told to stop. */
export class RunningBtrace implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<string>;
  #stderr = "";
  #attached: Promise<void>;
  #ended = false;

  /**
   * Starts btrace.
   *
   * @param args Arguments of btrace.
   * @param prefix Command line that btrace's is appended to, e.g. a program that changes the user.
   */
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

  /** Process id of btrace. */
  get pid(): number {
    return this.#child.pid;
  }

  /** Text that btrace has written to stderr so far. */
  get stderr(): string {
    return this.#stderr;
  }

  /** Resolves when btrace says that its probes are attached; rejects if btrace ends before. */
  attached(): Promise<void> {
    return this.#attached;
  }

  /** Sends a signal and waits for the end; returns the status and all output. */
  async stop(
    signal: Deno.Signal = "SIGINT",
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    try {
      if (!this.#ended) this.#child.kill(signal);
    } catch (error) {
      // btrace may have ended by itself.
      if (!(error instanceof TypeError || error instanceof Deno.errors.NotFound)) throw error;
    }
    return await this.result();
  }

  /** Waits for the end without a signal; returns the status and all output. */
  async result(): Promise<{ code: number; stdout: string; stderr: string }> {
    const [{ code }, stdout] = await Promise.all([this.#child.status, this.#output]);
    this.#ended = true;
    return { code, stdout, stderr: this.#stderr };
  }

  /** Kills btrace if it still runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#ended) await this.stop("SIGKILL");
  }
}

/** Waits until something holds; a slow machine may take its time. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  for (const end = performance.now() + 60_000; performance.now() < end;) {
    if (condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`never happened: ${what}`);
}

/** True if a process has a file open whose name, as /proc tells it, matches. */
export function hasOpen(pid: number, name: RegExp): boolean {
  try {
    return [...Deno.readDirSync(`/proc/${pid}/fd`)].some((fd) =>
      name.test(Deno.readLinkSync(`/proc/${pid}/fd/${fd.name}`))
    );
  } catch {
    return false;
  }
}

/**
 * Name of a variable that marks the processes of this test run: whatever they start inherits it.
 */
const RUN_MARK = "DT_TEST_RUN";
if (!Deno.env.has(RUN_MARK)) Deno.env.set(RUN_MARK, crypto.randomUUID());

/**
 * Lists the programs, maps and links in the kernel, as "kind id name", except those that processes
 * outside this test run hold.
 */
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

/** The facts that bpftool prints about a program, a map or a link. */
interface KernelObject {
  readonly id: number;
  readonly name?: string;
  /** For a program: ids of the maps that its code refers to. */
  readonly map_ids?: readonly number[];
}

/** Lines of /proc/PID/fdinfo that name an object, and bpftool's word for its kind. */
const FDINFO_KINDS: readonly (readonly [RegExp, string])[] = [
  [/^prog_id:\t(\d+)$/m, "prog"],
  [/^map_id:\t(\d+)$/m, "map"],
  [/^link_id:\t(\d+)$/m, "link"],
];

/** Lists the objects, as "kind id", that processes outside this test run have open. */
function heldByOthers(): Set<string> {
  const held = new Set<string>();
  const mark = Deno.env.get(RUN_MARK);
  for (const pid of processes()) {
    if (pid === Deno.pid || variableOf(pid, RUN_MARK) === mark) continue;
    try {
      for (const { name: fd } of Deno.readDirSync(`/proc/${pid}/fd`)) {
        if (!/bpf/.test(Deno.readLinkSync(`/proc/${pid}/fd/${fd}`))) continue;
        const info = Deno.readTextFileSync(`/proc/${pid}/fdinfo/${fd}`);
        for (const [pattern, kind] of FDINFO_KINDS) {
          const id = pattern.exec(info)?.[1];
          if (id !== undefined) held.add(`${kind} ${id}`);
        }
      }
    } catch {
      // The process ended meanwhile.
    }
  }
  return held;
}

/**
 * Fails if the kernel has an object that it did not have before. Waits up to ten seconds for the
 * kernel to free objects.
 */
export async function assertNothingLeft(before: ReadonlySet<string>): Promise<void> {
  let left: string[] = [];
  // The kernel frees objects in the background, and takes its time for hundreds of programs.
  for (let i = 0; i < 200; i++) {
    left = [...kernelObjects()].filter((one) => !before.has(one));
    // bpftool can make the kernel keep an array of programs for ever, by looking at the array while
    // the kernel clears it: prog_array_map_clear() takes a reference for work that is scheduled
    // already (Linux 6.18). No descriptor and no program holds such a map, so it does not count as
    // left behind.
    if (i >= 20) left = left.filter((one) => !isOrphan(one));
    if (left.length === 0) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assertEquals(left, [], "left in the kernel");
}

/** True for a map that no process has open and that no program uses. */
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

/** A thing that a test needs beside Deno: a permission, a file system, or a program by its name. */
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
  | "memory cgroup"
  | "xz"
  | "node"
  | "bash"
  | "zsh"
  | "fish"
  | "perf"
  | "script"
  | "chromium"
  | "sdt.h"
  | "strace"
  | "forkstat"
  | "prometheus"
  | "tmux"
  | "openssl"
  | "qemu-system-x86_64"
  | "qemu-system-aarch64"
  | "apt-get"
  | "npm"
  | "readelf"
  | "busybox"
  | "cpio"
  | "zstd"
  | "nats-server";

const EVENTS = "/sys/kernel/tracing/events";

/** Says what is missing of a need; undefined if nothing is. */
function missing(need: Need): string | undefined {
  switch (need) {
    case "bpf":
      return kernelPlaneRefusal() && "the kernel plane";
    case "root":
      return Deno.uid() === 0 ? undefined : "root";
    case "hotplug":
      return exists("/sys/devices/system/cpu/cpu1/online") ? undefined : "a second CPU that can go";
    case "memory cgroup":
      return canLimitMemory() ? undefined : "a cgroup that limits memory";
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

/** Options of a test, beside its name, its needs and its body. */
export interface TestOptions {
  /** Time limit of the test in milliseconds, if the general limit is too short. */
  readonly timeout?: number;
}

/**
 * Registers a test of the running kernel. The test is skipped, with the reason in its name, where
 * something is missing. The test fails if it leaves a descriptor open or an object in the kernel.
 */
export function kernelTest(
  name: string,
  needs: readonly Need[],
  fn: () => void | Promise<void>,
  options?: TestOptions,
): void {
  testWith(name, ["bpf", "bpftool", ...needs], async () => {
    const before = kernelObjects();
    await fn();
    await assertNoDescriptors();
    await assertNothingLeft(before);
  }, options);
}

/**
 * Fails if this process has descriptors of core open. Waits a second, since a poller closes its
 * descriptors only after its wait has returned.
 */
async function assertNoDescriptors(): Promise<void> {
  for (let i = 0; openDescriptors().length > 0 && i < 200; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assertEquals(openDescriptors(), [], "leaked descriptors");
}

/**
 * Registers a test that is skipped, with the reason in its name, where one of its needs is missing.
 */
export function testWith(
  name: string,
  needs: readonly Need[],
  fn: () => void | Promise<void>,
  options?: TestOptions,
): void {
  const lacks = needs.map(missing).filter((one) => one !== undefined);
  const suffix = lacks.length === 0 ? "" : ` [skipped: needs ${lacks.join(", ")}]`;
  Deno.test({ ...options, name: name + suffix, ignore: lacks.length > 0, fn });
}

/** Returns the `code` of the error that a function throws; fails if it throws none. */
export function codeOf(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    return (error as { code: string }).code;
  }
  throw new Error("expected an error");
}

/** Returns the `code` of the error that a promise rejects with; fails if it rejects with none. */
export async function codeOfAsync(fn: () => Promise<unknown>): Promise<string> {
  try {
    await fn();
  } catch (error) {
    return (error as { code: string }).code;
  }
  throw new Error("expected an error");
}

/**
 * Compiles a C program of tests/testdata, once per test file and set of flags; returns its path.
 */
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

/** Programs that were built, by name and flags. */
const programs = new Map<string, string>();

/** Makes a folder that any user may read; it is removed when the tests of the file are over. */
function sharedFolder(): string {
  const folder = Deno.makeTempDirSync();
  Deno.chmodSync(folder, 0o755);
  globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
  return folder;
}

/** npm packages that the tools and the tests import. */
const PACKAGES = ["deno-std"];

/** Copies these packages to a new DENO_DIR, for places from which they cannot be fetched. */
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

/**
 * Folder with a copy of Deno and of this checkout that any user may read, and a cache that any user
 * may write; made on first use.
 */
let publicFolder: string | undefined;

/**
 * Makes the command line that starts a tool as an ordinary user (uid 65534).
 *
 * @param args Arguments of the tool.
 * @param capabilities Capabilities that the user has, e.g. "CAP_BPF"; default none.
 * @param tool Name of the tool.
 */
export function nobodyCommand(
  args: readonly string[],
  capabilities: readonly string[] = [],
  tool = "btrace",
): string[] {
  if (publicFolder === undefined) {
    publicFolder = sharedFolder();
    const copied = [
      Deno.execPath(),
      ...["core", "language", "providers", "testing", "tools", "deno.json"].map((name) =>
        ROOT + name
      ),
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

/** Runs a tool as an ordinary user with these capabilities only. */
export function asNobody(
  args: readonly string[],
  capabilities: readonly string[] = [],
  tool?: string,
) {
  const [command, ...rest] = nobodyCommand(args, capabilities, tool);
  return output(command, rest, { cwd: "/" });
}

/** Runs btrace as an ordinary user with these capabilities only. */
export function btraceAsNobody(args: readonly string[], capabilities: readonly string[] = []) {
  return asNobody(args, capabilities);
}

/** Builds a program that makes exactly N getppid calls and prints the nanoseconds per call. */
export function buildCaller(): string {
  return buildProgram("caller", "-O2");
}

// A test that leaks a descriptor fails the run of its file.
Deno.test.afterAll(() => assertNoDescriptors());
