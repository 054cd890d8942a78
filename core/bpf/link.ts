// Attachments: each is one descriptor that detaches when it is closed. What was measured best is
// used: raw tracepoints cost ~60 ns less a firing than perf tracepoints and detach in 0.1 ms
// instead of 77 ms (an RCU grace period each).

import { check } from "../sys/errno.ts";
import { Fd } from "../sys/fd.ts";
import { libc } from "../sys/libc.ts";
import {
  PERF_TYPE_TRACEPOINT,
  perfEventAttachBpf,
  type PerfEventAttr,
  perfEventOpen,
  perfType,
} from "../sys/perf_event.ts";
import { addressOf, cString } from "../sys/memory.ts";
import {
  iterCreate,
  type KprobeSymbol,
  linkCreateIterator,
  linkCreateKprobeMulti,
  linkCreatePerfEvent,
  linkCreateUprobeMulti,
  rawTracepointOpen,
  type UprobePlace,
} from "./syscall.ts";

/** A loaded program, seen from whoever attaches it. */
export interface AttachableProgram {
  /** Descriptor. */
  readonly fd: number;
}

/**
 * Attaches to a raw tracepoint.
 *
 * @param name E.g. "sys_enter"; undefined for a TRACING program, which names its own (tp_btf).
 * @throws {DtError} ENOENT no such tracepoint.
 */
export function attachRawTracepoint(program: AttachableProgram, name?: string): Disposable {
  return new Fd(rawTracepointOpen(name, program.fd), `raw_tp:${name ?? "btf"}`);
}

/**
 * Attaches a PERF_EVENT program to one counter of one CPU.
 *
 * @param target `pid` -1: whatever runs there.
 */
export function attachPerfEvent(
  program: AttachableProgram,
  attr: PerfEventAttr,
  target: { pid: number; cpu: number },
): Disposable {
  using stack = new DisposableStack();
  const event = stack.use(perfEventOpen(attr, target));
  perfEventAttachBpf(event, program.fd);
  return stack.move();
}

/**
 * Attaches a TRACEPOINT program to a tracepoint by the number in its tracefs `id` file. One perf
 * event on CPU 0 fires for all CPUs.
 */
export function attachTracepoint(program: AttachableProgram, id: number): Disposable {
  using stack = new DisposableStack();
  const event = stack.use(
    perfEventOpen({ type: PERF_TYPE_TRACEPOINT, config: BigInt(id) }, { pid: -1, cpu: 0 }),
  );
  stack.use(new Fd(linkCreatePerfEvent(program.fd, event.value), `link:tracepoint:${id}`));
  return stack.move();
}

/**
 * Attaches a KPROBE program for uprobes (BPF_TRACE_UPROBE_MULTI, Linux 6.6) to places of a file: one
 * link, so that a thousand attach and detach in the time of one.
 *
 * @throws {DtError} EINVAL a place has no instruction.
 */
export function attachUprobes(
  program: AttachableProgram,
  path: string,
  places: readonly UprobePlace[],
  isReturn: boolean,
): Disposable {
  return new Fd(linkCreateUprobeMulti(program.fd, path, places, isReturn), `uprobes:${path}`);
}

/** The same with a perf event for each, for kernels before 6.6. */
export function attachPerfUprobes(
  program: AttachableProgram,
  path: string,
  places: readonly UprobePlace[],
  isReturn: boolean,
): Disposable {
  using stack = new DisposableStack();
  const type = perfType("uprobe")!;
  const name = cString(path);
  for (const { offset, cookie, counter } of places) {
    const attr = {
      type,
      config: (isReturn ? 1n : 0n) | counter << 32n,
      config1: addressOf(name),
      config2: offset,
    };
    const event = stack.use(perfEventOpen(attr, { pid: -1, cpu: 0 }));
    stack.use(new Fd(linkCreatePerfEvent(program.fd, event.value, cookie), `link:uprobe:${path}`));
  }
  return stack.move();
}

/**
 * Attaches a KPROBE program for functions of the kernel (BPF_TRACE_KPROBE_MULTI, Linux 5.18): one link.
 *
 * @param symbols Each name once.
 * @throws {DtError} ESRCH one of them cannot be traced.
 */
export function attachKprobes(
  program: AttachableProgram,
  symbols: readonly KprobeSymbol[],
  isReturn: boolean,
): Disposable {
  return new Fd(linkCreateKprobeMulti(program.fd, symbols, isReturn), "kprobes");
}

/** A place in the kernel's code. */
export interface KprobePlace {
  /** The function that it is in; undefined: `offset` is an address. */
  readonly symbol?: string;
  /** Bytes. */
  readonly offset: bigint;
  /** What the program finds out by bpf_get_attach_cookie(). */
  readonly cookie: bigint;
}

/**
 * Attaches a KPROBE program to one place of the kernel.
 *
 * @throws {DtError} ENOENT no such function; EILSEQ no instruction starts there; EINVAL not to be probed.
 */
export function attachKprobe(
  program: AttachableProgram,
  { symbol, offset, cookie }: KprobePlace,
  isReturn: boolean,
): Disposable {
  using stack = new DisposableStack();
  const name = symbol === undefined ? undefined : cString(symbol);
  const event = stack.use(perfEventOpen({
    type: perfType("kprobe")!,
    config: isReturn ? 1n : 0n,
    config1: name === undefined ? 0n : addressOf(name),
    config2: offset,
  }, { pid: -1, cpu: 0 }));
  const link = linkCreatePerfEvent(program.fd, event.value, cookie);
  stack.use(new Fd(link, `link:kprobe:${symbol ?? offset}`));
  return stack.move();
}

/** Most objects that an iterator goes over in one read: each of them has written a byte. */
const ITERATOR_STEP = 64;

/** An iterator of the kernel, over whose objects a program runs. */
export interface Iterator extends Disposable {
  /** Goes over the next objects; false when there are no more. */
  pull(): boolean;
}

/**
 * Attaches a TRACING program to the iterator that it names itself (BPF_TRACE_ITER, Linux 5.8).
 *
 * @param program Writes one byte (bpf_seq_write) for each object, so that reads end.
 */
export function attachIterator(program: AttachableProgram): Iterator {
  using stack = new DisposableStack();
  const link = stack.use(new Fd(linkCreateIterator(program.fd), "link:iter"));
  const fd = stack.use(new Fd(iterCreate(link.value), "iter"));
  const owned = stack.move();
  const bytes = new Uint8Array(ITERATOR_STEP);
  return {
    pull: () => check(libc().read(fd.value, bytes, BigInt(bytes.length)), "read(iterator)") > 0,
    [Symbol.dispose]: () => owned.dispose(),
  };
}
