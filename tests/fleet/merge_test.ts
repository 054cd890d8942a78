// What the maps of a fleet come to, against one list of everything that has happened anywhere. The hosts
// keep words per CPU as the kernel does; the reference keeps the numbers themselves and computes from them.
// FLEET_RUNS and FUZZ_SEED make longer or other runs.

import { assertEquals, assertThrows } from "@std/assert";
import { type AggregationType, aggregationWords } from "../../language/model/aggregations.ts";
import { partOf } from "../../language/output/map_parts.ts";
import { readEntry } from "../../language/output/map_values.ts";
import type { Value } from "../../language/output/values.ts";
import { FleetMaps, type MergedRow, type Origin } from "../../tools/fleet/merge.ts";
import { type GatheredMap, readSnapshot, SnapshotWriter } from "../../tools/fleet/snapshot.ts";
import { valueFromJson, valueToJson } from "../../tools/fleet/wire.ts";
import { Random } from "../fuzz/random.ts";

const RUNS = Number(Deno.env.get("FLEET_RUNS") ?? 150);
const SEED = Number(Deno.env.get("FUZZ_SEED") ?? 1);
const CPUS = 2;

function rule(name: AggregationType["name"], signed = false, params: bigint[] = []) {
  return { kind: "aggregation", name, signed, params } as const satisfies AggregationType;
}

const RULES: Readonly<Record<string, AggregationType | undefined>> = {
  count: rule("count"),
  sum: rule("sum", true),
  usum: rule("sum"),
  avg: rule("avg", true),
  stats: rule("stats"),
  min: rule("min", true),
  umin: rule("min"),
  max: rule("max", true),
  umax: rule("max"),
  hist: rule("hist", true, [0n]),
  fine: rule("hist", true, [2n]),
  lhist: rule("lhist", true, [-10n, 100n, 7n]),
  plain: undefined,
};

/** Keys of several types; some differ in type alone. */
const KEYS: readonly (readonly Value[])[] = [
  [],
  [1],
  ["1"],
  [1, "a"],
  ["1,a"],
  [2n ** 63n],
  [new Uint8Array([1, 2])],
  [[1, 2], null, true],
  [{ stack: ["main+1", "read"] }],
];

/** What happened: a number under a key of a map of an origin. */
interface Happening {
  readonly origin: Origin;
  readonly map: string;
  readonly key: number;
  readonly value: bigint;
}

/** One run of the script on a host: words per CPU, as the kernel has them. */
class Incarnation {
  readonly maps = new Map(
    Object.keys(RULES).map((name) => [name, new Map<number, BigInt64Array>()]),
  );
  readonly writer = new SnapshotWriter();

  constructor(readonly origin: Origin) {}

  change(map: string, key: number, cpu: number, value: bigint): void {
    const type = RULES[map];
    const size = type === undefined ? 1 : aggregationWords(type);
    const words = this.maps.get(map)!.getOrInsertComputed(
      key,
      () => new BigInt64Array(size * CPUS),
    );
    const own = words.subarray(cpu * size);
    const { signed, name, params } = type ?? rule("count");
    const read = (word: bigint) => signed ? word : BigInt.asUintN(64, word);
    switch (type === undefined ? "set" : name) {
      case "set":
        words[0] = value;
        break;
      case "count":
        own[0]++;
        break;
      case "sum":
        own[0] += value;
        break;
      case "avg":
      case "stats":
        own[0] += value;
        own[1]++;
        break;
      case "min":
      case "max": {
        const further = name === "min" ? read(value) < read(own[0]) : read(value) > read(own[0]);
        if (own[1] === 0n || further) own[0] = value;
        own[1] = 1n;
        break;
      }
      case "hist": {
        const bits = params[0];
        let bucket = 0n;
        if (value >= 0n && value < 1n << bits) bucket = value + 1n;
        else if (value >= 0n) {
          const power = BigInt(value.toString(2).length - 1);
          const fraction = (value >> (power - bits)) - (1n << bits);
          bucket = 1n + ((power - bits + 1n) << bits) + fraction;
        }
        own[Number(bucket)]++;
        break;
      }
      case "lhist": {
        const [min, max, step] = params;
        const bucket = value < min
          ? 0n
          : value >= max
          ? BigInt(size) - 1n
          : (value - min) / step + 1n;
        own[Number(bucket)]++;
      }
    }
  }

