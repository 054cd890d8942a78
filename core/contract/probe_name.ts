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
  const parts = pattern.split("*");
  const [first, last] = [parts[0], parts[parts.length - 1]];
  const between = parts.slice(1, -1).filter((part) => part !== "");
  // Each part is taken where it first occurs: a regular expression would try all other places, too.
  return (name) => {
    if (name.length < first.length + last.length) return false;
    if (!name.startsWith(first) || !name.endsWith(last)) return false;
    const end = name.length - last.length;
    let at = first.length;
    for (const part of between) {
      const found = name.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}
