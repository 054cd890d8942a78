// Restrictions of systems, and what works under each: the table of docs/hardened.md is made of this
// list, and the tests run every cell of it, in a namespace or in a virtual machine.

/** What a cell of the table says: it works, or a part of the message that says why not. */
export type Cell = true | string;

/** Uses of the tools, which are the columns of the table. */
export const COLUMNS = {
  kernel: "kernel plane, root",
  user: "`-c` without privilege",
  profile: "`profile:` of `-c` without privilege",
} as const;

/** A restriction, with what works under it. */
export interface Restriction extends Readonly<Record<keyof typeof COLUMNS, Cell>> {
  /** The restriction, as the table shows it. */
  readonly what: string;
  /** Shell commands that make it: in a mount namespace, or in a virtual machine of its own. */
  readonly setup?: string;
  /** System call that a seccomp filter refuses with EPERM. */
  readonly refused?: "bpf" | "perf_event_open" | "ptrace";
}

const SYSFS = "/sys is not mounted (mount -t sysfs sysfs /sys)";
const FILTER = (call: string) =>
  `a seccomp filter is in force, as in containers: it must allow ${call}(2)`;

/** Restrictions of a container: of its seccomp filter, and of what is mounted there. */
export const CONTAINERS: readonly Restriction[] = [
  {
    what: "a seccomp filter refuses bpf(2)",
    refused: "bpf",
    kernel: "bpf(2) says EPERM although the capabilities are there",
    user: true,
    profile: true,
  },
  {
    what: "a seccomp filter refuses perf_event_open(2)",
    refused: "perf_event_open",
    kernel: true,
    user: true,
    profile: FILTER("perf_event_open"),
  },
  {
    what: "a seccomp filter refuses ptrace(2)",
    refused: "ptrace",
    kernel: FILTER("ptrace"),
    user: FILTER("ptrace"),
    profile: FILTER("ptrace"),
  },
  { what: "no /sys", setup: "umount -l /sys", kernel: SYSFS, user: true, profile: true },
  {
    what: "no /proc/kallsyms",
    setup: "mount --bind /dev/null /proc/kallsyms",
    kernel: true,
    user: true,
    profile: true,
  },
  {
    what: "no tracefs",
    setup: "umount -l /sys/kernel/tracing",
    kernel: true,
    user: true,
    profile: true,
  },
  {
    what: "a read-only root file system",
    setup: "mount --bind / / && mount -o remount,bind,ro /",
    kernel: true,
    user: true,
    profile: true,
  },
  {
    what: "/tmp with noexec",
    setup: "mount --bind /tmp /tmp && mount -o remount,bind,noexec /tmp",
    kernel: true,
    user: true,
    profile: true,
  },
];

const set = (name: string, value: number) => `echo ${value} > /proc/sys/kernel/${name}`;
const sysctl = (name: string, value: number, cells: Omit<Restriction, "what" | "setup">) => ({
  what: `kernel.${name} = ${value}`,
  setup: set(name, value),
  ...cells,
});
const ALL = { kernel: true, user: true, profile: true } as const;
const PARANOID = (level: number) => `kernel.perf_event_paranoid is ${level}`;

/**
 * Settings of a kernel, in the order in which a virtual machine takes them: the last one cannot be
 * taken back.
 */
export const KERNELS: readonly Restriction[] = [
  sysctl("perf_event_paranoid", 3, { ...ALL, profile: PARANOID(3) }),
  sysctl("perf_event_paranoid", 4, { ...ALL, profile: PARANOID(4) }),
  sysctl("perf_event_paranoid", 0, ALL),
  sysctl("perf_event_paranoid", 2, ALL),
  sysctl("unprivileged_bpf_disabled", 0, ALL),
  sysctl("unprivileged_bpf_disabled", 2, ALL),
  sysctl("unprivileged_bpf_disabled", 1, ALL),
  sysctl("yama/ptrace_scope", 0, ALL),
  sysctl("yama/ptrace_scope", 1, ALL),
  sysctl("yama/ptrace_scope", 2, {
    kernel: true,
    user: "kernel.yama.ptrace_scope is 2",
    profile: "kernel.yama.ptrace_scope is 2",
  }),
  sysctl("yama/ptrace_scope", 3, {
    kernel: "kernel.yama.ptrace_scope is 3",
    user: "kernel.yama.ptrace_scope is 3",
    profile: "kernel.yama.ptrace_scope is 3",
  }),
];

/** The arguments of btrace for a column, and what it prints if that works. */
export const COMMANDS: Readonly<
  Record<keyof typeof COLUMNS, { readonly args: readonly string[]; readonly prints: RegExp }>
> = {
  kernel: {
    args: [
      ...["--plane", "kernel", "-c", "true"],
      ...["-e", "syscall:execve:return { print(retval); }"],
    ],
    prints: /^0$/m,
  },
  user: {
    args: [
      ...["--plane", "user", "-c", "true"],
      ...["-e", "syscall:execve:return { print(retval); }"],
    ],
    prints: /^0$/m,
  },
  profile: {
    args: [
      ...["--plane", "user", "-c", "sh -c 'i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done'"],
      ...["-e", "profile:hz:499 { @samples = count(); }"],
    ],
    prints: /^@samples: \d+$/m,
  },
};

/** The table of docs/hardened.md. */
export function hardenedTable(): string {
  const cell = (one: Cell) => one === true ? "works" : `"${one}"`;
  const rows = [...KERNELS, ...CONTAINERS].map((one) => [
    one.what,
    ...(Object.keys(COLUMNS) as (keyof typeof COLUMNS)[]).map((name) => cell(one[name])),
  ]);
  const table = [["restriction", ...Object.values(COLUMNS)], ...rows];
  const widths = table[0].map((_, i) => Math.max(...table.map((row) => row[i].length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((text, i) => text.padEnd(widths[i])).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(table[0]), rule, ...table.slice(1).map(line)].join("\n");
}
