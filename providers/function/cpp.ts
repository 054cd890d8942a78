// Pure: no I/O, no FFI.
// Functions of C++ by the names that their authors know: "cpp:ns::Foo::bar" means every overload,
// "cpp:ns::Foo::bar(int)" one of them.

/** Makes the name of a C++ or Rust function readable: "_ZN2ns3Foo3barEi" to "ns::Foo::bar(int)". */
export type Demangle = (name: string) => string;

/** What a place begins with if a name of C++ follows. */
export const CPP = "cpp:";

/** True for a name of C++ as a person writes it: it may mean several functions. */
export function isReadable(where: string): boolean {
  return where.startsWith(CPP) && !where.startsWith(`${CPP}_Z`);
}

/** A test for mangled names of functions that `wanted` means: with parameters, or of any. */
export function cppMatcher(wanted: string, demangle: Demangle): (mangled: string) => boolean {
  const plain = (name: string) => name.replace(/\s+/g, "");
  const name = plain(wanted);
  const source = name.split("*").map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&")).join(
    ".*",
  );
  const whole = new RegExp(`^(?:${source})(?:\\(.*\\).*)?$`);
  return (mangled) => {
    if (!mangled.startsWith("_Z")) return mangled === wanted;
    return whole.test(plain(demangle(mangled)));
  };
}
