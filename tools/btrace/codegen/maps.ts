// Pure: no I/O, no FFI.
// Reading, writing and aggregating maps.

import { add64, div64, imm, lsh64, mov64, rsh64, sub64 } from "../../../core/asm/alu.ts";
import { callHelper, ja, jeq, jge, jle, jne, jsge, jsle, jslt } from "../../../core/asm/jump.ts";
import type { Label } from "../../../core/asm/instruction.ts";
import {
  atomicFetchOp,
  load,
  loadMap,
  loadMapValue,
  store,
  storeImm,
} from "../../../core/asm/load_store.ts";
import { BPF_FUNC } from "../../../core/asm/generated/helpers.ts";
import { R0, R1, R2, R3, R4, R7 } from "../../../core/asm/register.ts";
import { CPU_BLOCK } from "../../../core/blocks.ts";
import type { CallExpr, Expr, MapExpr } from "../lang/ast.ts";
import {
  type AggregationType,
  HIST_BUCKETS,
  lhistBuckets,
  storageSize,
  type ValueType,
} from "../lang/types.ts";
import { evaluate } from "./expr.ts";
import type { Place } from "./frame.ts";
import { type Gen, shifted } from "./gen.ts";
import { placeString } from "./text.ts";

const BPF_ANY = 0;
const BPF_NOEXIST = 1;

/** Writes a value of any type to memory, as `type` is stored. */
export function placeValue(gen: Gen, expr: Expr, place: Place, type: ValueType): void {
  if (type.kind === "string") return placeString(gen, expr, place, storageSize(type));
  evaluate(gen, expr);
  gen.save(place);
}

/** Builds the key in memory; the caller's frame scope owns it. */
export function placeKey(gen: Gen, expr: MapExpr, at?: Place): Place {
  const { type, layout } = gen.map(expr.name);
  const place = at ?? gen.frame.block((layout.keySize + 7) & ~7);
  if (type.keys.length === 0) gen.emit(storeImm(4, place.base, place.offset, 0));
  type.keys.forEach((key, i) =>
    placeValue(gen, expr.keys[i], shifted(place, layout.keyOffsets[i]), key)
  );
  return place;
}

/** R0 = address of the value under `key`, or 0. */
function lookup(gen: Gen, name: string, key: Place): void {
  gen.emit(loadMap(R1, gen.map(name).map));
  gen.address(R2, key);
  gen.emit(callHelper(BPF_FUNC.map_lookup_elem));
}

/** R0 = address of the value of `@m[k]`, or 0. */
export function lookupMap(gen: Gen, expr: MapExpr): void {
  gen.frame.scope(() => lookup(gen, expr.name, placeKey(gen, expr)));
}

/** R0 = `@m[k]`, 0 where there is none. */
export function readMap(gen: Gen, expr: MapExpr): void {
  const missing = gen.asm.label("missing");
  lookupMap(gen, expr);
  gen.emit(jeq(R0, imm(0), missing), load(8, R0, R0, 0));
  gen.asm.bind(missing);
}

/** `@m[k] = value` */
export function writeMap(gen: Gen, expr: MapExpr, place: (value: Place) => void): void {
  gen.frame.scope(() => {
    const { type } = gen.map(expr.name);
    const value = gen.frame.block(storageSize(type.value as ValueType));
    place(value);
    update(gen, expr.name, placeKey(gen, expr), () => gen.address(R3, value), BPF_ANY);
  });
}

/**
 * `@m[k] = f(@m[k])`: the key is built once, `value` runs after it.
 *
 * @param value Evaluated before the map is read.
 * @param apply Makes the new value in R0 out of the current one there; may use R1.
 */
export function changeMap(gen: Gen, expr: MapExpr, value: () => void, apply: () => void): void {
  gen.frame.scope(() => {
    const missing = gen.asm.label("missing");
    const result = gen.frame.slot();
    const key = placeKey(gen, expr);
    value();
    lookup(gen, expr.name, key);
    gen.emit(jeq(R0, imm(0), missing), load(8, R0, R0, 0));
    gen.asm.bind(missing);
    apply();
    gen.save(result);
    update(gen, expr.name, key, () => gen.address(R3, result), BPF_ANY);
  });
}

/** Updates, and counts a failure: with a full map the entry is missing and everybody shall know. */
function update(gen: Gen, name: string, key: Place, value: () => void, flags: number): void {
  const ok = gen.asm.label("updated");
  gen.emit(loadMap(R1, gen.map(name).map));
  gen.address(R2, key);
  value();
  gen.emit(mov64(R4, imm(flags)), callHelper(BPF_FUNC.map_update_elem), jeq(R0, imm(0), ok));
  countFailure(gen);
  gen.asm.bind(ok);
}

function countFailure(gen: Gen): void {
  gen.emit(
    load(8, R1, R7, CPU_BLOCK.failedUpdates),
    add64(R1, imm(1)),
    store(8, R7, CPU_BLOCK.failedUpdates, R1),
  );
}

/**
 * R0 = address of the value under `key`, made of zeros if it was missing; jumps to `full` with the
 * failure counted if that could not be.
 */
