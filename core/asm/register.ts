// Pure: no I/O, no FFI.

/**
 * A BPF register. R0 holds results and is clobbered by every call, R1 to R5 are arguments and are
 * clobbered by every call, R6 to R9 survive calls, R10 is the read-only frame pointer.
 */
export type Register = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10;

/** Result of calls and of the program. */
export const R0 = 0;
/** First argument; at entry the context. */
export const R1 = 1;
/** Second argument. */
export const R2 = 2;
/** Third argument. */
export const R3 = 3;
/** Fourth argument. */
export const R4 = 4;
/** Fifth argument. */
export const R5 = 5;
/** Survives calls. */
export const R6 = 6;
/** Survives calls. */
export const R7 = 7;
/** Survives calls. */
export const R8 = 8;
/** Survives calls. */
export const R9 = 9;
/** Frame pointer, read-only; the stack is the 512 bytes below it. */
export const R10 = 10;
