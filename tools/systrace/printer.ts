// Turns records into strace's lines. A line is made when a call returns; a call that takes long is shown
// meanwhile as unfinished, and resumed when it returns.

import { callOf, type Syscall } from "../../core/sources/syscalls/mod.ts";
import { SIG_DFL } from "../../core/signal_names.ts";
import { safeText } from "../../core/safe_text.ts";
import { type Capture, capturesByNumber } from "../ktrace/captures.ts";
import { KTR } from "../ktrace/formats/types.ts";
import { structToFile } from "../ktrace/struct_layouts.ts";
import { readCapture } from "../ktrace/traced/capture.ts";
import { recordOf } from "../ktrace/formats/request_record.ts";
import { latin1, strings } from "../ktrace/formats/bytes.ts";
import type { KtrRecord } from "../ktrace/formats/record.ts";
import type { Format } from "../ktrace/formats/write.ts";
import type { Request } from "../ktrace/recorder/request.ts";
import { LINUX, linuxCall, numbersOf } from "../ktrace/systems/linux.ts";
import { Summary } from "../kdump/summary.ts";
import { signalCodeName } from "../kdump/symbols/signals.ts";
import { argumentTexts, resultText, type ShownCall, type Style } from "./arguments.ts";
import { type Call, type CapturedBody, memoryOf, type Return } from "./call.ts";
import { Descriptors } from "./descriptors.ts";
import { coloured, hasColours } from "../cli/terminal.ts";
import type { SystraceOptions } from "./options.ts";
import { quote } from "./quoting.ts";

/** Column of the equals sign of most lines. */
const RESULT_COLUMN = 40;
/** Default action of these signals is not the process's end. */
const HARMLESS = /^SIG(CHLD|CONT|URG|WINCH|STOP|TSTP|TTIN|TTOU)$/;
/** Calls that do not return. */
const FINAL: ReadonlySet<string> = new Set(["exit", "exit_group"]);
const BIRTHS = /^(clone3?|v?fork)$/;
const OPENS =
  /^(open|openat2?|creat|socket|accept4?|epoll_create1?|memfd_create|eventfd2?|timerfd_create|signalfd4?|inotify_init1?|pidfd_open|perf_event_open)$/;

interface ThreadState {
  readonly pid: number;
  call?: Call;
  /** Program that was executed before its call's return was seen. */
  program?: { path?: Uint8Array; args?: Uint8Array; variables?: number };
}

/** Lines of traced processes. */
export class Printer implements Format {
  /** Stands for the passing of time: lines of calls that take long are made then. */
  readonly #tick: Request;
  /** Table of calls; undefined if none is wanted. */
  readonly #summary?: Summary;
  /** Text that goes out with the next tick. */
  #queued = "";
  readonly #options: SystraceOptions;
  readonly #captures = capturesByNumber();
  readonly #threads = new Map<number, ThreadState>();
  readonly #descriptors = new Descriptors();
  /** Exit status of each process, or the signal that ends it. */
  readonly #ends = new Map<number, string>();
  readonly #processes = new Set<number>();
  readonly #colours: boolean;
  /** Only these threads are shown; undefined for all. */
  readonly #only?: ReadonlySet<number>;
  /** Time of the last line's call, nanoseconds. */
  #last?: bigint;
  #ready?: { readonly request: Request; readonly bytes: Uint8Array };
  readonly #encoder = new TextEncoder();

  /** @param tick Request that stands for the passing of time. */
  constructor(options: SystraceOptions, tick: Request, only?: ReadonlySet<number>) {
    this.#options = options;
    this.#tick = tick;
    this.#only = only;
    this.#colours = options.file === undefined && hasColours(Deno.stderr);
    if (options.count !== undefined) {
      this.#summary = new Summary((code) => nameOf(code));
    }
  }

