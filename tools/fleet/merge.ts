// Pure: no I/O, no FFI.
// The maps of many hosts as one. For each shard of a map of each incarnation of a host the newest snapshot
// counts: taking the newest is a join, so duplicates, old messages and their order do not matter. What the
// incarnations of all hosts have gathered is then added up.

import type { AggregationType } from "../../language/model/aggregations.ts";
import type { MapPart } from "../../language/output/map_parts.ts";
import type { Value } from "../../language/output/values.ts";
import { keyOfText, type Snapshot } from "./snapshot.ts";
import { ruleToJson } from "./wire.ts";

/** Where snapshots come from: one run of a job on one host. A restarted agent is another incarnation. */
export interface Origin {
  /** Name of the host. */
  readonly host: string;
  /** Number of the incarnation; later ones have greater numbers. */
  readonly incarnation: number;
}

/** An entry of a merged map. */
export interface MergedRow {
  /** Group of hosts that the value is of; empty without groups. */
  readonly group: string;
  /** Parts of the key. */
  readonly key: readonly Value[];
  /** The value. Plain values belong to their hosts: `hosts` has them, by name. */
  readonly part: MapPart | {
    readonly kind: "hosts";
    readonly values: ReadonlyMap<string, Value>;
  };
}

/** A map of all hosts together. */
export interface MergedMap {
  /** Name of the map without `@`. */
  readonly name: string;
  /** How the map aggregates; undefined for plain values. */
  readonly rule: AggregationType | undefined;
  /** Entries, without an order. */
  readonly rows: readonly MergedRow[];
  /** Hosts whose values are left out: their map aggregates in another way, such as with other buckets. */
  readonly refused: readonly string[];
}

/** What an origin has published of a map. */
interface Published {
  readonly origin: Origin;
  readonly rule: AggregationType | undefined;
  readonly ruleText: string;
  readonly shards: Map<number, Snapshot>;
}

/** Gathers snapshots of one job. */
export class FleetMaps {
  /** What was published, by map, then by origin. */
  readonly #maps = new Map<string, Map<string, Published>>();

  /** Names of the maps of which there are snapshots, in alphabetical order. */
  get names(): string[] {
    return [...this.#maps.keys()].sort();
  }

  /**
   * Takes a snapshot that has arrived.
   *
   * @returns False for one that is not newer than what is known.
   */
  accept(origin: Origin, snapshot: Snapshot): boolean {
    const byOrigin = this.#maps.getOrInsertComputed(snapshot.map, () => new Map());
    // A map of one incarnation has one rule; another rule is another map.
    const ruleText = JSON.stringify(ruleToJson(snapshot.rule));
    const id = JSON.stringify([origin.host, origin.incarnation, ruleText]);
    let published = byOrigin.get(id);
    if (published === undefined) {
      published = { origin, rule: snapshot.rule, ruleText, shards: new Map() };
      byOrigin.set(id, published);
    }
    const known = published.shards.get(snapshot.shard);
    if (known !== undefined && known.number >= snapshot.number) return false;
    published.shards.set(snapshot.shard, snapshot);
    return true;
  }

  /** Number of the newest snapshot of a shard; 0 if there is none. */
  numberOf({ host, incarnation }: Origin, map: string, shard: number): number {
    let newest = 0;
    for (const { origin, shards } of this.#maps.get(map)?.values() ?? []) {
      if (origin.host !== host || origin.incarnation !== incarnation) continue;
      newest = Math.max(newest, shards.get(shard)?.number ?? 0);
    }
    return newest;
  }

  /**
   * A map of all hosts.
   *
   * @param groupOf Group of a host, by which values are kept apart. Default: all are one group.
   */
  merged(name: string, groupOf: (host: string) => string = () => ""): MergedMap {
    const all = [...this.#maps.get(name)?.values() ?? []].sort(byOrigin);
    const [first] = all;
    const refused = new Set<string>();
    const rows = new Map<string, MergedRow>();
    for (const { origin: { host }, ruleText, shards } of all) {
      if (ruleText !== first.ruleText) {
        refused.add(host);
        continue;
      }
      const group = groupOf(host);
      for (const snapshot of shards.values()) {
        for (const [keyText, part] of snapshot.rows) {
          const id = JSON.stringify([group, keyText]);
          const known = rows.get(id);
          rows.set(id, {
            group,
            key: known?.key ?? keyOfText(keyText),
            part: add(first.rule, known?.part, host, part),
          });
        }
      }
    }
    return { name, rule: first?.rule, rows: [...rows.values()], refused: [...refused] };
  }
}

/** Hosts by name; of a host the older incarnation first. */
function byOrigin(a: Published, b: Published): number {
  if (a.origin.host !== b.origin.host) return a.origin.host < b.origin.host ? -1 : 1;
  return a.origin.incarnation - b.origin.incarnation || (a.ruleText < b.ruleText ? -1 : 1);
}

/** The sum of two parts; of plain values of one host the last one stays. */
function add(
  rule: AggregationType | undefined,
  known: MergedRow["part"] | undefined,
  host: string,
  part: MapPart,
): MergedRow["part"] {
  if (part.kind === "value") {
    const row = known?.kind === "hosts" ? known : { kind: "hosts" as const, values: new Map() };
    // The map was made here, for this row.
    (row.values as Map<string, Value>).set(host, part.value);
    return row;
  }
  if (known === undefined) return part;
  if (known.kind === "sum" && part.kind === "sum") {
    return { kind: "sum", total: wrap(rule!, known.total + part.total) };
  }
  if (known.kind === "mean" && part.kind === "mean") {
    return {
      kind: "mean",
      count: BigInt.asUintN(64, known.count + part.count),
      total: wrap(rule!, known.total + part.total),
    };
  }
  if (known.kind === "extreme" && part.kind === "extreme") {
    if (known.value === undefined) return part;
    if (part.value === undefined) return known;
    return (rule!.name === "min") === (part.value < known.value) ? part : known;
  }
  if (known.kind === "histogram" && part.kind === "histogram") {
    const counts = new Map(known.counts);
    for (const [low, count] of part.counts) counts.set(low, (counts.get(low) ?? 0n) + count);
    return { kind: "histogram", counts };
  }
  throw new TypeError(`Cannot add ${part.kind} to ${known.kind}`);
}

/** A number of 64 bits, as one machine would have counted it. */
function wrap({ signed }: AggregationType, value: bigint): bigint {
  return signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
}
