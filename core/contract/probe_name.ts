// Pure: no I/O, no FFI.
// Names of probes, "provider:function:name", and patterns of names, with `*`.

/** Provider of a probe: "syscall" of "syscall:openat:entry". */
export function providerOf(name: string): string {
  const colon = name.indexOf(":");
  return colon < 0 ? name : name.slice(0, colon);
}

/** True if `pattern` has a wildcard. */
export function isPattern(pattern: string): boolean {
  return pattern.includes("*");
}

/**
 * A test for full names.
 *
 * @param pattern `*` stands for any characters, colons included; the rest for itself.
 */
export function globMatcher(pattern: string): (name: string) => boolean {
  if (!isPattern(pattern)) return (name) => name === pattern;
  const source = pattern.split("*").map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&"));
  const expression = new RegExp(`^${source.join(".*")}$`);
  return (name) => expression.test(name);
}
