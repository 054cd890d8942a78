// Pure: no I/O, no FFI.
// Probes and their names: "provider:function:name", with `*` in patterns.

import type { ArgumentSpec, ProbeSpec, Provider } from "./provider.ts";

/** A named point that can be enabled. Registered once, never changed or removed. */
export class Probe {
  /** Number of the probe: from 1, given when the probe is first named. [I] */
  readonly pbn: number;
  /** Full name. [I] */
  readonly name: string;
  /** Arguments in order. [I] */
  readonly args: readonly ArgumentSpec[];
  /** C type of the result, if any. [I] */
  readonly retval?: string;
  /** Further locations of its context. [I] */
  readonly locations?: readonly string[];
  /** C type of its context. [I] */
  readonly context?: string;
  /** What whoever asks for it should know. [I] */
  readonly warning?: string;
  /** What it may do to those that are traced. [I] */
  readonly danger?: string;
  /** How it is had. [I] */
  readonly note?: string;
  /** Layout of its arguments, where names and types do not tell. [I] */
  readonly layout?: string;
  /** Where it comes from. [I] */
  readonly provider: Provider;

  /** Made by the registry only. */
  constructor(pbn: number, spec: ProbeSpec, provider: Provider) {
    this.pbn = pbn;
    this.name = spec.name;
    this.args = spec.args;
    this.retval = spec.retval;
    this.locations = spec.locations;
    this.context = spec.context;
    this.warning = spec.warning;
    this.danger = spec.danger;
    this.note = spec.note;
    this.layout = spec.layout;
    this.provider = provider;
  }
}

/** "syscall" of "syscall:openat:entry". */
export function providerOf(name: string): string {
  const colon = name.indexOf(":");
  return colon < 0 ? name : name.slice(0, colon);
}

/** True if `pattern` has a wildcard. */
export function isPattern(pattern: string): boolean {
  return pattern.includes("*");
}

/**
 * A test for full names.
 *
 * @param pattern `*` stands for any characters, colons included; the rest for itself.
 */
export function globMatcher(pattern: string): (name: string) => boolean {
  if (!isPattern(pattern)) return (name) => name === pattern;
  const source = pattern.split("*").map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  const expression = new RegExp(`^${source.join(".*")}$`);
  return (name) => expression.test(name);
}
