; map 1 ring, 2 control, 3 zeros, 4 @
; tracepoint:raw_syscalls:sys_enter, 0 bytes of scratch memory
   0: (bf) r6 = r1
   1: (bf) r7 = r2
   2: (b7) r9 = 0
   3: (7b) *(u64 *)(r10 -16) = r3
   4: (35) if r9 >= 0x1 goto pc+1
   5: (b7) r9 = 1
   6: (bf) r1 = r10
   7: (07) r1 += -40
   8: (b7) r2 = 16
   9: (85) call bpf_get_current_comm#16
  10: (18) r1 = map[fd:4]
  12: (bf) r2 = r10
  13: (07) r2 += -40
  14: (85) call bpf_map_lookup_elem#1
  15: (55) if r0 != 0x0 goto pc+18
  16: (18) r1 = map[fd:4]
  18: (bf) r2 = r10
  19: (07) r2 += -40
  20: (18) r3 = map[fd:3][0]+0
  22: (b7) r4 = 1
  23: (85) call bpf_map_update_elem#2
  24: (18) r1 = map[fd:4]
  26: (bf) r2 = r10
  27: (07) r2 += -40
  28: (85) call bpf_map_lookup_elem#1
  29: (55) if r0 != 0x0 goto pc+4
  30: (79) r1 = *(u64 *)(r7 +64)
  31: (07) r1 += 1
  32: (7b) *(u64 *)(r7 +64) = r1
  33: (05) goto pc+3
  34: (79) r2 = *(u64 *)(r0 +0)
  35: (07) r2 += 1
  36: (7b) *(u64 *)(r0 +0) = r2
  37: (bf) r0 = r9
  38: (95) exit
