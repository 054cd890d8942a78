// Where header files lie: the search of a compiler on Linux, with the kernel's own folders.

import { COMPILER_HEADERS } from "./compiler_headers.ts";
import { CError, type FindHeader, type Header } from "./c_token.ts";
import type { HeaderSource } from "./definitions.ts";
import type { Architecture } from "./predefined.ts";

/** Stands for the headers that are built in, in the list of folders. */
const BUILT_IN = "<built-in>";

/** Folders that are searched for headers. */
export interface HeaderFolders {
  /** Folder of the script, for `"name"`. */
  readonly script: string;
  /** Folders that the user names, before all others. */
  readonly given: readonly string[];
  /** Source of the kernel if the user names one, with or without a folder for what was built. */
  readonly kernelSource?: string;
  /** Folder with the kernel's generated headers; by default the source. */
  readonly kernelBuild?: string;
  /** Release of the running kernel, as /lib/modules names its folder. */
  readonly kernelRelease: string;
  /** Reads a file; undefined if there is no such file. Throws if the file must not be read. */
  readonly read: (path: string) => string | undefined;
  /** Machine whose header folders are searched. */
  readonly architecture: Architecture;
}

/** Finds headers in the file system. */
export class HeaderFiles implements HeaderSource {
  readonly #folders: HeaderFolders;
  readonly #found = new Map<string, string | undefined>();
  #search: readonly string[] | undefined;
  #kernel: readonly string[] | undefined;

  /** @param folders Folders that are searched. */
  constructor(folders: HeaderFolders) {
    this.#folders = folders;
  }

  /** The kernel's header folders in the order of their search; empty if there are none. */
  #kernelFolders(): readonly string[] {
    return this.#kernel ??= kernelFolders(this.#folders);
  }

  /** Headers that a build of the kernel puts before all others; none without the kernel's headers. */
  first(): readonly string[] {
    const folders = this.#kernelFolders();
    const complete = ["linux/kconfig.h", "generated/autoconf.h"].every((name) =>
      folders.some((folder) => exists(`${folder}/${name}`))
    );
    return complete ? ["linux/kconfig.h"] : [];
  }

  /** Macros that a build of the kernel defines; none without the kernel's headers. */
  macros(): readonly (readonly [string, string])[] {
    if (this.#kernelFolders().length === 0) return [];
    return [["__KERNEL__", "1"], ["KBUILD_MODNAME", '"dt"'], ["CC_USING_FENTRY", "1"]];
  }

  /** Finds one header. */
  readonly find: FindHeader = ({ name, quoted, from, first }) => {
    if (name.startsWith("/")) return this.#at(name, -1);
    if (quoted && first === 0) {
      const slash = from.lastIndexOf("/");
      const beside = slash < 0 ? this.#folders.script : from.slice(0, slash);
      const header = this.#at(`${beside}/${name}`, -1);
      if (header !== undefined) return header;
    }
    this.#search ??= this.#searchFolders();
    for (let i = first; i < this.#search.length; i++) {
      const folder = this.#search[i];
      if (folder === BUILT_IN) {
        const text = Object.hasOwn(COMPILER_HEADERS, name) ? COMPILER_HEADERS[name] : undefined;
        if (text !== undefined) return { name: `${BUILT_IN}/${name}`, text, folder: i };
        continue;
      }
      const header = this.#at(`${folder}/${name}`, i);
      if (header !== undefined) return header;
    }
    return undefined;
  };

  /** The text of a header; what keeps the header from being read is an error of the script. */
  #read(path: string): string | undefined {
    try {
      return this.#folders.read(path);
    } catch (error) {
      throw new CError(error instanceof Error ? error.message : `${error}`);
    }
  }

  #searchFolders(): string[] {
    const { given, architecture } = this.#folders;
    const compiler = compilerFolder(architecture);
    return [
      ...given,
      ...this.#kernelFolders(),
      ...compiler === undefined ? [] : [compiler],
      BUILT_IN,
      "/usr/local/include",
      `/usr/include/${architecture}-linux-gnu`,
      "/usr/include",
    ];
  }

  #at(path: string, folder: number): Header | undefined {
    if (!this.#found.has(path)) this.#found.set(path, this.#read(path));
    const text = this.#found.get(path);
    return text === undefined ? undefined : { name: path, text, folder };
  }
}

/** Names of the entries of a folder; none if the folder cannot be read. */
function entries(folder: string): string[] {
  try {
    return [...Deno.readDirSync(folder)].map(({ name }) => name);
  } catch {
    return [];
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** The folder with stddef.h of the newest compiler that is installed. */
function compilerFolder(architecture: Architecture): string | undefined {
  const places = [`/usr/lib/gcc/${architecture}-linux-gnu`, "/usr/lib/clang"];
  for (const place of places) {
    const versions = entries(place).sort((a, b) => Number.parseInt(b) - Number.parseInt(a));
    for (const version of versions) {
      const folder = `${place}/${version}/include`;
      if (exists(`${folder}/stddef.h`)) return folder;
    }
  }
  return undefined;
}

/** The folders of the kernel's headers below its source and its build folder. */
function kernelFolders(
  { kernelSource, kernelBuild, kernelRelease, architecture }: HeaderFolders,
): string[] {
  const modules = `/lib/modules/${kernelRelease}`;
  const source = kernelSource ?? [`${modules}/source`, `${modules}/build`].find(exists);
  if (source === undefined) return [];
  const build = kernelBuild ??
    (kernelSource === undefined && exists(`${modules}/build`) ? `${modules}/build` : source);
  const arch = `arch/${architecture === "x86_64" ? "x86" : "arm64"}/include`;
  const folders = [
    `${source}/${arch}`,
    `${build}/${arch}/generated`,
    `${source}/include`,
    `${build}/include`,
    `${source}/${arch}/uapi`,
    `${build}/${arch}/generated/uapi`,
    `${source}/include/uapi`,
    `${build}/include/generated/uapi`,
  ];
  return [...new Set(folders)].filter(exists);
}
