// Pure: no I/O, no FFI.
// Reading and writing maps.

import { add64, imm, mov64 } from "../../core/asm/alu.ts";
import { callHelper, exit, ja, jeq, jne } from "../../core/asm/jump.ts";
import type { Label } from "../../core/asm/instruction.ts";
import {
  atomicFetchOp,
  load,
  loadFunction,
  loadMap,
  loadMapValue,
  store,
  storeImm,
} from "../../core/asm/load_store.ts";
import { BPF_FUNC } from "../../core/asm/generated/helpers.ts";
import { R0, R1, R2, R3, R4, R7 } from "../../core/asm/register.ts";
import { CPU_BLOCK } from "../../core/contract/blocks.ts";
import type { Action, MapVariable, Node } from "../model/ir.ts";
import type { AggregationType } from "../model/aggregations.ts";
import type { MapLayout } from "../model/map_layout.ts";
import { stepSize, storageSize, type Type } from "../model/types.ts";
import { emitAggregateRead } from "./aggregate.ts";
import { FAULT } from "../model/plan.ts";
import { emitFault } from "./records.ts";
import type { Place } from "./frame.ts";
import type { Gen } from "./emitter.ts";
import { place } from "./memory.ts";
import { narrow } from "./scalar.ts";

const BPF_ANY = 0;
const BPF_NOEXIST = 1;
/** What an update of a full map returns, negated. */
const E2BIG = 7;

/** Builds the key in memory; the caller's frame scope owns it. */
export function placeKey(gen: Gen, map: MapVariable, key: Node | undefined, at?: Place): Place {
  const { type, layout } = gen.map(map);
  const to = at ?? gen.frame.block((layout.keySize + 7) & ~7);
  if (isScalar(layout)) return to; // the program knows where the value is
  if (key === undefined || type.key === undefined) gen.saveConstant(to, 0, 4);
  else if (storageSize(type.key) === 0) gen.saveConstant(to, 0);
  else place(gen, key, to, type.key);
  return to;
}

/** True for a map of one value for all CPUs: programs have the value's address. */
function isScalar({ type }: MapLayout): boolean {
  return type === "ARRAY";
}

/** R0 = address of the value under `key`, or 0. */
function lookup(gen: Gen, map: MapVariable, key: Place): void {
  if (isScalar(gen.map(map).layout)) {
    return gen.emit(loadMapValue(R0, gen.mapReference(map), 0));
  }
  gen.emit(loadMap(R1, gen.mapReference(map)));
  gen.address(R2, key);
  gen.emit(callHelper(BPF_FUNC.map_lookup_elem));
}

/** R0 = address of the value of `@m[k]`, or 0. */
export function lookupMap(gen: Gen, node: Node & { op: "map" }): void {
  gen.frame.scope(() => lookup(gen, node.map, placeKey(gen, node.map, node.key)));
  if (!gen.shared.warnings || node.key === undefined) return;
  gen.rarely((missing) => jeq(R0, imm(0), missing), () => {
    emitFault(gen, node, FAULT.noLookup);
    gen.emit(mov64(R0, imm(0)));
  });
}

/** R0 = `@m[k]`, 0 where there is none. */
export function readMap(gen: Gen, node: Node & { op: "map" }): void {
  const missing = gen.asm.label("missing");
  lookupMap(gen, node);
  gen.emit(jeq(R0, imm(0), missing), load(8, R0, R0, 0));
  gen.asm.bind(missing);
}

/** R0 = `@m[k]` of an aggregation, over all CPUs. */
export function readAggregate(gen: Gen, map: MapVariable, key: Node | undefined): void {
  gen.frame.scope(() => {
    const at = placeKey(gen, map, key);
    emitAggregateRead(gen, map, gen.map(map).type.value as AggregationType, at);
  });
}

/** R0 = whether there is an entry. */
export function hasKey(gen: Gen, map: MapVariable, key: Node | undefined): void {
  const missing = gen.asm.label("missing");
  gen.frame.scope(() => lookup(gen, map, placeKey(gen, map, key)));
  gen.emit(jeq(R0, imm(0), missing), mov64(R0, imm(1)));
  gen.asm.bind(missing);
}

