// Pure: no I/O, no FFI.
// Probes that programs declare in notes of their files: SystemTap's sys/sdt.h and all that does alike.
// https://sourceware.org/systemtap/wiki/UserSpaceProbeImplementation

import { type ElfFile, padded } from "./elf.ts";
import { textAt } from "./symbol_table.ts";

/** One place of a probe. */
export interface StaticProbe {
  /** Whose it is. */
  readonly provider: string;
  /** Its name. */
  readonly name: string;
  /** Where its instruction is, in the addresses that the file speaks of. */
  readonly address: number;
  /** Where the counter of its users is; 0 if it has none. */
  readonly semaphore: number;
  /** Its arguments as the compiler wrote them: "-4@%edi 8@8(%rsp)". */
  readonly args: string;
}

const NT_STAPSDT = 3;
const OWNER = "stapsdt";

/** All probes of a file of 64 bits, in the order of its notes. */
export function* staticProbes(elf: ElfFile): Generator<StaticProbe> {
  const notes = elf.section(".note.stapsdt");
  if (notes === undefined || !elf.is64Bit) return;
  const view = new DataView(notes.buffer, notes.byteOffset, notes.byteLength);
  const base = elf.sectionAddress(".stapsdt.base");
  // struct Elf64_Nhdr {u32 name's bytes, u32 contents' bytes, u32 type}, name, contents
  for (let at = 0; at + 12 <= notes.length;) {
    const [nameSize, size, type] = [0, 4, 8].map((offset) => view.getUint32(at + offset, true));
    const from = at + 12 + padded(nameSize);
    const end = from + size;
    if (end > notes.length) return; // damaged
    if (type === NT_STAPSDT && size > 24 && textAt(notes, at + 12) === OWNER) {
      const word = (offset: number) => Number(view.getBigUint64(from + offset, true));
      // A prelinked file has been moved since the note was written.
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
