// Pure: no I/O, no FFI.
// Emits code that writes records into the session's ring, rings the reader's doorbell when the
// reader wants it, and counts the records that did not fit. core/bpf/ringbuf.ts reads the ring.

import type { Assembler } from "../asm/assembler.ts";
import { add64, imm, mov64, type Operand, or64, rsh64, sub64 } from "../asm/alu.ts";
import { callHelper, ja, jeq, jge, jlt, jne } from "../asm/jump.ts";
import type { Label, MapReference } from "../asm/instruction.ts";
import { load, loadMap, loadMapValue, store, storeImm } from "../asm/load_store.ts";
import { BPF_FUNC } from "../asm/generated/helpers.ts";
import { R0, R1, R2, R3, R4, type Register } from "../asm/register.ts";
import { CONTROL, CPU_BLOCK, DOORBELL } from "../contract/blocks.ts";
import { HEADER } from "../contract/event_layout.ts";
import type { OutputSite, RecordOutput } from "../contract/kernel_action.ts";

const BPF_RB_NO_WAKEUP = 1;
const BPF_RB_FORCE_WAKEUP = 2;
const BPF_RB_AVAIL_DATA = 0;

/** Emits code for the ring of one session; implements {@linkcode RecordOutput}. */
export class RingOutput implements RecordOutput {
  /**
   * Prepares the code for a ring.
   *
   * @param ring Map of the ring.
   * @param control Map of the control block.
   * @param size Capacity of the ring in bytes.
   */
  constructor(
    readonly ring: MapReference,
    readonly control: MapReference,
    readonly size: number,
  ) {}

  /**
   * Bytes of the ring, a sixteenth of it, that only control records may use (print, clear and zero
   * of a script, births and deaths of processes that ktrace records), so that a flood of other
   * records cannot push them out.
   */
  get reserve(): number {
    return this.size / 16;
  }

  /**
   * Emits code that reserves `bytes` in the ring and leaves their address in `record`. If there is
   * no room, the code counts the loss and jumps to `site.lost`. Clobbers R0 to R5. The verifier
   * requires {@linkcode RingOutput.emitSubmit} on every path that follows.
   *
   * @param record Register for the address, not R0 to R5.
   * @param bytes Length of the record in bytes.
   * @param site Register of the CPU block, and label for losses.
   */
  emitReserve(asm: Assembler, record: Register, bytes: number, site: OutputSite): void {
    const ok = asm.label("reserved");
    asm.emit(
      loadMap(R1, this.ring),
      mov64(R2, imm(bytes)),
      mov64(R3, imm(0)),
      callHelper(BPF_FUNC.ringbuf_reserve),
      mov64(record, R0),
      jne(record, imm(0), ok),
    );
    this.#emitLost(asm, site);
    asm.bind(ok);
  }

