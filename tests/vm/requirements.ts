// What probes, statements and functions need of the kernel, beside what every script needs. The
// table of docs/kernels.md is made of this list; the tests check its versions against the programs
// that the scripts become, and run the scripts on each kernel.

import type { Feature } from "../../core/bpf/mod.ts";

/** A part of the language, and what it needs of the kernel. */
export interface Requirement {
  /** The part, as the table shows it. */
  readonly what: string;
  /** First version of Linux that has what the part needs. */
  readonly since: string;
  /** What the part needs: a helper function, a feature of core/bpf/features.ts, or a text. */
  readonly needs: { readonly helper: string } | { readonly feature: Feature } | {
    readonly text: string;
  };
  /** What happens without that; absent: the script is refused, with the name and the version. */
  readonly otherwise?: string;
  /**
   * A script that needs that, and ends by itself. Its probes fire in any system. Absent where it
   * would take minutes under emulation; tests/kernel/size_test.ts has it.
   */
  readonly script?: string;
}

/** All parts, by version. */
export const REQUIREMENTS: readonly Requirement[] = [
  {
    what: "`fentry:`, `fexit:`",
    since: "5.5",
    needs: { feature: "fentry" },
    script: "fentry:vfs_read { exit(); }",
  },
  {
    what: "`rawtracepoint:` with names of arguments, `proc:`, `iter:`",
    since: "5.8",
    needs: { text: "BTF (CONFIG_DEBUG_INFO_BTF)" },
    script: "rawtracepoint:sched_switch { print(args.preempt); exit(); }",
  },
  {
    what: "members of `curtask`, as `curtask.tgid`, `ppid`",
    since: "5.11",
    needs: { feature: "get_current_task_btf" },
    otherwise: "the same by copies of the kernel's memory",
    script: "BEGIN { print(curtask.tgid); print(ppid); exit(); }",
  },
  {
    what: "`fentry:MODULE:…`",
    since: "5.11",
    needs: { text: "BTF of modules" },
    script: "fentry:9p:v9fs_file_open { exit(); } interval:s:1 { exit(); }",
  },
  {
    what: "`for` over a map, `len()` of a map",
    since: "5.13",
    needs: { helper: "bpf_for_each_map_elem" },
    script: "BEGIN { @m[1] = 2; for ($kv : @m) { print($kv); } exit(); }",
  },
  {
    what: "several `uprobe:`, `usdt:` or `kprobe:` in one script",
    since: "5.15",
    needs: { text: "cookies of perf events" },
    script:
      "uprobe:libc:getppid { exit(); } uprobe:libc:getpid { print(1); } interval:s:1 { exit(); }",
  },
  {
    what: "`while`, `for` over a range, a long `unroll`",
    since: "5.17",
    needs: { helper: "bpf_loop" },
    script: "BEGIN { $i = 0; while ($i < 9) { $i++; } for ($k : 0..3) { print($k); } exit(); }",
  },
  {
    what: "many `kprobe:` and `kretprobe:` at once",
    since: "5.18",
    needs: { feature: "kprobe_multi" },
    otherwise:
      "an event for each, which takes longer; functions that share a name are not listed; at " +
      "`perf_event_paranoid` above 2 for root alone",
    script: "kprobe:vfs_rea* { exit(); } interval:s:5 { exit(); }",
  },
  {
    what: "an aggregation read as a number",
    since: "5.19",
    needs: { helper: "bpf_map_lookup_percpu_elem" },
    script: "BEGIN { @c = count(); if ((int64)@c > 0) { print(1); } exit(); }",
  },
  {
    what: "`nsecs(tai)`",
    since: "6.1",
    needs: { helper: "bpf_ktime_get_tai_ns" },
    script: "BEGIN { print(nsecs(tai) > 0); exit(); }",
  },
  {
    what: "many `uprobe:` and `usdt:` at once, without CAP_SYS_ADMIN",
    since: "6.6",
    needs: { feature: "uprobe_multi" },
    otherwise: "an event for each, with CAP_SYS_ADMIN",
    script: "uprobe:libc:getp* { exit(); } interval:s:1 { exit(); }",
  },
  {
    what: "a clause of more than 32767 instructions",
    since: "6.6",
    needs: { feature: "gotol" },
  },
];

/** The table of docs/kernels.md. */
export function requirementsTable(): string {
  const rows = REQUIREMENTS.map(({ what, since, needs, otherwise }) => {
    const need = "text" in needs
      ? needs.text
      : "helper" in needs
      ? `\`${needs.helper}()\``
      : `\`${needs.feature}\``;
    return [what, since, need, otherwise ?? "is refused"];
  });
  const table = [["what", "since Linux", "needs", "without it"], ...rows];
  const widths = table[0].map((_, i) => Math.max(...table.map((row) => row[i].length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i])).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [line(table[0]), rule, ...table.slice(1).map(line)].join("\n");
}
