import { assertEquals, assertStringIncludes } from "@std/assert";
import { codeOf } from "../../tests/helpers.ts";
import { parseCType } from "../c_type.ts";
import { decodeEvent } from "./event.ts";
import { eventLayout, HEADER } from "../contract/event_layout.ts";
import { EventRings } from "../user_plane/event_ring.ts";
import { passesFilter } from "../user_plane/filter.ts";
import { globMatcher, providerOf } from "../contract/probe_name.ts";
import type { Probe, ProbeSpec } from "../contract/probe.ts";
import { encodeProbeList, PROBE_ENTRY } from "./probe_list.ts";
import { type Provider, PROVIDER_CONTRACT } from "../contract/provider.ts";
import type { UserEvent } from "../contract/user_action.ts";
import { Registry } from "./registry.ts";

function fakeProvider(name: string, probes: string[], contract = PROVIDER_CONTRACT): Provider {
  const specs = probes.map((probe): ProbeSpec => ({ name: probe, args: [] }));
  return {
    contract,
    name,
    probes: () => specs,
    provide: (full) => specs.find((spec) => spec.name === full),
    alloc: (probe, request) => [{ probe, request }],
    attachments: () => [],
  };
}

Deno.test("globMatcher() knows * and nothing else", () => {
  const matches = globMatcher("a:*b:c.d");
  assertEquals(["a:b:c.d", "a:x:yb:c.d", "a:b:cxd", "a:b:c.dx"].map(matches), [
    true,
    true,
    false,
    false,
  ]);
  assertEquals(globMatcher("plain")("plain"), true);
  assertEquals(providerOf("a:b:c"), "a");
  assertEquals(providerOf("a"), "a");
});

Deno.test("Registry numbers probes when they are first named, for good", () => {
  const registry = new Registry([fakeProvider("a", ["a:1", "a:2"]), fakeProvider("b", ["b:1"])]);
  assertEquals(registry.number(1), undefined);
  assertEquals([...registry.list("*")].map(({ name }) => name), ["a:1", "a:2", "b:1"]);
  assertEquals(registry.number(1), undefined);
  assertEquals(registry.lookup("b:1")!.pbn, 1);
  assertEquals([...registry.match("a:*")].map(({ pbn }) => pbn), [2, 3]);
  assertEquals(registry.lookup("b:1")!.pbn, 1);
  assertEquals(registry.number(3)!.name, "a:2");
  assertEquals(registry.number(0), undefined);
  assertEquals(registry.lookup("b:2"), undefined);
  assertEquals(registry.lookup("c:1"), undefined);
});

Deno.test("Registry refuses two providers of one name and another contract", () => {
  assertEquals(
    codeOf(() => new Registry([fakeProvider("a", []), fakeProvider("a", [])])),
    "EEXIST",
  );
  assertEquals(codeOf(() => new Registry([fakeProvider("a", [], 99)])), "EINVAL");
});

Deno.test("encodeProbeList() tells the size, and ENOSPC after what fits", () => {
  const probes = ["a:one:x", "a:two:y"].map((name, i): Probe => (
    { pbn: i + 1, name, args: [{ name: "n", type: "int", at: "arg0" }] }
  ));
  assertEquals(encodeProbeList(probes), 2 * PROBE_ENTRY.bytes);
  const small = new Uint8Array(PROBE_ENTRY.bytes + 5);
  assertEquals(codeOf(() => encodeProbeList(probes, small)), "ENOSPC");
  const view = new DataView(small.buffer);
  assertEquals([view.getUint32(0, true), view.getUint32(4, true)], [1, 1]);
  assertStringIncludes(new TextDecoder().decode(small), "a:one:x\0");
  assertEquals(encodeProbeList(probes, new Uint8Array(256)), 256);
});

Deno.test("eventLayout() places parts in order and refuses silly captures", () => {
  const layout = eventLayout(["ustack", "comm"], { path: { string: 10 }, n: "int" });
  assertEquals(layout.at, { comm: 40, ustack: 56 });
  assertEquals(layout.captures.map(({ at }) => at), [56 + 1024, 56 + 1024 + 24]);
  assertEquals(layout.size, 56 + 1024 + 24 + 16);
  assertEquals(layout.states, 1 | 2);
  assertEquals(codeOf(() => eventLayout([], { x: { bytes: 0 } })), "EINVAL");
  assertEquals(codeOf(() => eventLayout([], { x: { string: 1e6 } })), "EINVAL");
});

