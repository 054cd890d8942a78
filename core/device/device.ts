// The device: where registry, sessions, sys and bpf are wired together. dtattach and dtopen.

import { DtError } from "../errors.ts";
import { kernelPlaneRefusal } from "../bpf/permission.ts";
import { openKernelPlane } from "../kernel_plane/bpf_plane.ts";
import type { ArgumentSpec, Probe, ProbeSpec } from "../contract/probe.ts";
import { encodeProbeList } from "./probe_list.ts";
import type { HeldChild } from "../contract/target.ts";
import type { Provider } from "../contract/provider.ts";
import { Registry } from "./registry.ts";
import { Session, type SessionOptions } from "./session.ts";
import { auxBase } from "../sys/auxv.ts";
import { bootTimeNs } from "../sys/clock.ts";
import { knownCpuCount } from "../sys/cpu.ts";
import { disarmSigusr1 } from "../sys/sigusr1.ts";
import { HeldProcess } from "../sys/spawn.ts";
import { selfThread } from "../sys/thread.ts";

/** What a device is made of. */
export interface DeviceOptions {
  /** Sources of probes, in listing order. */
  readonly providers: Iterable<Provider>;
  /**
   * True if SIGUSR1 keeps the handler that the program has. By default the first session takes the
   * signal away from Deno, which would start the inspector: whoever may trace the whole system must
   * not be open to all local users. A program with a listener of its own for SIGUSR1 sets this,
   * and knows that Deno's inspector starts beside its listener.
   */
  readonly keepSigusr1?: boolean;
}

/** The tracing device: probes to list, sessions to open. Holds nothing of the kernel's itself. */
export class Device {
  /** The probes of all providers. */
  readonly registry: Registry;
  readonly #keepSigusr1: boolean;

  /** Called by {@linkcode openDevice} alone. */
  constructor(options: DeviceOptions) {
    this.registry = new Registry(options.providers);
    this.#keepSigusr1 = options.keepSigusr1 ?? false;
  }

  /**
   * Lists probes. Nothing is attached, no privilege is needed, and no numbers are given.
   *
   * @param pattern Full name, `*` for any characters. Default: all.
   */
  probes(pattern?: string): Generator<ProbeSpec> {
    return this.registry.list(pattern);
  }

  /**
   * Registers the probes that match and returns them with their numbers.
   *
   * @param pattern Full name, `*` for any characters.
   */
  match(pattern: string): Probe[] {
    return [...this.registry.match(pattern)];
  }

  /**
   * Writes the list of matching probes as fixed-size entries (see {@linkcode PROBE_ENTRY}).
   * DTIOCGPLIST.
   *
   * @param buffer Where the entries go; without a buffer, or with an empty one, only the size is told.
   * @returns Bytes that the whole list takes.
   * @throws {DtError} ENOSPC the buffer is too small; what fits was written, `needed` in the message.
   */
  listProbes(buffer?: Uint8Array, pattern = "*"): number {
    return encodeProbeList(this.match(pattern), buffer);
  }

  /**
   * Arguments of a probe by its number. DTIOCGARGS.
   *
   * @throws {DtError} EINVAL no probe has that number (0, or above the last).
   */
  probeArguments(pbn: number): readonly ArgumentSpec[] {
    const probe = this.registry.number(pbn);
    if (probe === undefined) {
      throw new DtError("EINVAL", `Cannot list arguments: no probe has number ${pbn}`, {
        operation: "args",
      });
    }
    return probe.args;
  }

  /**
   * Starts a command and holds it before its first instruction, traced by this thread: as a session's
   * target on the user plane, or to be released when the kernel plane has been attached.
   *
   * @param command A simple command with arguments, split as a shell does.
   * @throws {DtError} EPERM ptrace(2) is not permitted; ENOEXEC it cannot be executed.
   */
  hold(command: string): HeldChild {
    return new HeldProcess(command);
  }

  /**
   * Opens a session. dtopen. By default the session takes the plane that is permitted, which
   * {@linkcode Session.plane} tells. Privileges that probes need beyond that are needed when it starts.
   *
   * @throws {DtError} EINVAL bad ring size.
   */
  open(options: SessionOptions = {}): Session {
    if (!this.#keepSigusr1) disarmSigusr1();
    return new Session({
      registry: this.registry,
      cpuCount: knownCpuCount(),
      bootTimeNs,
      auxBase,
      selfEvent: () => ({
        cpu: 0,
        timestampNs: bootTimeNs(),
        thread: selfThread(),
        values: {},
      }),
      kernelPlaneRefusal,
      openKernelPlane,
    }, options);
  }
}

/**
 * Makes a device of providers.
 *
 * @throws {DtError} EEXIST two providers of one name; EINVAL a provider for another contract.
 */
export function openDevice(options: DeviceOptions): Device {
  return new Device(options);
}
