// The pid namespace that this process sees. pid_namespaces(7).

/** inode of the initial pid namespace: PROC_PID_INIT_INO. */
const INITIAL = 0xefff_fffc;

/** A namespace as bpf_get_ns_current_pid_tgid() wants it. */
export interface PidNamespace {
  /** Device of nsfs. */
  readonly dev: bigint;
  /** inode of the namespace. */
  readonly ino: bigint;
}

/** The namespace whose pids this process uses; undefined for the initial one, the kernel's own. */
export function pidNamespace(): PidNamespace | undefined {
  const { dev, ino } = Deno.statSync("/proc/self/ns/pid");
  return ino === null || ino === INITIAL ? undefined : { dev: BigInt(dev), ino: BigInt(ino) };
}
