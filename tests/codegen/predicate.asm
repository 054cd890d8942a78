; map 1 ring, 2 control, 3 zeros, 4 @bytes
; syscall:read:return, 0 bytes of scratch memory
   0: (bf) r6 = r1
   1: (bf) r7 = r2
   2: (b7) r9 = 0
   3: (7b) *(u64 *)(r10 -16) = r3
   4: (79) r0 = *(u64 *)(r6 +8)
   5: (d5) if r0 s<= 0x0 goto pc+59
   6: (79) r0 = *(u64 *)(r6 +8)
   7: (75) if r0 s>= 0x1000 goto pc+57
   8: (35) if r9 >= 0x1 goto pc+1
   9: (b7) r9 = 1
  10: (79) r0 = *(u64 *)(r6 +8)
  11: (7b) *(u64 *)(r10 -24) = r0
  12: (62) *(u32 *)(r10 -32) = 0
  13: (18) r1 = map[fd:4]
  15: (bf) r2 = r10
  16: (07) r2 += -32
  17: (85) call bpf_map_lookup_elem#1
  18: (55) if r0 != 0x0 goto pc+4
  19: (79) r1 = *(u64 *)(r7 +64)
  20: (07) r1 += 1
  21: (7b) *(u64 *)(r7 +64) = r1
  22: (05) goto pc+42
  23: (79) r1 = *(u64 *)(r10 -24)
  24: (b7) r2 = 0
  25: (c5) if r1 s< 0x0 goto pc+33
  26: (b7) r2 = 1
  27: (15) if r1 == 0x0 goto pc+31
  28: (b7) r2 = 2
  29: (bf) r3 = r1
  30: (77) r3 >>= 32
  31: (15) if r3 == 0x0 goto pc+2
  32: (bf) r1 = r3
  33: (07) r2 += 32
  34: (bf) r3 = r1
  35: (77) r3 >>= 16
  36: (15) if r3 == 0x0 goto pc+2
  37: (bf) r1 = r3
  38: (07) r2 += 16
  39: (bf) r3 = r1
  40: (77) r3 >>= 8
  41: (15) if r3 == 0x0 goto pc+2
  42: (bf) r1 = r3
  43: (07) r2 += 8
  44: (bf) r3 = r1
  45: (77) r3 >>= 4
  46: (15) if r3 == 0x0 goto pc+2
  47: (bf) r1 = r3
  48: (07) r2 += 4
  49: (bf) r3 = r1
  50: (77) r3 >>= 2
  51: (15) if r3 == 0x0 goto pc+2
  52: (bf) r1 = r3
  53: (07) r2 += 2
  54: (bf) r3 = r1
  55: (77) r3 >>= 1
  56: (15) if r3 == 0x0 goto pc+2
  57: (bf) r1 = r3
  58: (07) r2 += 1
  59: (35) if r2 >= 0x42 goto pc+5
  60: (67) r2 <<= 3
  61: (0f) r0 += r2
  62: (79) r2 = *(u64 *)(r0 +0)
  63: (07) r2 += 1
  64: (7b) *(u64 *)(r0 +0) = r2
  65: (bf) r0 = r9
  66: (95) exit
