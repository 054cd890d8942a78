// Pure: no I/O, no FFI.
// `enter` on the kernel plane: emits the code around the actions. Each attachment gets one program:
//
//   guard     find the CPU block; count the ticks that a clock has missed; count the firing;
//             leave if a program of this session already runs on this CPU (recursed)
//   select    find out which enabled probe has fired; none: filtered
//   action    filter and body, one BPF function per distinct action, which returns an outcome
//   account   count the outcome, release the guard
//
// With one distinct action the program calls the action's function. With more, each action stands
// in a program of its own that is reached by a tail call with the guard held. So neither the
// verifier's limits (256 functions, a million instructions) nor the 16-bit jump range bound the
// number of clauses.
//
// Registers: R6 context, R7 CPU block, R8 probe number. Stack: 8 bytes for a map key.
//
// Neighbours: filter.ts and process_tree.ts emit the filters, ticks.ts counts missed ticks,
// standard_event.ts is the action of probes without an action of their own.

import { Assembler } from "../asm/assembler.ts";
import { add64, and64, imm, lsh64, mov32, mov64 } from "../asm/alu.ts";
import { call, callHelper, exit, ja, jeq, jge, jne } from "../asm/jump.ts";
import type { Label, MapReference } from "../asm/instruction.ts";
import {
  atomicExchange,
  atomicOp,
  load,
  loadMap,
  loadMapValue,
  store,
  storeImm,
} from "../asm/load_store.ts";
import { BPF_FUNC } from "../asm/generated/helpers.ts";
import { R0, R1, R2, R3, R6, R7, R8, R9 } from "../asm/register.ts";
import { arch } from "../sys/arch/mod.ts";
import { CONTROL, CPU_BLOCK } from "../contract/blocks.ts";
import { emitCpuLookup } from "./map_access.ts";
import { emitFilter } from "./filter.ts";
import type { EventFilter } from "../contract/request.ts";
import type {
  CpuWords,
  KernelPlane,
  LoadedProgram,
  ProgramTable,
} from "../contract/kernel_plane.ts";
import type { AttachType, KernelAttachment, Selector } from "../contract/attachment.ts";
import type { KernelAction } from "../contract/kernel_action.ts";
import { OUTCOME } from "../contract/outcome.ts";
import { RingOutput } from "./ring_output.ts";
import { emitTick, TICKS } from "./ticks.ts";

/** Offset from R10 of the map key on the stack. */
const KEY = -8;

/** One enabled probe of an attachment, with the action that its firings run. */
export interface Entry {
  /** Number of the probe (pbn), which the action gets in R3. */
  readonly pbn: number;
  /** The action that a firing of the probe runs. */
  readonly action: KernelAction;
  /** Test on process or thread that a firing must pass; absent if all firings pass. */
  readonly filter?: EventFilter;
}

/** The parts of a session that its programs need. */
export interface EnterContext {
  /** The kernel plane of the recording, which loads programs and makes maps. */
  readonly plane: KernelPlane;
  /** Takes ownership of a loaded program, to be unloaded with the recording. */
  own(program: LoadedProgram): void;
}

/** A distinct body; entries with the same action and filter share it. */
interface Body {
  readonly action: KernelAction;
  readonly filter?: EventFilter;
}

/** The properties of an attachment that its program is built from. */
type Target = Omit<KernelAttachment, "plane" | "pcbs" | "attach">;

/** The loaded program of an attachment, and the words that count a clock's ticks. */
export interface Entrance {
  /** The program, ready to be attached. */
  readonly program: LoadedProgram;
  /**
   * Words of the clock for each CPU, laid out as {@linkcode TICKS}; absent if the attachment is no
   * clock.
   */
  readonly ticks?: CpuWords;
}

/**
 * Builds and loads the program of an attachment.
 *
 * @param context Plane and owner of the programs.
 * @param attachment The attachment, seen as a program.
 * @param entries The enabled probes, in the order of the attachment's PCBs.
 * @param options `once`: the program runs a single time, also after exit().
 * @returns The program, not attached yet.
 * @throws {DtError} E2BIG the program is too long; everything that BPF_PROG_LOAD says.
 */
export function loadEnter(
  context: EnterContext,
  attachment: Target,
  entries: readonly Entry[],
  options: { once?: boolean } = {},
): Entrance {
  const { plane } = context;
  const { bodies, bodyOf } = distinctBodies(entries);
  const asm = new Assembler();
  const ends = endsOf(asm);
  const { periodNs } = attachment;
  const ticks = periodNs === undefined ? undefined : plane.cpuWords("dt_ticks", TICKS.size);
  emitBlock(asm, plane, ends.out);
  attachment.prologue?.(asm, R6, ends.out);
  if (ticks !== undefined) emitTick(asm, ticks.map, periodNs!);
  emitGuard(asm, ends.out);
  if (!options.once) emitExitCheck(asm, plane, ends.account);
  if (attachment.select === undefined) {
    asm.emit(mov64(R8, imm(entries[0].pbn)));
  } else {
    attachment.select.emit(asm, R6, R7);
    emitSelect(asm, context, attachment.select, entries, bodyOf, ends.account);
  }
  if (bodies.length === 1) emitCall(asm, plane, attachment, bodies[0], ends);
  else emitTailCall(asm, loadBodies(context, attachment, bodies), ends);
  return { program: loadAs(context, attachment, attachment.name, asm), ticks };
}

