// perf_event_open(2): attribute encoding, opening, ioctls.

import { arch } from "./arch/mod.ts";
import { check } from "./errno.ts";
import { Fd } from "./fd.ts";
import { libc } from "./libc.ts";
import { addressOf, Struct } from "./memory.ts";

/** `PERF_TYPE_HARDWARE` */
export const PERF_TYPE_HARDWARE = 0;
/** `PERF_TYPE_SOFTWARE` */
export const PERF_TYPE_SOFTWARE = 1;
/** `PERF_TYPE_TRACEPOINT` */
export const PERF_TYPE_TRACEPOINT = 2;
/** `PERF_TYPE_BREAKPOINT` */
export const PERF_TYPE_BREAKPOINT = 5;
/** `PERF_COUNT_SW_CPU_CLOCK` */
export const PERF_COUNT_SW_CPU_CLOCK = 0n;
/** `PERF_COUNT_SW_DUMMY`: counts nothing, but has records. */
export const PERF_COUNT_SW_DUMMY = 9n;

/** Number of a PMU by its name in /sys, or undefined if the kernel has none of that name. */
export function perfType(pmu: string): number | undefined {
  try {
    return Number(Deno.readTextFileSync(`/sys/bus/event_source/devices/${pmu}/type`));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

const PERF_FLAG_FD_CLOEXEC = 8n;
const PERF_EVENT_IOC_ENABLE = 0x2400n;
const PERF_EVENT_IOC_SET_BPF = 0x40042408n;
/** PERF_ATTR_SIZE_VER5: known to every kernel since 4.1. */
const ATTR_SIZE = 112;
const ATTR_FREQ = 1n << 10n;

/** Bits of `sample_type`: what a sample record holds, in this order. */
export const PERF_SAMPLE = {
  ip: 1,
  tid: 2,
  time: 4,
  callchain: 32,
  cpu: 128,
  registers: 1 << 12,
} as const;

/** Bits of the word of flags. perf_event_open(2) */
export const PERF_FLAG = {
  inherit: 1n << 1n,
  excludeKernel: 1n << 5n,
  excludeHypervisor: 1n << 6n,
  mmap: 1n << 8n,
  comm: 1n << 9n,
  task: 1n << 13n,
  watermark: 1n << 14n,
  sampleIdAll: 1n << 18n,
  mmap2: 1n << 23n,
  commExec: 1n << 24n,
  useClock: 1n << 25n,
  buildId: 1n << 34n,
} as const;

/** Names of these bits. */
export type PerfFlag = keyof typeof PERF_FLAG;

/** Records that go to a ring of this process, timed by CLOCK_BOOTTIME. */
export interface Records {
  /** Bits of {@linkcode PERF_SAMPLE}. */
  readonly sampleType: number;
  /** What is recorded beside samples, and of whom. */
  readonly flags: readonly PerfFlag[];
  /** Registers by their perf number. */
  readonly registers?: bigint;
  /** Most frames of a call chain. */
  readonly frames?: number;
  /** Bytes in the ring at which a poll ends. */
  readonly wakeupBytes?: number;
}

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
  /** `bp_type` of a breakpoint: what is to be watched for. */
  breakpoint?: number;
  /** A further field, whose meaning is the PMU's. */
  config1?: bigint;
  /** Another one. */
  config2?: bigint;
  /** Record into a ring. */
  records?: Records;
}

const CLOCK_BOOTTIME = 7;

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
    .u64(40, attr.frequency === undefined ? 0n : ATTR_FREQ)
    .u32(52, attr.breakpoint ?? 0)
    .u64(56, attr.config1 ?? 0n)
    .u64(64, attr.config2 ?? 0n);
  if (attr.records !== undefined) {
    const { sampleType, flags, registers = 0n, frames = 0, wakeupBytes = 0 } = attr.records;
    const bits = flags.reduce((sum, name) => sum | PERF_FLAG[name], PERF_FLAG.useClock);
    struct.u64(24, sampleType).u64(40, struct.getU64(40) | bits).u32(48, wakeupBytes)
      .u64(80, registers).u32(92, CLOCK_BOOTTIME).u32(108, frames);
  }
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

const PERF_EVENT_IOC_SET_OUTPUT = 0x2405n;

/** Lets samples of `event` go to the ring of another one of the same CPU. */
export function perfEventSetOutput(event: Fd, ring: Fd): void {
  const result = libc().ioctl(event.value, PERF_EVENT_IOC_SET_OUTPUT, BigInt(ring.value));
  check(result, "ioctl(PERF_EVENT_IOC_SET_OUTPUT)");
}
