// The arguments and the result of one call, as strace shows them.

import type { Syscall } from "../../core/sources/syscalls/mod.ts";
import { errnoMessage, errnoName } from "../../core/sys/errno.ts";
import { type Capture, HOW } from "../ktrace/captures.ts";
import { KTR } from "../ktrace/formats/types.ts";
import { strings } from "../ktrace/formats/bytes.ts";
import { numbersOf } from "../ktrace/systems/linux.ts";
import { ERESTART, restartOf } from "../ktrace/systems/restarts.ts";
import { isFd, isMode, isUnused, symbolOf } from "../kdump/symbols/arguments.ts";
import { CALLS, int } from "../kdump/symbols/calls.ts";
import { POLL_EVENTS } from "../kdump/symbols/events.ts";
import { nameOf, type SymbolSet } from "../kdump/symbols/flags.ts";
import { structFields } from "../kdump/struct_text.ts";
import type { Call, Captured, Memory, Return } from "./call.ts";
import { quote, quoteCut } from "./quoting.ts";
import { structure } from "./structs.ts";

/** How calls are shown. */
export interface Style {
  /** Bytes of data that are shown. */
  readonly mostData: number;
  /** True for all fields of structures and all arguments of programs. */
  readonly full: boolean;
  /** What a descriptor stands for: `</etc/passwd>`; empty for none. */
  readonly describe: (fd: number) => string;
}

/** Most arguments of a program that are shown. */
const MOST_WORDS = 32;

/** Arguments that are addresses although their type is a number. */
const ADDRESS = /^(addr|start|brk|new_addr|newsp|tls|shmaddr)$/;
/** Calls whose result is an address. */
const RETURNS_ADDRESS: ReadonlySet<string> = new Set(["mmap", "brk", "mremap", "shmat"]);
const SIGNED = /^(const )?(int|long|pid_t|loff_t|off_t|__s32|key_serial_t|mqd_t|timer_t)$/;
/** Calls that strace shows with arguments that the kernel ignores. */
const SHOWS_UNUSED: ReadonlySet<string> = new Set(["mmap", "clone", "epoll_ctl", "waitid"]);

/** A call and what was captured of its memory. */
export interface ShownCall extends Call {
  /** Table entry of the call. */
  readonly spec?: Syscall;
  /** Captured memory by argument. */
  readonly memory: Memory;
  /** What is captured of such a call. */
  readonly captures: readonly Capture[];
}

/** Makes texts of arguments; undefined texts are left out. */
export function argumentTexts(call: ShownCall, back: Return | undefined, style: Style): string[] {
  const { name, args, spec } = call;
  if (name === "execve" || name === "execveat") return execTexts(call, style);
  if (args === undefined) return ["..."];
  if (name === "clone") return cloneTexts(call);
  const texts: string[] = [];
  let count = spec?.args.length ?? args.length;
  if (name === "prctl" && !LONG_PRCTL.test(symbolOf(name, 0, args) ?? "")) count = 2;
  for (let i = 0; i < count; i++) {
    if (name !== undefined && !SHOWS_UNUSED.has(name) && isUnused(name, i, args)) {
      if (i < count - 1) continue;
      break;
    }
    texts.push(argumentText(call, i, back, style));
  }
  return texts;
}

function argumentText(
  call: ShownCall,
  index: number,
  back: Return | undefined,
  style: Style,
): string {
  const { name, spec, memory } = call;
  const args = call.args!;
  const value = args[index] ?? 0n;
  const captured = memory.get(index);
  if (captured !== undefined) {
    const shown = capturedText(call, captured, back, style);
    if (shown !== undefined) return shown;
  }
  const type = spec?.args[index]?.type;
  if (name === undefined || type === undefined) return hex(value);
  // Nothing was read: there is no record of data.
  if (
    /\*/.test(type) && value !== 0n && back?.error === 0 && back.retval === 0n &&
    isRead(call, index)
  ) {
    return '""';
  }
  if (type.includes("*")) return pointer(value);
  if (isMode(name, index)) return octal(value);
  const symbol = symbolOf(name, index, args);
  if (symbol !== undefined) {
    return usual(name, symbol) + (symbol === "AT_FDCWD" ? style.describe(-100) : "");
  }
  const argument = spec!.args[index].name;
  if (isFd(name, index) || (name === "mmap" && argument === "fd")) {
    return `${int(value)}${style.describe(int(value))}`;
  }
  if (ADDRESS.test(argument)) return pointer(value);
  if (name === "mmap" && argument === "off") return value === 0n ? "0" : hex(value);
  if (name === "rseq") return pointerOrZero(value);
  if (typeof CALLS[name]?.[index] === "object") return value === 0n ? "0" : hex32(value, type);
  if (name === "ioctl" && argument === "arg") return pointerOrZero(value);
  if (SIGNED.test(type)) {
    const wide = /^(const )?(long|loff_t|off_t)$/.test(type);
    return String(BigInt.asIntN(wide ? 64 : 32, value));
  }
  if (type === "unsigned long" && value > 0xffff_ffffn) return hex(value);
  return String(BigInt.asUintN(/size_t|long|u64/.test(type) ? 64 : 32, value));
}

