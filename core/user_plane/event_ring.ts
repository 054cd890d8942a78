// Pure: no I/O, no FFI.
// The user plane's rings: one per CPU, fixed slots, one writer and one reader, nothing allocated per
// event. dt(4)'s dt_cpubuf.

/** A ring of one CPU. */
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

/** Per-CPU rings of events of one size, read round robin. */
export class EventRings {
  readonly #rings: CpuRing[];
  /** CPU after the one that the last read ended with. */
  #next = 0;

  /**
   * @param cpus Number of rings.
   * @param slotBytes Size of the largest event.
   * @param slots Events per ring; all of them are usable.
   */
  constructor(cpus: number, readonly slotBytes: number, slots: number) {
    this.#rings = Array.from({ length: cpus }, () => new CpuRing(slots, slotBytes));
  }

  /** Events that found no free slot, over all CPUs. */
  get dropped(): bigint {
    return this.#rings.reduce((sum, ring) => sum + ring.dropped, 0n);
  }

  /** True if nothing waits. */
  get empty(): boolean {
    return this.#rings.every((ring) => ring.produced === ring.consumed);
  }

  /**
   * Fills one slot through `fill`, or counts a drop.
   *
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
   * Hands out the oldest event of each CPU in turn, from the CPU after the last one served, until
   * `take` returns false or nothing waits.
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
