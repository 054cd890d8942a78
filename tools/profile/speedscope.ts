// Pure: no I/O, no FFI.
// speedscope's file format: https://www.speedscope.app/file-format-schema.json

import { type Profile, totalOf } from "./profile.ts";

/** A profile that speedscope opens. */
export function speedscope(profile: Profile, exporter: string): string {
  const { frames, stacks, what, subject } = profile;
  const onCpu = what === "on-CPU";
  const weights = stacks.map(({ value }) => onCpu ? value * profile.periodNs : value);
  return JSON.stringify({
    $schema: "https://www.speedscope.app/file-format-schema.json",
    exporter,
    name: `${subject} (${what})`,
    activeProfileIndex: 0,
    shared: { frames: frames.map(({ name, file }) => ({ name, file })) },
    profiles: [{
      type: "sampled",
      name: `${subject} (${what})`,
      unit: "nanoseconds",
      startValue: 0,
      endValue: totalOf(profile) * (onCpu ? profile.periodNs : 1),
      samples: stacks.map((one) => one.frames),
      weights,
    }],
  });
}