/** `@m[k] = value`: the value first, as it is written. */
export function writeMap(gen: Gen, action: Action & { op: "store" }): void {
  const { map, key, value } = action;
  gen.frame.scope(() => {
    const { layout } = gen.map(map);
    const type = gen.map(map).type.value as Type;
    const at = gen.frame.block(Math.max(8, storageSize(type)));
    place(gen, value, at, type);
    if (isScalar(layout)) {
      gen.emit(loadMapValue(R4, gen.mapReference(map), 0));
      gen.move(at, { base: R4, offset: 0 }, Math.max(8, storageSize(type)));
      return markSet(gen, map);
    }
    update(gen, map, placeKey(gen, map, key), () => gen.address(R3, at), BPF_ANY, action);
  });
}

/**
 * `@m[k] = f(@m[k])`: the key is built once, `value` runs after it.
 *
 * @param value Evaluated before the map is read.
 * @param apply Makes the new value in R0 out of the current one there; may use R1.
 */
export function changeMap(
  gen: Gen,
  map: MapVariable,
  key: Node | undefined,
  at: Pick<Node, "span">,
  value: () => void,
  apply: () => void,
): void {
  gen.frame.scope(() => {
    const missing = gen.asm.label("missing");
    const result = gen.frame.slot();
    const keyPlace = placeKey(gen, map, key);
    value();
    const { layout } = gen.map(map);
    lookup(gen, map, keyPlace);
    gen.emit(jeq(R0, imm(0), missing), load(8, R0, R0, 0));
    gen.asm.bind(missing);
    apply();
    if (isScalar(layout)) {
      gen.emit(loadMapValue(R1, gen.mapReference(map), 0), store(8, R1, 0, R0));
      return markSet(gen, map);
    }
    gen.save(result);
    update(gen, map, keyPlace, () => gen.address(R3, result), BPF_ANY, at);
  });
}

/** A map without keys has a value from now on. Clobbers R1. */
function markSet(gen: Gen, map: MapVariable): void {
  const { layout } = gen.map(map);
  gen.emit(loadMapValue(R1, gen.mapReference(map), layout.set!), storeImm(8, R1, 0, 1));
}

/** Updates, and counts a failure: with a full map the entry is missing and everybody shall know. */
function update(
  gen: Gen,
  map: MapVariable,
  key: Place,
  value: () => void,
  flags: number,
  at: Pick<Node, "span">,
): void {
  gen.emit(loadMap(R1, gen.mapReference(map)));
  gen.address(R2, key);
  value();
  gen.emit(mov64(R4, imm(flags)), callHelper(BPF_FUNC.map_update_elem));
  gen.rarely((failed) => jne(R0, imm(0), failed), () => reportFailure(gen, at));
}

/** Counts an update that has failed, by its reason: R0 is what the update returned, and stays. */
export function countFailedUpdate(gen: Gen): void {
  const full = gen.asm.label("full");
  gen.emit(
    mov64(R2, R7),
    jeq(R0, imm(-E2BIG), full),
    add64(R2, imm(CPU_BLOCK.refusedUpdates - CPU_BLOCK.failedUpdates)),
  );
  gen.asm.bind(full);
  gen.emit(
    load(8, R1, R2, CPU_BLOCK.failedUpdates),
    add64(R1, imm(1)),
    store(8, R2, CPU_BLOCK.failedUpdates, R1),
  );
}

/** R0 is what the update returned. */
function reportFailure(gen: Gen, at: Pick<Node, "span">): void {
  countFailedUpdate(gen);
  gen.frame.scope(() => {
    const result = gen.frame.slot();
    gen.save(result);
    emitFault(gen, at, FAULT.full, result);
  });
}

/**
 * R0 = address of the value under `key`, made of zeros if it was missing; jumps to `full` with the
 * failure counted if that could not be.
 */
