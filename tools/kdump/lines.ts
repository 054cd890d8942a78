// Records as lines, in the format of FreeBSD's kdump.

import type { KtrRecord, RecordKind, SystemName } from "../ktrace/formats/record.ts";
import { SIG_DFL, SIG_IGN } from "../../core/signal_names.ts";
import { callOf } from "../../core/sources/syscalls/mod.ts";
import { isCut, latin1, strings } from "../ktrace/formats/bytes.ts";
import { linuxCall, numbersOf, systemBy } from "../ktrace/systems/linux.ts";
import { ERESTART, restartOf } from "../ktrace/systems/restarts.ts";
import { UNKNOWN_HANDLER } from "../ktrace/systems/signal_actions.ts";
import type { KdumpOptions } from "./options.ts";
import { structArrayText, structText } from "./struct_text.ts";
import { isMode, isUnused, symbolOf } from "./symbols/arguments.ts";
import { signalCodeName } from "./symbols/signals.ts";
import { hexdump, isBinary, nameText, quoted, visible } from "./text.ts";

const TYPES: Readonly<Record<RecordKind, string>> = {
  syscall: "CALL",
  sysret: "RET ",
  namei: "NAMI",
  genio: "GIO ",
  psig: "PSIG",
  csw: "CSW ",
  user: "USER",
  struct: "STRU",
  structArray: "STRU",
  sysctl: "SCTL",
  procctor: "CTOR",
  procdtor: "DTOR",
  capfail: "CAP ",
  fault: "PFLT",
  faultend: "PRET",
  args: "ARGS",
  env: "ENV ",
  execfd: "XFD ",
  emul: "EMUL",
  pledge: "PLDG",
  unknown: "UNKN",
};

/** Error EJUSTRETURN, which only the BSDs' kernels have. */
const JUST_RETURN = -2;
/** Names of the CAPFAIL_ constants, by number. sys/ktrace.h */
const CAPABILITY = ["NOTCAPABLE", "INCREASE", "SYSCALL", "LOOKUP", "SIGNAL", "PROTO", "SOCKADDR"];
const SYSCALL_REFUSED = 2;

/** Makes lines of records in the order of the trace: times and losses depend on earlier records. */
export class Lines {
  readonly #options: KdumpOptions;
  #first?: bigint;
  #last?: bigint;
  /** True from a record that reports dropped events until a line has said so. */
  #dropped = false;

  constructor(options: KdumpOptions) {
    this.#options = options;
  }

  /** The lines of a record; empty for the making and the end of a process, which have none. */
  format(record: KtrRecord, system: SystemName): string {
    const { timeNs, dropped } = record;
    this.#first ??= timeNs;
    this.#dropped ||= dropped;
    if (record.kind === "procctor" || record.kind === "procdtor") return "";
    const before = this.#dropped ? `${this.#who(record)} Events dropped.\n` : "";
    this.#dropped = false;
    const line = `${before}${this.#header(record, system)}${this.#body(record, system)}`;
    this.#last = timeNs;
    return line.endsWith("\n") ? line : `${line}\n`;
  }