  size(request: Request): number {
    const bytes = this.#encoder.encode(
      request === this.#tick ? this.#ticked() : this.#add(request),
    );
    this.#ready = { request, bytes };
    return bytes.length;
  }

  endOf(bytes: Uint8Array, _view: DataView, at: number): number {
    return bytes.indexOf(10, at) + 1 || bytes.length;
  }

  write(request: Request, bytes: Uint8Array, _view: DataView, at: number): number {
    if (this.#ready?.request !== request) return at;
    bytes.set(this.#ready.bytes, at);
    const end = at + this.#ready.bytes.length;
    this.#ready = undefined;
    return end;
  }

  /** A command starts in a folder. */
  started(pid: number, folder: string): void {
    this.#descriptors.entered(pid, folder);
  }

  /** A call that a thread was in when it was attached to. */
  begun(pid: number, tid: number, code: number, args: readonly bigint[]): void {
    this.#processes.add(pid);
    this.#thread(pid, tid).call = newCall(code, args, BigInt(Date.now()) * 1_000_000n);
  }

  /** Tracing ends: calls that have not returned, and the table, go out with the next tick. */
  finish(): void {
    let lines = "";
    for (const [tid, { call }] of this.#threads) {
      if (call === undefined || call.isShown || !this.#isWanted(call, undefined, tid)) continue;
      lines += `${this.#prefix(tid, call.timeNs)}${this.#begin(call, tid)} <detached ...>\n`;
    }
    this.#threads.clear();
    this.#queued += lines + (this.#summary?.format() ?? "");
  }

  #ticked(): string {
    const queued = this.#queued;
    this.#queued = "";
    return queued + this.#waiting();
  }

  #add(request: Request): string {
    const record = recordOf(request);
    const dropped = record.dropped
      ? `${this.#prefix(record.tid, record.timeNs)}*** events of this process were lost ***\n`
      : "";
    return dropped + this.#lines(record);
  }

  #lines(record: KtrRecord): string {
    const { pid, tid } = record;
    switch (record.kind) {
      case "procctor":
        this.#processes.add(pid);
        if (record.parent !== undefined) this.#descriptors.inherited(record.parent, pid);
        return "";
      case "syscall":
        return this.#entered(record);
      case "namei":
      case "genio":
      case "struct":
      case "structArray": {
        const thread = this.#thread(pid, tid);
        if (thread.call === undefined && record.kind === "namei") {
          thread.program = { ...thread.program, path: record.path };
        } else thread.call?.captured.push(record);
        return "";
      }
      case "args":
      case "env": {
        const thread = this.#thread(pid, tid);
        const { data } = record;
        if (thread.call === undefined) {
          thread.program = {
            ...thread.program,
            ...(record.kind === "args" ? { args: data } : { variables: strings(data).length }),
          };
        } else if (record.kind === "args") thread.call.program = data;
        else thread.call.variables = strings(data).length;
        return "";
      }
      case "sysret":
        return this.#returned(record);
      case "psig":
        return this.#signalled(record);
      case "procdtor":
        return this.#ended(record);
      default:
        return "";
    }
  }

  #count(record: KtrRecord & { kind: "syscall" | "sysret" }): void {
    const { kind, pid, tid, code, timeNs } = record;
    this.#summary?.add({
      ...{ kind, pid, tid, code },
      seconds: Number(timeNs / 1_000_000_000n),
      nanoseconds: Number(timeNs % 1_000_000_000n),
      error: record.kind === "sysret" ? record.error : 0,
      resultLow: record.kind === "sysret" ? Number(BigInt.asUintN(32, record.retval)) : 0,
    }, "linux");
  }

  #entered(record: KtrRecord & { kind: "syscall" }): string {
    const { pid, tid, code, args, timeNs } = record;
    this.#count(record);
    const thread = this.#thread(pid, tid);
    const call = thread.call = newCall(code, args, timeNs);
    const { name } = call;
    if (name === undefined || !FINAL.has(name)) return "";
    if (name === "exit_group") this.#ends.set(pid, `exited with ${Number(args[0]) & 0xff}`);
    thread.call = undefined;
    let lines = "";
    if (this.#isWanted(call, undefined, tid)) lines += this.#line(pid, tid, call, "?");
    if (name === "exit" && tid !== pid) {
      this.#threads.delete(tid);
      lines += this.#event(tid, timeNs, `+++ exited with ${Number(args[0]) & 0xff} +++`);
    }
    return lines;
  }

  #returned(record: Return): string {
    const { pid, tid, code } = record;
    this.#count(record);
    const thread = this.#thread(pid, tid);
    let call = thread.call;
    thread.call = undefined;
    if (call === undefined || call.code !== code) {
      call = newCall(code, undefined, record.timeNs);
      // In a child, the call that has made it.
      if (BIRTHS.test(call.name ?? "")) return "";
      const { program } = thread;
      if (program?.path !== undefined && /^execve/.test(call.name ?? "")) {
        call.captured.push({ ...record, kind: "namei", path: program.path });
        call.program = program.args;
        call.variables = program.variables;
      }
      thread.program = undefined;
    }
    const shown = this.#shown(call);
    const follows = this.#options.descriptors || this.#options.paths.length > 0;
    const closes = call.name === "close";
    if (follows && !closes) this.#follow(shown, record);
    const line = this.#isWanted(call, record, tid)
      ? this.#line(pid, tid, call, resultText(shown, record, this.#style(pid)), record)
      : "";
    if (follows && closes) this.#follow(shown, record);
    return line;
  }

  #signalled(record: KtrRecord & { kind: "psig" }): string {
    const { pid, tid, timeNs, action, code } = record;
    const signo = numbersOf(record, "linux").signo ?? record.signo;
    const name = LINUX.signal(signo) ?? String(signo);
    if (action === SIG_DFL && !HARMLESS.test(name) && !this.#ends.has(pid)) {
      this.#ends.set(pid, `killed by ${name}`);
    }
    if (name === "SIGKILL" || !this.#options.signals(name)) return "";
    const why = signalCodeName(signo, code, "linux");
    return this.#event(tid, timeNs, `--- ${name} {si_signo=${name}, si_code=${why}} ---`);
  }

  #ended({ pid, tid, timeNs }: KtrRecord): string {
    const how = this.#ends.get(pid) ?? "ended";
    let lines = "";
    for (const [id, thread] of this.#threads) {
      if (thread.pid !== pid) continue;
      this.#threads.delete(id);
      const { call } = thread;
      if (call !== undefined && !call.isShown && this.#isWanted(call, undefined, id)) {
        lines += this.#line(pid, id, call, "?", undefined, " <unfinished ...>");
      }
    }
    lines += this.#event(tid === 0 ? pid : tid, timeNs, `+++ ${how} +++`);
    this.#processes.delete(pid);
    this.#ends.delete(pid);
    this.#descriptors.forget(pid);
    return lines;
  }

  #event(tid: number, timeNs: bigint, text: string): string {
    if (this.#options.count === "only" || this.#options.quiet > 1) return "";
    if (this.#only !== undefined && !this.#only.has(tid)) return "";
    return `${this.#prefix(tid, timeNs)}${text}\n`;
  }

  /** A line for each call that was not yet shown although it was made a while ago. */
  #waiting(): string {
    let lines = "";
    const now = BigInt(Date.now()) * 1_000_000n;
    for (const [tid, thread] of this.#threads) {
      const { call } = thread;
      if (call === undefined || call.isShown || now - call.timeNs < 200_000_000n) continue;
      if (!this.#isWanted(call, undefined, tid) || this.#options.status !== undefined) continue;
      call.isShown = true;
      lines += `${this.#prefix(tid, call.timeNs)}${this.#begin(call, tid)} <unfinished ...>\n`;
    }
    return lines;
  }

  /** The beginning of a call that has not returned, with the memory that it was given, as it is now. */
  #begin(before: Call, tid: number): string {
    const pid = this.#threads.get(tid)?.pid ?? tid;
    const call = { ...before, captured: [...before.captured] };
    if (call.args !== undefined) {
      const args = new BigInt64Array(call.args.length);
      args.set(call.args);
      for (const one of this.#shown(call).captures) {
        if (one.onSuccess) continue;
        const data = readCapture(tid, one, { args, result: 0n, genioBytes: 0 });
        const header = { ...HEADER, pid, tid, timeNs: call.timeNs };
        if (data !== undefined) call.captured.push({ ...header, ...bodyOf(one, data) });
      }
    }
    const texts = argumentTexts(this.#shown(call), undefined, this.#style(pid));
    return `${nameOf(call.code)}(${texts.join(", ")}`;
  }

  #line(
    pid: number,
    tid: number,
    call: Call,
    result: string,
    back?: Return,
    behind = "",
  ): string {
    if (this.#options.count === "only") return "";
    const shown = this.#shown(call);
    const name = nameOf(call.code);
    const texts = argumentTexts(shown, back, this.#style(pid)).join(", ");
    const body = call.isShown ? `<... ${name} resumed>${texts})` : `${name}(${texts})`;
    const took = this.#options.duration && back !== undefined && call.args !== undefined
      ? ` <${seconds(back.timeNs - call.timeNs, 6)}>`
      : "";
    const time = call.isShown && back !== undefined ? back.timeNs : call.timeNs;
    const end = this.#colours && back !== undefined && back.error !== 0
      ? coloured(result, "failed")
      : result;
    const equals = `${body.padEnd(RESULT_COLUMN - 1)} = ${end}`;
    return `${this.#prefix(tid, time)}${equals}${took}${behind}\n`;
  }

  #prefix(tid: number, timeNs: bigint): string {
    const { times, file, follow } = this.#options;
    const many = this.#processes.size > 1 || this.#threads.size > 1;
    let line = "";
    if (follow && file !== undefined) line += `${String(tid).padEnd(5)} `;
    else if ((follow || this.#options.pids.length > 1) && many) {
      line += `[pid ${String(tid).padStart(5)}] `;
    }
    switch (times) {
      case "relative": {
        const since = this.#last === undefined ? 0n : timeNs - this.#last;
        line += `${seconds(since < 0n ? 0n : since, 6).padStart(12)} `;
        break;
      }
      case "epoch":
        line += `${seconds(timeNs, 6)} `;
        break;
      case "clock":
      case "micro":
        line += `${clock(timeNs, times === "micro")} `;
    }
    this.#last = timeNs;
    return line;
  }

  #isWanted(call: Call, back: Return | undefined, tid: number): boolean {
    const { status, trace, paths } = this.#options;
    if (this.#only !== undefined && !this.#only.has(tid)) return false;
    if (!trace(nameOf(call.code))) return false;
    if (status !== undefined) {
      if (back === undefined) return status === "unfinished";
      if ((back.error === 0 ? "successful" : "failed") !== status) return false;
    }
    return paths.length === 0 || this.#touches(call, back, tid, paths);
  }

  #touches(call: Call, back: Return | undefined, tid: number, paths: readonly string[]): boolean {
    for (const one of call.captured) {
      if (one.kind === "namei" && paths.includes(new TextDecoder().decode(one.path))) return true;
    }
    const pid = back?.pid ?? this.#threads.get(tid)?.pid ?? tid;
    const spec = linuxCall(call.code);
    return spec !== undefined && call.args !== undefined &&
      spec.args.some((arg, i) =>
        /(^|_)fd$/.test(arg.name) &&
        paths.includes(this.#descriptors.of(pid, Number(BigInt.asIntN(32, call.args![i]))) ?? "")
      );
  }

  /** What a call has done to descriptors. */
  #follow({ name, args, captured, memory }: ShownCall, back: Return): void {
    if (back.error !== 0 || name === undefined) return;
    const { pid, retval } = back;
    const result = Number(retval);
    if (OPENS.test(name)) {
      const path = captured.find((one) => one.kind === "namei");
      this.#descriptors.opened(
        pid,
        result,
        path?.kind === "namei" ? new TextDecoder().decode(path.path) : undefined,
      );
    } else if (name === "chdir") {
      const path = captured.find((one) => one.kind === "namei");
      if (path?.kind === "namei") {
        this.#descriptors.entered(pid, new TextDecoder().decode(path.path));
      }
    } else if (name === "fchdir" && args) {
      const path = this.#descriptors.of(pid, Number(args[0]));
      if (path !== undefined) this.#descriptors.entered(pid, path);
    } else if (name === "close" && args) this.#descriptors.closed(pid, Number(args[0]));
    else if (/^dup[23]?$/.test(name) && args) {
      this.#descriptors.copied(pid, Number(args[0]), result);
    } else if (name === "fcntl" && args && (args[1] === 0n || args[1] === 1030n)) {
      this.#descriptors.copied(pid, Number(args[0]), result);
    } else if (/^(pipe2?|socketpair)$/.test(name)) {
      const fds = [...memory.values()].flat().find((one) => one.kind === "struct");
      if (fds?.kind !== "struct" || fds.data.length < 8) return;
      const view = new DataView(fds.data.buffer, fds.data.byteOffset);
      for (const at of [0, 4]) this.#descriptors.opened(pid, view.getInt32(at, true));
    }
  }

  #style(pid: number): Style {
    const { mostData, full, descriptors } = this.#options;
    const describe = (fd: number) => {
      if (!descriptors) return "";
      const path = this.#descriptors.of(pid, fd);
      return path === undefined ? "" : `<${safeText(quote(latin1Bytes(path)).slice(1, -1))}>`;
    };
    return { mostData, full, describe };
  }

  #shown(call: Call): ShownCall {
    const spec: Syscall | undefined = linuxCall(call.code);
    const { abi, number } = callOf(call.code);
    const captures = abi === "32-bit" ? [] : this.#captures[number] ?? [];
    return { ...call, spec, captures, memory: memoryOf(call, captures) };
  }

  #thread(pid: number, tid: number): ThreadState {
    let thread = this.#threads.get(tid);
    if (thread === undefined || thread.pid !== pid) {
      this.#threads.set(tid, thread = { pid });
      this.#processes.add(pid);
    }
    return thread;
  }
}

