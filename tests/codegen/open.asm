; map 1 ring, 2 control, 3 zeros
; tracepoint:syscalls:sys_enter_openat, 1088 bytes of scratch memory
   0: (bf) r6 = r1
   1: (bf) r7 = r2
   2: (b7) r9 = 0
   3: (7b) *(u64 *)(r7 +72) = r3
   4: (47) r9 |= 2
   5: (b7) r8 = 0
   6: (bf) r1 = r7
   7: (07) r1 += 160
   8: (b7) r2 = 16
   9: (85) call bpf_get_current_comm#16
  10: (79) r0 = *(u64 *)(r6 +0)
  11: (79) r0 = *(u64 *)(r0 +104)
  12: (bf) r3 = r0
  13: (b7) r2 = 1025
  14: (bf) r1 = r7
  15: (07) r1 += 184
  16: (0f) r1 += r8
  17: (c5) if r3 s< 0x0 goto pc+2
  18: (85) call bpf_probe_read_user_str#114
  19: (05) goto pc+1
  20: (85) call bpf_probe_read_kernel_str#115
  21: (75) if r0 s>= 0x0 goto pc+1
  22: (b7) r0 = 0
  23: (7b) *(u64 *)(r7 +176) = r0
  24: (0f) r8 += r0
  25: (07) r8 += 48
  26: (62) *(u32 *)(r7 +136) = 1
  27: (62) *(u32 *)(r7 +144) = 0
  28: (63) *(u32 *)(r7 +148) = r8
  29: (85) call bpf_get_smp_processor_id#8
  30: (63) *(u32 *)(r7 +140) = r0
  31: (85) call bpf_ktime_get_boot_ns#125
  32: (7b) *(u64 *)(r7 +152) = r0
  33: (18) r1 = map[fd:1]
  35: (b7) r2 = 0
  36: (85) call bpf_ringbuf_query#134
  37: (35) if r0 >= 0x3c0000 goto pc+18
  38: (b7) r4 = 1
  39: (18) r1 = map[fd:2][0]+0
  41: (61) r3 = *(u32 *)(r1 +0)
  42: (55) if r3 != 0x0 goto pc+1
  43: (05) goto pc+4
  44: (15) if r3 == 0x1 goto pc+1
  45: (a5) if r0 < 0x80000 goto pc+2
  46: (62) *(u32 *)(r1 +0) = 0
  47: (b7) r4 = 2
  48: (18) r1 = map[fd:1]
  50: (bf) r2 = r7
  51: (07) r2 += 136
  52: (bf) r3 = r8
  53: (85) call bpf_ringbuf_output#130
  54: (55) if r0 != 0x0 goto pc+1
  55: (05) goto pc+4
  56: (79) r1 = *(u64 *)(r7 +56)
  57: (07) r1 += 1
  58: (7b) *(u64 *)(r7 +56) = r1
  59: (05) goto pc+2
  60: (47) r9 |= 4
  61: (05) goto pc+1
  62: (47) r9 |= 8
  63: (b7) r0 = 65444
  64: (7f) r0 >>= r9
  65: (57) r0 &= 3
  66: (7b) *(u64 *)(r7 +128) = r0
  67: (79) r0 = *(u64 *)(r7 +128)
  68: (95) exit
