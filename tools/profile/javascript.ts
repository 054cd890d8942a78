// Pure: no I/O, no FFI.
// JavaScript functions as V8 names them in its perf map, and how to have it write one.

import type { Frame } from "./profile.ts";

/** V8 writes /tmp/perf-PID.map, interpreted functions included. */
const FLAGS = ["--perf-basic-prof", "--interpreted-frames-native-stack"];
/**
 * With them it also writes a log, into the working directory unless it is told to take a temporary file
 * without a name; NODE_OPTIONS may not say that.
 */
const NO_LOG = ["--logfile=+", "--no-logfile-per-isolate"];

/** The log that a process has left in its working directory. */
export function isLogOf(name: string, pid: number): boolean {
  return new RegExp(`^isolate-0x[0-9a-f]+-${pid}-v8\\.log$`).test(name);
}

/** Environment variables with which programs write maps, what they have already kept. */
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

/** What a process without a map must be told; undefined if it runs no JavaScript by V8. */
export function mapAdvice(executable: string, pid: number): string | undefined {
  const name = executable.slice(executable.lastIndexOf("/") + 1).replace(/ \(deleted\)$/, "");
  if (!V8_PROGRAM.test(name)) return undefined;
  const start = name.startsWith("deno")
    ? `deno run --v8-flags=${FLAGS.join(",")} …`
    : `node ${FLAGS.join(" ")} …`;
  return `process ${pid} (${name}) has not written /tmp/perf-${pid}.map: its JavaScript functions ` +
    `have no names. Start it with: ${start}`;
}

/**
 * `JS:*name file:1:2`: what it is, by which tier (~ interpreted, ^ baseline, + or +' maglev, * or *'
 * turbofan), and where. V8's src/logging/log.cc.
 */
const CODE =
  /^(JS|LazyCompile|Function|Eval|Script):((?:o?[~^*+]'?)?)(.*?)(?: (\S+?)(?::(\d+))?(?::(\d+))?)?$/;

/** A frame of generated code by its name in a map: a function is one, whatever tiers it went through. */
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
