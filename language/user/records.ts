// Pure: no I/O, no FFI.
// Records, as the kernel plane's programs write them: they wait here until the event is over, so that
// print(@map) shows what the clause left, as it does there.

import { HEADER } from "../../core/contract/event_layout.ts";
import { CONTROL } from "../../core/contract/blocks.ts";
import { OUTCOME } from "../../core/contract/outcome.ts";
import type { Action, Node } from "../model/ir.ts";
import { isScalar, storageSize, type StringType } from "../model/types.ts";
import { Memory } from "../model/memory.ts";
import { KIND_PLAN, type RuntimeFault, type Slot } from "../model/plan.ts";
import { type Build, type Effect, FLOW, mapOf, type Shared, type Step } from "./builder.ts";
import { placeKey } from "./maps.ts";
import { copyBytes, place, textLength } from "./memory.ts";
import { evaluate } from "./scalar.ts";
import { readText } from "./strings.ts";

/** Handed out before a clause ends if there are more bytes than this: nothing is ever lost. */
const MANY_BYTES = 1 << 20;

/** Records that nobody has looked at yet. */
export class Records {
  /** Called for each record when records are handed out. */
  onRecord?: (memory: Memory, at: number) => boolean | void;
  #memory = new Memory(new Uint8Array(1 << 16));
  #view = new DataView(this.#memory.bytes.buffer);
  readonly #starts: number[] = [];
  #end = 0;
  readonly #now: () => bigint;

  /** @param now CLOCK_BOOTTIME. */
  constructor(now: () => bigint) {
    this.#now = now;
  }

