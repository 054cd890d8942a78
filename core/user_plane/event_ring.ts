// Pure: no I/O, no FFI.
// The rings of the user plane, dt(4)'s dt_cpubuf: a ring for each CPU, with slots of fixed size,
// one writer and one reader in the same thread. user_plane.ts fills and drains them.

/** The ring of one CPU. */
class CpuRing {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly view: DataView;
  produced = 0;
  consumed = 0;
  dropped = 0n;

  constructor(readonly slots: number, readonly slotBytes: number) {
    this.bytes = new Uint8Array(slots * slotBytes);
    this.view = new DataView(this.bytes.buffer);
  }
}

/** Rings of events of one size, one ring per CPU, read round robin. */
export class EventRings {
  readonly #rings: CpuRing[];
  /** Number of the CPU whose ring is read next. */
  #next = 0;

  /**
   * Allocates the rings.
   *
   * @param cpus Number of rings.
   * @param slotBytes Size of the largest event in bytes.
   * @param slots Number of events that a ring holds.
   */
  constructor(cpus: number, readonly slotBytes: number, slots: number) {
    this.#rings = Array.from({ length: cpus }, () => new CpuRing(slots, slotBytes));
  }

  /** Number of events that found no free slot, over all CPUs. */
  get dropped(): bigint {
    return this.#rings.reduce((sum, ring) => sum + ring.dropped, 0n);
  }

  /** True if no event waits in any ring. */
  get empty(): boolean {
    return this.#rings.every((ring) => ring.produced === ring.consumed);
  }

  /**
   * Fills one slot through `fill`, or counts a drop.
   *
   * @param cpu Number of the ring.
   * @param fill Gets a zeroed view of the slot; must write the header.
   * @returns False if the ring was full.
   */
  write(cpu: number, fill: (view: DataView) => void): boolean {
    const ring = this.#rings[cpu];
    if (ring.produced - ring.consumed === ring.slots) {
      ring.dropped++;
      return false;
    }
    const at = (ring.produced % ring.slots) * ring.slotBytes;
    ring.bytes.fill(0, at, at + ring.slotBytes);
    fill(new DataView(ring.bytes.buffer, at, ring.slotBytes));
    ring.produced++;
    return true;
  }

  /**
   * Hands out the oldest event of each ring in turn, starting where the last read ended, until
   * `take` returns false or no event waits.
   *
   * @param take Gets a view of the slot, which is free again after the call. False leaves the event
   * in its ring.
   */
  read(take: (slot: DataView) => boolean): void {
    const count = this.#rings.length;
    for (let idle = 0; idle < count;) {
      const ring = this.#rings[this.#next];
      if (ring.produced === ring.consumed) {
        idle++;
      } else {
        idle = 0;
        const at = (ring.consumed % ring.slots) * ring.slotBytes;
        if (!take(new DataView(ring.bytes.buffer, at, ring.slotBytes))) return;
        ring.consumed++;
      }
      this.#next = (this.#next + 1) % count;
    }
  }
}
