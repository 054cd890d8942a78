// Names of the running system: symbols, users, cgroups, clocks. Each is read when it is first wanted.

import { ERROR_TEXTS } from "./generated/error_texts.ts";
import { bootTimeNs, monotonicTimeNs, taiTimeNs, wallTimeNs } from "../../core/sys/clock.ts";
import { kernelSymbols } from "../../core/symbols/kallsyms.ts";
import type { Symbolizer } from "../../core/symbols/mod.ts";
import { syscalls } from "../../core/sources/syscalls/table.ts";
import { signalByName } from "../../core/signal_names.ts";
import { OWNER_PARTS } from "../model/builtins.ts";
import type { Owner } from "./containers.ts";
import type { Names } from "./names.ts";
import { strftime } from "./strftime.ts";

/** Names that only the script knows. */
export type ScriptNames = Pick<Names, "trailer" | "probe" | "text" | "frames"> & {
  /** True if the script itself tells tseries() the time: it is since 1970. */
  readonly tellsTime?: boolean;
  /** Tells container and pod of a cgroup's path; for scripts that ask for them. */
  readonly ownerOf?: (path: string) => Owner;
};

/** What strsignal(3) says of signals, by number from 1. */
const SIGNAL_TEXTS = [
  ...["Hangup", "Interrupt", "Quit", "Illegal instruction", "Trace/breakpoint trap", "Aborted"],
  ...["Bus error", "Floating point exception", "Killed", "User defined signal 1"],
  ...["Segmentation fault", "User defined signal 2", "Broken pipe", "Alarm clock", "Terminated"],
  ...["Stack fault", "Child exited", "Continued", "Stopped (signal)", "Stopped"],
  ...["Stopped (tty input)", "Stopped (tty output)", "Urgent I/O condition"],
  ...["CPU time limit exceeded", "File size limit exceeded", "Virtual timer expired"],
  ...["Profiling timer expired", "Window changed", "I/O possible", "Power failure"],
  "Bad system call",
];

/** Names of numbers that all systems have alike, by what strerror(), signal_name() and syscall_name() print. */
const CODE_NAMES = {
  strerror(number: number): string {
    if (number === 0) return "Success";
    return ERROR_TEXTS[Math.abs(number)] ?? "Unknown error";
  },
  signal(number: number): string {
    if (number < 0 || number > 64) return "N/A";
    const text = SIGNAL_TEXTS[number - 1];
    if (text !== undefined) return text;
    return number >= 34 ? `Real-time signal ${number - 34}` : `Unknown signal ${number}`;
  },
  syscall(number: number): string {
    for (const call of syscalls().values()) if (call.number === number) return call.name;
    return "Unknown syscall";
  },
};

/** The name of a number. */
export function codeName(of: keyof typeof CODE_NAMES, code: bigint): string {
  return CODE_NAMES[of](Number(BigInt.asIntN(32, code)));
}

/** Numbers of these kinds are smaller, in either direction. */
const CODE_LIMIT = 4096;

/** Numbers that have a name. */
export function codesNamed(of: keyof typeof CODE_NAMES, name: string): bigint[] {
  const found: bigint[] = [];
  if (name === CODE_NAMES[of](CODE_LIMIT)) return found;
  for (let code = 1 - CODE_LIMIT; code < CODE_LIMIT; code++) {
    if (CODE_NAMES[of](code) === name) found.push(BigInt(code));
  }
  return found;
}

/** Number of a signal by its name without SIG. */
export function signalNumber(name: string): number | undefined {
  return signalByName(`SIG${name}`);
}

/**
 * Names by the running system.
 *
 * @param symbolizer For addresses of processes, if any are printed.
 */
