// Programs and libraries as probes name them.

import { globMatcher, isPattern } from "../../core/contract/probe_name.ts";
import {
  allExecutableFiles,
  type Binary,
  openBinary,
  type StaticProbe,
  staticProbes,
} from "../../core/symbols/mod.ts";

/** Where the dynamic linker looks beside what it is told. ld.so(8) */
const FOLDERS = ["/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"];

/** Multiarch folders of this machine. */
const MULTIARCH = `${Deno.build.arch}-linux-gnu`;

/**
 * The file that is meant by a path, by a program's name or by a library's ("libc", "libc.so.6").
 *
 * @returns undefined if there is none.
 */
export function findFile(name: string): string | undefined {
  if (name === "") return undefined;
  if (name.includes("/")) return real(name);
  // Looking for it takes longer than anything else, and a script may name it a thousand times.
  const known = places.get(name);
  if (known !== undefined && real(known) === known) return known;
  const found = real(`./${name}`) ?? inPath(name) ?? realLibrary(name);
  if (found !== undefined) places.set(name, found);
  return found;
}

const places = new Map<string, string>();

function realLibrary(name: string): string | undefined {
  const path = library(name);
  return path && real(path);
}

/** True if a name means a file. A listing asks once for each of its probes. */
function isFile(name: string): boolean {
  const isNear = name.includes("/") && !name.startsWith("/proc/");
  return isNear ? identityOf(name) !== undefined : findFile(name) !== undefined;
}

/** Equal for a file that has not changed; undefined if the path leads to no regular file. */
function identityOf(path: string): string | undefined {
  try {
    const { isFile, dev, ino, size, mtime } = Deno.statSync(path);
    return isFile ? [dev, ino, size, mtime?.getTime()].join() : undefined;
  } catch {
    return undefined;
  }
}

