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
  37: (18) r1 = map[fd:2][0]+0
  39: (61) r3 = *(u32 *)(r1 +0)
  40: (b7) r2 = 3932159
  41: (1f) r2 -= r0
  42: (77) r2 >>= 63
  43: (4f) r3 |= r2
  44: (b7) r4 = 1
  45: (55) if r3 != 0x0 goto pc+1
  46: (05) goto pc+7
  47: (35) if r0 >= 0x3c0000 goto pc+14
  48: (61) r3 = *(u32 *)(r1 +0)
  49: (15) if r3 == 0x0 goto pc+4
  50: (15) if r3 == 0x1 goto pc+1
  51: (a5) if r0 < 0x80000 goto pc+2
  52: (62) *(u32 *)(r1 +0) = 0
  53: (b7) r4 = 2
  54: (18) r1 = map[fd:1]
  56: (bf) r2 = r7
  57: (07) r2 += 136
  58: (bf) r3 = r8
  59: (85) call bpf_ringbuf_output#130
  60: (55) if r0 != 0x0 goto pc+1
  61: (05) goto pc+4
  62: (79) r1 = *(u64 *)(r7 +56)
  63: (07) r1 += 1
  64: (7b) *(u64 *)(r7 +56) = r1
  65: (05) goto pc+2
  66: (47) r9 |= 4
  67: (05) goto pc+1
  68: (47) r9 |= 8
  69: (b7) r0 = 65444
  70: (7f) r0 >>= r9
  71: (57) r0 &= 3
  72: (7b) *(u64 *)(r7 +128) = r0
  73: (79) r0 = *(u64 *)(r7 +128)
  74: (95) exit
