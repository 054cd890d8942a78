// Records as JSON, one a line: by ktrace as they are made, by kdump as they were read.

import { ERESTART, restartOf } from "../systems/restarts.ts";
import { UNKNOWN_HANDLER } from "../systems/signal_actions.ts";
import { callOf } from "../../../core/sources/syscalls/mod.ts";
import { safeJson } from "../../../core/safe_text.ts";
import { archName, LINUX, numbersOf, refusedCode, systemBy } from "../systems/linux.ts";
import type { KtrRecord, SystemName } from "./record.ts";
import { recordOf } from "./request_record.ts";
import { isCut, latin1, strings } from "./bytes.ts";
import type { Format } from "./write.ts";

/** A JSON line for each record. */
export const JSON_LINES: Format = {
  size: (request) => 1024 + request.length * 6,
  endOf: (bytes, _view, at) => bytes.indexOf(10, at) + 1,
  write(request, bytes, _view, at) {
    const line = `${recordJson(recordOf(request), LINUX.name)}\n`;
    return at + new TextEncoder().encodeInto(line, bytes.subarray(at)).written;
  },
};

/**
 * A record as JSON: numbers by their names, 64-bit words in hexadecimal, bytes as text where they are UTF-8
 * and as numbers in hexadecimal where they are not.
 */
export function recordJson(record: KtrRecord, name: SystemName): string {
  const system = systemBy(name);
  const { kind, pid, tid, cpu, comm, timeNs, dropped } = record;
  // Most records are of a few kinds, whose text is put together here: JSON.stringify takes longer.
  let json = `{"time":${seconds(timeNs)},"pid":${pid},"tid":${tid}`;
  if (cpu !== undefined && cpu >= 0) json += `,"cpu":${cpu}`;
  json += `,"comm":${commJson(comm)}`;
  if (dropped) json += ',"dropped":true';
  json += `,"type":"${kind}"`;
  switch (record.kind) {
    case "syscall": {
      const { args } = record;
      json += `${callJson(record.code, name)},"args":[`;
      for (let i = 0; i < args.length; i++) json += `${i === 0 ? "" : ","}"${hex(args[i])}"`;
      return `${json}]}`;
    }
    case "sysret": {
      json += callJson(record.code, name);
      const { error } = record;
      if (error === 0) return `${json},"retval":${JSON.stringify(number(record.retval))}}`;
      const restart = error === ERESTART ? restartOf(Number(record.retval)) : undefined;
      const said = restart?.name ?? system.errno(numbersOf(record, name).error ?? error)?.name;
      return `${json},"error":${JSON.stringify(said ?? error)}}`;
    }
    case "namei":
      return `${json},"path":${bytesJson(record.path)}}`;
    case "struct":
      return `${json},"name":${
        safeJson(JSON.stringify(record.name))
      },"hex":"${record.data.toHex()}"}`;
    case "procdtor":
      return `${json}}`;
    default:
      return `${json},${safeJson(JSON.stringify(body())).slice(1)}`;
  }

  function body(): Record<string, unknown> {
    const numbers = numbersOf(record, name);
    switch (record.kind) {
      case "genio":
        return { fd: record.fd, op: record.isWrite ? "write" : "read", ...bytes(record.data) };
      case "psig":
        return {
          signal: system.signal(numbers.signo ?? record.signo) ?? record.signo,
          action: record.action === UNKNOWN_HANDLER ? null : hex(record.action),
          code: record.code,
          ...(record.refused === undefined ? {} : {
            call: callName(refusedCode(record.refused), name),
            arch: archName(record.refused.arch),
          }),
        };
      case "csw":
        return {
          op: record.isOut ? "stop" : "resume",
          mode: record.isUser ? "user" : "kernel",
          wmesg: record.wmesg,
        };
      case "user":
        return { label: record.label, ...bytes(record.data) };
      case "structArray":
        return { name: record.name, size: record.elementBytes, hex: record.data.toHex() };
      case "capfail":
        return { name: callName(record.code, name), reason: record.type };
      case "fault":
        return { address: hex(record.address), access: record.type };
      case "args":
      case "env":
        return {
          values: strings(record.data),
          ...(isCut(record.data, name) ? { truncated: true } : {}),
        };
      case "execfd":
        return { fd: record.fd, descriptor: record.type };
      case "unknown":
        return { number: record.type, ...bytes(record.data) };
      default: {
        const { kind: _, dropped: _1, pid: _2, tid: _3, cpu: _4, comm: _5, timeNs: _6, ...rest } =
          record;
        return Object.fromEntries(
          Object.entries(rest).map(([key, value]) => [
            key,
            typeof value === "bigint" ? number(value) : value,
          ]),
        );
      }
    }
  }
}

/** Seconds with microseconds, as the number that JSON has. */
function seconds(ns: bigint): number {
  return Number(ns / 1000n) / 1e6;
}

/** Texts by what they are made of: a trace has few of each, and many records. */
class Texts<Key> {
  readonly #texts = new Map<Key, string>();

  /** The text that was made for the key, or is made now. */
  get(key: Key, make: () => string): string {
    let text = this.#texts.get(key);
    if (text === undefined) {
      if (this.#texts.size === MOST_TEXTS) this.#texts.clear();
      this.#texts.set(key, text = make());
    }
    return text;
  }
}
const MOST_TEXTS = 4096;

const comms = new Texts<string>();

function commJson(comm: string): string {
  return comms.get(comm, () => safeJson(JSON.stringify(utf8(latin1(comm)))));
}

const calls: Record<SystemName, Texts<number>> = {
  linux: new Texts(),
  freebsd: new Texts(),
  netbsd: new Texts(),
  openbsd: new Texts(),
};

/** Members that tell which call it is; only calls by another ABI than the architecture's own say so. */
function callJson(code: number, name: SystemName): string {
  return calls[name].get(code, () => {
    const { abi } = callOf(code);
    return `,"name":${JSON.stringify(callName(code, name))}${
      name !== "linux" || abi === "native" ? "" : `,"abi":"${abi}"`
    }`;
  });
}

function callName(code: number, name: SystemName): string | number {
  return systemBy(name).syscall(code) ?? (name === "linux" ? callOf(code).number : code);
}

/** Bytes as a JSON string; those that are not UTF-8 with a member `hex` behind. */
function bytesJson(data: Uint8Array): string {
  let text = "";
  for (let i = 0; i < data.length; i++) {
    const byte = data[i];
    if (byte < 32 || byte > 126 || byte === 34 || byte === 92) {
      const json = safeJson(JSON.stringify(utf8(data)));
      return strictUtf8(data) === undefined ? `${json},"hex":"${data.toHex()}"` : json;
    }
    text += String.fromCharCode(byte);
  }
  return `"${text}"`;
}

/** Numbers that JSON's readers do not round; text otherwise. */
function number(value: bigint): number | string {
  return BigInt(Number(value)) === value && Number.isSafeInteger(Number(value))
    ? Number(value)
    : String(value);
}

function hex(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

function bytes(data: Uint8Array): { data: string } | { hex: string } {
  const decoded = strictUtf8(data);
  return decoded === undefined ? { hex: data.toHex() } : { data: decoded };
}

const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LENIENT = new TextDecoder();

function strictUtf8(data: Uint8Array): string | undefined {
  try {
    return STRICT.decode(data);
  } catch {
    return undefined;
  }
}

function utf8(data: Uint8Array): string {
  return LENIENT.decode(data);
}
