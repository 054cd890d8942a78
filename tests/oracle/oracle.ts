// The oracle of the language: bpftrace from the newest suite of the archive that this machine is set up
// for, unpacked into a cache folder.
//
//   deno run -A tests/oracle/oracle.ts      # fetches what is missing, prints the command line

import { Archive } from "../debian.ts";

/** The version whose answers are checked in. A newer one in the archive only informs. */
export const VERSION = "0.27.1";

/** Packages of the newest suite. */
const SUITE = "unstable";

/** An unpacked bpftrace. */
export interface Oracle {
  /** Its version, such as `0.27.1`. */
  readonly version: string;
  /** Words of the command line that starts it, before its arguments. */
  readonly command: readonly string[];
}

/** The cache folder of the oracle, outside the checkout. */
export function cacheFolder(): string {
  const caches = Deno.env.get("XDG_CACHE_HOME") || `${Deno.env.get("HOME") ?? "/root"}/.cache`;
  return `${caches}/dt-oracle`;
}

/** The oracle, if an earlier run has fetched a version of it; the newest of several. */
export function findOracle(): Oracle | undefined {
  const versions = entries(cacheFolder()).flatMap((name) => /^bpftrace-(.+)$/.exec(name)?.[1] ?? [])
    .sort(compareVersions);
  return versions.length === 0 ? undefined : oracleIn(versions[versions.length - 1]);
}

/** The oracle at a version's folder, started through its own dynamic loader. */
function oracleIn(version: string): Oracle {
  const root = `${cacheFolder()}/bpftrace-${version}`;
  for (const triplet of entries(`${root}/usr/lib`).filter((name) => name.endsWith("-linux-gnu"))) {
    const libraries = `${root}/usr/lib/${triplet}`;
    const loader = entries(libraries).find((name) => /^ld-linux.*\.so\.\d+$/.test(name));
    if (loader === undefined) continue;
    const command = [`${libraries}/${loader}`, "--library-path", libraries];
    return { version, command: [...command, `${root}/usr/bin/bpftrace`] };
  }
  throw new Error(`${root}: no dynamic loader; remove the folder and run this again`);
}

/**
 * Fetches the oracle unless it is there. Two runs at a time do not disturb each other: each unpacks into
 * a folder of its own, and the first to end names its folder.
 *
 * @throws {Error} The archive cannot be reached, or this is not Debian.
 */
export function fetchOracle(): Oracle {
  const found = findOracle();
  if (found !== undefined) return found;
  Deno.mkdirSync(cacheFolder(), { recursive: true });
  const folder = Deno.makeTempDirSync({ dir: cacheFolder(), prefix: "unpacking-" });
  try {
    const root = `${folder}/root`;
    const version = unpack(root);
    try {
      Deno.renameSync(root, `${cacheFolder()}/bpftrace-${version}`);
    } catch (error) {
      // Another run was faster, and its folder is as good.
      if (findOracle() === undefined) throw error;
    }
    return oracleIn(version);
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

/** Downloads bpftrace and all that it depends on, unpacks them, and returns the version. */
function unpack(root: string): string {
  using archive = new Archive(SUITE, Deno.build.arch === "aarch64" ? "arm64" : "amd64");
  const files = archive.unpack(archive.dependencies("bpftrace", { recursive: true }), root);
  const file = files.find((name) => name.startsWith("bpftrace_"));
  const version = /^bpftrace_(\d[\d.]*\d)/.exec(file ?? "")?.[1];
  if (version === undefined) throw new Error(`${SUITE} has no bpftrace`);
  return version;
}

/** Names in a folder; none if there is no folder. */
function entries(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Orders versions by their numbers. */
function compareVersions(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}

if (import.meta.main) {
  try {
    console.log(fetchOracle().command.join(" "));
  } catch (error) {
    console.error(`ERROR: cannot fetch the oracle: ${(error as Error).message}`);
    Deno.exit(1);
  }
}
