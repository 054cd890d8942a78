// A cgroup that limits memory, of either version: for what a kernel without memory makes of a trace.

const V1 = "/sys/fs/cgroup/memory";
const V2 = "/sys/fs/cgroup";

/** Where the hierarchy is that counts memory, and what its limit and its use are called. */
function hierarchy(): { root: string; limit: string; usage: string } | undefined {
  if (isThere(`${V1}/memory.limit_in_bytes`)) {
    return { root: V1, limit: "memory.limit_in_bytes", usage: "memory.usage_in_bytes" };
  }
  try {
    const { root, controls } = { root: V2, controls: `${V2}/cgroup.subtree_control` };
    if (!/\bmemory\b/.test(Deno.readTextFileSync(`${V2}/cgroup.controllers`))) return undefined;
    Deno.writeTextFileSync(controls, "+memory");
    return { root, limit: "memory.max", usage: "memory.current" };
  } catch {
    return undefined;
  }
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

/** True if memory can be limited here. */
export function canLimitMemory(): boolean {
  return hierarchy() !== undefined;
}

/** A new group without a process; disposing it sends its processes back and removes the group. */
export class MemoryGroup implements Disposable {
  /** File to write numbers of processes into, which join the group by that. */
  readonly processes: string;
  readonly #folder: string;
  readonly #files = hierarchy()!;

  /** Makes the group. */
  constructor() {
    this.#folder = `${this.#files.root}/dt-test-${Deno.pid}`;
    Deno.mkdirSync(this.#folder);
    this.processes = `${this.#folder}/cgroup.procs`;
  }

  /** Takes a process out of the group; memory that is counted stays counted. */
  leave(pid: number): void {
    Deno.writeTextFileSync(`${this.#files.root}/cgroup.procs`, `${pid}`);
  }

  /** Permits so many bytes more than are in use. */
  permit(bytes: number): void {
    const used = Number(Deno.readTextFileSync(`${this.#folder}/${this.#files.usage}`));
    Deno.writeTextFileSync(`${this.#folder}/${this.#files.limit}`, `${used + bytes}`);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder);
  }
}
