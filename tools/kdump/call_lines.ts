// Calls and their results as kdump shows them. What the text of an argument depends on is found out once for
// each call, and texts of values that have names are kept: a trace has few calls and many records of each.

import type { Out } from "../../language/output/output_buffer.ts";
import { callOf } from "../../core/sources/syscalls/mod.ts";
import type { Cursor } from "../ktrace/formats/cursor.ts";
import type { SystemName } from "../ktrace/formats/record.ts";
import { linuxCall, systemBy } from "../ktrace/systems/linux.ts";
import { ERESTART, restartOf } from "../ktrace/systems/restarts.ts";
import { linuxErrno } from "../ktrace/systems/translate.ts";
import type { KdumpOptions } from "./options.ts";
import { isMode, isUnused, type Meaning, meaningOf, symbolOf } from "./symbols/arguments.ts";

/** Error EJUSTRETURN, which only the BSDs' kernels have. */
const JUST_RETURN = -2;
/** Texts of values that are kept for an argument. */
const MOST_TEXTS = 256;
/** Characters around arguments and results. */
const [OPENING, CLOSING, COMMA, SPACE] = [0x28, 0x29, 0x2c, 0x20];

/** How the arguments of one call are shown. */
interface CallView {
  /** Its name, as it is shown. */
  readonly name: string;
  /** The kernel's name, if arguments have names. */
  readonly known?: string;
  /** On what the arguments' texts depend. */
  readonly meanings: Meaning[];
  /** Texts of values, by argument and value. */
  readonly texts: Map<number, string>[];
}

/** Puts calls and results. */
export class CallLines {
  readonly #options: KdumpOptions;
  readonly #views: Record<SystemName, Map<number, CallView>> = {
    linux: new Map(),
    freebsd: new Map(),
    netbsd: new Map(),
    openbsd: new Map(),
  };
  readonly #errors: Record<SystemName, Map<number, string>> = {
    linux: new Map(),
    freebsd: new Map(),
    netbsd: new Map(),
    openbsd: new Map(),
  };

  constructor(options: KdumpOptions) {
    this.#options = options;
  }

  /** The name of a call, or its number in brackets. */
  name(code: number, system: SystemName): string {
    return this.#view(code, system).name;
  }

  /** Puts the call that the cursor is at: its name and its arguments. */
  call(out: Out, { view, code, argsStart, args }: Cursor, system: SystemName): void {
    const call = this.#view(code, system);
    out.text(call.name);
    if (args === 0) return;
    let all: bigint[] | undefined;
    for (let i = 0; i < args; i++) {
      out.byte(i === 0 ? OPENING : COMMA);
      const at = argsStart + i * 8;
      const low = view.getUint32(at, true);
      const high = view.getInt32(at + 4, true);
      const meaning = call.meanings[i] ??= call.known === undefined
        ? "number"
        : meaningOf(call.known, i);
      if (meaning === "number") {
        this.#number(out, high, low);
        continue;
      }
      const texts = call.texts[i] ??= new Map();
      const value = high * 0x1_0000_0000 + low;
      const isKept = meaning === "value" && Number.isSafeInteger(value);
      let text = isKept ? texts.get(value) : undefined;
      if (text === undefined) {
        all ??= argumentsAt(view, argsStart, args);
        text = this.#argument(call.known!, i, all);
        if (isKept) {
          if (texts.size === MOST_TEXTS) texts.clear();
          texts.set(value, text);
        }
      }
      out.text(text);
    }
    out.byte(CLOSING);
  }

  /** Puts the return that the cursor is at: the call's name and its result. */
  result(out: Out, { code, error, resultHigh, resultLow }: Cursor, system: SystemName): void {
    out.text(this.#view(code, system).name);
    out.byte(SPACE);
    if (error !== 0) {
      const isRestart = error === ERESTART && system === "linux";
      out.utf8(isRestart ? restartText(resultLow) : this.#error(error, system));
      return;
    }
    if (this.#options.plain) return this.#number(out, resultHigh, resultLow);
    putDecimal(out, resultHigh, resultLow);
    if (resultHigh === 0 && resultLow <= 9) return;
    out.text("/0x");
    out.hexadecimal(resultHigh, resultLow);
  }

  #number(out: Out, high: number, low: number): void {
    if (this.#options.decimal) return putDecimal(out, high, low);
    if (high !== 0 || low !== 0) out.text("0x");
    out.hexadecimal(high, low);
  }

  #argument(call: string, index: number, args: readonly bigint[]): string {
    const value = args[index];
    const unsigned = BigInt.asUintN(64, value);
    const number = this.#options.decimal
      ? String(value)
      : unsigned === 0n
      ? "0"
      : `0x${unsigned.toString(16)}`;
    if (isUnused(call, index, args)) return `<unused>${number}`;
    if (isMode(call, index)) return `0${BigInt.asUintN(32, value).toString(8)}`;
    const symbol = symbolOf(call, index, args);
    if (symbol === undefined) return number;
    // These names leave nothing of the number out, so that the number is not shown.
    return /^(AT_FDCWD|SIG\w+)$/.test(symbol) ? symbol : `${number}<${symbol}>`;
  }

  /** Text of an error. */
  #error(error: number, system: SystemName): string {
    const texts = this.#errors[system];
    let text = texts.get(error);
    if (text === undefined) {
      if (texts.size === MOST_TEXTS) texts.clear();
      texts.set(error, text = this.#makeError(error, system));
    }
    return text;
  }

  #makeError(recorded: number, system: SystemName): string {
    if (recorded === ERESTART) return "RESTART";
    if (recorded === JUST_RETURN) return "JUSTRETURN";
    const error = system === "linux" ? linuxErrno(recorded) : recorded;
    const known = systemBy(system).errno(error);
    const said = this.#options.plain || known === undefined
      ? ""
      : ` ${known.message} (${known.name})`;
    return `-1 errno ${error}${said}`;
  }

  #view(code: number, system: SystemName): CallView {
    let view = this.#views[system].get(code);
    if (view === undefined) {
      const { plain, callNumbers } = this.#options;
      const name = systemBy(system).syscall(code);
      const isLinux = system === "linux";
      view = {
        name: name === undefined
          ? `[${isLinux ? callOf(code).number : code}]`
          : callNumbers
          ? `${name}[${code}]`
          : name,
        known: isLinux && !plain ? linuxCall(code)?.name : undefined,
        meanings: [],
        texts: [],
      };
      this.#views[system].set(code, view);
    }
    return view;
  }
}

function putDecimal(out: Out, high: number, low: number): void {
  const value = high * 0x1_0000_0000 + low;
  if (Number.isSafeInteger(value)) out.decimal(value);
  else out.text(String(BigInt(high) << 32n | BigInt(low)));
}

function argumentsAt(view: DataView, at: number, count: number): bigint[] {
  return Array.from({ length: count }, (_, i) => view.getBigInt64(at + i * 8, true));
}

function restartText(number: number): string {
  const restart = restartOf(number);
  return restart === undefined ? "RESTART" : `RESTART /* ${restart.name}: ${restart.meaning} */`;
}