/** What records of memory have beside the memory. */
const HEADER = { dropped: false, comm: "" };

/** The record of memory that was read here. */
function bodyOf(one: Capture, data: Uint8Array): CapturedBody {
  if (one.type === KTR.namei) return { kind: "namei", path: data };
  const { name, bytes } = one;
  if (one.type === KTR.structArray) {
    return { kind: "structArray", name, elementBytes: bytes, data };
  }
  return { kind: "struct", name, data: structToFile(name, data) };
}

function newCall(code: number, args: readonly bigint[] | undefined, timeNs: bigint): Call {
  const name = linuxCall(code)?.name;
  return { code, name, args, timeNs, captured: [], isShown: false };
}

function nameOf(code: number): string {
  return LINUX.syscall(code) ?? `syscall_${callOf(code).number}`;
}

/** Bytes of UTF-8 of a text that /proc has told. */
function latin1Bytes(value: string): Uint8Array {
  return latin1(String.fromCharCode(...new TextEncoder().encode(value)));
}

function seconds(ns: bigint, digits: number): string {
  const fraction = String(ns % 1_000_000_000n).padStart(9, "0").slice(0, digits);
  return `${ns / 1_000_000_000n}.${fraction}`;
}

function clock(timeNs: bigint, micro: boolean): string {
  const date = new Date(Number(timeNs / 1_000_000n));
  const two = (value: number) => String(value).padStart(2, "0");
  const text = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return micro ? `${text}.${String(timeNs % 1_000_000_000n).padStart(9, "0").slice(0, 6)}` : text;
}
