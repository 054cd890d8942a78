// --info: lists the features that this system supports.

import { FEATURES, kernelPlaneRefusal, missingFeature } from "../../core/bpf/mod.ts";
import { kernelBtf } from "../../core/btf/mod.ts";
import { knownCpuCount } from "../../core/sys/cpu.ts";
import denoJson from "../../deno.json" with { type: "json" };

/** Text that --info prints: system, permissions, features of the kernel; one fact a line. */
export function systemInfo(): string {
  const refusal = kernelPlaneRefusal();
  const btf = kernelBtf();
  const yes = (value: boolean) => value ? "yes" : "no";
  const lines = [
    "System",
    `  OS: ${Deno.build.os} ${Deno.osRelease()}`,
    `  Arch: ${Deno.build.arch}`,
    `  CPUs: ${knownCpuCount()}`,
    "",
    "Build",
    `  version: ${denoJson.version}`,
    `  Deno: ${Deno.version.deno}`,
    "",
    "Permissions",
    `  kernel plane: ${refusal === undefined ? "yes" : `no: it ${refusal}`}`,
    "",
    "Kernel features",
    `  btf: ${yes(btf !== null)}`,
  ];
  if (refusal === undefined) {
    for (const feature of FEATURES) {
      lines.push(`  ${feature}: ${yes(missingFeature(feature) === undefined)}`);
    }
  }
  if (btf !== null) {
    const members = new Set(
      btf.enumerators(btf.find(6, "bpf_func_id")).map(([name]) => name.replace("BPF_FUNC_", "")),
    );
    lines.push("", "Kernel helpers");
    for (const helper of HELPERS) lines.push(`  ${helper}: ${yes(members.has(helper))}`);
  }
  return `${lines.join("\n")}\n`;
}

/** Helpers of the kernel that some part of the language needs. */
const HELPERS = [
  "probe_read_kernel",
  "probe_read_user_str",
  "get_current_cgroup_id",
  "get_ns_current_pid_tgid",
  "get_stack",
  "ktime_get_boot_ns",
  "ktime_get_tai_ns",
  "for_each_map_elem",
  "loop",
  "map_lookup_percpu_elem",
  "jiffies64",
  "send_signal",
];