function real(path: string): string | undefined {
  try {
    const [root] = /^\/proc\/\d+\/root(?=\/)/.exec(path) ?? [];
    const found = root === undefined
      ? Deno.realPathSync(path)
      : root + realBelow(root, path.slice(root.length));
    return Deno.statSync(found).isFile ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Most symbolic links on the way to a file, as for the kernel. */
const MAX_LINKS = 40;

/** A path without symbolic links for a process with another root: its links start there. */
function realBelow(root: string, path: string): string {
  const rest = path.split("/");
  const found: string[] = [];
  for (let links = 0; rest.length > 0 && links <= MAX_LINKS;) {
    const name = rest.shift()!;
    if (name === "..") found.pop();
    if (["", ".", ".."].includes(name)) continue;
    const full = [root, ...found, name].join("/");
    if (!Deno.lstatSync(full).isSymlink) {
      found.push(name);
      continue;
    }
    links++;
    const target = Deno.readLinkSync(full);
    if (target.startsWith("/")) found.length = 0;
    rest.unshift(...target.split("/"));
  }
  return `/${found.join("/")}`;
}

function inPath(name: string): string | undefined {
  for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
    const found = folder === "" ? undefined : real(`${folder}/${name}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

function libraryFolders(): string[] {
  return FOLDERS.flatMap((one) => [`${one}/${MULTIARCH}`, one]);
}

/**
 * The path of the library that a name without a folder means, as the dynamic linker's cache tells it; a
 * file of that name in this folder or a program of `PATH` goes before it.
 */
export function libraryPath(name: string): string | undefined {
  if (name.includes("/") || !name.startsWith("lib") || isPattern(name)) return undefined;
  if (real(`./${name}`) !== undefined || inPath(name) !== undefined) return undefined;
  return library(name);
}

/** Paths in the cache of the dynamic linker that end in a name, with or without its version. */
function cached(name: string): string[] {
  try {
    const text = new TextDecoder("latin1").decode(Deno.readFileSync("/etc/ld.so.cache"));
    const paths = text.split("\0").filter((one) => one.startsWith("/"));
    const base = (path: string) => path.slice(path.lastIndexOf("/") + 1);
    const exact = paths.filter((path) => base(path) === name);
    return exact.length > 0 ? exact : paths.filter((path) => base(path).startsWith(`${name}.so`));
  } catch {
    return []; // not every system has one
  }
}

/** By its name without version: the first that has it. */
function library(name: string): string | undefined {
  const known = cached(name).find((path) => real(path) !== undefined && isElf(path));
  if (known !== undefined) return known;
  for (const folder of libraryFolders()) {
    const exact = real(`${folder}/${name}`);
    if (exact !== undefined) return exact;
    try {
      const names = [...Deno.readDirSync(folder)].map((one) => one.name);
      const found = names.filter((one) => one.startsWith(`${name}.so`)).sort()
        .map((one) => real(`${folder}/${one}`)).find((path) => path && isElf(path));
      if (found !== undefined) return found;
    } catch {
      // No such folder.
    }
  }
  return undefined;
}

/** Not a linker script. */
function isElf(path: string): boolean {
  return openBinary(path) !== undefined;
}

/**
 * Files that a name with wildcards means, named so that the wildcards match: "*" what processes have
 * mapped now; with a slash what the file system has; else programs of `PATH` and libraries.
 */
export function matchingFiles(pattern: string): string[] {
  if (!isPattern(pattern)) return [libraryPath(pattern) ?? pattern];
  if (pattern === "*") return allExecutableFiles();
  if (pattern.includes("/")) return glob(pattern);
  const matches = globMatcher(pattern);
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), ...libraryFolders()];
  const found = new Map<string, string>();
  for (const folder of new Set(folders)) {
    for (const name of namesIn(folder).filter(matches)) {
      // Only what the name alone leads to, and one name for each file.
      const path = findFile(name);
      if (path !== undefined && !found.has(path)) found.set(path, name);
    }
  }
  return [...found.values()];
}

/** Paths that match, a wildcard standing for what is between two slashes. */
function glob(pattern: string): string[] {
  const [first, ...rest] = pattern.split("/");
  let found = [first];
  for (const part of rest) {
    found = found.flatMap((folder) =>
      isPattern(part)
        ? namesIn(`${folder}/`).filter(globMatcher(part)).map((name) => `${folder}/${name}`)
        : [`${folder}/${part}`]
    );
  }
  // One name for each file.
  const byFile = new Map(found.toReversed().map((path) => [real(path), path]));
  byFile.delete(undefined);
  return [...byFile.values()].sort();
}

function namesIn(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  } catch {
    return [];
  }
}

/** The name of a file, which may hold colons, and what stands behind the colon that follows the name. */
export interface NamedFile {
  /** Name of the file, as the probe gives it. */
  readonly file: string;
  /** Text behind the colon: a function, for example. */
  readonly rest: string;
}

/**
 * Splits "FILE:REST" behind the shortest name that means a file; a name with `*` means many.
 *
 * @returns undefined if no file is meant.
 */
export function splitFile(text: string): NamedFile | undefined {
  for (let colon = text.indexOf(":"); colon > 0; colon = text.indexOf(":", colon + 1)) {
    const file = text.slice(0, colon);
    const known = isPattern(file) ? matchingFiles(file).length > 0 : isFile(file);
    if (known) return { file, rest: text.slice(colon + 1) };
  }
  return undefined;
}

/** Says that the file of "TYPE:FILE:REST" does not exist; undefined if there is one. */
export function explainFile(name: string): string | undefined {
  const [type, file] = name.split(":");
  if (isPattern(file) || splitFile(name.slice(type.length + 1)) !== undefined) return undefined;
  // Both types of probes of functions are told as one.
  const told = type === "uretprobe" ? "uprobe" : type;
  return `${told} target file '${file}' does not exist or is not executable`;
}

/** A function of a file. */
export interface FunctionSymbol {
  /** Name of the function, as the symbol table has it. */
  readonly name: string;
  /** Address of the function, as the file speaks of addresses. */
  readonly address: number;
  /** Size of the function in bytes. */
  readonly size: number;
}

/** A file whose functions can be probed. */
export class ProbedFile {
  /** Path without symbolic links. */
  readonly path: string;
  readonly #binary: Binary;
  #functions?: Map<string, FunctionSymbol[]>;
  #starts?: Set<number>;
  #staticProbes?: Map<string, StaticProbe[]>;

  constructor(path: string, binary: Binary) {
    this.path = path;
    this.#binary = binary;
  }

  /** Functions of a name: more than one if static functions share it. */
  named(name: string): readonly FunctionSymbol[] {
    return this.#all.get(name) ?? [];
  }

  /** All functions by name, each address once. */
  *functions(): Generator<FunctionSymbol> {
    for (const [first] of this.#all.values()) yield first;
  }

  /** The function that an address lies in. */
  at(address: number): FunctionSymbol | undefined {
    for (const all of this.#all.values()) {
      const found = all.find((one) =>
        address >= one.address && address < one.address + Math.max(1, one.size)
      );
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** Where the function starts that an address lies in. */
  startOf(address: number): number | undefined {
    this.#starts ??= new Set([...this.#all.values()].flat().map((one) => one.address));
    return this.#starts.has(address) ? address : this.at(address)?.address;
  }

  /** Where an address is in the file. */
  offsetOf(address: number): number | undefined {
    return this.#binary.elf.offsetOf(address);
  }

  /** Address of a variable. */
  variable(name: string): number | undefined {
    return this.#binary.find(name)?.address;
  }

  /** Static probes, each with all its places. */
  get staticProbes(): ReadonlyMap<string, readonly StaticProbe[]> {
    return this.#staticProbes ??= Map.groupBy(
      staticProbes(this.#binary.elf),
      ({ provider, name }) => `${provider}:${name}`,
    );
  }

  get #all(): Map<string, FunctionSymbol[]> {
    if (this.#functions !== undefined) return this.#functions;
    const all = this.#functions = new Map<string, FunctionSymbol[]>();
    for (const one of this.#binary.functions()) {
      const known = all.get(one.name);
      if (known === undefined) all.set(one.name, [one]);
      else known.push(one);
    }
    return all;
  }
}

const opened = new Map<string, { readonly identity: string; readonly file: ProbedFile }>();

/** The file that a probe names; read once, and again when it has changed. */
export function probedFile(name: string): ProbedFile | undefined {
  const known = opened.get(name);
  if (known !== undefined && name.includes("/") && identityOf(name) === known.identity) {
    return known.file;
  }
  const path = findFile(name);
  const identity = path && identityOf(path);
  if (path === undefined || identity === undefined) return undefined;
  if (known?.file.path === path && known.identity === identity) return known.file;
  const binary = openBinary(path);
  if (binary === undefined) return undefined;
  const file = new ProbedFile(path, binary);
  opened.set(name, { identity, file });
  return file;
}
