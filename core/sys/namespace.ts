// Finds out whether this process runs in a pid namespace of its own; pid_namespaces(7).

/** Inode of the initial pid namespace: the kernel's constant PROC_PID_INIT_INO. */
const INITIAL = 0xefff_fffc;

/** Identity of a pid namespace, as the BPF helper bpf_get_ns_current_pid_tgid() takes it. */
export interface PidNamespace {
  /** Number of the nsfs device that namespaces are inodes of. */
  readonly dev: bigint;
  /** Inode number of the namespace on that device. */
  readonly ino: bigint;
}

/**
 * Finds the pid namespace of this process; undefined for the initial namespace, whose ids are the
 * kernel's own.
 */
export function pidNamespace(): PidNamespace | undefined {
  const { dev, ino } = Deno.statSync("/proc/self/ns/pid");
  return ino === null || ino === INITIAL ? undefined : { dev: BigInt(dev), ino: BigInt(ino) };
}
