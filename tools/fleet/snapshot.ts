// Pure: no I/O, no FFI.
// What a host publishes of its maps: a snapshot is all that the host has gathered so far, never a difference.
// The keys of a map are divided into shards, and only shards that have changed are published, each with a
// number that grows. A newer snapshot of a shard takes the place of an older one, so nothing that a transport
// drops, repeats or reorders changes what the last one says.

import type { AggregationType } from "../../language/model/aggregations.ts";
import type { MapPart } from "../../language/output/map_parts.ts";
import type { Value } from "../../language/output/values.ts";
import {
  countFromJson,
  type Json,
  listFromJson,
  objectFromJson,
  partFromJson,
  partToJson,
  ruleFromJson,
  ruleToJson,
  textFromJson,
  valueFromJson,
  valueToJson,
} from "./wire.ts";

/** Number of shards of a map. More are smaller messages; fewer are less messages. */
export const SHARDS = 16;

/** A map of a running script, as far as it is published. */
export interface GatheredMap {
  /** Name of the map without `@`. */
  readonly name: string;
  /** How the map aggregates; undefined for plain values. */
  readonly rule: AggregationType | undefined;
  /** Keys with what was gathered under each. */
  readonly rows: readonly (readonly [key: readonly Value[], part: MapPart])[];
}

/** All keys of one shard of a map at one time. */
export interface Snapshot {
  /** Name of the map without `@`. */
  readonly map: string;
  /** Number of the shard, from 0. */
  readonly shard: number;
  /** Number of the snapshot among those of its shard, from 1. */
  readonly number: number;
  /** How the map aggregates; undefined for plain values. */
  readonly rule: AggregationType | undefined;
  /** Parts by the texts of their keys, which {@linkcode keyOfText} reads. */
  readonly rows: ReadonlyMap<string, MapPart>;
}

/** The text of a key: the same for equal keys on all machines. */
export function textOfKey(key: readonly Value[]): string {
  return JSON.stringify(key.map(valueToJson));
}

/** A key out of its text. */
export function keyOfText(text: string): readonly Value[] {
  return listFromJson(JSON.parse(text), "a key").map((one) => valueFromJson(one));
}

/** The shard of a key: FNV-1a of its text. */
export function shardOf(keyText: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < keyText.length; i++) {
    hash = Math.imul(hash ^ keyText.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0) % SHARDS;
}

/** A snapshot as the text that is published. */
export interface EncodedSnapshot {
  /** Name of the map without `@`. */
  readonly map: string;
  /** Number of the shard. */
  readonly shard: number;
  /** Number of the snapshot. */
  readonly number: number;
  /** The snapshot, for {@linkcode readSnapshot}. */
  readonly text: string;
}

/** Makes the snapshots of one incarnation of a host: those of the shards that have changed. */
export class SnapshotWriter {
  /** Rows and numbers of what was published last, by map and shard. */
  readonly #last = new Map<string, { number: number; rows: string }>();

  /** Numbers of the last snapshots by `map/shard`: a reader who has these has everything. */
  get numbers(): Record<string, number> {
    return Object.fromEntries(this.#last.entries().map(([name, { number }]) => [name, number]));
  }

  /** Snapshots of all shards that differ from the last ones. */
  changes(maps: Iterable<GatheredMap>): EncodedSnapshot[] {
    const changed: EncodedSnapshot[] = [];
    for (const { name, rule, rows } of maps) {
      const shards: (readonly [string, Json])[][] = Array.from({ length: SHARDS }, () => []);
      for (const [key, part] of rows) {
        const text = textOfKey(key);
        shards[shardOf(text)].push([text, partToJson(part)]);
      }
      for (const [shard, list] of shards.entries()) {
        // Maps hand out their keys in no order that lasts.
        list.sort(([a], [b]) => a < b ? -1 : 1);
        const text = JSON.stringify(list);
        const id = `${name}/${shard}`;
        const last = this.#last.get(id);
        if (last === undefined ? list.length === 0 : last.rows === text) continue;
        const number = (last?.number ?? 0) + 1;
        this.#last.set(id, { number, rows: text });
        const head = JSON.stringify({ map: name, shard, number, rule: ruleToJson(rule) });
        changed.push({ map: name, shard, number, text: `${head.slice(0, -1)},"rows":${text}}` });
      }
    }
    return changed;
  }
}

/**
 * Reads the text of a snapshot.
 *
 * @throws {WireError} The text is no snapshot.
 * @throws {SyntaxError} The text is no JSON.
 */
export function readSnapshot(text: string): Snapshot {
  const { map, shard, number, rule: ruleJson, rows } = objectFromJson(
    JSON.parse(text),
    "a snapshot",
  );
  const rule = ruleFromJson(ruleJson);
  return {
    map: textFromJson(map, "the name of a map"),
    shard: countFromJson(shard, "a shard", SHARDS - 1),
    number: countFromJson(number, "a number", Number.MAX_SAFE_INTEGER),
    rule,
    rows: new Map(
      listFromJson(rows, "rows").map((row) => {
        const [key, part] = listFromJson(row, "a row");
        const keyText = textFromJson(key, "a key", 1 << 20);
        keyOfText(keyText);
        return [keyText, partFromJson(rule, part)];
      }),
    ),
  };
}