/** True if the argument is where a call puts the data that it reads. */
function isRead({ captures }: ShownCall, index: number): boolean {
  return captures.some(({ type, how, argument, isWrite }) =>
    type === KTR.genio && how === HOW.result && argument === index && !isWrite
  );
}

/** Flags in the form and the order that users of strace know. */
function usual(call: string, symbol: string): string {
  switch (call) {
    case "futex":
      return symbol.replace(/^(FUTEX_\w+)\|FUTEX_PRIVATE_FLAG/, "$1_PRIVATE");
    case "socket":
    case "socketpair":
      return symbol.replace("SOCK_NONBLOCK|SOCK_CLOEXEC", "SOCK_CLOEXEC|SOCK_NONBLOCK");
    case "statx":
      return symbol.replace(/^AT_(?!FDCWD|STATX)/, "AT_STATX_SYNC_AS_STAT|AT_");
    default:
      return symbol;
  }
}

/** Operations of prctl with more arguments than two. */
const LONG_PRCTL =
  /^PR_(SET_MM|SET_VMA|CAP_AMBIENT|SET_SECCOMP|SCHED_CORE|[SG]ET_SPECULATION_CTRL)/;

function hex(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

function hex32(value: bigint, type: string): string {
  return hex(/long|\*|64/.test(type) ? value : BigInt.asUintN(32, value));
}

function pointer(value: bigint): string {
  return value === 0n ? "NULL" : hex(value);
}

function pointerOrZero(value: bigint): string {
  return value === 0n ? "0" : hex(value);
}

function octal(value: bigint): string {
  const text = BigInt.asUintN(32, value).toString(8);
  return text === "0" ? "000" : `0${text.padStart(2, "0")}`;
}

/** What a call's memory holds at one argument: what was given, then what was filled. */
function capturedText(
  call: ShownCall,
  captured: readonly Captured[],
  back: Return | undefined,
  style: Style,
): string | undefined {
  const [first, second] = captured;
  // Nobody has ended: the status is not filled.
  if (first.kind === "struct" && first.name === "status" && back?.retval === 0n) return undefined;
  switch (first.kind) {
    case "namei":
      return quote(first.path);
    case "genio":
      return quoteCut(first.data, style.mostData, dataLength(call, back));
    case "struct": {
      if (first.name === "msghdr") return messageText(first.data, second, style);
      return structure(first.name, first.data, style);
    }
    case "structArray": {
      if (first.name === "iovec") return vectorText(first.data, second, style);
      const elements = elementsOf(first);
      return `[${
        elements.map((data) =>
          first.name === "pollfd"
            ? pollText(data, "events")
            : structure(first.name, data, { ...style, full: true })
        ).join(", ")
      }]`;
    }
  }
}

/** Bytes that a call has moved: of a write, those that it was given. */
function dataLength({ name, args }: ShownCall, back: Return | undefined): number | undefined {
  const isWrite = name === "write" || name === "pwrite64" || name === "sendto";
  const moved = isWrite ? args?.[2] : back?.error === 0 ? back.retval : undefined;
  return moved === undefined ? undefined : Number(moved);
}

function elementsOf({ data, elementBytes }: Captured & { kind: "structArray" }): Uint8Array[] {
  const elements: Uint8Array[] = [];
  for (let at = 0; at + elementBytes <= data.length; at += elementBytes) {
    elements.push(data.subarray(at, at + elementBytes));
  }
  return elements;
}

function pollText(data: Uint8Array, events: "events" | "revents"): string {
  const [fd, asked, told] = structFields("pollfd", data)!;
  const value = events === "events" ? asked.value : told.value;
  return `{fd=${fd.value}, ${events}=${nameOf(POLL_EVENTS, value, 32) ?? hex(value)}}`;
}

function vectorText(vector: Uint8Array, data: Captured | undefined, style: Style): string {
  const bytes = data?.kind === "genio" ? data.data : undefined;
  let at = 0;
  const parts: string[] = [];
  for (let i = 0; i + 16 <= vector.length; i += 16) {
    const [base, length] = structFields("iovec", vector.subarray(i, i + 16))!;
    const size = Number(length.value);
    const own = bytes?.subarray(at, at + size);
    const text = own === undefined || (own.length === 0 && size > 0)
      ? pointer(base.value)
      : quoteCut(own, style.mostData, size);
    at += size;
    parts.push(`{iov_base=${text}, iov_len=${length.value}}`);
  }
  return `[${parts.join(", ")}]`;
}

function messageText(header: Uint8Array, data: Captured | undefined, style: Style): string {
  const fields = structFields("msghdr", header)!;
  const byName = new Map(fields.map((field) => [field.name, field.value]));
  const vector = data?.kind === "genio"
    ? `[{iov_base=${quoteCut(data.data, style.mostData)}, iov_len=${data.data.length}}]`
    : pointer(byName.get("iov") ?? 0n);
  const value = (name: string) => byName.get(name) ?? 0n;
  return `{msg_name=${pointer(value("name"))}, msg_namelen=${
    value("namelen")
  }, msg_iov=${vector}, ` +
    `msg_iovlen=${value("iovlen")}, msg_controllen=${value("controllen")}, msg_flags=${
      symbolOf("sendmsg", 2, [0n, 0n, value("flags")]) ?? value("flags")
    }}`;
}

function execTexts(call: ShownCall, style: Style): string[] {
  const { args, captured, program, variables, name } = call;
  const path = captured.findLast((one) => one.kind === "namei");
  const at = name === "execveat" ? 1 : 0;
  const shownPath = path?.kind === "namei" ? quote(path.path) : pointer(args?.[at] ?? 0n);
  const words = program && strings(program).map((word) => quote(new TextEncoder().encode(word)));
  const most = style.full ? Infinity : MOST_WORDS;
  const list = words === undefined
    ? pointer(args?.[at + 1] ?? 0n)
    : `[${[...words.slice(0, most), ...(words.length > most ? ["..."] : [])].join(", ")}]`;
  const address = args === undefined ? "" : `${pointer(args[at + 2])} `;
  const many = variables === undefined ? "" : `/* ${variables} var${variables === 1 ? "" : "s"} */`;
  const environment = `${address}${many}`.trim() || "...";
  const texts = [shownPath, list, environment];
  if (name !== "execveat") return texts;
  const folder = args && symbolOf("execveat", 0, args);
  return [
    folder ?? String(int(args?.[0] ?? 0n)),
    ...texts,
    symbolOf("execveat", 4, args ?? []) ?? "0",
  ];
}

function cloneTexts({ spec, args }: ShownCall): string[] {
  const value = new Map(spec!.args.map(({ name }, i) => [name, args![i]]));
  const texts = [
    `child_stack=${pointer(value.get("newsp") ?? 0n)}`,
    `flags=${(symbolOf("clone", 0, args!) ?? hex(args![0])).replace(/^(SIG\w+)\|(.*)/, "$2|$1")}`,
  ];
  for (
    const [name, shown] of [["parent_tidptr", "parent_tid"], ["tls", "tls"], [
      "child_tidptr",
      "child_tidptr",
    ]]
  ) {
    const index = spec!.args.findIndex((one) => one.name === name);
    if (!isUnused("clone", index, args!)) texts.push(`${shown}=${pointer(args![index])}`);
  }
  return texts;
}

/** Shows what a call has returned, with what strace adds in parentheses. */
export function resultText(call: ShownCall, back: Return, style: Style): string {
  const { name = "" } = call;
  const { retval } = back;
  if (back.error === ERESTART) {
    const restart = restartOf(Number(retval));
    return restart === undefined ? "?" : `? ${restart.name} (${restart.meaning})`;
  }
  if (back.error !== 0) {
    const error = numbersOf(back, "linux").error ?? back.error;
    return `-1 ${errnoName(error)} (${errnoMessage(error)})`;
  }
  if (RETURNS_ADDRESS.has(name)) return hex(retval);
  if (name === "umask") return octal(retval);
  if (
    /^(openat2?|open|creat|dup[23]?|socket|accept4?|epoll_create1?|memfd_create|eventfd2|timerfd_create|signalfd4|inotify_init1|pidfd_open)$/
      .test(name)
  ) {
    return `${retval}${style.describe(Number(retval))}`;
  }
  if (name === "fcntl" && retval !== 0n) return fcntlResult(call, retval);
  if (/^p?poll$/.test(name)) return pollResult(call, retval);
  if (/^p?select6?$/.test(name) && retval === 0n) return "0 (Timeout)";
  return String(retval);
}

function fcntlResult({ args }: ShownCall, retval: bigint): string {
  const command = args && symbolOf("fcntl", 1, args);
  const setter = command === "F_GETFL" ? "F_SETFL" : command === "F_GETFD" ? "F_SETFD" : undefined;
  if (setter === undefined) return String(retval);
  const rule = CALLS.fcntl[2];
  const values = (CALLS.fcntl[1] as SymbolSet).values;
  const set = typeof rule === "function" ? rule([0n, BigInt(values[setter])]) : rule;
  const names = set && nameOf(set, retval, 32);
  return names === undefined ? String(retval) : `${hex(retval)} (flags ${names})`;
}

function pollResult({ memory, name }: ShownCall, retval: bigint): string {
  if (retval === 0n) return "0 (Timeout)";
  const array = memory.get(0)?.[0];
  if (name === undefined || array?.kind !== "structArray") return String(retval);
  const ready = elementsOf(array).filter((data) => structFields("pollfd", data)![2].value !== 0n);
  return `${retval} ([${ready.map((data) => pollText(data, "revents")).join(", ")}])`;
}