Deno.test("decodeEvent() reads what the layout says, and null for memory that was not there", () => {
  const layout = eventLayout(["comm", "args", "kstack"], {
    name: "string",
    gone: "string",
    raw: { bytes: 4 },
    n: "int",
  });
  const bytes = new Uint8Array(layout.size);
  const view = new DataView(bytes.buffer);
  view.setUint32(HEADER.cpu, 1, true);
  view.setBigUint64(HEADER.time, 99n, true);
  view.setUint32(24, 10, true);
  view.setUint32(28, 11, true);
  bytes.set(new TextEncoder().encode("thread"), layout.at.comm!);
  view.setBigInt64(layout.at.args!, -5n, true);
  view.setBigInt64(layout.at.kstack!, 24n, true);
  [7n, 8n, 0n].forEach((frame, i) => view.setBigUint64(layout.at.kstack! + 8 + i * 8, frame, true));
  const [name, gone, raw, n] = layout.captures;
  view.setBigInt64(name.at, 3n, true);
  bytes.set(new TextEncoder().encode("hi\0rubbish"), name.at + 8);
  view.setBigInt64(gone.at, -14n, true);
  view.setBigInt64(raw.at, 4n, true);
  bytes.set([1, 2, 3, 4], raw.at + 8);
  view.setBigInt64(n.at, 8n, true);
  view.setBigInt64(n.at + 8, -1n, true);
  const probe: Probe = {
    pbn: 4,
    name: "a:b:return",
    args: [{ name: "retval", type: "long", at: "retval" }],
    retval: "long",
  };
  assertEquals(decodeEvent(view, layout, probe), {
    pbn: 4,
    probe: "a:b:return",
    cpu: 1,
    pid: 10,
    tid: 11,
    timestampNs: 99n,
    comm: "thread",
    args: [-5n],
    kstack: [7n, 8n],
    captured: { name: "hi", gone: null, raw: new Uint8Array([1, 2, 3, 4]), n: -1n },
  });
});

Deno.test("EventRings drops when full, counts it, and uses every slot", () => {
  const rings = new EventRings(2, 32, 3);
  const put = (cpu: number, id: number) =>
    rings.write(cpu, (slot) => slot.setUint32(HEADER.id, id, true));
  assertEquals([put(0, 1), put(0, 2), put(0, 3), put(0, 4)], [true, true, true, false]);
  assertEquals(put(1, 5), true);
  assertEquals(rings.dropped, 1n);
});

Deno.test("EventRings serves the CPUs round robin from where the last read ended", () => {
  const rings = new EventRings(3, 32, 8);
  const put = (cpu: number, id: number) =>
    rings.write(cpu, (slot) => slot.setUint32(HEADER.id, id, true));
  for (const id of [10, 11, 12]) put(0, id);
  for (const id of [20, 21]) put(1, id);
  put(2, 30);
  const take = (count: number) => {
    const ids: number[] = [];
    rings.read((slot) => ids.length < count && ids.push(slot.getUint32(HEADER.id, true)) > 0);
    return ids;
  };
  assertEquals(take(2), [10, 20]);
  assertEquals(take(2), [30, 11]);
  assertEquals(take(9), [21, 12]);
  assertEquals(rings.empty, true);
  // Slots are used again, zeroed.
  put(0, 13);
  rings.read((slot) => {
    assertEquals(slot.getUint32(HEADER.cpu, true), 0);
    return true;
  });
});

Deno.test("passesFilter() compares pid and tid", () => {
  const event = { thread: { pid: 5, tid: 6 } } as UserEvent;
  assertEquals(passesFilter(undefined, event), true);
  assertEquals(passesFilter({ variable: "pid", operator: "eq", value: 5 }, event), true);
  assertEquals(passesFilter({ variable: "pid", operator: "ne", value: 5 }, event), false);
  assertEquals(passesFilter({ variable: "tid", operator: "eq", value: 5 }, event), false);
  assertEquals(passesFilter({ variable: "tid", operator: "ne", value: 5 }, event), true);
});

Deno.test("parseCType() knows widths, signs and pointers", () => {
  assertEquals(parseCType("int"), { size: 4, signed: true });
  assertEquals(parseCType("const __u32"), { size: 4, signed: false });
  assertEquals(parseCType("unsigned long"), { size: 8, signed: false });
  assertEquals(parseCType("umode_t"), { size: 2, signed: false });
  assertEquals(parseCType("const char *"), { size: 8, signed: false, pointee: "char" });
  assertEquals(parseCType("const char *const *"), { size: 8, signed: false, pointee: "char *" });
  assertEquals(parseCType("const enum landlock_rule_type"), { size: 4, signed: false });
  assertEquals(parseCType("some_unknown_t"), { size: 8, signed: false });
});
