// Structures as text. A struct stat and a sockaddr have FreeBSD's layout, others Linux's: see
// ktrace/structs.ts.

import { familyName } from "../ktrace/systems/families.ts";
import { systemBy } from "../ktrace/systems/linux.ts";
import type { SystemName } from "../ktrace/formats/record.ts";
import { quoted } from "./text.ts";
import { groupName, userName } from "./users.ts";

/** How structures are shown as text. */
export interface StructOptions {
  /** True for names of users, groups, modes and times instead of numbers. */
  readonly resolve: boolean;
  /** The system whose numbers the signals have. */
  readonly system: SystemName;
}

/** How a field is shown. */
export type Kind =
  | "signed"
  | "unsigned"
  | "hex"
  | "octal"
  | "time"
  | "timeval"
  | "pointer"
  | "signals"
  | "limit"
  | "text";

interface Field {
  readonly name: string;
  readonly at: number;
  readonly bytes: number;
  readonly kind: Kind;
}

/** Parses a layout: fields as "name@offset:bytes:kind" with spaces between them. */
function fields(text: string): Field[] {
  return text.split(" ").map((field) => {
    const [, name, at, bytes, kind] = /^(\w*)@(\d+):(\d+):(\w+)$/.exec(field)!;
    return { name, at: Number(at), bytes: Number(bytes), kind: kind as Kind };
  });
}

/** Layouts of Linux's structures, by their names in captures.ts. */
const LAYOUTS: Readonly<Record<string, readonly Field[]>> = {
  timespec: fields("@0:16:time"),
  timespec2: fields("atime@0:16:time mtime@16:16:time"),
  timeval: fields("@0:16:timeval"),
  itimerval: fields("interval@0:16:timeval value@16:16:timeval"),
  itimerspec: fields("interval@0:16:time value@16:16:time"),
  rlimit: fields("cur@0:8:limit max@8:8:limit"),
  iovec: fields("base@0:8:pointer len@8:8:unsigned"),
  pollfd: fields("fd@0:4:signed events@4:2:hex revents@6:2:hex"),
  epoll_event: fields(`events@0:4:hex data@${Deno.build.arch === "aarch64" ? 8 : 4}:8:hex`),
  msghdr: fields(
    "name@0:8:pointer namelen@8:4:unsigned iov@16:8:pointer iovlen@24:8:unsigned control@32:8:pointer controllen@40:8:unsigned flags@48:4:hex",
  ),
  mmsghdr: fields(
    "name@0:8:pointer namelen@8:4:unsigned iov@16:8:pointer iovlen@24:8:unsigned control@32:8:pointer controllen@40:8:unsigned flags@48:4:hex len@56:4:unsigned",
  ),
  sigaction: fields("handler@0:8:pointer flags@8:8:hex mask@24:8:signals"),
  sigset: fields("@0:8:signals"),
  stack: fields("sp@0:8:pointer flags@8:4:hex size@16:8:unsigned"),
  status: fields("@0:4:hex"),
  fds: fields("@0:4:signed @4:4:signed"),
  open_how: fields("flags@0:8:hex mode@8:8:octal resolve@16:8:hex"),
  rusage: fields(
    "utime@0:16:timeval stime@16:16:timeval maxrss@32:8:unsigned minflt@64:8:unsigned majflt@72:8:unsigned inblock@88:8:unsigned oublock@96:8:unsigned nvcsw@128:8:unsigned nivcsw@136:8:unsigned",
  ),
  statfs: fields(
    "type@0:8:hex bsize@8:8:unsigned blocks@16:8:unsigned bfree@24:8:unsigned bavail@32:8:unsigned files@40:8:unsigned ffree@48:8:unsigned namelen@64:8:unsigned frsize@72:8:unsigned flags@80:8:hex",
  ),
  statx: fields(
    "mask@0:4:hex blksize@4:4:unsigned attributes@8:8:hex nlink@16:4:unsigned uid@20:4:unsigned gid@24:4:unsigned mode@28:2:octal ino@32:8:unsigned size@40:8:unsigned blocks@48:8:unsigned atime@64:12:time btime@80:12:time ctime@96:12:time mtime@112:12:time",
  ),
  utsname: fields(
    "sysname@0:65:text nodename@65:65:text release@130:65:text version@195:65:text machine@260:65:text domainname@325:65:text",
  ),
  sysinfo: fields(
    "uptime@0:8:signed totalram@32:8:unsigned freeram@40:8:unsigned sharedram@48:8:unsigned bufferram@56:8:unsigned totalswap@64:8:unsigned freeswap@72:8:unsigned procs@80:2:unsigned",
  ),
};