function lookupOrMake(gen: Gen, name: string, key: Place, full: Label): void {
  const found = gen.asm.label("found");
  lookup(gen, name, key);
  gen.emit(jne(R0, imm(0), found));
  if (gen.map(name).type.keys.length > 0) {
    gen.emit(loadMap(R1, gen.map(name).map));
    gen.address(R2, key);
    gen.emit(
      loadMapValue(R3, gen.shared.zeros, 0),
      mov64(R4, imm(BPF_NOEXIST)),
      callHelper(BPF_FUNC.map_update_elem),
    );
    // Another CPU may have been faster: what counts is whether it is there now.
    lookup(gen, name, key);
    gen.emit(jne(R0, imm(0), found));
  }
  countFailure(gen);
  gen.emit(ja(full));
  gen.asm.bind(found);
}

/** `@m[k]++` and the like: atomic, so that no CPU's step is lost. R0 = the value before or after. */
export function stepMap(gen: Gen, expr: MapExpr, by: 1 | -1, prefix: boolean): void {
  const full = gen.asm.label("full");
  const done = gen.asm.label("stepped");
  gen.frame.scope(() => lookupOrMake(gen, expr.name, placeKey(gen, expr), full));
  gen.emit(mov64(R1, imm(by)), atomicFetchOp(8, "add", R0, 0, R1), mov64(R0, R1));
  if (prefix) gen.emit(add64(R0, imm(by)));
  gen.emit(ja(done));
  gen.asm.bind(full);
  gen.emit(mov64(R0, imm(0)));
  gen.asm.bind(done);
}

/** `delete(@m[k])`; of a scalar map: back to zero. */
export function deleteFromMap(gen: Gen, expr: MapExpr): void {
  gen.frame.scope(() => {
    const { type, map, layout } = gen.map(expr.name);
    const key = placeKey(gen, expr);
    if (type.keys.length === 0) {
      const missing = gen.asm.label("missing");
      lookup(gen, expr.name, key);
      gen.emit(jeq(R0, imm(0), missing));
      for (let i = 0; i < layout.valueSize; i += 8) gen.emit(storeImm(8, R0, i, 0));
      gen.asm.bind(missing);
      return;
    }
    gen.emit(loadMap(R1, map));
    gen.address(R2, key);
    gen.emit(callHelper(BPF_FUNC.map_delete_elem));
  });
}

/**
 * `@m[k] = count()` and the like, in this CPU's value. Plain loads and stores: the guard keeps
 * everything else of this session off this CPU's values.
 */
export function aggregate(gen: Gen, target: MapExpr, call: CallExpr): void {
  const type = gen.map(target.name).type.value as AggregationType;
  const full = gen.asm.label("full");
  gen.frame.scope(() => {
    const argument = gen.frame.slot();
    if (call.args.length > 0) {
      evaluate(gen, call.args[0]);
      gen.save(argument);
    }
    lookupOrMake(gen, target.name, placeKey(gen, target), full);
    if (call.args.length > 0) gen.emit(load(8, R1, argument.base, argument.offset));
    aggregateInto(gen, type, full);
  });
  gen.asm.bind(full);
}

/** R0 points to the value, R1 holds the argument. */
function aggregateInto(gen: Gen, type: AggregationType, done: Label): void {
  switch (type.name) {
    case "count":
      return increment(gen);
    case "sum":
      return gen.emit(load(8, R2, R0, 0), add64(R2, R1), store(8, R0, 0, R2));
    case "avg": // total, count
      return gen.emit(
        load(8, R2, R0, 0),
        add64(R2, R1),
        store(8, R0, 0, R2),
        load(8, R2, R0, 8),
        add64(R2, imm(1)),
        store(8, R0, 8, R2),
      );
    case "min":
    case "max": { // value, whether it is set
      const take = gen.asm.label("take");
      const keep = type.name === "min" ? type.signed ? jsge : jge : type.signed ? jsle : jle;
      gen.emit(
        load(8, R2, R0, 8),
        jeq(R2, imm(0), take),
        load(8, R2, R0, 0),
        keep(R1, R2, done),
      );
      gen.asm.bind(take);
      return gen.emit(store(8, R0, 0, R1), storeImm(8, R0, 8, 1));
    }
    case "hist":
      emitLog2(gen);
      return incrementBucket(gen, HIST_BUCKETS, done);
    case "lhist":
      emitLinear(gen, type.params);
      return incrementBucket(gen, lhistBuckets(type.params), done);
  }
}

function increment(gen: Gen): void {
  gen.emit(load(8, R2, R0, 0), add64(R2, imm(1)), store(8, R0, 0, R2));
}

/** R2 = bucket: the check is for the verifier. */
function incrementBucket(gen: Gen, buckets: number, done: Label): void {
  gen.emit(jge(R2, imm(buckets), done), lsh64(R2, imm(3)), add64(R0, R2));
  increment(gen);
}

/** R2 = 0 for negative R1, 1 for zero, else 2 + floor(log2(R1)). */
function emitLog2(gen: Gen): void {
  const done = gen.asm.label("bucket");
  gen.emit(mov64(R2, imm(0)), jslt(R1, imm(0), done), mov64(R2, imm(1)), jeq(R1, imm(0), done));
  gen.emit(mov64(R2, imm(2)));
  for (const bits of [32, 16, 8, 4, 2, 1]) {
    const small = gen.asm.label(`below${bits}`);
    gen.emit(
      mov64(R3, R1),
      rsh64(R3, imm(bits)),
      jeq(R3, imm(0), small),
      mov64(R1, R3),
      add64(R2, imm(bits)),
    );
    gen.asm.bind(small);
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
