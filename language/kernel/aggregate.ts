// Pure: no I/O, no FFI.
// count(), hist() and the like, in this CPU's value: plain loads and stores, because the guard keeps
// everything else of this session off this CPU's values.

import {
  add64,
  and64,
  div64,
  imm,
  lsh64,
  mod64,
  mov64,
  neg64,
  or64,
  rsh64,
  sub64,
} from "../../core/asm/alu.ts";
import { callHelper, ja, jeq, jge, jle, jlt, jne, jsge, jsle, jslt } from "../../core/asm/jump.ts";
import type { Label } from "../../core/asm/instruction.ts";
import { load, loadMap, store, storeImm } from "../../core/asm/load_store.ts";
import { BPF_FUNC } from "../../core/asm/generated/helpers.ts";
import { R0, R1, R2, R3, R4, R5 } from "../../core/asm/register.ts";
import type { Action, MapVariable } from "../model/ir.ts";
import {
  type AggregationName,
  type AggregationType,
  histBuckets,
  lhistBuckets,
  numberOf,
  TSERIES_WORDS,
} from "../model/aggregations.ts";
import type { Place } from "./frame.ts";
import type { Gen } from "./emitter.ts";
import { lookupOrMake, placeKey } from "./maps.ts";
import { evaluate } from "./scalar.ts";

/** `@m[k] = count()` and the like. */
export function aggregate(gen: Gen, action: Action & { op: "aggregated" }): void {
  const { map, key, value } = action;
  const type = gen.map(map).type.value as AggregationType;
  const full = gen.asm.label("full");
  gen.frame.scope(() => {
    const argument = gen.frame.slot();
    const now = type.name === "tseries" ? gen.frame.slot() : undefined;
    if (value !== undefined) {
      evaluate(gen, value);
      gen.save(argument);
    }
    if (now !== undefined) {
      if (action.clock !== undefined) evaluate(gen, action.clock);
      else gen.emit(callHelper(BPF_FUNC.ktime_get_boot_ns));
      gen.save(now);
    }
    lookupOrMake(gen, map, placeKey(gen, map, key), full, action);
    if (value !== undefined) gen.load(R1, argument);
    if (now !== undefined) gen.load(R5, now);
    CHANGES[type.name](gen, type, full);
  });
  gen.asm.bind(full);
}

/**
 * Emits the change of a value: R0 points to the value, R1 holds the argument, R5 the time for tseries.
 * Code that has nothing to change jumps to `done`.
 */
type Change = (gen: Gen, type: AggregationType, done: Label) => void;

/** A total, and how many numbers it is made of. */
const addAndCount: Change = (gen) => {
  add(gen, 0);
  gen.emit(load(8, R2, R0, 8), add64(R2, imm(1)), store(8, R0, 8, R2));
};

/** The least or the greatest number, and whether there is any. */
const extreme = (name: "min" | "max"): Change => (gen, { signed }, done) => {
  gen.emit(load(8, R2, R0, 8));
  takeExtreme(gen, { name, signed }, done);
  gen.emit(storeImm(8, R0, 8, 1));
};

/** How each aggregation changes its value. */
const CHANGES: Readonly<Record<AggregationName, Change>> = {
  count: increment,
  sum: (gen) => add(gen, 0),
  avg: addAndCount,
  stats: addAndCount,
  min: extreme("min"),
  max: extreme("max"),
  hist(gen, { params }, done) {
    emitLog2(gen, Number(params[0]));
    incrementBucket(gen, histBuckets(params), done);
  },
  lhist(gen, { params }, done) {
    emitLinear(gen, params);
    incrementBucket(gen, lhistBuckets(params), done);
  },
  tseries: emitSeries,
};

function increment(gen: Gen): void {
  gen.emit(load(8, R2, R0, 0), add64(R2, imm(1)), store(8, R0, 0, R2));
}

/** [R0 + at] += R1 */
function add(gen: Gen, at: number): void {
  gen.emit(load(8, R2, R0, at), add64(R2, R1), store(8, R0, at, R2));
}

