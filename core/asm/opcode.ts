// Pure: no I/O, no FFI.
// The bits of an eBPF opcode; spelled as in include/uapi/linux/bpf_common.h and bpf.h.
//
//   7        3 2     0          7     5 4   3 2     0
//  +----------+-------+        +-------+-----+-------+
//  | op     S | class |        | mode  | size| class |
//  +----------+-------+        +-------+-----+-------+
//   arithmetic and jumps        loads and stores

/** Instruction class: loads with a form of their own, such as 64-bit immediates. */
export const BPF_LD = 0x00;
/** Instruction class: load from memory into a register. */
export const BPF_LDX = 0x01;
/** Instruction class: store an immediate in memory. */
export const BPF_ST = 0x02;
/** Instruction class: store a register in memory; also atomic operations. */
export const BPF_STX = 0x03;
/** Instruction class: arithmetic of 32 bits. */
export const BPF_ALU = 0x04;
/** Instruction class: calls, exit, and jumps that compare 64 bits. */
export const BPF_JMP = 0x05;
/** Instruction class: jumps that compare 32 bits, and `gotol`. */
export const BPF_JMP32 = 0x06;
/** Instruction class: arithmetic of 64 bits. */
export const BPF_ALU64 = 0x07;

/** Source bit: the operand is the immediate. */
export const BPF_K = 0x00;
/** Source bit: the operand is the source register. */
export const BPF_X = 0x08;

/** Access size: a word of 4 bytes. */
export const BPF_W = 0x00;
/** Access size: a half word of 2 bytes. */
export const BPF_H = 0x08;
/** Access size: a single byte. */
export const BPF_B = 0x10;
/** Access size: a double word of 8 bytes. */
export const BPF_DW = 0x18;

/** Mode of BPF_LD: a 64-bit immediate, which takes two slots. */
export const BPF_IMM = 0x00;
/** Mode of BPF_LD: load from a packet at a fixed offset (legacy). */
export const BPF_ABS = 0x20;
/** Mode of BPF_LD: load from a packet at a register's offset (legacy). */
export const BPF_IND = 0x40;
/** Mode of loads and stores: plain memory access. */
export const BPF_MEM = 0x60;
/** Mode of BPF_LDX: sign-extending load (Linux 6.6). */
export const BPF_MEMSX = 0x80;
/** Mode of BPF_STX: atomic operation, which the immediate chooses. */
export const BPF_ATOMIC = 0xc0;

/** Immediate of an atomic operation, flag: fetch the old value. */
export const BPF_FETCH = 0x01;
/** Immediate of an atomic operation: exchange. */
export const BPF_XCHG = 0xe1;
/** Immediate of an atomic operation: compare with R0 and exchange. */
export const BPF_CMPXCHG = 0xf1;
/** Immediate of an atomic operation: load with acquire semantics (Linux 6.15). */
export const BPF_LOAD_ACQ = 0x100;
/** Immediate of an atomic operation: store with release semantics (Linux 6.15). */
export const BPF_STORE_REL = 0x110;

/** Arithmetic operations by name: the value of opcode bits 4 to 7. */
export const ALU_OP = {
  add: 0x00,
  sub: 0x10,
  mul: 0x20,
  div: 0x30,
  or: 0x40,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  neg: 0x80,
  mod: 0x90,
  xor: 0xa0,
  mov: 0xb0,
  arsh: 0xc0,
  end: 0xd0,
} as const;

/** Jump operations by name: the value of opcode bits 4 to 7. */
export const JMP_OP = {
  ja: 0x00,
  jeq: 0x10,
  jgt: 0x20,
  jge: 0x30,
  jset: 0x40,
  jne: 0x50,
  jsgt: 0x60,
  jsge: 0x70,
  call: 0x80,
  exit: 0x90,
  jlt: 0xa0,
  jle: 0xb0,
  jslt: 0xc0,
  jsle: 0xd0,
  jcond: 0xe0,
} as const;

/** Source of a 64-bit immediate: the map of a descriptor. */
export const BPF_PSEUDO_MAP_FD = 1;
/** Source of a 64-bit immediate: an address inside the map's only value. */
export const BPF_PSEUDO_MAP_VALUE = 2;
/** Source of a 64-bit immediate: the kernel variable with a BTF id. */
export const BPF_PSEUDO_BTF_ID = 3;
/** Source of a 64-bit immediate: a function of this program. */
export const BPF_PSEUDO_FUNC = 4;
/** Source of a call: a function of this program. */
export const BPF_PSEUDO_CALL = 1;
/** Source of a call: a kernel function by BTF id. */
export const BPF_PSEUDO_KFUNC_CALL = 2;