  #who({ pid, tid, comm }: KtrRecord): string {
    const thread = this.#options.threads ? ` ${String(tid > 0 ? tid : "").padStart(6)}` : "";
    return `${String(pid).padStart(6)}${thread} ${nameText(comm).padEnd(8)}`;
  }

  #header(record: KtrRecord, system: SystemName): string {
    const { absolute, elapsed, relative, cpu, abi } = this.#options;
    const { timeNs } = record;
    let line = `${this.#who(record)} `;
    if (absolute) line += `${time(timeNs)} `;
    if (elapsed) line += `${time(timeNs - this.#first!)} `;
    if (relative) line += `${time(timeNs - (this.#last ?? timeNs))} `;
    if (cpu) line += `${String(record.cpu ?? -1).padStart(3)} `;
    line += `${TYPES[record.kind]}  `;
    if (abi) line += `${abiOf(record, system)}  `;
    return line;
  }

  #body(record: KtrRecord, name: SystemName): string {
    const { plain } = this.#options;
    const system = systemBy(name);
    switch (record.kind) {
      case "syscall":
        return this.#call(record.code, record.args, name);
      case "sysret":
        return `${this.#name(record.code, name)} ${this.#result(record, name)}`;
      case "namei":
        return quoted(record.path);
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
        return `${system.signal(signo) ?? signo} ${how} code=${code}`;
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
          ? `system call not allowed: ${this.#name(record.code, name)}`
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
        return `${this.#name(record.code, name)}, 0x${
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

  #name(code: number, system: SystemName): string {
    const name = systemBy(system).syscall(code);
    if (name === undefined) return `[${system === "linux" ? callOf(code).number : code}]`;
    return this.#options.callNumbers ? `${name}[${code}]` : name;
  }

  #number(value: bigint): string {
    if (this.#options.decimal) return String(value);
    const unsigned = BigInt.asUintN(64, value);
    return unsigned === 0n ? "0" : `0x${unsigned.toString(16)}`;
  }

  #call(code: number, args: readonly bigint[], name: SystemName): string {
    const call = this.#name(code, name);
    if (args.length === 0) return call;
    const known = name === "linux" && !this.#options.plain ? linuxCall(code)?.name : undefined;
    const shown = args.map((arg, i) => {
      if (known === undefined) return this.#number(arg);
      if (isUnused(known, i, args)) return `<unused>${this.#number(arg)}`;
      if (isMode(known, i)) return `0${BigInt.asUintN(32, arg).toString(8)}`;
      const symbol = symbolOf(known, i, args);
      if (symbol === undefined) return this.#number(arg);
      // These names leave nothing of the number out, so that the number is not shown.
      return /^(AT_FDCWD|SIG\w+)$/.test(symbol) ? symbol : `${this.#number(arg)}<${symbol}>`;
    });
    return `${call}(${shown.join(",")})`;
  }

  #result(record: KtrRecord & { kind: "sysret" }, name: SystemName): string {
    const { plain, decimal } = this.#options;
    const { retval } = record;
    if (record.error === ERESTART) {
      const restart = name === "linux" ? restartOf(Number(retval)) : undefined;
      if (restart === undefined) return "RESTART";
      return `RESTART /* ${restart.name}: ${restart.meaning} */`;
    }
    if (record.error === JUST_RETURN) return "JUSTRETURN";
    if (record.error !== 0) {
      const error = numbersOf(record, name).error ?? record.error;
      const known = systemBy(name).errno(error);
      const said = plain || known === undefined ? "" : ` ${known.message} (${known.name})`;
      return `-1 errno ${error}${said}`;
    }
    if (plain) return decimal ? String(retval) : this.#number(retval);
    const small = retval >= 0n && retval <= 9n;
    return small ? String(retval) : `${retval}/${this.#hex(retval)}`;
  }

  #hex(value: bigint): string {
    return `0x${BigInt.asUintN(64, value).toString(16)}`;
  }
}

/** Letters that FreeBSD's kdump has for ABIs: L64 and L32 for Linux's, F64 for FreeBSD's own. */
function abiOf(record: KtrRecord, system: SystemName): string {
  if (system === "freebsd") return "F64";
  if (system !== "linux") return "-  ";
  const isCall = record.kind === "syscall" || record.kind === "sysret";
  const abi = isCall ? callOf(record.code).abi : "native";
  return abi === "native" ? "L64" : abi === "x32" ? "X32" : "L32";
}

function time(ns: bigint): string {
  const sign = ns < 0n ? "-" : "";
  const value = ns < 0n ? -ns : ns;
  return `${sign}${value / 1_000_000_000n}.${String(value % 1_000_000_000n).padStart(9, "0")}`;
}
