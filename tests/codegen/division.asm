; map 1 ring, 2 control, 3 zeros, 4 @x, 5 @y, 6 @z
; interval:s:1, 0 bytes of scratch memory
   0: (bf) r6 = r1
   1: (bf) r7 = r2
   2: (b7) r9 = 0
   3: (7b) *(u64 *)(r10 -16) = r3
   4: (7a) *(u64 *)(r10 -24) = 0
   5: (35) if r9 >= 0x1 goto pc+1
   6: (b7) r9 = 1
   7: (62) *(u32 *)(r10 -32) = 0
   8: (18) r1 = map[fd:4]
  10: (bf) r2 = r10
  11: (07) r2 += -32
  12: (85) call bpf_map_lookup_elem#1
  13: (15) if r0 == 0x0 goto pc+1
  14: (79) r0 = *(u64 *)(r0 +0)
  15: (7b) *(u64 *)(r10 -24) = r0
  16: (79) r0 = *(u64 *)(r10 -24)
  17: (b7) r1 = 3
  18: (bf) r2 = r0
  19: (af) r2 ^= r1
  20: (75) if r0 s>= 0x0 goto pc+1
  21: (87) r0 = -r0
  22: (75) if r1 s>= 0x0 goto pc+1
  23: (87) r1 = -r1
  24: (3f) r0 /= r1
  25: (75) if r2 s>= 0x0 goto pc+1
  26: (87) r0 = -r0
  27: (7b) *(u64 *)(r10 -32) = r0
  28: (62) *(u32 *)(r10 -40) = 0
  29: (18) r1 = map[fd:5]
  31: (bf) r2 = r10
  32: (07) r2 += -40
  33: (bf) r3 = r10
  34: (07) r3 += -32
  35: (b7) r4 = 0
  36: (85) call bpf_map_update_elem#2
  37: (15) if r0 == 0x0 goto pc+3
  38: (79) r1 = *(u64 *)(r7 +64)
  39: (07) r1 += 1
  40: (7b) *(u64 *)(r7 +64) = r1
  41: (b7) r0 = -7
  42: (79) r1 = *(u64 *)(r10 -24)
  43: (55) if r1 != 0x0 goto pc+37
  44: (62) *(u32 *)(r10 -56) = 1
  45: (62) *(u32 *)(r10 -48) = 0
  46: (62) *(u32 *)(r10 -44) = 24
  47: (85) call bpf_get_smp_processor_id#8
  48: (63) *(u32 *)(r10 -52) = r0
  49: (85) call bpf_ktime_get_boot_ns#125
  50: (7b) *(u64 *)(r10 -40) = r0
  51: (18) r1 = map[fd:1]
  53: (b7) r2 = 0
  54: (85) call bpf_ringbuf_query#134
  55: (b7) r4 = 1
  56: (18) r1 = map[fd:2][0]+0
  58: (61) r3 = *(u32 *)(r1 +0)
  59: (15) if r3 == 0x0 goto pc+4
  60: (15) if r3 == 0x1 goto pc+1
  61: (a5) if r0 < 0x80000 goto pc+2
  62: (62) *(u32 *)(r1 +0) = 0
  63: (b7) r4 = 2
  64: (18) r1 = map[fd:1]
  66: (bf) r2 = r10
  67: (07) r2 += -56
  68: (b7) r3 = 24
  69: (85) call bpf_ringbuf_output#130
  70: (15) if r0 == 0x0 goto pc+4
  71: (79) r1 = *(u64 *)(r7 +56)
  72: (07) r1 += 1
  73: (7b) *(u64 *)(r7 +56) = r1
  74: (05) goto pc+3
  75: (35) if r9 >= 0x2 goto pc+1
  76: (b7) r9 = 2
  77: (05) goto pc+1
  78: (b7) r9 = 3
  79: (b7) r0 = 1
  80: (05) goto pc+9
  81: (bf) r2 = r0
  82: (af) r2 ^= r1
  83: (75) if r0 s>= 0x0 goto pc+1
  84: (87) r0 = -r0
  85: (75) if r1 s>= 0x0 goto pc+1
  86: (87) r1 = -r1
  87: (3f) r0 /= r1
  88: (75) if r2 s>= 0x0 goto pc+1
  89: (87) r0 = -r0
  90: (7b) *(u64 *)(r10 -32) = r0
  91: (62) *(u32 *)(r10 -40) = 0
  92: (18) r1 = map[fd:6]
  94: (bf) r2 = r10
  95: (07) r2 += -40
  96: (bf) r3 = r10
  97: (07) r3 += -32
  98: (b7) r4 = 0
  99: (85) call bpf_map_update_elem#2
 100: (15) if r0 == 0x0 goto pc+3
 101: (79) r1 = *(u64 *)(r7 +64)
 102: (07) r1 += 1
 103: (7b) *(u64 *)(r7 +64) = r1
 104: (bf) r0 = r9
 105: (95) exit