/** [R0] = R1 if R2 is 0 or R1 is further out; else jumps to `done`. */
function takeExtreme(
  gen: Gen,
  type: Pick<AggregationType, "signed"> & { name: string },
  done: Label,
): void {
  const take = gen.asm.label("take");
  const keep = type.name === "min" ? type.signed ? jsge : jge : type.signed ? jsle : jle;
  gen.emit(jeq(R2, imm(0), take), load(8, R2, R0, 0), keep(R1, R2, done));
  gen.asm.bind(take);
  gen.emit(store(8, R0, 0, R1));
}

/**
 * R2 = bucket: the check is for the verifier. The number goes through scratch memory, or the verifier
 * would follow each way on which a bucket was found to the end of the program.
 */
function incrementBucket(gen: Gen, buckets: number, done: Label): void {
  gen.frame.scope(() => {
    const bucket = gen.frame.slot();
    gen.save(bucket, 8, R2);
    gen.load(R2, bucket);
  });
  gen.emit(jge(R2, imm(buckets), done), lsh64(R2, imm(3)), add64(R0, R2));
  increment(gen);
}

/**
 * R2 = 0 for negative R1; 1 + R1 below 2^bits; else 1 + the number made of the magnitude and the
 * `bits` bits below the highest one.
 */
function emitLog2(gen: Gen, bits: number): void {
  const done = gen.asm.label("bucket");
  const large = gen.asm.label("large");
  gen.emit(mov64(R2, imm(0)), jslt(R1, imm(0), done));
  gen.emit(jge(R1, imm(1 << bits), large), mov64(R2, R1), add64(R2, imm(1)), ja(done));
  gen.asm.bind(large);
  // R2 = floor(log2(R1))
  gen.emit(mov64(R4, R1));
  for (const step of [32, 16, 8, 4, 2, 1]) {
    const small = gen.asm.label(`below${step}`);
    gen.emit(
      mov64(R3, R4),
      rsh64(R3, imm(step)),
      jeq(R3, imm(0), small),
      mov64(R4, R3),
      add64(R2, imm(step)),
    );
    gen.asm.bind(small);
  }
  if (bits === 0) {
    gen.emit(add64(R2, imm(2)));
  } else {
    gen.emit(
      sub64(R2, imm(bits)),
      rsh64(R1, R2),
      and64(R1, imm((1 << bits) - 1)),
      add64(R2, imm(1)),
      lsh64(R2, imm(bits)),
      or64(R2, R1),
      add64(R2, imm(1)),
    );
  }
  gen.asm.bind(done);
}

/** R2 = 0 below min, the last bucket from max on, else 1 + (R1 - min) / step. */
function emitLinear(gen: Gen, [min, max, step]: readonly bigint[]): void {
  const done = gen.asm.label("bucket");
  gen.constant(R3, min);
  gen.emit(mov64(R2, imm(0)), jslt(R1, R3, done));
  gen.constant(R3, max);
  const inside = gen.asm.label("inside");
  gen.emit(
    jslt(R1, R3, inside),
    mov64(R2, imm(lhistBuckets([min, max, step]) - 1)),
    ja(done),
  );
  gen.asm.bind(inside);
  gen.constant(R3, min);
  gen.emit(mov64(R2, R1), sub64(R2, R3));
  gen.constant(R3, step);
  gen.emit(div64(R2, R3), add64(R2, imm(1)));
  gen.asm.bind(done);
}

/** tseries() has a place of four words for each interval, used in turn: the number of the interval plus one,
 * the value, how many numbers came, and when the last one came. */
