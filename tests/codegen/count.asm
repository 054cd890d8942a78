; map 1 ring, 2 control, 3 zeros, 4 @
; tracepoint:raw_syscalls:sys_enter, 64 bytes of scratch memory
   0: (bf) r6 = r1
   1: (bf) r7 = r2
   2: (b7) r9 = 0
   3: (7b) *(u64 *)(r7 +72) = r3
   4: (47) r9 |= 2
   5: (bf) r1 = r7
   6: (07) r1 += 136
   7: (b7) r2 = 16
   8: (85) call bpf_get_current_comm#16
   9: (18) r1 = map[fd:4]
  11: (bf) r2 = r7
  12: (07) r2 += 136
  13: (85) call bpf_map_lookup_elem#1
  14: (15) if r0 == 0x0 goto pc+1
  15: (05) goto pc+60
  16: (18) r1 = map[fd:4]
  18: (bf) r2 = r7
  19: (07) r2 += 136
  20: (18) r3 = map[fd:3][0]+0
  22: (b7) r4 = 1
  23: (85) call bpf_map_update_elem#2
  24: (7b) *(u64 *)(r7 +152) = r0
  25: (18) r1 = map[fd:4]
  27: (bf) r2 = r7
  28: (07) r2 += 136
  29: (85) call bpf_map_lookup_elem#1
  30: (55) if r0 != 0x0 goto pc+45
  31: (79) r0 = *(u64 *)(r7 +152)
  32: (79) r1 = *(u64 *)(r7 +64)
  33: (07) r1 += 1
  34: (7b) *(u64 *)(r7 +64) = r1
  35: (7b) *(u64 *)(r7 +152) = r0
  36: (79) r0 = *(u64 *)(r7 +152)
  37: (7b) *(u64 *)(r7 +184) = r0
  38: (62) *(u32 *)(r7 +160) = 1
  39: (62) *(u32 *)(r7 +168) = 0
  40: (62) *(u32 *)(r7 +172) = 32
  41: (85) call bpf_get_smp_processor_id#8
  42: (63) *(u32 *)(r7 +164) = r0
  43: (85) call bpf_ktime_get_boot_ns#125
  44: (7b) *(u64 *)(r7 +176) = r0
  45: (18) r1 = map[fd:1]
  47: (b7) r2 = 0
  48: (85) call bpf_ringbuf_query#134
  49: (18) r1 = map[fd:2][0]+0
  51: (61) r3 = *(u32 *)(r1 +0)
  52: (b7) r4 = 1
  53: (55) if r3 != 0x0 goto pc+1
  54: (05) goto pc+5
  55: (15) if r3 == 0x0 goto pc+4
  56: (15) if r3 == 0x1 goto pc+1
  57: (a5) if r0 < 0x80000 goto pc+2
  58: (62) *(u32 *)(r1 +0) = 0
  59: (b7) r4 = 2
  60: (18) r1 = map[fd:1]
  62: (bf) r2 = r7
  63: (07) r2 += 160
  64: (b7) r3 = 32
  65: (85) call bpf_ringbuf_output#130
  66: (55) if r0 != 0x0 goto pc+1
  67: (05) goto pc+4
  68: (79) r1 = *(u64 *)(r7 +56)
  69: (07) r1 += 1
  70: (7b) *(u64 *)(r7 +56) = r1
  71: (05) goto pc+2
  72: (47) r9 |= 4
  73: (05) goto pc+1
  74: (47) r9 |= 8
  75: (05) goto pc+3
  76: (79) r2 = *(u64 *)(r0 +0)
  77: (07) r2 += 1
  78: (7b) *(u64 *)(r0 +0) = r2
  79: (b7) r0 = 65444
  80: (7f) r0 >>= r9
  81: (57) r0 &= 3
  82: (7b) *(u64 *)(r7 +128) = r0
  83: (79) r0 = *(u64 *)(r7 +128)
  84: (95) exit