  gathered(): GatheredMap[] {
    return [...this.maps].map(([name, entries]) => {
      const type = RULES[name];
      return {
        name,
        rule: type,
        rows: [...entries].map(([key, words]) => {
          if (type === undefined) {
            return [KEYS[key], { kind: "value", value: BigInt(words[0]) }] as const;
          }
          const bytes = new Uint8Array(words.buffer);
          const { value } = readEntry(
            { name: `@${name}`, value: type },
            new Uint8Array(0),
            bytes,
            bytes.length / CPUS,
          );
          return [KEYS[key], partOf(value)!] as const;
        }),
      };
    });
  }
}

/** A part in a form that can be compared. */
function plain(part: MergedRow["part"]): unknown {
  switch (part.kind) {
    case "histogram":
      return [...part.counts].map(([low, count]) => `${low}: ${count}`).sort();
    case "hosts":
      return [...part.values].map(([host, value]) => `${host}: ${value}`).sort();
    case "mean":
      return [part.count, part.total];
    case "sum":
      return part.total;
    case "extreme":
      return part.value;
    case "value":
      throw new TypeError("a plain value that belongs to no host");
  }
}

/** What numbers come to, by the meaning of the aggregation alone. */
function expected(name: string, happenings: readonly Happening[]): unknown {
  const type = RULES[name];
  const values = happenings.map(({ value }) => value);
  if (type === undefined) {
    const last = new Map(happenings.map(({ origin, value }) => [origin, value]));
    const newest = new Map(
      [...last].sort(([a], [b]) => a.incarnation - b.incarnation).map((
        [{ host }, value],
      ) => [host, value]),
    );
    return [...newest].map(([host, value]) => `${host}: ${value}`).sort();
  }
  const read = (value: bigint) =>
    type.signed ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value);
  const total = read(values.reduce((a, b) => a + b, 0n));
  switch (type.name) {
    case "count":
      return BigInt(values.length);
    case "sum":
      return total;
    case "avg":
    case "stats":
      return [BigInt(values.length), total];
    case "min":
    case "max":
      return values.map(read).reduce<bigint | undefined>(
        (a, b) => a === undefined || (type.name === "min" ? b < a : b > a) ? b : a,
        undefined,
      );
    default: {
      const counts = Map.groupBy(values, (value) => lowest(type, value));
      return [...counts].map(([low, { length }]) => `${low}: ${length}`).sort();
    }
  }
}

/** The lowest number that is in the bucket of a number. */
function lowest({ name, params }: AggregationType, value: bigint): bigint | undefined {
  if (name === "lhist") {
    const [min, max, step] = params;
    if (value < min) return undefined;
    return value >= max ? max : value - (value - min) % step;
  }
  if (value < 0n) return undefined;
  // The first bits of the number stay, the others become zero.
  const drop = Math.max(0, value.toString(2).length - 1 - Number(params[0]));
  return value >> BigInt(drop) << BigInt(drop);
}

const NUMBERS = [
  0n,
  1n,
  -1n,
  5n,
  63n,
  64n,
  99n,
  100n,
  2n ** 53n,
  2n ** 62n,
  -(2n ** 63n),
  2n ** 63n - 1n,
];