function emitSeries(gen: Gen, type: AggregationType, done: Label): void {
  const [interval, count] = type.params;
  const current = gen.asm.label("current");
  gen.emit(mov64(R2, R5));
  gen.constant(R3, interval);
  gen.emit(div64(R2, R3), mov64(R3, R2), add64(R3, imm(1)));
  gen.constant(R4, count);
  gen.emit(
    mod64(R2, R4),
    jge(R2, R4, done),
    lsh64(R2, imm(Math.log2(TSERIES_WORDS * 8))),
    jge(R2, imm(Number(count) * TSERIES_WORDS * 8), done),
    add64(R0, R2),
    load(8, R4, R0, 0),
    jeq(R3, R4, current),
    store(8, R0, 0, R3),
    storeImm(8, R0, 8, 0),
    storeImm(8, R0, 16, 0),
  );
  gen.asm.bind(current);
  gen.emit(store(8, R0, 24, R5), load(8, R3, R0, 16), mov64(R2, R3));
  gen.emit(add64(R3, imm(1)), store(8, R0, 16, R3), add64(R0, imm(8)));
  switch (type.inner) {
    case "avg":
    case "sum":
      return add(gen, 0);
    case "min":
    case "max":
      return takeExtreme(gen, { name: type.inner, signed: type.signed }, done);
    default:
      return gen.emit(store(8, R0, 0, R1));
  }
}

/** R0 = the value under a key, over all CPUs (Linux 5.19). */
export function emitAggregateRead(
  gen: Gen,
  map: MapVariable,
  type: AggregationType,
  key: Place,
): void {
  const loop = gen.asm.label("cpus");
  const next = gen.asm.label("next");
  const cpu = gen.frame.stackSlot();
  const total = gen.frame.slot();
  const count = gen.frame.slot();
  for (const place of [cpu, total, count]) gen.saveConstant(place, 0);
  gen.asm.bind(loop);
  gen.emit(loadMap(R1, gen.mapReference(map)));
  gen.address(R2, key);
  gen.load(R3, cpu);
  gen.emit(callHelper(BPF_FUNC.map_lookup_percpu_elem), jeq(R0, imm(0), next));
  gen.emit(load(8, R1, R0, 0));
  const number = numberOf(type);
  if (number === "sum") {
    gen.load(R2, total);
    gen.emit(add64(R2, R1));
    gen.save(total, 8, R2);
  } else if (number === "mean") {
    gen.emit(load(8, R3, R0, 8));
    gen.load(R2, total);
    gen.emit(add64(R2, R1));
    gen.save(total, 8, R2);
    gen.load(R2, count);
    gen.emit(add64(R2, R3));
    gen.save(count, 8, R2);
  } else {
    const take = gen.asm.label("take");
    const keep = type.name === "min" ? type.signed ? jsge : jge : type.signed ? jsle : jle;
    gen.emit(mov64(R3, R1), load(8, R2, R0, 8), jeq(R2, imm(0), next));
    gen.load(R2, count);
    gen.emit(jeq(R2, imm(0), take));
    gen.load(R2, total);
    gen.emit(keep(R3, R2, next));
    gen.asm.bind(take);
    gen.save(total, 8, R3);
    gen.saveConstant(count, 1);
  }
  gen.asm.bind(next);
  gen.load(R2, cpu);
  gen.emit(add64(R2, imm(1)));
  gen.save(cpu, 8, R2);
  gen.emit(jlt(R2, imm(gen.shared.cpus), loop));
  gen.load(R0, total);
  if (number === "mean") emitMean(gen, count, type.signed);
}

/** R0 /= count, as C does; 0 if there is none. */
function emitMean(gen: Gen, count: Place, signed: boolean): void {
  const done = gen.asm.label("mean");
  const some = gen.asm.label("some");
  gen.load(R1, count);
  gen.emit(jne(R1, imm(0), some), mov64(R0, imm(0)), ja(done));
  gen.asm.bind(some);
  if (!signed) {
    gen.emit(div64(R0, R1));
  } else {
    const positive = gen.asm.label("positive");
    gen.emit(mov64(R2, R0), jsge(R0, imm(0), positive), neg64(R0));
    gen.asm.bind(positive);
    gen.emit(div64(R0, R1), jsge(R2, imm(0), done), neg64(R0));
  }
  gen.asm.bind(done);
}
