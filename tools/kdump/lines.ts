// Records as lines, in the format of FreeBSD's kdump.

import type { Out } from "../../language/output/output_buffer.ts";
import type { Cursor } from "../ktrace/formats/cursor.ts";
import type { KtrRecord, RecordKind, SystemName } from "../ktrace/formats/record.ts";
import { SIG_DFL, SIG_IGN } from "../../core/signal_names.ts";
import { callOf } from "../../core/sources/syscalls/mod.ts";
import { isCut, latin1, strings } from "../ktrace/formats/bytes.ts";
import { archName, numbersOf, refusedCode, systemBy } from "../ktrace/systems/linux.ts";
import { UNKNOWN_HANDLER } from "../ktrace/systems/signal_actions.ts";
import { CallLines } from "./call_lines.ts";
import type { KdumpOptions } from "./options.ts";
import { structArrayText, structText } from "./struct_text.ts";
import { signalCodeName } from "./symbols/signals.ts";
import { hexdump, isBinary, nameText, putQuoted, quoted, visible } from "./text.ts";

const TYPES: Readonly<Record<RecordKind, string>> = {
  syscall: "CALL  ",
  sysret: "RET   ",
  namei: "NAMI  ",
  genio: "GIO   ",
  psig: "PSIG  ",
  csw: "CSW   ",
  user: "USER  ",
  struct: "STRU  ",
  structArray: "STRU  ",
  sysctl: "SCTL  ",
  procctor: "CTOR  ",
  procdtor: "DTOR  ",
  capfail: "CAP   ",
  fault: "PFLT  ",
  faultend: "PRET  ",
  args: "ARGS  ",
  env: "ENV   ",
  execfd: "XFD   ",
  emul: "EMUL  ",
  pledge: "PLDG  ",
  unknown: "UNKN  ",
};

const NEWLINE = 10;
/** Names of the CAPFAIL_ constants, by number. sys/ktrace.h */
const CAPABILITY = ["NOTCAPABLE", "INCREASE", "SYSCALL", "LOOKUP", "SIGNAL", "PROTO", "SOCKADDR"];
const SYSCALL_REFUSED = 2;

/** Makes lines of records in the order of the trace: times and losses depend on earlier records. */
export class Lines {
  readonly #out: Out;
  readonly #options: KdumpOptions;
  readonly #calls: CallLines;
  readonly #hasTimes: boolean;
  /** Times of this record, of the first one and of the one before; only if lines have times. */
  #now = 0n;
  #first?: bigint;
  #last?: bigint;
  #lastWho = { pid: -1, tid: 0, comm: "", text: "" };
  /** True from a record that reports dropped events until a line has said so. */
  #dropped = false;

  constructor(out: Out, options: KdumpOptions) {
    this.#out = out;
    this.#options = options;
    this.#calls = new CallLines(options);
    this.#hasTimes = options.absolute || options.elapsed || options.relative;
  }

  /** Puts the lines of the record; none for the making and the end of a process. */
  add(cursor: Cursor, system: SystemName): void {
    const { kind, dropped } = cursor;
    if (this.#hasTimes) {
      this.#now = BigInt(cursor.seconds) * 1_000_000_000n + BigInt(cursor.nanoseconds);
      this.#first ??= this.#now;
    }
    this.#dropped ||= dropped;
    if (kind === "procctor" || kind === "procdtor") return;
    const out = this.#out;
    if (this.#dropped) out.utf8(`${this.#who(cursor)}Events dropped.\n`);
    this.#dropped = false;
    if (cursor.isCall()) cursor.readCall();
    this.#header(cursor, system);
    switch (kind) {
      case "syscall":
        this.#calls.call(out, cursor, system);
        break;
      case "sysret":
        this.#calls.result(out, cursor, system);
        break;
      case "namei":
        putQuoted(out, cursor.bytes, cursor.start, cursor.start + cursor.length);
        break;
      default: {
        const body = this.#body(cursor.record(), system);
        out.utf8(body.endsWith("\n") ? body.slice(0, -1) : body);
      }
    }
    out.byte(NEWLINE);
    this.#last = this.#now;
  }

  /** Process, thread and name, with a space behind. */
  #who({ pid, tid, comm }: Cursor): string {
    const last = this.#lastWho;
    if (last.pid === pid && last.tid === tid && last.comm === comm) return last.text;
    const thread = this.#options.threads ? ` ${String(tid > 0 ? tid : "").padStart(6)}` : "";
    const text = `${String(pid).padStart(6)}${thread} ${nameText(comm).padEnd(8)} `;
    this.#lastWho = { pid, tid, comm, text };
    return text;
  }

  #header(cursor: Cursor, system: SystemName): void {
    const { absolute, elapsed, relative, cpu, abi } = this.#options;
    const out = this.#out;
    out.utf8(this.#who(cursor));
    const now = this.#now;
    if (absolute) out.text(`${time(now)} `);
    if (elapsed) out.text(`${time(now - this.#first!)} `);
    if (relative) out.text(`${time(now - (this.#last ?? now))} `);
    if (cpu) out.text(`${String(cursor.cpu ?? -1).padStart(3)} `);
    out.text(TYPES[cursor.kind]);
    if (abi) out.text(`${abiOf(cursor, system)}  `);
  }