function run(seed: number): void {
  const random = new Random(seed);
  const hosts = Array.from({ length: 1 + random.below(5) }, (_, i) => `host${i}`);
  const running = new Map(hosts.map((host) => [host, new Incarnation({ host, incarnation: 1 })]));
  const all = [...running.values()];
  let happened: Happening[] = [];
  /** Keys that exist, zeros included: zero() keeps keys. */
  const exist = new Map<string, Set<Origin>>();
  const idOf = (map: string, key: number) => `${map} ${key}`;
  const maps = new FleetMaps();
  let transit: { origin: Origin; text: string }[] = [];
  const retained = new Map<string, { origin: Origin; text: string }>();
  let cutOff: string | undefined;

  const publish = (one: Incarnation) => {
    for (const { map, shard, text } of one.writer.changes(one.gathered())) {
      const message = { origin: one.origin, text };
      retained.set(`${one.origin.host} ${one.origin.incarnation} ${map} ${shard}`, message);
      if (one.origin.host === cutOff || random.once(3)) continue;
      transit.push(message);
      if (random.once(4)) transit.push(message);
    }
  };
  const deliver = () => {
    const { origin, text } = transit.splice(random.below(transit.length), 1)[0];
    if (random.once(5)) transit.push({ origin, text });
    maps.accept(origin, readSnapshot(text));
  };

  const names = Object.keys(RULES);
  for (let step = 0; step < 60; step++) {
    const host = random.pick(hosts);
    const one = running.get(host)!;
    const { origin } = one;
    const map = random.pick(names);
    switch (random.below(14)) {
      case 0: // clear(@map)
        one.maps.get(map)!.clear();
        happened = happened.filter((it) => it.origin !== origin || it.map !== map);
        for (const key of KEYS.keys()) exist.get(idOf(map, key))?.delete(origin);
        break;
      case 1: // zero(@map)
        for (const words of one.maps.get(map)!.values()) words.fill(0n);
        happened = happened.filter((it) => it.origin !== origin || it.map !== map);
        if (RULES[map] === undefined) {
          for (const key of one.maps.get(map)!.keys()) {
            happened.push({ origin, map, key, value: 0n });
          }
        }
        break;
      case 2: { // delete(@map[key])
        const key = random.below(KEYS.length);
        one.maps.get(map)!.delete(key);
        happened = happened.filter((it) =>
          it.origin !== origin || it.map !== map || it.key !== key
        );
        exist.get(idOf(map, key))?.delete(origin);
        break;
      }
      case 3: { // The agent ends in order and starts again.
        if (!random.once(4)) break;
        publish(one);
        const next = new Incarnation({ host, incarnation: origin.incarnation + 1 });
        running.set(host, next);
        all.push(next);
        break;
      }
      case 4:
        cutOff = random.once(2) ? undefined : host;
        break;
      case 5:
      case 6:
        publish(one);
        break;
      case 7:
        if (transit.length > 0) deliver();
        break;
      default:
        for (let i = random.small(6); i > 0; i--) {
          const key = random.below(KEYS.length);
          const value = random.pick(NUMBERS);
          one.change(map, key, random.below(CPUS), value);
          happened.push({ origin, map, key, value });
          exist.getOrInsertComputed(idOf(map, key), () => new Set()).add(origin);
        }
    }
  }
  // At the end the transport hands out what it has retained: the last message of each subject, among old ones.
  for (const one of all) publish(one);
  transit = [...transit.filter(() => random.once(2)), ...retained.values()];
  while (transit.length > 0) deliver();

  for (const name of names) {
    const merged = maps.merged(name);
    assertEquals(merged.refused, []);
    const actual = Object.fromEntries(
      merged.rows.map(({ key, part }) => [JSON.stringify(key.map(valueToJson)), plain(part)]),
    );
    const wanted = Object.fromEntries(
      [...KEYS.entries()].filter(([key]) => exist.get(idOf(name, key))?.size).map((
        [key, parts],
      ) => [
        JSON.stringify(parts.map(valueToJson)),
        expected(name, happened.filter((it) => it.map === name && it.key === key)),
      ]),
    );
    assertEquals(actual, wanted, `seed ${seed}, @${name}`);
  }
}