/** The distinct bodies of some entries, and the index of each entry's body. */
function distinctBodies(entries: readonly Entry[]): { bodies: Body[]; bodyOf: number[] } {
  const bodies: Body[] = [];
  const known = new Map<KernelAction, Map<string, number>>();
  const bodyOf = entries.map(({ action, filter }) => {
    let byFilter = known.get(action);
    if (byFilter === undefined) known.set(action, byFilter = new Map());
    const key = JSON.stringify(filter ?? null);
    let index = byFilter.get(key);
    if (index === undefined) byFilter.set(key, index = bodies.push({ action, filter }) - 1);
    return index;
  });
  return { bodies, bodyOf };
}

/** Loads each body as a program of its own; the table leads to them. */
function loadBodies(
  context: EnterContext,
  attachment: Target,
  bodies: readonly Body[],
): ProgramTable {
  const { plane } = context;
  const table = plane.programs("dt_actions", bodies.length);
  bodies.forEach((body, index) => {
    const asm = new Assembler();
    const ends = endsOf(asm);
    emitBlock(asm, plane, ends.out);
    asm.emit(load(8, R8, R7, CPU_BLOCK.pbn));
    emitCall(asm, plane, attachment, body, ends);
    table.set(index, loadAs(context, attachment, `${attachment.name.slice(0, 10)}_${index}`, asm));
  });
  return table;
}

/** R3 holds the index of a body, left there by emitSelect: goes on in that body's program. */
function emitTailCall(asm: Assembler, table: ProgramTable, ends: Ends): void {
  asm.emit(
    store(8, R7, CPU_BLOCK.pbn, R8),
    mov64(R1, R6),
    loadMap(R2, table),
    callHelper(BPF_FUNC.tail_call),
    // The tail call only returns if it failed. The table is complete, so this does not happen; if
    // it did, the event would be lost.
    mov32(R0, imm(OUTCOME.dropped)),
  );
  emitEnd(asm, ends);
}

/** Loads a program of an attachment; the session owns the program. */
function loadAs(
  context: EnterContext,
  attachment: Target,
  name: string,
  asm: Assembler,
): LoadedProgram {
  asm.dropUnreachable();
  const longJumps = asm.lengthenJumps();
  const program = context.plane.load({
    ...attachment.program,
    name,
    longJumps,
    functions: asm.functions(),
    code: asm.assemble(),
  });
  context.own(program);
  return program;
}

/**
 * Labels for the end of a program: `account` with the outcome in R0, `out` for leaving without
 * having the guard.
 */
interface Ends {
  readonly account: Label;
  readonly out: Label;
}

function endsOf(asm: Assembler): Ends {
  return { account: asm.label("account"), out: asm.label("out") };
}

/**
 * Emits the call of a body with R6, R7 and R8 as its arguments, the end of the program, and the
 * body.
 */
function emitCall(
  asm: Assembler,
  plane: KernelPlane,
  attachment: Target,
  body: Body,
  ends: Ends,
): void {
  const start = asm.label("body");
  asm.emit(mov64(R1, R6), mov64(R2, R7), mov64(R3, R8), call(start));
  emitEnd(asm, ends);
  asm.bind(start);
  emitBody(asm, plane, attachment, body);
}

/** Emits the end of a program: counts the outcome in R0, releases the guard, and leaves. */
function emitEnd(asm: Assembler, { account, out }: Ends): void {
  asm.bind(account);
  asm.emit(
    and64(R0, imm(3)),
    lsh64(R0, imm(3)),
    mov64(R1, R7),
    add64(R1, R0),
    load(8, R2, R1, CPU_BLOCK.outcomes),
    add64(R2, imm(1)),
    store(8, R1, CPU_BLOCK.outcomes, R2),
    storeImm(8, R7, CPU_BLOCK.inEvent, 0),
  );
  asm.bind(out);
  asm.emit(mov32(R0, imm(0)), exit());
}

/** Emits the start of a program: R6 becomes the context, R7 this CPU's block. */
function emitBlock(asm: Assembler, plane: KernelPlane, out: Label): void {
  asm.emit(mov64(R6, R1));
  emitCpuLookup(asm, plane.blocks.map, KEY, out);
  asm.emit(mov64(R7, R0));
}

/**
 * Emits code that counts the firing and takes this CPU's guard. Both steps are atomic, since an
 * interrupt may fire another program of the session between any two instructions, and some programs
 * can be preempted.
 */