  /**
   * Emits code that counts the record as lost and jumps to `site.lost` if only the reserve is free.
   * Clobbers R0 to R5.
   */
  emitRoom(asm: Assembler, site: OutputSite): void {
    const room = asm.label("room");
    asm.emit(...this.#query(), jlt(R0, imm(this.size - this.reserve), room));
    this.#emitLost(asm, site);
    asm.bind(room);
  }

  /**
   * Emits code that hands over a record that {@linkcode RingOutput.emitReserve} reserved. Clobbers
   * R0 to R5.
   */
  emitSubmit(asm: Assembler, record: Register): void {
    asm.emit(...this.#query());
    this.#emitFlags(asm, R4);
    asm.emit(mov64(R2, R4), mov64(R1, record), callHelper(BPF_FUNC.ringbuf_submit));
  }

  /**
   * Emits code that copies a record into the ring. If there is no room, the code counts the loss
   * and jumps to `site.lost`. Clobbers R0 to R5.
   *
   * @param data The record: a register other than R0 to R5, and an offset from it in bytes.
   * @param length Length in bytes: a number, or a register whose bounds the verifier knows.
   * @param site Register of the CPU block, and label for losses. `control`: the record may use the
   * reserve. `wakeup`: the record wakes the reader whatever the reader asked for, may use the reserve, and is not
   * counted as lost if it finds no room.
   */
  emitOutput(
    asm: Assembler,
    data: { readonly base: Register; readonly offset: number },
    length: Operand,
    site: OutputSite & { readonly control?: boolean; readonly wakeup?: boolean },
  ): void {
    const full = asm.label("full");
    const done = asm.label("written");
    asm.emit(...this.#query());
    if (site.wakeup) asm.emit(mov64(R4, imm(BPF_RB_FORCE_WAKEUP)));
    else this.#emitFlags(asm, R4, site.control ? undefined : full);
    // The verifier follows what falls through first, so that is what usually happens.
    asm.emit(
      loadMap(R1, this.ring),
      mov64(R2, data.base),
      add64(R2, imm(data.offset)),
      mov64(R3, length),
      callHelper(BPF_FUNC.ringbuf_output),
      jne(R0, imm(0), full),
      ja(done),
    );
    asm.bind(full);
    if (site.wakeup) asm.emit(ja(site.lost));
    else this.#emitLost(asm, site);
    asm.bind(done);
  }

  /** Instructions that leave the number of unread bytes in R0. */
  #query() {
    return [
      loadMap(R1, this.ring),
      mov64(R2, imm(BPF_RB_AVAIL_DATA)),
      callHelper(BPF_FUNC.ringbuf_query),
    ];
  }

  /**
   * Emits code that leaves the wakeup flags in `into`, from the unread bytes in R0 and the
   * doorbell. Clobbers R1 to R3. Usually there is room and nobody waits: one condition tells that,
   * because the verifier takes a bounded number of conditions in a row.
   *
   * @param full Label to jump to if only the reserve is free; absent for records that may use it.
   */
  #emitFlags(asm: Assembler, into: Register, full?: Label): void {
    const unusual = asm.label("unusual");
    const quiet = asm.label("quiet");
    const ring = asm.label("ring");
    const most = this.size - this.reserve;
    asm.emit(
      loadMapValue(R1, this.control, CONTROL.doorbell),
      load(4, R3, R1, 0),
    );
    if (full !== undefined) {
      // The sign of what is left.
      asm.emit(mov64(R2, imm(most - 1)), sub64(R2, R0), rsh64(R2, imm(63)), or64(R3, R2));
    }
    asm.emit(mov64(into, imm(BPF_RB_NO_WAKEUP)), jne(R3, imm(DOORBELL.silent), unusual), ja(quiet));
    asm.bind(unusual);
    if (full !== undefined) asm.emit(jge(R0, imm(most), full), load(4, R3, R1, 0));
    asm.emit(
      jeq(R3, imm(DOORBELL.silent), quiet),
      jeq(R3, imm(DOORBELL.first), ring),
      jlt(R0, imm(this.size / 8), quiet),
    );
    asm.bind(ring);
    asm.emit(storeImm(4, R1, 0, DOORBELL.silent), mov64(into, imm(BPF_RB_FORCE_WAKEUP)));
    asm.bind(quiet);
  }

  /** Emits code that counts a lost record and jumps to `site.lost`. */
  #emitLost(asm: Assembler, site: OutputSite): void {
    // The guard is held, so no other program of this session counts on this CPU.
    asm.emit(
      load(8, R1, site.block, CPU_BLOCK.lost),
      add64(R1, imm(1)),
      store(8, site.block, CPU_BLOCK.lost, R1),
      ja(site.lost),
    );
  }
}

/**
 * Emits the header that every record starts with, at `base` + `offset`. Clobbers R0 to R5.
 *
 * @param asm Assembler to emit to.
 * @param base Register that holds an address, not R0 to R5.
 * @param offset Offset of the header from that address, in bytes.
 * @param header Kind, id and size (of the whole record, in bytes); id and size are numbers, or
 * registers other than R0 to R5.
 */
export function emitHeader(
  asm: Assembler,
  base: Register,
  offset: number,
  header: { kind: number; id: Operand; size: Operand },
): void {
  const put = (at: number, value: Operand) =>
    typeof value === "number"
      ? store(4, base, offset + at, value)
      : storeImm(4, base, offset + at, value.imm);
  asm.emit(
    storeImm(4, base, offset + HEADER.kind, header.kind),
    put(HEADER.id, header.id),
    put(HEADER.size, header.size),
    callHelper(BPF_FUNC.get_smp_processor_id),
    store(4, base, offset + HEADER.cpu, R0),
    callHelper(BPF_FUNC.ktime_get_boot_ns),
    store(8, base, offset + HEADER.time, R0),
  );
}
