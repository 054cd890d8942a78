// The kernel plane over bpf(2): maps, ring, programs and waiting for one recording. The only file
// of this folder that reaches core/sys and core/bpf; it implements core/contract/kernel_plane.ts.

import type { MapReference } from "../asm/instruction.ts";
import { CONTROL, DOORBELL } from "../contract/blocks.ts";
import { Assembler } from "../asm/assembler.ts";
import { attachRawTracepoint } from "../bpf/link.ts";
import { BTF_KIND, kernelBtf } from "../btf/mod.ts";
import { BPF_F_MMAPABLE, BPF_F_NO_PREALLOC, BPF_F_RDONLY_PROG, BpfMap } from "../bpf/map.ts";
import { BPF_TRACE_RAW_TP, BpfProgram } from "../bpf/program.ts";
import { missingFeature } from "../bpf/features.ts";
import { isOlder } from "../bpf/load_failure.ts";
import { RingBuffer } from "../bpf/ringbuf.ts";
import { DtError } from "../errors.ts";
import type {
  CpuWords,
  KernelPlane,
  LoadedProgram,
  ProgramTable,
} from "../contract/kernel_plane.ts";
import { emitExit, emitFork, TREE_ENTRIES, TREE_KEY_BYTES } from "./process_tree.ts";
import { O_DIRECTORY, openFile } from "../sys/open.ts";
import { offsetOf } from "./task_offsets.ts";
import { possibleCpuCount } from "../sys/cpu.ts";
import { pidNamespace } from "../sys/namespace.ts";
import { Poller } from "../sys/poller.ts";

/** Milliseconds for which the reader lets records gather while they keep coming. */
const GATHER_MS = 20;
/**
 * Longest sleep of the reader in milliseconds. A program may read the doorbell just before the
 * reader sets it, and write its record just after the reader looked. The next firing rings the
 * bell; if none comes, this limit bounds the delay.
 */
const SLEEP_MS = 1000;

/** Sizes of the memory that a recording shares with its programs. */
export interface KernelPlaneOptions {
  /** Size of the ring in bytes: a power of two and a multiple of the page size. */
  ringBytes: number;
  /** Size of a CPU block in bytes, scratch memory included. */
  blockBytes: number;
}

/**
 * Creates the maps of a recording.
 *
 * @param options Sizes of ring and CPU blocks.
 * @returns The plane; disposing it frees the maps and everything made through it.
 * @throws {DtError} EPERM without CAP_BPF; ENOMEM.
 */
export function openKernelPlane(options: KernelPlaneOptions): KernelPlane {
  return new BpfPlane(options);
}

/** The maps, the ring and the process trees of one recording; see {@linkcode KernelPlane}. */
class BpfPlane implements KernelPlane {
  readonly cpuCount = possibleCpuCount();
  readonly pidNamespace = pidNamespace();
  readonly ring: RingBuffer;
  readonly blocks: CpuWords;
  readonly control: { map: BpfMap; words: Int32Array };
  readonly #poller: Poller;
  /** Maps of descendants, by the process id of the root. */
  readonly #trees = new Map<number, BpfMap>();
  readonly #cgroups = new Map<string, BpfMap>();
  readonly #owned: DisposableStack;
  /** Loaded programs that follow deaths and wait for {@linkcode BpfPlane.attached}. */
  readonly #unattached: BpfProgram[] = [];
  /** Number of rounds of waiting since the last record. */
  #idleRounds = 0;
  #disposed = false;

  constructor(options: KernelPlaneOptions) {
    using stack = new DisposableStack();
    this.ring = stack.use(new RingBuffer(options.ringBytes, "dt_ring"));
    this.blocks = sharedWords(stack, "dt_cpu", options.blockBytes, this.cpuCount);
    const control = sharedArray(stack, "dt_control", CONTROL.size, 1);
    this.control = { map: control, words: new Int32Array(control.mmap()) };
    this.#poller = stack.use(new Poller());
    this.#poller.add(this.ring.map.fd);
    this.#owned = stack.move();
  }

  get taskName(): number | undefined {
    // Older kernels leave the rest of a longer name behind a shorter one.
    if (isOlder(Deno.osRelease(), "5.17")) return undefined;
    const offset = offsetOf("task_struct", "comm");
    return offset % 8 === 0 ? offset : undefined;
  }

  load({ longJumps, ...program }: Parameters<KernelPlane["load"]>[0]): LoadedProgram {
    if (longJumps) requireLongJumps(program);
    return new BpfProgram(program);
  }

  table(name: string, words: Uint32Array): MapReference {
    const map = this.#owned.use(
      new BpfMap({
        type: "ARRAY",
        name,
        keySize: 4,
        valueSize: words.byteLength,
        maxEntries: 1,
        flags: BPF_F_RDONLY_PROG,
      }),
    );
    map.update(new Uint8Array(4), new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
    map.freeze();
    return map;
  }