export function systemNames(script: ScriptNames, symbolizer?: Symbolizer): Names {
  const users = new Map<number, string>();
  let usersRead = false;
  const cgroups = new Map<string, string>();
  const offsets = clockOffsets();
  return {
    ...script,
    kernelSymbol(address, offset) {
      const found = kernelSymbols().resolve(address);
      if (found === undefined) return undefined;
      return offset ? `${found.name}+${found.offset}` : found.name;
    },
    userSymbol(address, pid, offset) {
      const frame = symbolizer?.user(pid, address);
      if (frame?.name === undefined) return undefined;
      return offset ? `${frame.name}+${frame.offset}` : frame.name;
    },
    userModule(address, pid) {
      const frame = symbolizer?.user(pid, address);
      if (frame?.module === undefined) return undefined;
      return { file: frame.module, offset: BigInt(frame.moduleOffset) };
    },
    buildId: (address, pid) => symbolizer?.buildId(pid, address),
    user(uid) {
      if (!usersRead) readUsers(users);
      usersRead = true;
      return users.get(uid) ?? "";
    },
    cgroup(id, filter) {
      const key = `${id} ${filter}`;
      let text = cgroups.get(key);
      if (text === undefined) cgroups.set(key, text = cgroupText(id, filter, script.ownerOf));
      return text;
    },
    time(ns, clock, format) {
      const clocks = [offsets.boot, offsets.monotonic, offsets.tai, offsets.tai];
      return strftime(format, ns + clocks[clock]());
    },
    wallTime: (bootNs) => bootNs + offsets.boot(),
    seriesTime: (ns) => script.tellsTime ? ns : ns + offsets.boot(),
    error: CODE_NAMES.strerror,
    signal: CODE_NAMES.signal,
    syscall: CODE_NAMES.syscall,
  };
}

/** Difference between the time of day and a clock, in ns. */
function clockOffsets() {
  const offset = (clock: () => bigint) => {
    let known: bigint | undefined;
    return () => known ??= wallTimeNs() - clock();
  };
  return {
    boot: offset(bootTimeNs),
    monotonic: offset(monotonicTimeNs),
    tai: offset(taiTimeNs),
  };
}

function readUsers(users: Map<number, string>): void {
  try {
    for (const line of Deno.readTextFileSync("/etc/passwd").split("\n")) {
      const [name, , uid] = line.split(":");
      if (uid !== undefined && !users.has(Number(uid))) users.set(Number(uid), name);
    }
  } catch {
    // No such file: nobody has a name.
  }
}

/** Where cgroup hierarchies are mounted, with bpftrace's names for them. */
function cgroupMounts(): { name: string; path: string }[] {
  const mounts = Deno.readTextFileSync("/proc/mounts").split("\n").map((line) => line.split(" "));
  return mounts.filter(([, , type]) => type === "cgroup" || type === "cgroup2")
    .map(([, path, type]) => ({
      name: type === "cgroup2" ? "unified" : path.slice(path.lastIndexOf("/") + 1),
      path,
    }));
}

/** Paths of a cgroup in the hierarchies that a filter matches, or the container or pod that its path tells. */
function cgroupText(id: bigint, filter: string, ownerOf: ScriptNames["ownerOf"]): string {
  const isContainer = filter === OWNER_PARTS.container;
  if (!isContainer && filter !== OWNER_PARTS.pod) return cgroupPaths(id, filter);
  const owner = ownerOf?.(cgroupPath(id));
  return (isContainer ? owner?.container : owner?.pod) ?? "";
}

function cgroupPaths(id: bigint, filter: string): string {
  const found: string[] = [];
  let mounts: { name: string; path: string }[];
  try {
    mounts = cgroupMounts();
  } catch {
    return "";
  }
  for (const { name, path } of mounts) {
    if (filter !== "" && !matches(name, filter)) continue;
    const inside = findInode(path, id);
    if (inside !== undefined) found.push(`${name}:${inside.slice(path.length) || "/"}`);
  }
  return found.join(",");
}

/** Path of a cgroup below the mount of version 2. */
function cgroupPath(id: bigint): string {
  return cgroupPaths(id, "unified").replace(/^unified:/, "");
}

function matches(name: string, filter: string): boolean {
  const source = filter.split("*").map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  return new RegExp(`^${source.join(".*")}$`).test(name);
}

function findInode(folder: string, id: bigint): string | undefined {
  try {
    if (BigInt(Deno.statSync(folder).ino ?? 0) === id) return folder;
    for (const { name, isDirectory } of Deno.readDirSync(folder)) {
      const found = isDirectory ? findInode(`${folder}/${name}`, id) : undefined;
      if (found !== undefined) return found;
    }
  } catch {
    // Removed meanwhile, or not ours to read.
  }
  return undefined;
}

/** Id of a cgroup by its path. */
export function cgroupId(path: string): bigint {
  try {
    return BigInt(Deno.statSync(path).ino ?? 0);
  } catch {
    throw new Error(`Failed to get cgroup id of '${path}': No such file or directory`);
  }
}