function emitGuard(asm: Assembler, out: Label): void {
  const entered = asm.label("entered");
  asm.emit(
    mov64(R1, imm(1)),
    atomicOp(8, "add", R7, CPU_BLOCK.fired, R1),
    atomicExchange(8, R7, CPU_BLOCK.inEvent, R1),
    jeq(R1, imm(0), entered),
    mov64(R1, imm(1)),
    atomicOp(8, "add", R7, CPU_BLOCK.recursed, R1),
    ja(out),
  );
  asm.bind(entered);
}

/**
 * Emits a test of the exit flag: after exit() every firing is filtered and records nothing.
 */
function emitExitCheck(asm: Assembler, plane: KernelPlane, account: Label): void {
  asm.emit(
    loadMapValue(R1, plane.control.map, CONTROL.exit),
    load(4, R1, R1, 0),
    mov32(R0, imm(OUTCOME.filtered)),
    jne(R1, imm(0), account),
  );
}

/**
 * Emits the search for the probe whose key is in R0. Leaves the probe's number in R8 and, if there
 * are several entries, the index of its body in R3.
 */
function emitSelect(
  asm: Assembler,
  context: EnterContext,
  { keys, confirm }: Selector,
  entries: readonly Entry[],
  bodyOf: readonly number[],
  account: Label,
): void {
  const found = asm.label("found");
  const none = asm.label("none");
  if (entries.length === 1) {
    asm.emit(mov64(R8, imm(entries[0].pbn)), jeq(R0, imm(keys[0]), found));
  } else {
    const size = Math.max(...keys) + 1;
    // Two words for each key: number of the probe (0 if it is not enabled), index of the body.
    const words = new Uint32Array(size * 2);
    entries.forEach((entry, i) => words.set([entry.pbn, bodyOf[i]], keys[i] * 2));
    const table: MapReference = context.plane.table("dt_select", words);
    asm.emit(
      jge(R0, imm(size), none),
      lsh64(R0, imm(3)),
      loadMapValue(R1, table, 0),
      add64(R1, R0),
      load(4, R8, R1, 0),
      load(4, R3, R1, 4),
      jne(R8, imm(0), found),
    );
  }
  const go = asm.label("confirmed");
  if (confirm !== undefined) {
    asm.emit(ja(none));
    asm.bind(found);
    const hasIndex = entries.length > 1;
    if (hasIndex) asm.emit(mov64(R9, R3));
    confirm(asm, R6, R7, none);
    if (hasIndex) asm.emit(mov64(R3, R9));
    asm.emit(ja(go));
  }
  asm.bind(none);
  asm.emit(mov32(R0, imm(OUTCOME.filtered)), ja(account));
  asm.bind(confirm === undefined ? found : go);
}

/** Emits a body: the filter, then the action. */
function emitBody(
  asm: Assembler,
  plane: KernelPlane,
  attachment: Target,
  body: Body,
): void {
  if (body.filter !== undefined) {
    const reject = asm.label("reject");
    const test = asm.label("test");
    // The rejecting code stands before the test: functions of the action follow behind the action,
    // and jumps may not cross the border of a function.
    asm.emit(ja(test));
    asm.bind(reject);
    asm.emit(mov32(R0, imm(OUTCOME.filtered)), exit());
    asm.bind(test);
    asm.emit(mov64(R6, R1), mov64(R7, R2), mov64(R8, R3));
    const { filter } = body;
    emitFilter(asm, filter, {
      namespace: plane.pidNamespace,
      reject,
      tree: "descendantsOf" in filter ? plane.tree(filter.descendantsOf) : undefined,
      cgroup: "inCgroup" in filter ? plane.cgroup(filter.inCgroup) : undefined,
    });
    asm.emit(mov64(R1, R6), mov64(R2, R7), mov64(R3, R8));
  }
  body.action.emit({
    asm,
    layout: attachment.layout,
    // Where the program has registers of the probed code, the stack is that code's from its start.
    get skipFrames() {
      const { skipFrames } = attachment;
      return skipFrames === 0 ? 0 : skipFrames + arch.helperFrames;
    },
    ring: new RingOutput(plane.ring.map, plane.control.map, plane.ring.size),
    control: plane.control.map,
    namespace: plane.pidNamespace,
    taskName: attachment.program.type === "TRACING" ? plane.taskName : undefined,
    scratch: CPU_BLOCK.scratch,
  });
}

/** Number of stack frames of dt in a program that runs once: the program and its action. */
const ONCE_SKIP_FRAMES = 2;

/**
 * Loads an action as a raw tracepoint program for {@linkcode LoadedProgram.testRun}.
 *
 * @param context Plane and owner of the program.
 * @param name Name of the program, for bpftool.
 * @param entry Number and action of the probe.
 * @throws {DtError} As {@linkcode loadEnter} does.
 */
export function loadOnce(
  context: EnterContext,
  name: string,
  entry: Entry,
): LoadedProgram {
  return loadEnter(
    context,
    {
      name,
      program: { type: "RAW_TRACEPOINT" } satisfies AttachType,
      layout: { id: "none", locations: {} },
      skipFrames: ONCE_SKIP_FRAMES,
    },
    [entry],
    { once: true },
  ).program;
}
