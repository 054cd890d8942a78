; map 1 ring, 2 control, 3 zeros, 4 @
; tracepoint:raw_syscalls:sys_enter, 0 bytes of scratch memory
   0: (bf) r6 = r1
   1: (bf) r7 = r2
   2: (b7) r9 = 0
   3: (7b) *(u64 *)(r7 +72) = r3
   4: (35) if r9 >= 0x1 goto pc+1
   5: (b7) r9 = 1
   6: (bf) r1 = r10
   7: (07) r1 += -32
   8: (b7) r2 = 16
   9: (85) call bpf_get_current_comm#16
  10: (18) r1 = map[fd:4]
  12: (bf) r2 = r10
  13: (07) r2 += -32
  14: (85) call bpf_map_lookup_elem#1
  15: (55) if r0 != 0x0 goto pc+61
  16: (18) r1 = map[fd:4]
  18: (bf) r2 = r10
  19: (07) r2 += -32
  20: (18) r3 = map[fd:3][0]+0
  22: (b7) r4 = 1
  23: (85) call bpf_map_update_elem#2
  24: (7b) *(u64 *)(r10 -40) = r0
  25: (18) r1 = map[fd:4]
  27: (bf) r2 = r10
  28: (07) r2 += -32
  29: (85) call bpf_map_lookup_elem#1
  30: (55) if r0 != 0x0 goto pc+46
  31: (79) r0 = *(u64 *)(r10 -40)
  32: (bf) r2 = r7
  33: (15) if r0 == 0xfffffff9 goto pc+1
  34: (07) r2 += 24
  35: (79) r1 = *(u64 *)(r2 +64)
  36: (07) r1 += 1
  37: (7b) *(u64 *)(r2 +64) = r1
  38: (7b) *(u64 *)(r10 -40) = r0
  39: (79) r0 = *(u64 *)(r10 -40)
  40: (7b) *(u64 *)(r10 -48) = r0
  41: (62) *(u32 *)(r10 -72) = 1
  42: (62) *(u32 *)(r10 -64) = 0
  43: (62) *(u32 *)(r10 -60) = 32
  44: (85) call bpf_get_smp_processor_id#8
  45: (63) *(u32 *)(r10 -68) = r0
  46: (85) call bpf_ktime_get_boot_ns#125
  47: (7b) *(u64 *)(r10 -56) = r0
  48: (18) r1 = map[fd:1]
  50: (b7) r2 = 0
  51: (85) call bpf_ringbuf_query#134
  52: (b7) r4 = 1
  53: (18) r1 = map[fd:2][0]+0
  55: (61) r3 = *(u32 *)(r1 +0)
  56: (15) if r3 == 0x0 goto pc+4
  57: (15) if r3 == 0x1 goto pc+1
  58: (a5) if r0 < 0x80000 goto pc+2
  59: (62) *(u32 *)(r1 +0) = 0
  60: (b7) r4 = 2
  61: (18) r1 = map[fd:1]
  63: (bf) r2 = r10
  64: (07) r2 += -72
  65: (b7) r3 = 32
  66: (85) call bpf_ringbuf_output#130
  67: (15) if r0 == 0x0 goto pc+4
  68: (79) r1 = *(u64 *)(r7 +56)
  69: (07) r1 += 1
  70: (7b) *(u64 *)(r7 +56) = r1
  71: (05) goto pc+3
  72: (35) if r9 >= 0x2 goto pc+1
  73: (b7) r9 = 2
  74: (05) goto pc+1
  75: (b7) r9 = 3
  76: (05) goto pc+3
  77: (79) r2 = *(u64 *)(r0 +0)
  78: (07) r2 += 1
  79: (7b) *(u64 *)(r0 +0) = r2
  80: (bf) r0 = r9
  81: (95) exit