export function lookupOrMake(
  gen: Gen,
  map: MapVariable,
  key: Place,
  full: Label,
  at: Pick<Node, "span">,
): void {
  const { layout } = gen.map(map);
  lookup(gen, map, key);
  if (isScalar(layout)) return gen.emit(storeImm(8, R0, layout.set!, 1));
  gen.rarely((missing) => jeq(R0, imm(0), missing), () => {
    const made = gen.asm.label("made");
    if (gen.map(map).type.key !== undefined) {
      gen.frame.scope(() => {
        const result = gen.frame.slot();
        gen.emit(loadMap(R1, gen.mapReference(map)));
        gen.address(R2, key);
        gen.emit(
          loadMapValue(R3, gen.references.zeros, 0),
          mov64(R4, imm(BPF_NOEXIST)),
          callHelper(BPF_FUNC.map_update_elem),
        );
        gen.save(result);
        // Another CPU may have been faster: what counts is whether it is there now.
        lookup(gen, map, key);
        gen.emit(jne(R0, imm(0), made));
        gen.load(R0, result);
      });
    }
    reportFailure(gen, at);
    gen.emit(ja(full));
    gen.asm.bind(made);
  });
  if (layout.set !== undefined) gen.emit(storeImm(8, R0, layout.set, 1));
}

/** `@m[k]++` and the like: atomic, so that no CPU's step is lost. R0 = the value before or after. */
export function stepMap(
  gen: Gen,
  node: Node & { op: "map" },
  by: 1 | -1,
  prefix: boolean,
): void {
  const full = gen.asm.label("full");
  const done = gen.asm.label("stepped");
  const { type } = node;
  const size = stepSize(type);
  gen.frame.scope(() => {
    lookupOrMake(gen, node.map, placeKey(gen, node.map, node.key), full, node);
  });
  gen.emit(mov64(R1, imm(by * size)), atomicFetchOp(8, "add", R0, 0, R1), mov64(R0, R1));
  if (prefix) gen.emit(add64(R0, imm(by * size)));
  narrow(gen, type);
  gen.emit(ja(done));
  gen.asm.bind(full);
  gen.emit(mov64(R0, imm(0)));
  gen.asm.bind(done);
}

/** `delete(@m[k])`; of a scalar map: back to zero. R0 = whether there was one. */
export function deleteFromMap(
  gen: Gen,
  map: MapVariable,
  key: Node | undefined,
): void {
  gen.frame.scope(() => {
    const { type, layout } = gen.map(map);
    const reference = gen.mapReference(map);
    const at = placeKey(gen, map, key);
    const done = gen.asm.label("deleted");
    if (type.key === undefined) {
      lookup(gen, map, at);
      gen.emit(jeq(R0, imm(0), done), load(8, R1, R0, layout.set!));
      for (let i = 0; i < layout.valueSize; i += 8) gen.emit(storeImm(8, R0, i, 0));
      gen.emit(mov64(R0, R1));
      return void gen.asm.bind(done);
    }
    const gone = gen.asm.label("gone");
    gen.emit(loadMap(R1, reference));
    gen.address(R2, at);
    gen.emit(callHelper(BPF_FUNC.map_delete_elem), jeq(R0, imm(0), gone));
    gen.emit(mov64(R0, imm(0)), ja(done));
    gen.asm.bind(gone);
    gen.emit(mov64(R0, imm(1)));
    gen.asm.bind(done);
  });
}

/** R0 = number of entries: what going over all of them returns (Linux 5.13). */
export function emitLength(gen: Gen, map: MapVariable): void {
  const each = gen.asm.label("each");
  gen.emit(
    loadMap(R1, gen.mapReference(map)),
    loadFunction(R2, each),
    mov64(R3, imm(0)),
    mov64(R4, imm(0)),
    callHelper(BPF_FUNC.for_each_map_elem),
  );
  gen.atLeast(0);
  gen.deferred.push(() => {
    gen.asm.bind(each);
    gen.emit(mov64(R0, imm(0)), exit());
  });
}