const INFINITY = 0xffff_ffff_ffff_ffffn;

function number(view: DataView, at: number, bytes: number, signed: boolean): bigint {
  let value = 0n;
  for (let i = bytes - 1; i >= 0; i--) value = value << 8n | BigInt(view.getUint8(at + i));
  return signed ? BigInt.asIntN(bytes * 8, value) : value;
}

function fieldText(view: DataView, field: Field, options: StructOptions): string {
  const { at, bytes, kind } = field;
  const unsigned = () => number(view, at, bytes, false);
  switch (kind) {
    case "signed":
      return String(number(view, at, bytes, true));
    case "unsigned":
      return String(unsigned());
    case "hex":
    case "pointer":
      return `0x${unsigned().toString(16)}`;
    case "octal":
      return `0${unsigned().toString(8)}`;
    case "limit":
      return unsigned() === INFINITY ? "RLIM_INFINITY" : String(unsigned());
    case "time": {
      const part = number(view, at + 8, Math.min(bytes - 8, 8), true);
      return `${number(view, at, 8, true)}.${String(part).padStart(9, "0")}`;
    }
    case "timeval":
      return `${number(view, at, 8, true)}.${
        String(number(view, at + 8, 8, true)).padStart(6, "0")
      }`;
    case "signals":
      return signalSet(unsigned(), options.system);
    case "text": {
      const all = new Uint8Array(view.buffer, view.byteOffset + at, bytes);
      const end = all.indexOf(0);
      return quoted(end < 0 ? all : all.subarray(0, end));
    }
  }
}

/** A field of a structure: its name in the layout, and its bytes as a number; bytes themselves for text. */
export interface StructField {
  /** Name of the field without the prefix that C's structure gives; empty for a structure of one field. */
  readonly name: string;
  /** How the field is meant to be shown. */
  readonly kind: Kind;
  /** Value; of a time, the seconds. */
  readonly value: bigint;
  /** Nanoseconds or microseconds beside the seconds of a time. */
  readonly part: bigint;
  /** Bytes of the field. */
  readonly bytes: Uint8Array;
}

/**
 * Takes a structure of Linux apart; fields beyond the end of the data are left out.
 *
 * @returns undefined for a structure whose layout is not known.
 */
export function structFields(name: string, data: Uint8Array): StructField[] | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  return LAYOUTS[name]?.filter(({ at, bytes }) => at + bytes <= data.length).map((field) => {
    const { at, bytes, kind } = field;
    const isTime = kind === "time" || kind === "timeval";
    const signed = isTime || kind === "signed";
    return {
      name: field.name,
      kind,
      value: number(view, at, Math.min(bytes, 8), signed),
      part: isTime ? number(view, at + 8, Math.min(bytes - 8, 8), true) : 0n,
      bytes: data.subarray(at, at + bytes),
    };
  });
}

function signalSet(mask: bigint, system: SystemName): string {
  const names: string[] = [];
  for (let signal = 1; signal <= 64; signal++) {
    if ((mask >> BigInt(signal - 1) & 1n) === 0n) continue;
    names.push(systemBy(system).signal(signal)?.replace(/^SIG/, "") ?? String(signal));
  }
  return `{${names.length > 60 ? "all" : names.join(" ")}}`;
}

