// Pure: no I/O, no FFI.
// The registers of the eBPF machine.

/**
 * A BPF register. R0 holds results and is clobbered by every call, R1 to R5 are arguments and are
 * clobbered by every call, R6 to R9 survive calls, R10 is the read-only frame pointer.
 */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

/** Register with the result of a call, and of the program at its exit. */
export const R0 = 0;
/** Register with a call's first argument; at the program's entry, the context. */
export const R1 = 1;
/** Register with a call's second argument. */
export const R2 = 2;
/** Register with a call's third argument. */
export const R3 = 3;
/** Register with a call's fourth argument. */
export const R4 = 4;
/** Register with a call's fifth argument. */
export const R5 = 5;
/** First general register that calls do not change. */
export const R6 = 6;
/** Second general register that calls do not change. */
export const R7 = 7;
/** Third general register that calls do not change. */
export const R8 = 8;
/** Fourth general register that calls do not change. */
export const R9 = 9;
/** Frame pointer, read-only; the stack is the 512 bytes below its address. */
export const R10 = 10;
