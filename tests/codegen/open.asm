; map 1 ring, 2 control, 3 zeros
; tracepoint:syscalls:sys_enter_openat, 1080 bytes of scratch memory
   0: (bf) r6 = r1
   1: (bf) r7 = r2
   2: (b7) r9 = 0
   3: (7b) *(u64 *)(r7 +72) = r3
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
  14: (b7) r2 = 1025
  15: (bf) r1 = r7
  16: (07) r1 += 176
  17: (0f) r1 += r8
  18: (c5) if r3 s< 0x0 goto pc+2
  19: (85) call bpf_probe_read_user_str#114
  20: (05) goto pc+1
  21: (85) call bpf_probe_read_kernel_str#115
  22: (75) if r0 s>= 0x0 goto pc+1
  23: (b7) r0 = 0
  24: (7b) *(u64 *)(r7 +168) = r0
  25: (0f) r8 += r0
  26: (07) r8 += 48
  27: (62) *(u32 *)(r7 +128) = 1
  28: (62) *(u32 *)(r7 +136) = 0
  29: (63) *(u32 *)(r7 +140) = r8
  30: (85) call bpf_get_smp_processor_id#8
  31: (63) *(u32 *)(r7 +132) = r0
  32: (85) call bpf_ktime_get_boot_ns#125
  33: (7b) *(u64 *)(r7 +144) = r0
  34: (18) r1 = map[fd:1]
  36: (b7) r2 = 0
  37: (85) call bpf_ringbuf_query#134
  38: (35) if r0 >= 0x3c0000 goto pc+16
  39: (b7) r4 = 1
  40: (18) r1 = map[fd:2][0]+0
  42: (61) r3 = *(u32 *)(r1 +0)
  43: (15) if r3 == 0x0 goto pc+4
  44: (15) if r3 == 0x1 goto pc+1
  45: (a5) if r0 < 0x80000 goto pc+2
  46: (62) *(u32 *)(r1 +0) = 0
  47: (b7) r4 = 2
  48: (18) r1 = map[fd:1]
  50: (bf) r2 = r7
  51: (07) r2 += 128
  52: (bf) r3 = r8
  53: (85) call bpf_ringbuf_output#130
  54: (15) if r0 == 0x0 goto pc+4
  55: (79) r1 = *(u64 *)(r7 +56)
  56: (07) r1 += 1
  57: (7b) *(u64 *)(r7 +56) = r1
  58: (05) goto pc+3
  59: (35) if r9 >= 0x2 goto pc+1
  60: (b7) r9 = 2
  61: (05) goto pc+1
  62: (b7) r9 = 3
  63: (bf) r0 = r9
  64: (95) exit
