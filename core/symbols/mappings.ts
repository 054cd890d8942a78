// Pure: no I/O, no FFI.
// The code mappings of a process: which file stands at which addresses. Read from /proc/PID/maps
// here, see proc_pid_maps(5); process_watch.ts follows their changes.

/** A range of addresses with executable code. */
export interface Mapping {
  /** First address of the range. */
  readonly start: number;
  /** First address behind the range. */
  readonly end: number;
  /** Offset in the file of the first address, in bytes. */
  readonly offset: number;
  /** Path of the file, or the kernel's word for other memory: "[vdso]", "//anon", "". */
  readonly path: string;
  /** Inode of the file; 0 if there is no file or the inode is unknown. */
  readonly inode: number;
  /** Build id of the file in hexadecimal, if the kernel reported it. */
  readonly buildId?: string;
}

/** Mark that the kernel appends to the path of a file without a name. */
const DELETED = " (deleted)";
/**
 * Paths of memory without a file. A memfd or /dev/shm is not among them, since a program may lie
 * there.
 */
const NO_FILE = /^$|^\/\/anon|^\[(?!vdso\])|^\/dev\/zero|^\/anon_hugepage|^\/SYSV|^anon_inode:/;

/** True if a file, or the kernel's vdso, stands behind a mapping; false for generated code. */
export function isFile({ path }: Mapping): boolean {
  return !NO_FILE.test(path);
}

/** True if the file behind a mapping has been deleted. */
export function isDeleted({ path }: Mapping): boolean {
  return path.endsWith(DELETED);
}

/** Path of the file behind a mapping, without the kernel's mark for deleted files. */
export function filePath({ path }: Mapping): string {
  return path.endsWith(DELETED) ? path.slice(0, -DELETED.length) : path;
}

/**
 * Reads the mappings with code.
 *
 * @param text Contents of /proc/PID/maps.
 * @returns The mappings by ascending address.
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

/** Path in /proc that leads to the mapped file itself, even if the file was deleted or replaced. */
export function mappedPath(pid: number, { start, end }: Mapping): string {
  return `/proc/${pid}/map_files/${start.toString(16)}-${end.toString(16)}`;
}

/** Adds a mapping to a list; cuts or removes the mappings that it covers. Returns a new list. */
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

/** Finds the mapping that an address lies in. */
export function mappingAt(mappings: readonly Mapping[], address: number): Mapping | undefined {
  return mappings.find(({ start, end }) => address >= start && address < end);
}