/** Shows a structure on one line: its name, then its fields. */
export function structText(name: string, data: Uint8Array, options: StructOptions): string {
  if (name === "stat") return `struct stat ${statText(data, options)}`;
  if (name === "sockaddr") return `struct sockaddr { ${sockaddrText(data)} }`;
  if (name === "link" || name === "random") return `${name} ${quoted(data)}`;
  const layout = LAYOUTS[name];
  if (layout === undefined) return `unknown structure ${quoted(new TextEncoder().encode(name))}`;
  return `struct ${name} ${layoutText(layout, data, options)}`;
}

/** Shows an array of structures, `elementBytes` each, on one line. */
export function structArrayText(
  name: string,
  elementBytes: number,
  data: Uint8Array,
  options: StructOptions,
): string {
  const layout = LAYOUTS[name];
  if (layout === undefined || elementBytes <= 0) {
    return `unknown structure ${quoted(new TextEncoder().encode(name))}`;
  }
  const elements: string[] = [];
  for (let at = 0; at + elementBytes <= data.length; at += elementBytes) {
    elements.push(layoutText(layout, data.subarray(at, at + elementBytes), options));
  }
  return `struct ${name}[] { ${elements.join(", ")} }`;
}

function layoutText(layout: readonly Field[], data: Uint8Array, options: StructOptions): string {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const parts = layout.filter(({ at, bytes }) => at + bytes <= data.length).map((field) => {
    const text = fieldText(view, field, options);
    return field.name === "" ? text : `${field.name}=${text}`;
  });
  return `{ ${parts.join(", ")} }`;
}

/** What a record of struct stat tells first: type and permissions, size, device of a device file. */
export interface FileStatus {
  /** Type and permissions, as st_mode has them. */
  readonly mode: number;
  /** Size of the file in bytes. */
  readonly size: bigint;
  /** Device that a device file stands for. */
  readonly rdev: bigint;
}

/** Reads a struct stat of a record; undefined if it is cut. */
export function fileStatus(data: Uint8Array): FileStatus | undefined {
  if (data.length < 224) return undefined;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  return {
    mode: view.getUint16(24, true),
    size: number(view, 112, 8, false),
    rdev: number(view, 40, 8, false),
  };
}

/** Shows a struct stat of FreeBSD on a 64-bit machine. */
function statText(data: Uint8Array, { resolve }: StructOptions): string {
  if (data.length < 224) return "{ of another size }";
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const word = (at: number) => number(view, at, 8, false);
  const mode = view.getUint16(24, true);
  const [uid, gid] = [view.getUint32(28, true), view.getUint32(32, true)];
  const time = (at: number) => timeText(number(view, at, 8, true), word(at + 8), resolve);
  const parts = [
    `dev=${word(0)}`,
    `ino=${word(8)}`,
    `mode=${resolve ? modeText(mode) : `0${mode.toString(8)}`}`,
    `nlink=${word(16)}`,
    `uid=${resolve ? userName(uid) : uid}`,
    `gid=${resolve ? groupName(gid) : gid}`,
    `rdev=${word(40)}`,
    `atime=${time(48)}`,
    `mtime=${time(64)}`,
    `ctime=${time(80)}`,
    `birthtime=${time(96)}`,
    `size=${word(112)}`,
    `blksize=${view.getInt32(128, true)}`,
    `blocks=${word(120)}`,
    `flags=0x${view.getUint32(132, true).toString(16)}`,
  ];
  return `{ ${parts.join(", ")} }`;
}

/** The latest time that a Date can hold, in seconds since 1970. */
const MOST_SECONDS = 8_640_000_000_000n;

