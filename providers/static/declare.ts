// Tracepoints of a TypeScript program.

import { DtError } from "../../core/errors.ts";
import { openProbeLibrary, type ProbeParameter } from "../../core/sys/probe_library.ts";
import { type ArgumentType, functionName, libraryImage, WORDS } from "./image.ts";
import { writeLibrary } from "./library_file.ts";
import { integerOf, type Point, points, type PointValue, tell } from "./shared_points.ts";

/** Type of the value that an argument of a tracepoint takes. */
export type ValueOf<T extends ArgumentType> = T extends "string" ? string
  : T extends "bool" ? boolean
  : T extends "i64" | "u64" ? number | bigint
  : number;

/** Names of tracepoints with the types of their arguments: at most six. */
export type Definitions = Readonly<Record<string, readonly ArgumentType[]>>;

/** Types of the arguments that a tracepoint is called with. */
export type ValuesOf<T extends readonly ArgumentType[]> = {
  readonly [I in keyof T]: ValueOf<T[I]>;
};

/** A function for each declared tracepoint. */
export type Tracepoints<D extends Definitions> = {
  readonly [N in keyof D]: (...values: ValuesOf<D[N]>) => void;
};

/** Most arguments: as many as the calling convention has registers for. */
const MOST_ARGUMENTS = 6;
/** Longer strings are cut, NUL included. */
const MOST_STRING = 4096;

const PARAMETERS: Readonly<Record<ArgumentType, ProbeParameter>> = {
  string: "buffer",
  i32: "i32",
  u32: "u32",
  i64: "i64",
  u64: "u64",
  bool: "u32",
};

/**
 * Declares tracepoints: functions to be called where something happens, at the cost of about a nanosecond
 * while they are not traced. They can be traced in this process by sessions and scripts (`static:NAMESPACE:NAME`),
 * from outside by btrace, and by every tracer that knows USDT. Each Worker has tracepoints of its own; a
 * session of this process sees those of its thread.
 *
 * @param namespace Letters, digits and `_`.
 * @param definitions Names with the types of their arguments.
 * @throws {DtError} EINVAL a bad name, more than six arguments, or some hundred tracepoints at once; EEXIST
 * declared before with others.
 *
 * @example
 * ```ts
 * import { tracepoints } from "./mod.ts";
 *
 * const http = tracepoints("example", { request: ["string", "u32"], done: ["u32", "u64"] });
 * http.request("/index.html", 7);
 * http.done(7, 1500n);
 * ```
 */
export function tracepoints<const D extends Definitions>(
  namespace: string,
  definitions: D,
): Tracepoints<D> {
  const declared = points();
  const names = Object.keys(definitions);
  for (const name of [namespace, ...names]) {
    if (!/^[A-Za-z_]\w{0,63}$/.test(name)) throw bad(`${namespace}:${name}: not a name`);
  }
  const added: string[] = [];
  for (const name of names) {
    const types = definitions[name];
    if (types.length > MOST_ARGUMENTS) {
      throw bad(`${namespace}:${name}: ${types.length} arguments, at most ${MOST_ARGUMENTS}`);
    }
    const wrong = types.find((type) => !Object.hasOwn(PARAMETERS, type));
    if (wrong !== undefined) throw bad(`${namespace}:${name}: unknown type '${wrong}'`);
    const known = declared.get(`${namespace}:${name}`);
    if (known === undefined) added.push(name);
    else if (known.types.join() !== types.join()) {
      throw new DtError(
        "EEXIST",
        `Cannot declare tracepoint ${namespace}:${name}: it is there with other arguments`,
        { operation: "tracepoints" },
      );
    }
  }
  const made = makePoints(namespace, added.map((name) => ({ name, types: definitions[name] })));
  for (const point of made) declared.set(`${namespace}:${point.name}`, point);
  return Object.fromEntries(
    names.map((name) => [name, caller(declared.get(`${namespace}:${name}`)!)]),
  ) as unknown as Tracepoints<D>;
}