  cpuWords(name: string, bytes: number): CpuWords {
    return sharedWords(this.#owned, name, bytes, this.cpuCount);
  }

  programs(name: string, size: number): ProgramTable {
    const map = this.#owned.use(
      new BpfMap({ type: "PROG_ARRAY", name, keySize: 4, valueSize: 4, maxEntries: size }),
    );
    const word = (value: number) => new Uint8Array(new Uint32Array([value]).buffer);
    return {
      get fd() {
        return map.fd;
      },
      set: (index, program) => map.update(word(index), word(program.fd)),
    };
  }

  tree(root: number): MapReference {
    let map = this.#trees.get(root);
    if (map === undefined) this.#trees.set(root, map = this.#plant(root));
    return map;
  }

  cgroup(path: string): MapReference {
    let map = this.#cgroups.get(path);
    if (map === undefined) {
      map = this.#owned.use(
        new BpfMap({
          type: "CGROUP_ARRAY",
          name: "dt_cgroup",
          keySize: 4,
          valueSize: 4,
          maxEntries: 1,
        }),
      );
      using folder = openFile(path, O_DIRECTORY);
      // The map holds the cgroup itself from now on.
      map.update(new Uint8Array(4), new Uint8Array(new Uint32Array([folder.value]).buffer));
      this.#cgroups.set(path, map);
    }
    return map;
  }

  /** Loads the programs that follow births and deaths, and attaches those that follow births. */
  #plant(root: number): BpfMap {
    const offsets = {
      tgid: offsetOf("task_struct", "tgid"),
      pid: offsetOf("task_struct", "pid"),
    };
    const map = this.#owned.use(
      new BpfMap({
        type: "HASH",
        name: "dt_tree",
        keySize: TREE_KEY_BYTES,
        valueSize: 8,
        maxEntries: TREE_ENTRIES,
        flags: BPF_F_NO_PREALLOC,
      }),
    );
    const control = this.control.map;
    const tree = { root, namespace: this.pidNamespace, map, control };
    for (const [event, emit] of [["fork", emitFork], ["exit", emitExit]] as const) {
      const asm = new Assembler();
      emit(asm, tree, offsets);
      const program = this.#owned.use(
        new BpfProgram({
          name: `dt_tree_${event}`,
          code: asm.assemble(),
          type: "TRACING",
          expectedAttachType: BPF_TRACE_RAW_TP,
          attachBtfId: kernelBtf()!.find(BTF_KIND.TYPEDEF, `btf_trace_sched_process_${event}`),
        }),
      );
      if (event === "fork") this.#owned.use(attachRawTracepoint(program));
      else this.#unattached.push(program);
    }
    return map;
  }

  attached(): void {
    for (const program of this.#unattached.splice(0)) {
      this.#owned.use(attachRawTracepoint(program));
    }
  }

  async wait(): Promise<void> {
    const { ring, control } = this;
    const doorbell = (value: number) => Atomics.store(control.words, CONTROL.doorbell / 4, value);
    // The doorbell after records: gather more of them. After a quiet round: ring for the first
    // record, and look once more soon, since a program may have read the doorbell before. After
    // that: sleep.
    doorbell(this.#idleRounds === 0 ? DOORBELL.watermark : DOORBELL.first);
    const before = ring.available;
    if (before > 0) this.#idleRounds = 0;
    const timeoutMs = before >= ring.size / 8 ? 0 : this.#idleRounds < 2 ? GATHER_MS : SLEEP_MS;
    const ready = await this.#poller.wait(timeoutMs);
    // The plane may have been disposed during the wait, and its maps with it.
    if (this.#disposed) return;
    doorbell(DOORBELL.silent);
    const quiet = ready.length === 0 && before === 0 && ring.available === 0;
    this.#idleRounds = quiet ? this.#idleRounds + 1 : 0;
  }

  wake(): void {
    this.#poller.cancel();
  }

  [Symbol.dispose](): void {
    this.#disposed = true;
    this.#owned.dispose();
  }
}

/**
 * Checks that the kernel knows jumps over more than 32767 instructions.
 *
 * @throws {DtError} E2BIG the kernel does not.
 */
function requireLongJumps({ name, code }: { name: string; code: Uint8Array }): void {
  const missing = missingFeature("gotol");
  if (missing === undefined) return;
  throw new DtError(
    "E2BIG",
    `Cannot load program ${name}: its ${code.length / 8} instructions are too many for one ` +
      "program before Linux 6.6",
    { operation: "prepare", cause: missing },
  );
}

/** Creates an array map that programs and this process share. */
function sharedArray(
  owner: DisposableStack,
  name: string,
  valueSize: number,
  maxEntries: number,
): BpfMap {
  const flags = BPF_F_MMAPABLE;
  return owner.use(new BpfMap({ type: "ARRAY", name, keySize: 4, valueSize, maxEntries, flags }));
}

/** Creates zeroed words for each CPU that programs and this process share. */
function sharedWords(
  owner: DisposableStack,
  name: string,
  bytes: number,
  cpus: number,
): CpuWords {
  // Each CPU gets whole cache lines of 64 bytes.
  const stride = (bytes + 63) & ~63;
  const map = sharedArray(owner, name, stride, cpus);
  return { map, words: new BigUint64Array(map.mmap()), stride };
}
