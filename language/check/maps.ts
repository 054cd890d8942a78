// Pure: no I/O, no FFI.
// Types of maps: they take the widest type that any use gives them.

import type { Diagnostics, Span } from "../syntax/diagnostics.ts";
import type { MapVariable, Node } from "../model/ir.ts";
import type { AggregationType } from "../model/aggregations.ts";
import {
  INT64,
  type MapType,
  storageSize,
  type Type,
  typeName,
  UNKNOWN,
  widen,
} from "../model/types.ts";

/** Where errors and warnings go. */
export type Sink = Pick<Diagnostics, "error" | "warning">;

/** All maps of a program. */
export class MapTypes {
  readonly #maps = new Map<string, MapVariable>();
  /** Places that use a map without giving it a value, by the map's name and by where they start. */
  readonly #reads = new Map<string, Map<number, Span>>();

  /** First places where a map is given a tuple or has one as the key, by the map's name: told last. */
  readonly #tuples = new Map<string, Span>();
  readonly #tupleKeys = new Map<string, Span>();

  /** A map by name; one that was not seen before is nothing yet. */
  get(name: string): MapVariable {
    let map = this.#maps.get(name);
    if (map === undefined) this.#maps.set(name, map = { name });
    return map;
  }

  /** Names of all maps. */
  names(): string[] {
    return [...this.#maps.keys()];
  }

  /** Changes whenever a type has grown. */
  snapshot(): string {
    return [...this.#maps.values()].map(({ name, key, keyed, value }) =>
      `${name}:${keyed}:${key && shape(key)}:${value && shape(value)}`
    ).join(";");
  }

  /** Reports maps that are read, and never given a value. */
  reportUndefined(sink: Sink): void {
    for (const [name, spans] of this.#reads) {
      const map = this.#maps.get(name)!;
      if (map.value !== undefined) continue;
      for (const span of spans.values()) {
        sink.error("undefined-map", `Undefined map: ${name}`, span);
      }
    }
  }

  /** Notes a use that gives the map no value: where the use stands. */
  read({ name }: MapVariable, span: Span): void {
    let spans = this.#reads.get(name);
    if (spans === undefined) this.#reads.set(name, spans = new Map());
    spans.set(span.start, span);
  }

  /** Makes types that are still unknown integers, when no type grows any more. */
  settle(): void {
    for (const map of this.#maps.values()) {
      if (map.value === undefined || map.value === UNKNOWN) map.value = INT64;
      if (map.key === UNKNOWN) map.key = INT64;
    }
  }

  /** All maps that the program uses, sorted by name. */
  finish(): ReadonlyMap<string, MapType> {
    // What is only declared holds nothing.
    const used = [...this.#maps].filter(([, { declared, keyed }]) =>
      declared === undefined || keyed !== undefined
    );
    const sorted = used.sort(([a], [b]) => a < b ? -1 : 1);
    return new Map(
      sorted.map(([name, { key, value, declared }]) => [
        name,
        { name, key, value: value ?? INT64, declared },
      ]),
    );
  }

  /**
   * Notes the type of a value that the script assigns to a map.
   *
   * @param span Place of the assignment, or of the aggregation.
   * @param target Place where the map's name begins; default: that of the assignment.
   */
  assign(
    map: MapVariable,
    type: Type | AggregationType,
    span: Span,
    sink: Sink,
    target = span,
  ): void {
    const before = map.value;
    if (type.kind === "tuple" && !this.#tuples.has(map.name)) this.#tuples.set(map.name, span);
    let wide: Type | AggregationType | undefined = type;
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
      checkKind(map, target, sink);
      return;
    }
    if (
      type.kind === "aggregation" && before?.kind === "aggregation" && type.name === before.name
    ) {
      const message = type.name === "hist"
        ? "Different bits in a single hist unsupported"
        : `Different ${type.name} bounds in a single map unsupported`;
      sink.error("aggregation", message, span);
      return;
    }
    const tuple = type.kind === "tuple" ? undefined : this.#tuples.get(map.name);
    const [given, had] = tuple === undefined ? [type, before!] : [before!, type];
    sink.error(
      "type-mismatch",
      `Type mismatch for ${map.name}: trying to assign value of type '${typeName(given)}' ` +
        `when map already has a type '${typeName(had)}'`,
      tuple ?? span,
    );
  }

  /** Notes the key of any use. */
  use(map: MapVariable, key: Node | undefined, span: Span, sink: Sink): void {
    map.keyed ??= key !== undefined;
    if (map.keyed !== (key !== undefined)) {
      sink.error(
        "key-mismatch",
        map.keyed
          ? `${map.name} used as a map without an explicit key (scalar map), previously used with ` +
            `an explicit key (non-scalar map)`
          : `${map.name} used as a map with an explicit key (non-scalar map), previously used ` +
            `without an explicit key (scalar map)`,
        span,
      );
      return;
    }
    if (key === undefined) return;
    if (key.type.kind === "tuple" && !this.#tupleKeys.has(map.name)) {
      this.#tupleKeys.set(map.name, span);
    }
    const wide = map.key === undefined ? key.type : widen(map.key, key.type);
    if (wide !== undefined) {
      map.key = wide;
      return;
    }
    const tuple = key.type.kind === "tuple" ? undefined : this.#tupleKeys.get(map.name);
    const [given, had] = tuple === undefined ? [key.type, map.key!] : [map.key!, key.type];
    sink.error(
      "key-mismatch",
      `Argument mismatch for ${map.name}: trying to access with arguments: ` +
        `'${typeName(given)}' when map expects arguments: '${typeName(had)}'`,
      tuple ?? span,
    );
  }
}

/** Maps that aggregate have a value for each CPU, all others have one: a declaration must say the same. */
function checkKind({ name, declared, value }: MapVariable, span: Span, sink: Sink): void {
  const kind = value?.kind === "aggregation" ? "percpuhash" : "hash";
  if (declared === undefined || declared.kind.startsWith("percpu") === (kind === "percpuhash")) {
    return;
  }
  sink.error(
    "map-kind",
    `Incompatible map types. Type from declaration: ${declared.kind}. Type from value/key type: ` +
      kind,
    { start: span.start, end: span.start + name.length },
  );
}

/** A type's name and how much room it takes. */
export function shape(type: Type | AggregationType): string {
  return type.kind === "aggregation"
    ? `${type.name}${type.signed}${type.params.join()}`
    : `${typeName(type)}${storageSize(type)}${"truncates" in type ? type.truncates : ""}${
      "literal" in type ? type.literal : ""
    }`;
}

/** Same function and parameters; signed if either is. */
function sameAggregation(a: AggregationType, b: AggregationType): AggregationType | undefined {
  const same = a.name === b.name && a.params.join() === b.params.join() && a.inner === b.inner;
  return same ? { ...a, signed: a.signed || b.signed } : undefined;
}
