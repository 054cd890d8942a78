// Structures as strace shows them. What stands where is kdump's table: here are C's prefixes and the order.

import { LINUX } from "../ktrace/systems/linux.ts";
import { fileStatus, socketAddress, type StructField, structFields } from "../kdump/struct_text.ts";
import { CALLS } from "../kdump/symbols/calls.ts";
import { EPOLL_EVENTS, POLL_EVENTS } from "../kdump/symbols/events.ts";
import { STATX_ATTRIBUTES } from "../kdump/symbols/files.ts";
import { SIGNAL_ACTION_FLAGS, SIGNAL_STACK_FLAGS } from "../kdump/symbols/processes.ts";
import { nameOf, type SymbolSet } from "../kdump/symbols/flags.ts";
import { quote } from "./quoting.ts";

/** Names of a file's types, by the bits of S_IFMT. linux/stat.h */
const FILE_TYPES: Readonly<Record<number, string>> = {
  0o010000: "S_IFIFO",
  0o020000: "S_IFCHR",
  0o040000: "S_IFDIR",
  0o060000: "S_IFBLK",
  0o100000: "S_IFREG",
  0o120000: "S_IFLNK",
  0o140000: "S_IFSOCK",
};

/** How a structure is shown. */
interface Style {
  /** What C's names of the fields begin with: "st_". */
  readonly prefix: string;
  /** Names of flags, by field. */
  readonly symbols?: Readonly<Record<string, SymbolSet>>;
  /** Fields that are shown where not all are; others are three dots. */
  readonly brief?: readonly string[];
  /** True if a field without a name is the whole structure, without braces. */
  readonly isPlain?: boolean;
}

const STYLES: Readonly<Record<string, Style>> = {
  timespec: { prefix: "tv_", isPlain: true },
  timeval: { prefix: "tv_", isPlain: true },
  itimerval: { prefix: "it_" },
  itimerspec: { prefix: "it_" },
  iovec: { prefix: "iov_" },
  rlimit: { prefix: "rlim_" },
  pollfd: { prefix: "", symbols: { events: POLL_EVENTS, revents: POLL_EVENTS } },
  stack: { prefix: "ss_", symbols: { flags: SIGNAL_STACK_FLAGS } },
  open_how: { prefix: "", symbols: { flags: CALLS.openat[2] as SymbolSet } },
  rusage: { prefix: "ru_", brief: ["utime", "stime"] },
  statfs: { prefix: "f_", brief: ["type", "bsize", "blocks", "bfree", "bavail"] },
  statx: {
    prefix: "stx_",
    brief: ["mask", "attributes", "mode", "size"],
    symbols: { mask: CALLS.statx[3] as SymbolSet, attributes: STATX_ATTRIBUTES },
  },
  utsname: { prefix: "", brief: ["sysname", "nodename"] },
  sysinfo: { prefix: "", brief: ["uptime", "totalram", "freeram"] },
  msghdr: { prefix: "msg_" },
};

/** RLIM_INFINITY. */
const UNLIMITED = 0xffff_ffff_ffff_ffffn;

/**
 * Shows a structure with names of its fields, as C has them.
 *
 * @param name Name of the structure in the table of captures.
 * @param shown True in `full` for all fields; most bytes of data in `mostData`.
 * @returns undefined if the layout is not known.
 */
export function structure(
  name: string,
  data: Uint8Array,
  { full, mostData }: { readonly full: boolean; readonly mostData: number },
): string | undefined {
  if (name === "stat") return statusText(data);
  if (name === "sockaddr") return addressText(data);
  if (name === "link") return quote(data);
  if (name === "random") {
    return `${quote(data.subarray(0, mostData), true)}${data.length > mostData ? "..." : ""}`;
  }
  const fields = structFields(name, data);
  if (fields === undefined || fields.length === 0) return undefined;
  switch (name) {
    case "sigset":
      return signalSet(fields[0].value);
    case "status":
      return `[${waitStatus(Number(fields[0].value))}]`;
    case "fds":
      return `[${fields.map(({ value }) => value).join(", ")}]`;
    case "timespec2":
      return `[${fields.map(timeText).join(", ")}]`;
    case "sigaction":
      return actionText(data);
    case "epoll_event":
      return epollText(fields);
  }
  const style = STYLES[name] ?? { prefix: "" };
  if (style.isPlain) return timeText(fields[0]);
  const shown = full || style.brief === undefined
    ? fields
    : fields.filter((field) => style.brief!.includes(field.name));
  const parts = shown.map((field) => `${style.prefix}${field.name}=${fieldText(field, style)}`);
  return `{${[...parts, ...(shown.length < fields.length ? ["..."] : [])].join(", ")}}`;
}

function fieldText(field: StructField, { symbols }: Style): string {
  const { kind, value, name, bytes } = field;
  const set = symbols?.[name];
  if (set !== undefined) return nameOf(set, value, 64) ?? hex(value);
  if (name === "mode" && kind === "octal") return modeText(Number(value));
  switch (kind) {
    case "time":
    case "timeval":
      return timeText(field);
    case "limit":
      return limitText(value);
    case "pointer":
      return value === 0n ? "NULL" : hex(value);
    case "hex":
      return value === 0n ? "0" : hex(value);
    case "octal":
      return `0${value.toString(8)}`;
    case "text": {
      const end = bytes.indexOf(0);
      return quote(end < 0 ? bytes : bytes.subarray(0, end));
    }
    default:
      return String(value);
  }
}

