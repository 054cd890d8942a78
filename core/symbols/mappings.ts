// Pure: no I/O, no FFI.
// What is mapped where in a process. proc_pid_maps(5).

/** Code that is mapped. */
export interface Mapping {
  /** First address. */
  readonly start: number;
  /** Behind the last one. */
  readonly end: number;
  /** Of the first address in the file. */
  readonly offset: number;
  /** The file's path, or what is there instead: "[vdso]", "//anon", "" */
  readonly path: string;
  /** inode of the file; 0 if there is none or it is not known. */
  readonly inode: number;
  /** Build id of the file, where the kernel has told it. */
  readonly buildId?: string;
}

const DELETED = " (deleted)";
/** Paths of memory that no file is behind. In a memfd, or in /dev/shm, a program may be as well. */
const NO_FILE = /^$|^\/\/anon|^\[(?!vdso\])|^\/dev\/zero|^\/anon_hugepage|^\/SYSV|^anon_inode:/;

/** True if there is a file, or the kernel's vdso, behind a mapping: otherwise code was generated. */
export function isFile({ path }: Mapping): boolean {
  return !NO_FILE.test(path);
}

/** True if the file has no name any more. */
export function isDeleted({ path }: Mapping): boolean {
  return path.endsWith(DELETED);
}

/** The file's path without what the kernel says about it. */
export function filePath({ path }: Mapping): string {
  return path.endsWith(DELETED) ? path.slice(0, -DELETED.length) : path;
}

/**
 * The mappings with code in them.
 *
 * @param text Contents of /proc/PID/maps.
 */
export function parseMaps(text: string): Mapping[] {
  const found: Mapping[] = [];
  const line = /^([0-9a-f]+)-([0-9a-f]+) ..x. ([0-9a-f]+) \S+ (\d+) *(.*)$/gm;
  for (const [, start, end, offset, inode, path] of text.matchAll(line)) {
    found.push({
      start: parseInt(start, 16),
      end: parseInt(end, 16),
      offset: parseInt(offset, 16),
      inode: Number(inode),
      path: path.replaceAll("\\012", "\n"),
    });
  }
  return found;
}

/** Path by which the kernel itself leads to what is mapped, whatever its name leads to by now. */
export function mappedPath(pid: number, { start, end }: Mapping): string {
  return `/proc/${pid}/map_files/${start.toString(16)}-${end.toString(16)}`;
}

/** Adds a mapping: what it covers is gone. */
export function addMapping(mappings: readonly Mapping[], added: Mapping): Mapping[] {
  const kept: Mapping[] = [];
  for (const one of mappings) {
    if (one.end <= added.start || one.start >= added.end) {
      kept.push(one);
      continue;
    }
    if (one.start < added.start) kept.push({ ...one, end: added.start });
    if (one.end > added.end) {
      kept.push({ ...one, start: added.end, offset: one.offset + added.end - one.start });
    }
  }
  kept.push(added);
  return kept;
}

/** The mapping that an address lies in. */
export function mappingAt(mappings: readonly Mapping[], address: number): Mapping | undefined {
  return mappings.find(({ start, end }) => address >= start && address < end);
}
