// perf_event_open(2): attribute encoding, opening, ioctls.

import { arch } from "./arch/mod.ts";
import { check } from "./errno.ts";
import { Fd } from "./fd.ts";
import { libc } from "./libc.ts";
import { addressOf, Struct } from "./memory.ts";

/** `PERF_TYPE_SOFTWARE` */
export const PERF_TYPE_SOFTWARE = 1;
/** `PERF_TYPE_TRACEPOINT` */
export const PERF_TYPE_TRACEPOINT = 2;
/** `PERF_COUNT_SW_CPU_CLOCK` */
export const PERF_COUNT_SW_CPU_CLOCK = 0n;

const PERF_FLAG_FD_CLOEXEC = 8n;
const PERF_EVENT_IOC_ENABLE = 0x2400n;
const PERF_EVENT_IOC_SET_BPF = 0x40042408n;
/** PERF_ATTR_SIZE_VER5: known to every kernel since 4.1. */
const ATTR_SIZE = 112;
const ATTR_FREQ = 1n << 10n;

/** The fields of `struct perf_event_attr` that dt uses. */
export interface PerfEventAttr {
  /** PMU type. */
  type: number;
  /** Event of that PMU. */
  config: bigint;
  /** Sample every `period` units (ns of a clock event). */
  period?: bigint;
  /** Or sample `frequency` times a second. */
  frequency?: bigint;
}

/**
 * Opens a perf event.
 *
 * @param attr What to count.
 * @param target `pid` -1 for all processes, `cpu` -1 for all CPUs; not both.
 * @throws {DtError} EACCES or EPERM without CAP_PERFMON; ENOENT or EOPNOTSUPP event not supported.
 */
export function perfEventOpen(attr: PerfEventAttr, target: { pid: number; cpu: number }): Fd {
  const struct = new Struct(ATTR_SIZE)
    .u32(0, attr.type)
    .u32(4, ATTR_SIZE)
    .u64(8, attr.config)
    .u64(16, attr.frequency ?? attr.period ?? 1n)
    .u64(40, attr.frequency === undefined ? 0n : ATTR_FREQ);
  const fd = libc().syscall(
    arch.syscalls.perf_event_open,
    addressOf(struct.bytes),
    BigInt(target.pid),
    BigInt(target.cpu),
    -1n,
    PERF_FLAG_FD_CLOEXEC,
    0n,
  );
  return new Fd(check(fd, "perf_event_open"), "perf_event");
}

/** Runs BPF program `programFd` on each sample of `event`, from now on. */
export function perfEventAttachBpf(event: Fd, programFd: number): void {
  check(libc().ioctl(event.value, PERF_EVENT_IOC_SET_BPF, BigInt(programFd)), "ioctl(SET_BPF)");
  check(libc().ioctl(event.value, PERF_EVENT_IOC_ENABLE, 0n), "ioctl(PERF_EVENT_IOC_ENABLE)");
}
