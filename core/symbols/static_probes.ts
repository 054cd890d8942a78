// Pure: no I/O, no FFI.
// Reads the probes that programs declare in notes of their files, as SystemTap's sys/sdt.h and
// compatible tools write them. https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation

import { type ElfFile, padded } from "./elf.ts";
import { textAt } from "./symbol_table.ts";

/** One place in the code at which a static probe stands; a probe may have several places. */
export interface StaticProbe {
  /** Name of the provider, the first half of the probe's name. */
  readonly provider: string;
  /** Name of the probe within its provider. */
  readonly name: string;
  /** Address of the probe's instruction, in the file's own addresses. */
  readonly address: number;
  /** Address of the counter that tracers raise while they use the probe; 0 if there is none. */
  readonly semaphore: number;
  /**
   * Arguments as the compiler wrote them: "-4@%edi 8@8(%rsp)". core/sources/uprobes/operands.ts
   * parses them.
   */
  readonly args: string;
}

const NT_STAPSDT = 3;
const OWNER = "stapsdt";

/**
 * Lists all probes of a 64-bit file, in the order of its notes; a 32-bit file has none for this
 * reader.
 */
export function* staticProbes(elf: ElfFile): Generator<StaticProbe> {
  const notes = elf.smallSection(".note.stapsdt");
  if (notes === undefined || !elf.is64Bit) return;
  const view = new DataView(notes.buffer, notes.byteOffset, notes.byteLength);
  const base = elf.sectionAddress(".stapsdt.base");
  // Layout of a note: u32 bytes of the name, u32 bytes of the contents, u32 type, name, contents.
  for (let at = 0; at + 12 <= notes.length;) {
    const [nameSize, size, type] = [0, 4, 8].map((offset) => view.getUint32(at + offset, true));
    const from = at + 12 + padded(nameSize);
    const end = from + size;
    if (end > notes.length) return; // the notes are damaged
    if (type === NT_STAPSDT && size > 24 && textAt(notes, at + 12) === OWNER) {
      const word = (offset: number) => Number(view.getBigUint64(from + offset, true));
      // A prelinked file has moved since the note was written; the note says where the file was.
      const moved = base === undefined || word(8) === 0 ? 0 : base - word(8);
      const provider = textAt(notes, from + 24);
      const name = textAt(notes, from + 25 + provider.length);
      const args = textAt(notes, from + 26 + provider.length + name.length);
      const semaphore = word(16);
      yield {
        provider,
        name,
        address: word(0) + moved,
        semaphore: semaphore === 0 ? 0 : semaphore + moved,
        args,
      };
    }
    at = from + padded(size);
  }
}