function timeText(seconds: bigint, nanoseconds: bigint, resolve: boolean): string {
  if (!resolve || seconds > MOST_SECONDS || seconds < -MOST_SECONDS) {
    return nanoseconds === 0n
      ? String(seconds)
      : `${seconds}.${String(nanoseconds).padStart(9, "0")}`;
  }
  return `"${new Date(Number(seconds) * 1000).toISOString().slice(0, 19).replace("T", " ")}"`;
}

const FILE_TYPES: Readonly<Record<number, string>> = {
  0o010000: "p",
  0o020000: "c",
  0o040000: "d",
  0o060000: "b",
  0o100000: "-",
  0o120000: "l",
  0o140000: "s",
};

/** A file's mode as ls shows modes: `-rw-r--r--`. */
export function modeText(mode: number): string {
  const bits = (shift: number, special: boolean, letter: string) => {
    const [r, w, x] = [mode >> shift & 4, mode >> shift & 2, mode >> shift & 1];
    const last = special ? (x ? letter : letter.toUpperCase()) : x ? "x" : "-";
    return `${r ? "r" : "-"}${w ? "w" : "-"}${last}`;
  };
  return (FILE_TYPES[mode & 0o170000] ?? "?") + bits(6, (mode & 0o4000) !== 0, "s") +
    bits(3, (mode & 0o2000) !== 0, "s") + bits(0, (mode & 0o1000) !== 0, "t");
}

/** An address of a socket, taken apart. */
export interface SocketAddress {
  /** Name of the family: "AF_INET". */
  readonly family: string;
  /** IP address in its usual form. */
  readonly ip?: string;
  /** Port of an IP address. */
  readonly port?: number;
  /** Path of a Unix socket; an abstract address starts with a NUL. */
  readonly path?: Uint8Array;
  /** Process and groups of a netlink address. */
  readonly netlink?: { readonly pid: number; readonly groups: number };
}

/** Takes the address in a record apart; undefined if it is cut. */
export function socketAddress(data: Uint8Array): SocketAddress | undefined {
  if (data.length < 2) return undefined;
  const family = familyName(data[1]);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  if (family === "AF_INET" && data.length >= 8) {
    return { family, ip: data.subarray(4, 8).join("."), port: view.getUint16(2) };
  }
  if (family === "AF_INET6" && data.length >= 24) {
    const groups = Array.from({ length: 8 }, (_, i) => view.getUint16(8 + i * 2).toString(16));
    return { family, ip: shortest(groups), port: view.getUint16(2) };
  }
  if (family === "AF_UNIX") {
    const path = data.subarray(2);
    // An abstract address starts with a NUL; its length, and no other NUL, ends it.
    const end = path[0] === 0 ? -1 : path.indexOf(0);
    return { family, path: end < 0 ? path : path.subarray(0, end) };
  }
  if (family === "AF_NETLINK" && data.length >= 12) {
    return {
      family,
      netlink: { pid: view.getUint32(4, true), groups: view.getUint32(8, true) },
    };
  }
  return { family };
}

/** Shows the family and the address of a socket. */
function sockaddrText(data: Uint8Array): string {
  const address = socketAddress(data);
  if (address === undefined) return "of another size";
  const { family, ip, port, path, netlink } = address;
  if (ip !== undefined) return `${family}, ${ip.includes(":") ? `[${ip}]` : ip}:${port}`;
  if (path !== undefined) return `${family}, ${quoted(path)}`;
  if (netlink !== undefined) return `${family}, pid=${netlink.pid}, groups=${netlink.groups}`;
  return family;
}

/** Joins the groups of an IPv6 address with `::` for the longest run of zeros. RFC 5952 */
function shortest(groups: readonly string[]): string {
  const text = groups.join(":");
  const runs = text.match(/(?:\b0(?::|$)){2,}/g) ?? [];
  const longest = runs.reduce((best, run) => run.length > best.length ? run : best, "");
  if (longest === "") return text;
  const at = text.indexOf(longest);
  return `${text.slice(0, at).replace(/:$/, "")}::${text.slice(at + longest.length)}`;
}
