// pprof's file format: profile.proto, compressed. https://github.com/google/pprof

import { loadPprof } from "../cli/deps.ts";
import type { Profile } from "./profile.ts";

/** A profile that `go tool pprof` and others open. */
export async function pprof(profile: Profile): Promise<Uint8Array> {
  const { Profile, StringTable, ValueType, Sample, Label, Location, Line, Function, Mapping } =
    await loadPprof();
  const texts = new StringTable();
  const text = (value: string) => texts.dedup(value);
  const onCpu = profile.what === "on-CPU";
  const time = new ValueType({
    type: text(onCpu ? "cpu" : "offcpu"),
    unit: text("nanoseconds"),
  });
  const counted = new ValueType({ type: text("samples"), unit: text("count") });
  const files = [...new Set(profile.frames.map(({ file }) => file ?? ""))];
  const encoded = new Profile({
    sampleType: onCpu ? [counted, time] : [time],
    sample: profile.stacks.map(({ frames, value, pid, comm }) =>
      new Sample({
        // Leaf first.
        locationId: frames.map((index) => index + 1).reverse(),
        value: onCpu ? [value, Math.round(value * profile.periodNs)] : [value],
        label: [
          new Label({ key: text("pid"), num: pid }),
          new Label({ key: text("comm"), str: text(comm) }),
        ],
      })
    ),
    mapping: files.map((file, i) => new Mapping({ id: i + 1, filename: text(file) })),
    location: profile.frames.map(({ file }, i) =>
      new Location({
        id: i + 1,
        mappingId: files.indexOf(file ?? "") + 1,
        line: [new Line({ functionId: i + 1 })],
      })
    ),
    function: profile.frames.map(({ name, file }, i) =>
      new Function({
        id: i + 1,
        name: text(name),
        systemName: text(name),
        filename: text(file ?? ""),
      })
    ),
    stringTable: texts,
    timeNanos: BigInt(profile.startMs) * 1_000_000n,
    durationNanos: BigInt(Math.round(profile.durationMs * 1e6)),
    periodType: time,
    period: onCpu ? Math.round(profile.periodNs) : 1,
  }).encode();
  const packed = new Blob([encoded as Uint8Array<ArrayBuffer>]).stream()
    .pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}
