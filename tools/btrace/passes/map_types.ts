// Pure: no I/O, no FFI.
// Types of maps: they take the widest type that any use gives them.

import type { MapExpr } from "../lang/ast.ts";
import type { Diagnostics, Span } from "../lang/diagnostics.ts";
import {
  type AggregationType,
  INT64,
  type MapType,
  typeName,
  UNKNOWN,
  type ValueType,
  widen,
} from "../lang/types.ts";

/** Where errors go. */
export type Sink = Pick<Diagnostics, "error" | "warning">;

/** What is known of a map so far. */
export interface MapInfo {
  /** Types of its keys, once one use told how many there are. */
  keys?: ValueType[];
  /** Type of its values, once something was assigned. */
  value?: ValueType | AggregationType;
}

/** All maps of a program. */
export class MapTypes {
  readonly #maps = new Map<string, MapInfo>();

  /** A map by name; one that was not seen before is nothing yet. */
  get(name: string): MapInfo {
    let map = this.#maps.get(name);
    if (map === undefined) this.#maps.set(name, map = {});
    return map;
  }

  /** Changes whenever a type has grown. */
  snapshot(): unknown {
    return [...this.#maps];
  }

  /** What is still unknown when nothing grows any more is an integer. */
  settle(): void {
    for (const map of this.#maps.values()) {
      map.value = settled(map.value ?? INT64);
      map.keys = map.keys?.map((key) => key === UNKNOWN ? INT64 : key);
    }
  }

  /** By name, sorted. */
  finish(): ReadonlyMap<string, MapType> {
    const sorted = [...this.#maps].sort(([a], [b]) => a < b ? -1 : 1);
    return new Map(
      sorted.map(([name, { keys, value }]) => [
        name,
        { name, keys: keys ?? [], value: value ?? INT64 },
      ]),
    );
  }

  /** Notes `@m[keys] = type`. */
  assign(
    expr: MapExpr,
    keys: ValueType[],
    type: ValueType | AggregationType,
    at: { span: Span; sink: Sink },
  ): void {
    this.unifyKeys(expr, keys, at.sink);
    const map = this.get(expr.name);
    const before = map.value;
    let wide: ValueType | AggregationType | undefined = type;
    if (before !== undefined) {
      if (before.kind === "aggregation" || type.kind === "aggregation") {
        wide = before.kind === "aggregation" && type.kind === "aggregation"
          ? sameAggregation(before, type)
          : undefined;
      } else {
        wide = widen(before, type);
      }
    }
    if (wide !== undefined) {
      map.value = wide;
      return;
    }
    at.sink.error(
      "type-mismatch",
      `Type mismatch for ${expr.name}: trying to assign value of type '${typeName(type)}' ` +
        `when map already has a type '${typeName(before!)}'`,
      at.span,
    );
  }

  /** Notes the keys of any use. */
  unifyKeys(expr: MapExpr, keys: ValueType[], sink: Sink): void {
    const map = this.get(expr.name);
    if (map.keys === undefined) {
      map.keys = keys;
      return;
    }
    const known = map.keys;
    if (known.length !== keys.length) {
      const describe = (n: number) => n === 0 ? "no key" : n === 1 ? "1 key" : `${n} keys`;
      sink.error(
        "key-mismatch",
        `Argument mismatch for ${expr.name}: trying to access with ${describe(keys.length)} ` +
          `when map expects ${describe(known.length)}`,
        expr.span,
      );
      return;
    }
    keys.forEach((key, i) => {
      const wide = widen(known[i], key);
      if (wide !== undefined) {
        known[i] = wide;
        return;
      }
      sink.error(
        "key-mismatch",
        `Argument mismatch for ${expr.name}: trying to access with key of type ` +
          `'${typeName(key)}' when map expects '${typeName(known[i])}'`,
        expr.keys[i].span,
      );
    });
  }
}

function settled<T>(type: T): T | typeof INT64 {
  return type === UNKNOWN ? INT64 : type;
}

/** Same function and parameters; signed if either is. */
function sameAggregation(a: AggregationType, b: AggregationType): AggregationType | undefined {
  const same = a.name === b.name && a.params.join() === b.params.join();
  return same ? { ...a, signed: a.signed || b.signed } : undefined;
}
