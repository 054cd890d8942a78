// Pure: no I/O, no FFI.
// The contract between the device and a provider: dt(4)'s alloc, dealloc and enter, for both planes. The
// other files of this folder hold the types of the contract; none of them imports this file.

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

/** The session that enables a probe, as a provider sees it. */
export interface ProviderSession {
  /** Plane on which the session records. */
  readonly plane: PlaneName;
  /** User plane: the process that is traced; absent if only this process is. */
  readonly target?: Target;
}

/** A source of probes. Stateless: probes and PCBs carry all that their provider needs to know of them. */
export interface Provider {
  /** Version of the contract that the provider was written for: {@linkcode PROVIDER_CONTRACT}. */
  readonly contract: number;
  /** First word of the names of its probes. */
  readonly name: string;
  /**
   * Lists probes. Attaches nothing and reads no more than the list needs.
   *
   * @param pattern Full name with `*`. A hint: a provider may list more, the registry filters again.
   */
  probes(pattern?: string): Iterable<ProbeSpec>;
  /**
   * Describes one probe by its full name; undefined if there is no such probe. Also describes probes that
   * are not listed because there are too many: "interval:ms:250".
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
  /** Groups PCBs that fire together, for the session's plane: all system calls are one attachment. */
  attachments(pcbs: readonly Pcb[], session: ProviderSession): Attachment[];
}
