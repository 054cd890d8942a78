// Pure: no I/O, no FFI.
// Names of probes as scripts may write them.

/** Short names and other names of probe types. */
const ABBREVIATIONS: Readonly<Record<string, string>> = {
  i: "interval",
  p: "profile",
  t: "tracepoint",
  rt: "rawtracepoint",
  s: "software",
  h: "hardware",
  u: "uprobe",
  ur: "uretprobe",
  U: "usdt",
  w: "watchpoint",
  it: "iter",
  k: "kprobe",
  kr: "kretprobe",
  f: "fentry",
  fr: "fexit",
  kfunc: "fentry",
  kretfunc: "fexit",
};

/** A name as the registry knows it: the provider in full and in lower case. */
export function fullName(text: string): string {
  const [first, ...rest] = text.split(":");
  const provider = first.toLowerCase();
  // Case counts for u and U alone.
  const known = [first, provider].filter((one) => Object.hasOwn(ABBREVIATIONS, one))
    .map((one) => ABBREVIATIONS[one])[0] ?? provider;
  // tracepoint:*foo* means any subsystem, fentry:*foo* any module.
  if (
    /^(raw)?tracepoint$|^fentry$|^fexit$/.test(known) && rest.length === 1 && rest[0].includes("*")
  ) {
    rest.unshift("*");
  }
  return [known, ...rest].join(":");
}
