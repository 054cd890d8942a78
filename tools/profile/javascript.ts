// Pure: no I/O, no FFI.
// JavaScript functions as V8 names them in its perf map, and the flags that make V8 write the map.

import type { Frame } from "./profile.ts";

/** Flags with which V8 writes /tmp/perf-PID.map, interpreted functions included. */
const FLAGS = ["--perf-basic-prof", "--interpreted-frames-native-stack"];
/**
 * Flags that send V8's log, which the flags above cause, to a temporary file without a name instead of the
 * working directory. NODE_OPTIONS does not accept them.
 */
const NO_LOG = ["--logfile=+", "--no-logfile-per-isolate"];

/** True for the name of the log that V8 writes for a process into the working directory. */
export function isLogOf(name: string, pid: number): boolean {
  return new RegExp(`^isolate-0x[0-9a-f]+-${pid}-v8\\.log$`).test(name);
}

/** Environment variables that make V8 write maps; their present flags are kept. */
export function mapEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const add = (name: string, separator: string, flags: readonly string[]) => {
    const parts = (environment[name] ?? "").split(separator).filter((part) => part !== "");
    return [...parts, ...flags.filter((flag) => !parts.includes(flag))].join(separator);
  };
  return {
    DENO_V8_FLAGS: add("DENO_V8_FLAGS", ",", [...FLAGS, ...NO_LOG]),
    NODE_OPTIONS: add("NODE_OPTIONS", " ", FLAGS),
  };
}

/** Names of programs that run JavaScript by V8. */
const V8_PROGRAM = /^(deno|denort|node|nodejs)(-?\d[\d.]*)?$/;

/**
 * Advice about processes without a map; undefined if none of their programs runs JavaScript by V8.
 *
 * @param executables Path of the program of each process, by process id.
 */
export function mapAdvice(executables: ReadonlyMap<number, string>): string | undefined {
  const nameOf = (path: string) =>
    path.slice(path.lastIndexOf("/") + 1).replace(/ \(deleted\)$/, "");
  const found = [...executables].map(([pid, path]) => ({ pid, name: nameOf(path) }))
    .filter(({ name }) => V8_PROGRAM.test(name));
  if (found.length === 0) return undefined;
  const ways = new Set(
    found.map(({ name }) =>
      name.startsWith("deno")
        ? `deno run --v8-flags=${FLAGS.join(",")} …`
        : `node ${FLAGS.join(" ")} …`
    ),
  );
  const start = `JavaScript functions have no names. Start programs with: ${
    [...ways].join(", or ")
  }`;
  if (found.length === 1) {
    const [{ pid, name }] = found;
    return `process ${pid} (${name}) has not written /tmp/perf-${pid}.map: its ${start}`;
  }
  const processes = found.map(({ pid, name }) => `${pid} (${name})`).join(", ");
  return `processes ${processes} have not written /tmp/perf-PID.map: their ${start}`;
}

/**
 * `JS:*name file:1:2`: kind of code, tier (~ interpreted, ^ baseline, + or +' maglev, * or *' turbofan), name
 * and place. V8's src/logging/log.cc.
 */
const CODE =
  /^(JS|LazyCompile|Function|Eval|Script):((?:o?[~^*+]'?)?)(.*?)(?: (\S+?)(?::(\d+))?(?::(\d+))?)?$/;

/** Frame of generated code from its name in a map. All tiers of one function make the same frame. */
export function generatedFrame(text: string): Frame {
  const parts = CODE.exec(text);
  if (parts === null) return { name: text, kind: "javascript" };
  const [, what, , name, path, line, column] = parts;
  const file = path?.replace(/^.*\//, "");
  const place = file === undefined ? "" : ` ${file}`;
  const at = line === undefined ? "" : column === undefined ? `:${line}` : `:${line}:${column}`;
  if (name !== "") return { name: `${name}${place}`, kind: "javascript", file: path };
  return {
    // A module's own code is a function without a name at its start.
    name: what === "Script" || (line === "1" && column === "1")
      ? `(module)${place}`
      : `(anonymous)${place}${at}`,
    kind: "javascript",
    file: path,
  };
}
