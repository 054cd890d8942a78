// perf_event_open(2): encoding of the attributes, opening, ioctls. perf_ring.ts reads the records
// of an event.

import { DtError } from "../errors.ts";
import { arch } from "./arch/mod.ts";
import { check, errnoName } from "./errno.ts";
import { Fd } from "./fd.ts";
import { libc } from "./libc.ts";
import { addressOf, Struct } from "./memory.ts";
import { hasSeccompFilter } from "./thread.ts";

/** PMU type of the processor's hardware counters. */
export const PERF_TYPE_HARDWARE = 0;
/** PMU type of the counters that the kernel keeps in software. */
export const PERF_TYPE_SOFTWARE = 1;
/** PMU type of the kernel's tracepoints. */
export const PERF_TYPE_TRACEPOINT = 2;
/** PMU type of hardware breakpoints, which watch an address. */
export const PERF_TYPE_BREAKPOINT = 5;
/** Software event: a high-resolution timer on each CPU. */
export const PERF_COUNT_SW_CPU_CLOCK = 0n;
/** Software event that counts nothing, but delivers records of processes. */
export const PERF_COUNT_SW_DUMMY = 9n;

/**
 * Finds the type number of a PMU by its name in /sys.
 *
 * @param pmu Name, e.g. "kprobe" or "uprobe".
 * @returns The number; undefined if the kernel has no such PMU.
 */
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
/**
 * Size of struct perf_event_attr in bytes (PERF_ATTR_SIZE_VER5), which every kernel since 4.1
 * accepts.
 */
const ATTR_SIZE = 112;
/** Bit `freq` of the flags: the period field holds a frequency. */
const ATTR_FREQ = 1n << 10n;

/** Bits of `sample_type`. A sample record holds the chosen parts in this order. */
export const PERF_SAMPLE = {
  ip: 1,
  tid: 2,
  time: 4,
  callchain: 32,
  cpu: 128,
  registers: 1 << 12,
} as const;

/** Bits of the word of flags in struct perf_event_attr; perf_event_open(2) describes each. */
export const PERF_FLAG = {
  inherit: 1n << 1n,
  excludeKernel: 1n << 5n,
  excludeKernelFrames: 1n << 21n,
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

/** Name of a bit in {@linkcode PERF_FLAG}. */
export type PerfFlag = keyof typeof PERF_FLAG;

/**
 * Settings of an event whose records go to a ring of this process. Their times are CLOCK_BOOTTIME.
 */
export interface Records {
  /** Parts of a sample record: the sum of bits of {@linkcode PERF_SAMPLE}. */
  readonly sampleType: number;
  /** Flags that choose the kinds of records and the processes that are recorded. */
  readonly flags: readonly PerfFlag[];
  /** Set of registers to sample: bit N stands for the register with perf's number N. */
  readonly registers?: bigint;
  /** Greatest number of frames in a call chain. */
  readonly frames?: number;
  /** Number of unread bytes in the ring at which a poll returns. */
  readonly wakeupBytes?: number;
}

/** The fields of `struct perf_event_attr` that dt uses, under plainer names. */
export interface PerfEventAttr {
  /** Type of the PMU: PERF_TYPE_* or the result of {@linkcode perfType}. */
  type: number;
  /** Number of the event within its PMU. */
  config: bigint;
  /** Period of sampling in units of the event; nanoseconds for a clock. */
  period?: bigint;
  /** Frequency of sampling in samples a second; an alternative to `period`. */
  frequency?: bigint;
  /** For a breakpoint, the accesses that it watches for (`bp_type`). */
  breakpoint?: number;
  /** First further field, with a meaning that the PMU gives it. */
  config1?: bigint;
  /** Second further field, with a meaning that the PMU gives it. */
  config2?: bigint;
  /** Settings of the records; absent if the event only counts or runs a program. */
  records?: Records;
}

const CLOCK_BOOTTIME = 7;

/**
 * Opens a perf event.
 *
 * @param attr The event to count or sample.
 * @param target `pid` -1 for all processes, `cpu` -1 for all CPUs; not both.
 * @returns The descriptor of the event, which the caller owns.
 * @throws {DtError} EACCES or EPERM without CAP_PERFMON; ENOENT or EOPNOTSUPP event not supported;
 * ENODEV the CPU is offline.
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
  const code = fd < 0 ? errnoName(libc().errno()) : "";
  if (code === "EPERM" || code === "EACCES") {
    throw new DtError(code, `Cannot open a perf event: ${perfEventRefusal()}`, {
      operation: "perf_event_open",
    });
  }
  return new Fd(check(fd, "perf_event_open"), "perf_event");
}

/**
 * Says what would permit a perf event that was refused.
 * Documentation/admin-guide/sysctl/kernel.rst, "perf_event_paranoid"
 */
export function perfEventRefusal(): string {
  if (hasSeccompFilter()) {
    return "a seccomp filter is in force, as in containers: it must allow perf_event_open(2), which " +
      "needs CAP_PERFMON";
  }
  let level: number;
  try {
    level = Number(Deno.readTextFileSync("/proc/sys/kernel/perf_event_paranoid"));
  } catch {
    return "perf_event_open(2) is not permitted; it needs CAP_PERFMON";
  }
  return level > 2
    ? `kernel.perf_event_paranoid is ${level}: that needs CAP_PERFMON, or the setting 2`
    : "it is another user's, or not dumpable: that needs CAP_PERFMON";
}

/**
 * Attaches a BPF program to an event and enables the event: the program runs on each sample from
 * now on.
 *
 * @param event The event.
 * @param programFd Descriptor of the loaded program.
 * @throws {DtError} EINVAL the program has another type; EEXIST the event has a program.
 */
export function perfEventAttachBpf(event: Fd, programFd: number): void {
  check(libc().ioctl(event.value, PERF_EVENT_IOC_SET_BPF, BigInt(programFd)), "ioctl(SET_BPF)");
  check(libc().ioctl(event.value, PERF_EVENT_IOC_ENABLE, 0n), "ioctl(PERF_EVENT_IOC_ENABLE)");
}

const PERF_EVENT_IOC_SET_OUTPUT = 0x2405n;

/**
 * Redirects the records of an event to the ring of another event of the same CPU.
 *
 * @throws {DtError} EINVAL the events differ in CPU or clock.
 */
export function perfEventSetOutput(event: Fd, ring: Fd): void {
  const result = libc().ioctl(event.value, PERF_EVENT_IOC_SET_OUTPUT, BigInt(ring.value));
  check(result, "ioctl(PERF_EVENT_IOC_SET_OUTPUT)");
}