function hex(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

function timeText({ kind, value, part }: StructField): string {
  return `{tv_sec=${value}, tv_${kind === "time" ? "nsec" : "usec"}=${part}}`;
}

function limitText(value: bigint): string {
  if (value === UNLIMITED) return "RLIM64_INFINITY";
  return value > 1024n && value % 1024n === 0n ? `${value / 1024n}*1024` : String(value);
}

function modeText(mode: number): string {
  const type = FILE_TYPES[mode & 0o170000];
  const special = [[0o4000, "S_ISUID"], [0o2000, "S_ISGID"], [0o1000, "S_ISVTX"]] as const;
  const names = [
    ...(type === undefined ? [] : [type]),
    ...special.filter(([bit]) => (mode & bit) !== 0).map(([, name]) => name),
  ];
  return [...names, `0${(mode & 0o777).toString(8).padStart(3, "0")}`].join("|");
}

function statusText(data: Uint8Array): string | undefined {
  const status = fileStatus(data);
  if (status === undefined) return undefined;
  const { mode, size, rdev } = status;
  const isDevice = (mode & 0o170000) === 0o020000 || (mode & 0o170000) === 0o060000;
  const major = (rdev >> 8n) & 0xfffn | (rdev >> 32n) & 0xffff_f000n;
  const minor = rdev & 0xffn | (rdev >> 12n) & 0xffff_ff00n;
  const what = isDevice ? `st_rdev=makedev(${hex(major)}, ${hex(minor)})` : `st_size=${size}`;
  return `{st_mode=${modeText(mode)}, ${what}, ...}`;
}

function addressText(data: Uint8Array): string | undefined {
  const address = socketAddress(data);
  if (address === undefined) return undefined;
  const { family, ip, port, path, netlink } = address;
  const parts = [`sa_family=${family}`];
  if (family === "AF_INET") parts.push(`sin_port=htons(${port})`, `sin_addr=inet_addr("${ip}")`);
  if (family === "AF_INET6") {
    parts.push(`sin6_port=htons(${port})`, "sin6_flowinfo=htonl(0)");
    parts.push(`inet_pton(AF_INET6, "${ip}", &sin6_addr)`, "sin6_scope_id=0");
  }
  if (path !== undefined && path.length > 0) {
    parts.push(`sun_path=${path[0] === 0 ? `@${quote(path.subarray(1))}` : quote(path)}`);
  }
  if (netlink !== undefined) {
    parts.push(
      `nl_pid=${netlink.pid}`,
      `nl_groups=${netlink.groups.toString(16).padStart(8, "0")}`,
    );
  }
  return `{${parts.join(", ")}}`;
}

/** Signals of a set by their names; of a set with most signals, those that are missing. */
export function signalSet(mask: bigint): string {
  const has = (signal: number) => (mask >> BigInt(signal - 1) & 1n) !== 0n;
  const all = Array.from({ length: 64 }, (_, i) => i + 1);
  const inside = all.filter(has);
  const inverted = inside.length > 64 * 2 / 3;
  const named = inverted ? all.filter((signal) => !has(signal)) : inside;
  return `${inverted ? "~" : ""}[${named.map(shortSignal).join(" ")}]`;
}

function shortSignal(signal: number): string {
  if (signal === 32) return "RTMIN";
  if (signal > 32) return `RT_${signal - 32}`;
  return LINUX.signal(signal)?.replace(/^SIG/, "") ?? String(signal);
}

/** struct sigaction of the kernel: handler, flags, restorer, mask. */
function actionText(data: Uint8Array): string | undefined {
  if (data.length < 32) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const [handler, flags, restorer, mask] = [0, 8, 16, 24].map((at) => view.getBigUint64(at, true));
  const how = handler === 0n ? "SIG_DFL" : handler === 1n ? "SIG_IGN" : hex(handler);
  const names = flags === 0n ? "0" : nameOf(SIGNAL_ACTION_FLAGS, flags, 64) ?? hex(flags);
  const parts = [`sa_handler=${how}`, `sa_mask=${signalSet(mask)}`, `sa_flags=${names}`];
  if (/\bSA_RESTORER\b/.test(names)) parts.push(`sa_restorer=${hex(restorer)}`);
  return `{${parts.join(", ")}}`;
}

function epollText(fields: readonly StructField[]): string {
  const [events, data] = fields;
  const names = events.value === 0n ? "0" : nameOf(EPOLL_EVENTS, events.value, 32);
  const low = BigInt.asUintN(32, data.value);
  return `{events=${names ?? hex(events.value)}, data={u32=${low}, u64=${data.value}}}`;
}

/** The status that wait(2) fills in, by C's macros. */
export function waitStatus(status: number): string {
  const signal = (number: number) => LINUX.signal(number) ?? String(number);
  if ((status & 0x7f) === 0) {
    return `{WIFEXITED(s) && WEXITSTATUS(s) == ${status >> 8 & 0xff}}`;
  }
  if ((status & 0xff) === 0x7f) {
    return `{WIFSTOPPED(s) && WSTOPSIG(s) == ${signal(status >> 8 & 0xff)}}`;
  }
  const core = (status & 0x80) !== 0 ? " && WCOREDUMP(s)" : "";
  return `{WIFSIGNALED(s) && WTERMSIG(s) == ${signal(status & 0x7f)}${core}}`;
}