  #body(record: KtrRecord, name: SystemName): string {
    const { plain } = this.#options;
    const system = systemBy(name);
    switch (record.kind) {
      case "genio": {
        const { fd, isWrite, data } = record;
        const what = isWrite ? "wrote" : "read";
        const bytes = `${data.length} byte${data.length === 1 ? "" : "s"}`;
        return `fd ${fd} ${what} ${bytes}\n${this.#data(data)}`;
      }
      case "psig": {
        const { action, mask } = record;
        const signo = numbersOf(record, name).signo ?? record.signo;
        const how = action === SIG_DFL
          ? "SIG_DFL"
          : action === SIG_IGN
          ? "SIG_IGN"
          : `caught handler=${
            action === UNKNOWN_HANDLER ? "unknown" : `0x${action.toString(16)}`
          } mask=0x${Uint8Array.from(mask).reverse().toHex().replace(/^0+(?=.)/, "")}`;
        const code = signalCodeName(signo, record.code, name);
        const { refused } = record;
        const call = refused === undefined
          ? ""
          : ` call=${this.#calls.name(refusedCode(refused), name)} arch=${archName(refused.arch)}`;
        return `${system.signal(signo) ?? signo} ${how} code=${code}${call}`;
      }
      case "csw":
        return `${record.isOut ? "stop" : "resume"} ${record.isUser ? "user" : "kernel"}` +
          ` ${quoted(latin1(record.wmesg))}`;
      case "user": {
        const label = record.label === undefined
          ? ""
          : `${quoted(latin1(record.label)).slice(1, -1)}: `;
        const { data } = record;
        return isBinary(data)
          ? `${label}${data.length} bytes\n${hexdump(data)}`
          : `${label}${quoted(data)}`;
      }
      case "struct":
        return plain
          ? `struct ${record.name}\n${hexdump(record.data)}`
          : structText(record.name, record.data, this.#struct(name));
      case "structArray":
        return plain
          ? `struct ${record.name}[]\n${hexdump(record.data)}`
          : structArrayText(record.name, record.elementBytes, record.data, this.#struct(name));
      case "sysctl":
      case "emul":
        return quoted(latin1(record.name));
      case "capfail":
        return record.type === SYSCALL_REFUSED
          ? `system call not allowed: ${this.#calls.name(record.code, name)}`
          : `${CAPABILITY[record.type] ?? record.type}`;
      case "fault":
        return `0x${record.address.toString(16)} 0x${record.type.toString(16)}<${
          ["READ", "WRITE", "EXECUTE"].filter((_, i) => (record.type >> i & 1) !== 0)
            .map((one) => `VM_PROT_${one}`).join("|")
        }>`;
      case "faultend":
        return record.result === 0 ? "KERN_SUCCESS" : String(record.result);
      case "args":
      case "env":
        return `\n${
          strings(record.data).map((one, i) =>
            `       [${i}] = ${quoted(new TextEncoder().encode(one))}\n`
          ).join("")
        }${isCut(record.data, name) ? "       ...\n" : ""}`;
      case "execfd":
        return `fd ${record.fd} type ${record.type}`;
      case "pledge": {
        const error = system.errno(record.error);
        return `${this.#calls.name(record.code, name)}, 0x${
          record.bits.toString(16)
        }, errno ${record.error} ${error?.message ?? ""}`;
      }
      case "unknown":
        return `type ${record.type}, ${record.data.length} bytes\n${hexdump(record.data)}`;
      default:
        return "";
    }
  }

  #struct(system: SystemName) {
    return { resolve: this.#options.resolve, system };
  }

  #data(data: Uint8Array): string {
    const { noData, mostData } = this.#options;
    if (noData || data.length === 0) return "";
    const shown = data.subarray(0, Math.min(data.length, mostData));
    if (shown.length === 0) return "";
    return isBinary(shown) ? hexdump(shown) : visible(shown);
  }
}

/** Letters that FreeBSD's kdump has for ABIs: L64 and L32 for Linux's, F64 for FreeBSD's own. */
function abiOf({ kind, code }: Cursor, system: SystemName): string {
  if (system === "freebsd") return "F64";
  if (system !== "linux") return "-  ";
  const isCall = kind === "syscall" || kind === "sysret";
  const abi = isCall ? callOf(code).abi : "native";
  return abi === "native" ? "L64" : abi === "x32" ? "X32" : "L32";
}

function time(ns: bigint): string {
  const sign = ns < 0n ? "-" : "";
  const value = ns < 0n ? -ns : ns;
  return `${sign}${value / 1_000_000_000n}.${String(value % 1_000_000_000n).padStart(9, "0")}`;
}