  /** Starts a record of at most so many bytes; returns where. */
  begin(plan: number, bytes: number): number {
    if (this.#end + bytes > MANY_BYTES) this.drain();
    this.#grow(this.#end + bytes);
    const at = this.#end;
    this.#view.setUint32(at + HEADER.kind, KIND_PLAN, true);
    this.#view.setUint32(at + HEADER.id, plan, true);
    this.#view.setBigUint64(at + HEADER.time, this.#now(), true);
    return at;
  }

  /** Ends the record that was begun. */
  end(at: number, bytes: number): void {
    this.#view.setUint32(at + HEADER.size, bytes, true);
    this.#starts.push(at);
    this.#end = at + (bytes + 7 & ~7);
  }

  /** Memory that records are written to. */
  get memory(): Memory {
    return this.#memory;
  }

  /** Sets a word of the record at hand. */
  word(at: number, value: bigint): void {
    this.#view.setBigInt64(at, BigInt.asIntN(64, value), true);
  }

  /** Hands out all records; returns how many. */
  drain(): number {
    const count = this.#starts.length;
    if (count === 0) return 0;
    for (const at of this.#starts) this.onRecord?.(this.#memory, at);
    this.#starts.length = 0;
    this.#end = 0;
    return count;
  }

  #grow(bytes: number): void {
    const { length } = this.#memory.bytes;
    if (bytes <= length) return;
    const larger = new Uint8Array(Math.max(length * 2, bytes));
    larger.set(this.#memory.bytes);
    this.#memory = new Memory(larger);
    this.#view = new DataView(larger.buffer);
  }
}

/** A value of a record: computed first, because it may be a block that writes records itself. */
interface Sent {
  readonly compute: Effect;
  /** Copies it into the record; returns the bytes that it packed behind the fixed part. */
  copy(record: number, packedAt: number): number;
}

/** printf, print(value) and the like. */
export function record(b: Build, action: Action & { op: "record" }): Step {
  const { id, layout, sent } = b.plans.record(action);
  const values = sent.map((value, i) => sentValue(b, layout.slots[i], value));
  const { records, state } = b;
  return () => {
    for (const value of values) value.compute();
    const at = records.begin(id, layout.maximum);
    let length = layout.fixed;
    for (const value of values) length += value.copy(at, at + length);
    records.end(at, length);
    state.outcome = OUTCOME.recorded;
    return FLOW.next;
  };
}

function sentValue(b: Build, slot: Slot, value: Node): Sent {
  const { records, scratch } = b;
  if (isScalar(slot.type)) {
    const compute = evaluate(b, value);
    let word = 0n;
    return {
      compute: () => {
        word = compute();
      },
      copy(record) {
        records.word(record + slot.at, word);
        return 0;
      },
    };
  }
  if (slot.form === "inline") {
    const size = storageSize(slot.type);
    const from = scratch.take(size);
    return {
      compute: place(b, value, from, slot.type),
      copy(record) {
        copyBytes(scratch.memory, from, records.memory, record + slot.at, size);
        return 0;
      },
    };
  }
  const { from, length } = packedValue(b, value);
  let bytes = 0;
  return {
    compute: () => {
      bytes = length();
    },
    copy(record, packedAt) {
      records.word(record + slot.at, BigInt(bytes));
      copyBytes(scratch.memory, from, records.memory, packedAt, bytes);
      return bytes;
    },
  };
}

/** Text with its NUL, or the bytes of a buffer: where they are, and how many once computed. */
function packedValue(b: Build, value: Node): { from: number; length: () => number } {
  const { scratch } = b;
  if (value.op === "memory_call" && value.name === "str") {
    const from = scratch.take(storageSize(value.type));
    return { from, length: readText(b, value, from) };
  }
  // A place of its own: what comes behind may change a variable.
  const at = scratch.take(storageSize(value.type));
  const fill = place(b, value, at);
  if (value.type.kind === "buffer") {
    const limit = BigInt(value.type.limit);
    const length = () => {
      fill();
      const bytes = scratch.memory.u64(at);
      return bytes > limit ? 0 : Number(bytes);
    };
    return { from: at + 8, length };
  }
  const { size } = value.type as StringType;
  const length = () => {
    fill();
    return textLength(scratch.memory, at, size) + 1;
  };
  return { from: at, length };
}

/** print(@map[k]) of an aggregation: looked up when the record is read. */
export function entry(b: Build, action: Action & { op: "entry" }): Step {
  const { keySize } = mapOf(b, action.map).layout;
  const at = HEADER.bytes;
  const plan = b.plans.id(action, () => ({ kind: "entry", map: action.map.name, at }));
  const key = placeKey(b, action.map, action.key);
  const { records, scratch, state } = b;
  return () => {
    key.fill();
    const record = records.begin(plan, at + keySize);
    copyBytes(scratch.memory, key.at, records.memory, record + at, keySize);
    records.end(record, at + keySize);
    state.outcome = OUTCOME.recorded;
    return FLOW.next;
  };
}

/** print, clear, zero of a whole map. */
export function whole(b: Build, action: Action & { op: "whole" }): Step {
  const { kind, map, top, div } = action;
  const plan = b.plans.id(action, () => ({ kind, map: map.name, top, div }));
  const write = bare(b, plan);
  return () => {
    write();
    b.state.outcome = OUTCOME.recorded;
    return FLOW.next;
  };
}

/** The flag decides; the record marks the place after which nothing is printed. */
export function exit(b: Build, action: Action & { op: "exit" }): Step {
  const code = action.code === undefined ? undefined : evaluate(b, action.code);
  const plan = b.plans.id(action, () => ({ kind: "exit" }));
  const write = bare(b, plan);
  const { state } = b;
  return () => {
    const value = code === undefined ? 0n : code();
    const { control } = state.site;
    control[CONTROL.exitCode / 4] = Number(BigInt.asIntN(32, value));
    control[CONTROL.exit / 4] = 1;
    write();
    return FLOW.leave;
  };
}

/** A record without values. */
function bare({ records }: Shared, plan: number): Effect {
  return () => records.end(records.begin(plan, HEADER.bytes), HEADER.bytes);
}

/** Reports a fault with a helper's result. */
export function fault(
  b: Shared,
  at: Pick<Node, "span">,
  what: RuntimeFault,
): (result?: bigint) => void {
  const { plans, records, state } = b;
  return (result = 0n) => {
    const record = records.begin(plans.fault(at, what), HEADER.bytes + 8);
    records.word(record + HEADER.bytes, result);
    records.end(record, HEADER.bytes + 8);
    state.outcome = OUTCOME.recorded;
  };
}