function bad(reason: string): DtError {
  return new DtError("EINVAL", `Cannot declare tracepoint ${reason}`, { operation: "tracepoints" });
}

function makePoints(
  namespace: string,
  probes: readonly { name: string; types: readonly ArgumentType[] }[],
): Point[] {
  if (probes.length === 0) return [];
  const library = loadLibrary(namespace, probes);
  const words = library?.words ?? new Uint32Array(probes.length);
  return probes.map(({ name, types }, index) => ({
    namespace,
    name,
    types,
    words,
    index,
    listeners: new Set(),
    call: library && probeCaller(types, library.functions[index]),
  }));
}

/** Undefined if a library cannot be loaded: then only this process itself can trace the tracepoints. */
function loadLibrary(
  namespace: string,
  probes: readonly { name: string; types: readonly ArgumentType[] }[],
) {
  const { arch } = Deno.build;
  if (arch !== "x86_64" && arch !== "aarch64") return undefined;
  let image: Uint8Array<ArrayBuffer>;
  try {
    image = libraryImage(namespace, probes, arch);
  } catch (error) {
    throw bad(`${namespace}: ${(error as Error).message}`);
  }
  // Declaring must never ask anybody for anything.
  const granted = (["env", "read", "write", "ffi"] as const).every((name) =>
    Deno.permissions.querySync({ name }).state === "granted"
  );
  if (!granted) return undefined;
  try {
    return openProbeLibrary(
      writeLibrary(namespace, image),
      WORDS,
      probes.map(({ types }, i) => ({
        name: functionName(i),
        parameters: types.map((type) => PARAMETERS[type]),
      })),
    );
  } catch {
    return undefined; // no permission for FFI or files, or a folder without execution
  }
}

/** Calls a probe's function with the values for its argument registers. */
function probeCaller(types: readonly ArgumentType[], probe: (...args: unknown[]) => void) {
  const encoder = new TextEncoder();
  const texts = types.map((type) => type === "string" ? new Uint8Array(MOST_STRING) : undefined);
  return (values: readonly PointValue[]) => {
    probe(...values.map((value, i) => {
      const text = texts[i];
      if (text !== undefined) {
        const { written } = encoder.encodeInto(String(value), text.subarray(0, -1));
        text[written] = 0;
        return text;
      }
      switch (types[i]) {
        case "bool":
          return value ? 1 : 0;
        case "i64":
          return BigInt.asIntN(64, integerOf(value));
        case "u64":
          return BigInt.asUintN(64, integerOf(value));
        case "i32":
          return Number(value) | 0;
        default:
          return Number(value) >>> 0;
      }
    }));
  };
}

/** A function of as many parameters as there are arguments: one load and one test while the tracepoint is unused. */
function caller(point: Point): (...values: PointValue[]) => void {
  const { words, index, types } = point;
  type V = PointValue;
  switch (types.length) {
    case 0:
      return () => {
        if (words[index] !== 0) tell(point, []);
      };
    case 1:
      return (a: V) => {
        if (words[index] !== 0) tell(point, [a]);
      };
    case 2:
      return (a: V, b: V) => {
        if (words[index] !== 0) tell(point, [a, b]);
      };
    case 3:
      return (a: V, b: V, c: V) => {
        if (words[index] !== 0) tell(point, [a, b, c]);
      };
    case 4:
      return (a: V, b: V, c: V, d: V) => {
        if (words[index] !== 0) tell(point, [a, b, c, d]);
      };
    case 5:
      return (a: V, b: V, c: V, d: V, e: V) => {
        if (words[index] !== 0) tell(point, [a, b, c, d, e]);
      };
    default:
      return (a: V, b: V, c: V, d: V, e: V, f: V) => {
        if (words[index] !== 0) tell(point, [a, b, c, d, e, f]);
      };
  }
}
