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
  15: (55) if r0 != 0x0 goto pc+58
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
  30: (55) if r0 != 0x0 goto pc+43
  31: (79) r0 = *(u64 *)(r10 -40)
  32: (79) r1 = *(u64 *)(r7 +64)
  33: (07) r1 += 1
  34: (7b) *(u64 *)(r7 +64) = r1
  35: (7b) *(u64 *)(r10 -40) = r0
  36: (79) r0 = *(u64 *)(r10 -40)
  37: (7b) *(u64 *)(r10 -48) = r0
  38: (62) *(u32 *)(r10 -72) = 1
  39: (62) *(u32 *)(r10 -64) = 0
  40: (62) *(u32 *)(r10 -60) = 32
  41: (85) call bpf_get_smp_processor_id#8
  42: (63) *(u32 *)(r10 -68) = r0
  43: (85) call bpf_ktime_get_boot_ns#125
  44: (7b) *(u64 *)(r10 -56) = r0
  45: (18) r1 = map[fd:1]
  47: (b7) r2 = 0
  48: (85) call bpf_ringbuf_query#134
  49: (b7) r4 = 1
  50: (18) r1 = map[fd:2][0]+0
  52: (61) r3 = *(u32 *)(r1 +0)
  53: (15) if r3 == 0x0 goto pc+4
  54: (15) if r3 == 0x1 goto pc+1
  55: (a5) if r0 < 0x80000 goto pc+2
  56: (62) *(u32 *)(r1 +0) = 0
  57: (b7) r4 = 2
  58: (18) r1 = map[fd:1]
  60: (bf) r2 = r10
  61: (07) r2 += -72
  62: (b7) r3 = 32
  63: (85) call bpf_ringbuf_output#130
  64: (15) if r0 == 0x0 goto pc+4
  65: (79) r1 = *(u64 *)(r7 +56)
  66: (07) r1 += 1
  67: (7b) *(u64 *)(r7 +56) = r1
  68: (05) goto pc+3
  69: (35) if r9 >= 0x2 goto pc+1
  70: (b7) r9 = 2
  71: (05) goto pc+1
  72: (b7) r9 = 3
  73: (05) goto pc+3
  74: (79) r2 = *(u64 *)(r0 +0)
  75: (07) r2 += 1
  76: (7b) *(u64 *)(r0 +0) = r2
  77: (bf) r0 = r9
  78: (95) exit
