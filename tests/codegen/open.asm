; map 1 ring, 2 control, 3 zeros
; tracepoint:syscalls:sys_enter_openat, 1072 bytes of scratch memory
   0: (bf) r6 = r1
   1: (bf) r7 = r2
   2: (b7) r9 = 0
   3: (7b) *(u64 *)(r10 -16) = r3
   4: (35) if r9 >= 0x1 goto pc+1
   5: (b7) r9 = 1
   6: (b7) r8 = 0
   7: (bf) r1 = r7
   8: (07) r1 += 152
   9: (b7) r2 = 16
  10: (85) call bpf_get_current_comm#16
  11: (79) r0 = *(u64 *)(r6 +0)
  12: (79) r0 = *(u64 *)(r0 +104)
  13: (bf) r3 = r0
  14: (b7) r2 = 1024
  15: (bf) r1 = r7
  16: (07) r1 += 176
  17: (0f) r1 += r8
  18: (85) call bpf_probe_read_user_str#114
  19: (75) if r0 s>= 0x0 goto pc+1
  20: (b7) r0 = 0
  21: (7b) *(u64 *)(r7 +168) = r0
  22: (0f) r8 += r0
  23: (07) r8 += 48
  24: (62) *(u32 *)(r7 +128) = 1
  25: (62) *(u32 *)(r7 +136) = 0
  26: (63) *(u32 *)(r7 +140) = r8
  27: (85) call bpf_get_smp_processor_id#8
  28: (63) *(u32 *)(r7 +132) = r0
  29: (85) call bpf_ktime_get_boot_ns#125
  30: (7b) *(u64 *)(r7 +144) = r0
  31: (18) r1 = map[fd:1]
  33: (b7) r2 = 0
  34: (85) call bpf_ringbuf_query#134
  35: (35) if r0 >= 0x3c0000 goto pc+16
  36: (b7) r4 = 1
  37: (18) r1 = map[fd:2][0]+0
  39: (61) r3 = *(u32 *)(r1 +0)
  40: (15) if r3 == 0x0 goto pc+4
  41: (15) if r3 == 0x1 goto pc+1
  42: (a5) if r0 < 0x80000 goto pc+2
  43: (62) *(u32 *)(r1 +0) = 0
  44: (b7) r4 = 2
  45: (18) r1 = map[fd:1]
  47: (bf) r2 = r7
  48: (07) r2 += 128
  49: (bf) r3 = r8
  50: (85) call bpf_ringbuf_output#130
  51: (15) if r0 == 0x0 goto pc+4
  52: (79) r1 = *(u64 *)(r7 +56)
  53: (07) r1 += 1
  54: (7b) *(u64 *)(r7 +56) = r1
  55: (05) goto pc+3
  56: (35) if r9 >= 0x2 goto pc+1
  57: (b7) r9 = 2
  58: (05) goto pc+1
  59: (b7) r9 = 3
  60: (bf) r0 = r9
  61: (95) exit
