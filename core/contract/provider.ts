// Pure: no I/O, no FFI.
// THE contract between the device and a provider: dt(4)'s alloc, dealloc and enter, for both planes. The
// files beside this one hold the types that the contract is made of; none imports this one.

import type { Attachment } from "./attachment.ts";
import type { Pcb } from "./pcb.ts";
import type { Probe, ProbeSpec } from "./probe.ts";
import type { EnableRequest } from "./request.ts";
import type { Target } from "./target.ts";

/** Version of this contract; a provider built for another one is refused. */
export const PROVIDER_CONTRACT = 1;

/**
 * Where a clause runs: `kernel` compiles it to BPF (needs CAP_BPF and CAP_PERFMON), `user` calls a
 * function in this process (needs nothing).
 */
export type PlaneName = "kernel" | "user";

/** What a provider may know of the session that enables a probe. */
export interface ProviderSession {
  /** Its plane. */
  readonly plane: PlaneName;
  /** User plane: what is looked at, if anything but this process is. */
  readonly target?: Target;
}

/** A source of probes. Stateless: what it hands out carries all that it needs to know. */
export interface Provider {
  /** {@linkcode PROVIDER_CONTRACT} of the version that it was written for. */
  readonly contract: number;
  /** First word of its probes. */
  readonly name: string;
  /**
   * Lists probes; attaches nothing and reads no more than it must.
   *
   * @param pattern Full name with `*`; a hint: the registry filters again.
   */
  probes(pattern?: string): Iterable<ProbeSpec>;
  /**
   * Describes one probe by its full name, or undefined if there is none. Also for probes that are
   * not listed because there are too many: "interval:ms:250".
   *
   * @throws {DtError} EINVAL the name has the right form and a bad value in it.
   */
  provide(name: string): ProbeSpec | undefined;
  /**
   * Says why there is no probe of a name that {@linkcode Provider.provide} does not know, where the reason
   * is not the name as a whole: a file that does not exist.
   */
  explain?(name: string): string | undefined;
  /**
   * True if a name without `*` stands for several probes all the same, as the name of an overloaded
   * function does: {@linkcode Provider.probes} then tells which, by their own names. Default: no name does.
   */
  isFamily?(name: string): boolean;
  /**
   * Checks a request and builds its PCBs; nothing fires yet.
   *
   * @throws {DtError} EINVAL the request does not fit the probe; EOPNOTSUPP the probe cannot exist
   * on this plane, with the reason.
   */
  alloc(probe: Probe, request: EnableRequest, session: ProviderSession): Pcb[];
  /** Takes PCBs back, which do not fire any more; absent where nothing is held for them. */
  dealloc?(pcbs: readonly Pcb[]): void;
  /** Groups what fires together, for the session's plane: all system calls are one attachment. */
  attachments(pcbs: readonly Pcb[], session: ProviderSession): Attachment[];
}
