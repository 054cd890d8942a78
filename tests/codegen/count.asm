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
  15: (05) goto pc+63
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
  30: (55) if r0 != 0x0 goto pc+48
  31: (79) r0 = *(u64 *)(r7 +152)
  32: (bf) r2 = r7
  33: (15) if r0 == 0xfffffff9 goto pc+1
  34: (07) r2 += 24
  35: (79) r1 = *(u64 *)(r2 +64)
  36: (07) r1 += 1
  37: (7b) *(u64 *)(r2 +64) = r1
  38: (7b) *(u64 *)(r7 +152) = r0
  39: (79) r0 = *(u64 *)(r7 +152)
  40: (7b) *(u64 *)(r7 +184) = r0
  41: (62) *(u32 *)(r7 +160) = 1
  42: (62) *(u32 *)(r7 +168) = 0
  43: (62) *(u32 *)(r7 +172) = 32
  44: (85) call bpf_get_smp_processor_id#8
  45: (63) *(u32 *)(r7 +164) = r0
  46: (85) call bpf_ktime_get_boot_ns#125
  47: (7b) *(u64 *)(r7 +176) = r0
  48: (18) r1 = map[fd:1]
  50: (b7) r2 = 0
  51: (85) call bpf_ringbuf_query#134
  52: (18) r1 = map[fd:2][0]+0
  54: (61) r3 = *(u32 *)(r1 +0)
  55: (b7) r4 = 1
  56: (55) if r3 != 0x0 goto pc+1
  57: (05) goto pc+5
  58: (15) if r3 == 0x0 goto pc+4
  59: (15) if r3 == 0x1 goto pc+1
  60: (a5) if r0 < 0x80000 goto pc+2
  61: (62) *(u32 *)(r1 +0) = 0
  62: (b7) r4 = 2
  63: (18) r1 = map[fd:1]
  65: (bf) r2 = r7
  66: (07) r2 += 160
  67: (b7) r3 = 32
  68: (85) call bpf_ringbuf_output#130
  69: (55) if r0 != 0x0 goto pc+1
  70: (05) goto pc+4
  71: (79) r1 = *(u64 *)(r7 +56)
  72: (07) r1 += 1
  73: (7b) *(u64 *)(r7 +56) = r1
  74: (05) goto pc+2
  75: (47) r9 |= 4
  76: (05) goto pc+1
  77: (47) r9 |= 8
  78: (05) goto pc+3
  79: (79) r2 = *(u64 *)(r0 +0)
  80: (07) r2 += 1
  81: (7b) *(u64 *)(r0 +0) = r2
  82: (b7) r0 = 65444
  83: (7f) r0 >>= r9
  84: (57) r0 &= 3
  85: (7b) *(u64 *)(r7 +128) = r0
  86: (79) r0 = *(u64 *)(r7 +128)
  87: (95) exit
