// Records as JSON, one a line: by ktrace as they are made, by kdump as they were read.

import { ERESTART, restartOf } from "../systems/restarts.ts";
import { UNKNOWN_HANDLER } from "../systems/signal_actions.ts";
import { callOf } from "../../../core/sources/syscalls/mod.ts";
import { safeJson } from "../../../core/safe_text.ts";
import { LINUX, numbersOf, systemBy } from "../systems/linux.ts";
import type { KtrRecord, SystemName } from "./record.ts";
import { decodePayload } from "./freebsd.ts";
import { isCut, latin1, strings, text } from "./bytes.ts";
import type { Format } from "./write.ts";

/** A JSON line for each record. */
export const JSON_LINES: Format = {
  size: (request) => 1024 + request.length * 6,
  endOf: (bytes, _view, at) => bytes.indexOf(10, at) + 1,
  write(request, bytes, _view, at) {
    const record: KtrRecord = {
      dropped: request.dropped,
      pid: request.pid,
      tid: request.tid,
      cpu: request.cpu,
      comm: text(request.comm),
      timeNs: BigInt(request.seconds) * 1_000_000_000n + BigInt(request.nanoseconds),
      ...decodePayload(request.type, request.bytes.slice(0, request.length)),
    };
    const line = `${recordJson(record, LINUX.name)}\n`;
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
  const common = {
    time: Number(timeNs / 1000n) / 1e6,
    pid,
    tid,
    ...(cpu === undefined || cpu < 0 ? {} : { cpu }),
    comm: utf8(latin1(comm)),
    ...(dropped ? { dropped } : {}),
    type: kind,
  };
  return safeJson(JSON.stringify({ ...common, ...body() }));

  function body(): Record<string, unknown> {
    const numbers = numbersOf(record, name);
    switch (record.kind) {
      case "syscall":
        return { name: call(record.code), ...abi(record.code), args: record.args.map(hex) };
      case "sysret": {
        const name = { name: call(record.code), ...abi(record.code) };
        if (record.error === 0) return { ...name, retval: number(record.retval) };
        const restart = record.error === ERESTART ? restartOf(Number(record.retval)) : undefined;
        if (restart !== undefined) return { ...name, error: restart.name };
        const error = system.errno(numbers.error ?? record.error);
        return { ...name, error: error?.name ?? record.error };
      }
      case "namei":
        return { path: utf8(record.path) };
      case "genio":
        return { fd: record.fd, op: record.isWrite ? "write" : "read", ...bytes(record.data) };
      case "psig":
        return {
          signal: system.signal(numbers.signo ?? record.signo) ?? record.signo,
          action: record.action === UNKNOWN_HANDLER ? null : hex(record.action),
          code: record.code,
        };
      case "csw":
        return {
          op: record.isOut ? "stop" : "resume",
          mode: record.isUser ? "user" : "kernel",
          wmesg: record.wmesg,
        };
      case "user":
        return { label: record.label, ...bytes(record.data) };
      case "struct":
        return { name: record.name, ...bytes(record.data, true) };
      case "structArray":
        return { name: record.name, size: record.elementBytes, ...bytes(record.data, true) };
      case "capfail":
        return { name: call(record.code), reason: record.type };
      case "fault":
        return { address: hex(record.address), access: record.type };
      case "args":
      case "env":
        return {
          values: strings(record.data),
          ...(isCut(record.data, name) ? { truncated: true } : {}),
        };
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

  function call(code: number): string | number {
    return system.syscall(code) ?? (name === "linux" ? callOf(code).number : code);
  }

  /** Only calls by another ABI than the architecture's own say so. */
  function abi(code: number): { abi?: string } {
    const { abi } = callOf(code);
    return name !== "linux" || abi === "native" ? {} : { abi };
  }
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

function bytes(data: Uint8Array, binary = false): { data: string } | { hex: string } {
  const decoded = binary ? undefined : strictUtf8(data);
  return decoded === undefined ? { hex: data.toHex() } : { data: decoded };
}

function strictUtf8(data: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return undefined;
  }
}

function utf8(data: Uint8Array): string {
  return new TextDecoder().decode(data);
}
