// Pure: no I/O, no FFI.
// Emits code that writes records into the session's ring, wakes the reader when it must, and
// counts what did not fit.

import type { Assembler } from "../asm/assembler.ts";
import { add64, imm, mov64, type Operand } from "../asm/alu.ts";
import { callHelper, ja, jeq, jge, jlt, jne } from "../asm/jump.ts";
import type { MapReference } from "../asm/instruction.ts";
import { load, loadMap, loadMapValue, store, storeImm } from "../asm/load_store.ts";
import { BPF_FUNC } from "../asm/generated/helpers.ts";
import { R0, R1, R2, R3, R4, type Register } from "../asm/register.ts";
import { CONTROL, CPU_BLOCK, DOORBELL } from "../contract/blocks.ts";
import { HEADER } from "../contract/event_layout.ts";
import type { OutputSite, RecordOutput } from "../contract/kernel_action.ts";

const BPF_RB_NO_WAKEUP = 1;
const BPF_RB_FORCE_WAKEUP = 2;
const BPF_RB_AVAIL_DATA = 0;

/** Code for one session's ring. */
export class RingOutput implements RecordOutput {
  /**
   * Code for the ring `ring` with control block `control`.
   *
   * @param size Bytes of the ring.
   */
  constructor(
    readonly ring: MapReference,
    readonly control: MapReference,
    readonly size: number,
  ) {}

  /**
   * A sixteenth of the ring that only control records may use (print, clear and zero of a script, births
   * and deaths of processes that ktrace records), so that a flood of others cannot push them out.
   */
  get reserve(): number {
    return this.size / 16;
  }

  /**
   * Reserves `bytes` and leaves their address in `record`. Clobbers R0 to R5. The verifier demands
   * a {@linkcode submit} on every path that follows.
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
   * Goes to `site.lost`, the record counted as lost, where nothing but the reserve is free. Clobbers R0 to R5.
   */
  emitRoom(asm: Assembler, site: OutputSite): void {
    const room = asm.label("room");
    asm.emit(...this.#query(), jlt(R0, imm(this.size - this.reserve), room));
    this.#emitLost(asm, site);
    asm.bind(room);
  }

  /** Hands over what {@linkcode emitReserve} gave. Clobbers R0 to R5. */
  emitSubmit(asm: Assembler, record: Register): void {
    asm.emit(...this.#query());
    this.#emitFlags(asm, R2);
    asm.emit(mov64(R1, record), callHelper(BPF_FUNC.ringbuf_submit));
  }

  /**
   * Copies a record into the ring. Clobbers R0 to R5.
   *
   * @param data The record: a register other than R0 to R5, and an offset from it.
   * @param length Bytes: a number, or a register that the verifier knows bounds of.
   * @param site `control` records may use the reserve; a `wakeup` wakes the reader whatever it asked
   * for, and is no loss where it finds no room.
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
    if (!site.control) asm.emit(jge(R0, imm(this.size - this.reserve), full));
    if (site.wakeup) asm.emit(mov64(R4, imm(BPF_RB_FORCE_WAKEUP)));
    else this.#emitFlags(asm, R4);
    asm.emit(
      loadMap(R1, this.ring),
      mov64(R2, data.base),
      add64(R2, imm(data.offset)),
      mov64(R3, length),
      callHelper(BPF_FUNC.ringbuf_output),
      jeq(R0, imm(0), done),
    );
    asm.bind(full);
    if (site.wakeup) asm.emit(ja(site.lost));
    else this.#emitLost(asm, site);
    asm.bind(done);
  }

  #query() {
    return [
      loadMap(R1, this.ring),
      mov64(R2, imm(BPF_RB_AVAIL_DATA)),
      callHelper(BPF_FUNC.ringbuf_query),
    ];
  }

  /** R0 holds the bytes that wait; leaves the wakeup flags in `into`. Clobbers R1 and R3. */
  #emitFlags(asm: Assembler, into: Register): void {
    const quiet = asm.label("quiet");
    const ring = asm.label("ring");
    asm.emit(
      mov64(into, imm(BPF_RB_NO_WAKEUP)),
      loadMapValue(R1, this.control, CONTROL.doorbell),
      load(4, R3, R1, 0),
      jeq(R3, imm(DOORBELL.silent), quiet),
      jeq(R3, imm(DOORBELL.first), ring),
      jlt(R0, imm(this.size / 8), quiet),
    );
    asm.bind(ring);
    asm.emit(storeImm(4, R1, 0, DOORBELL.silent), mov64(into, imm(BPF_RB_FORCE_WAKEUP)));
    asm.bind(quiet);
  }

  #emitLost(asm: Assembler, site: OutputSite): void {
    // Under the guard: nobody else counts on this CPU.
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
 * @param id A number, or a register other than R0 to R5 that holds it.
 * @param size Bytes of the whole record; a register as for `id`.
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