Deno.test(`${RUNS} fleets on a bad network have the maps of one machine that saw everything`, () => {
  for (let i = 0; i < RUNS; i++) run(SEED + i);
});

Deno.test("a histogram with other buckets is left out, whichever came first", () => {
  const publish = (params: bigint[]) =>
    new SnapshotWriter().changes([{
      name: "h",
      rule: rule("hist", true, params),
      rows: [[["k"], { kind: "histogram", counts: new Map([[1n, 2n]]) }]],
    }]).map(({ text }) => readSnapshot(text));
  const parts = [["a", [0n]], ["b", [2n]], ["c", [0n]]] as const;
  for (const order of [parts, parts.toReversed()]) {
    const maps = new FleetMaps();
    for (const [host, params] of order) {
      for (const one of publish([...params])) maps.accept({ host, incarnation: 1 }, one);
    }
    const { rows, refused } = maps.merged("h");
    assertEquals(refused, ["b"]);
    assertEquals(rows.map(({ part }) => plain(part)), [["1: 4"]]);
  }
});

Deno.test("hosts of different groups are kept apart", () => {
  const maps = new FleetMaps();
  for (const [host, total] of [["a", 1n], ["b", 2n], ["c", 4n]] as const) {
    const [one] = new SnapshotWriter().changes([
      { name: "", rule: rule("count"), rows: [[[], { kind: "sum", total }]] },
    ]);
    maps.accept({ host, incarnation: 1 }, readSnapshot(one.text));
  }
  const { rows } = maps.merged("", (host) => host === "b" ? "x" : "y");
  assertEquals(rows.map(({ group, part }) => [group, plain(part)]), [["y", 5n], ["x", 2n]]);
});

Deno.test("only shards that have changed are published", () => {
  const writer = new SnapshotWriter();
  const map = (changed: bigint): GatheredMap => ({
    name: "m",
    rule: rule("count"),
    rows: Array.from({ length: 1000 }, (_, i) => [[i], {
      kind: "sum",
      total: i === 7 ? changed : 1n,
    }]),
  });
  assertEquals(writer.changes([map(1n)]).length, 16);
  assertEquals(writer.changes([map(1n)]), []);
  assertEquals(writer.changes([map(2n)]).map(({ number }) => number), [2]);
});

Deno.test("values survive their way as JSON", () => {
  for (const key of KEYS) {
    for (const value of key) {
      assertEquals(valueFromJson(JSON.parse(JSON.stringify(valueToJson(value)))), value);
    }
  }
  const named = { __proto__: null, constructor: 1, a: { b: [1n << 60n] } } as unknown as Value;
  const back = valueFromJson(JSON.parse(JSON.stringify(valueToJson(named))));
  assertEquals(valueToJson(back), valueToJson(named));
});

Deno.test("messages that are no snapshots are refused", () => {
  const good = {
    map: "m",
    shard: 0,
    number: 1,
    rule: ["count", false, []],
    rows: [["[1]", 5]],
  };
  assertEquals(readSnapshot(JSON.stringify(good)).number, 1);
  const bad: unknown[] = [
    ...[null, 1, "text", [], {}],
    ...[{ ...good, shard: 16 }, { ...good, number: 1.5 }, {
      ...good,
      rule: ["toString", false, []],
    }],
    ...[{ ...good, rule: ["hist", true, [60]] }, { ...good, rule: ["lhist", true, [0, 1e15, 1]] }],
    ...[{ ...good, rule: ["tseries", true, [1, 1]] }, { ...good, rows: [["[1", 5]] }],
    ...[{ ...good, rows: [["[1]", 2 ** 60]] }, { ...good, rows: [["[1]", "9".repeat(21)]] }],
    ...[{ ...good, rows: [[JSON.stringify(deep(50)), 5]] }],
  ];
  for (const one of bad) assertThrows(() => readSnapshot(JSON.stringify(one)), Error);
});

function deep(levels: number): unknown {
  return levels === 0 ? 1 : [deep(levels - 1)];
}
