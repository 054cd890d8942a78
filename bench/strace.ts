// Compares the user plane with strace in one run: every system call of a command is traced.
//
//   deno run -A bench/strace.ts [rounds] [command]
//
// Needs strace and no privilege. The rounds of all cases alternate; the figures are medians. strace
// decodes every call into a line; btrace counts the calls, or prints a line for each of them.

import { btrace as btraceCommand, median } from "./measure.ts";

const ROUNDS = Number(Deno.args[0] ?? 3);
const COMMAND = Deno.args[1] ?? "find /usr -name x";

const COUNT = "syscall:*:entry { @ = count(); }";
const PRINT = "tracepoint:raw_syscalls:sys_enter { " +
  'printf("%d %d(%x, %x, %x)", pid, args.id, args.args[0], args.args[1], args.args[2]); } ' +
  'tracepoint:raw_syscalls:sys_exit { printf(" = %d\\n", args.ret); }';
const FEW = 'syscall:openat:entry { printf("%s\\n", str(args.filename)); }';

function btrace(script: string, ...options: string[]): string[] {
  return btraceCommand(
    "--plane",
    "user",
    "-o",
    "/dev/null",
    ...options,
    "-c",
    COMMAND,
    "-e",
    script,
  );
}

function strace(...options: string[]): string[] {
  return ["strace", "-f", ...options, "-o", "/dev/null", ...COMMAND.split(" ")];
}

const CASES: readonly [name: string, command: string[]][] = [
  ["untraced", COMMAND.split(" ")],
  ["strace -f", strace()],
  ["btrace, every call counted", btrace(COUNT)],
  ["btrace, a line for every entry and return", btrace(PRINT)],
  ["strace -f -e trace=openat", strace("-e", "trace=openat")],
  ["btrace, openat only", btrace(FEW)],
  ["strace -f --seccomp-bpf -e trace=openat", strace("--seccomp-bpf", "-e", "trace=openat")],
  ["btrace --seccomp-bpf, openat only", btrace(FEW, "--seccomp-bpf")],
];

/**
 * Runs a command to its end; returns its duration in seconds.
 *
 * @throws {Error} The command ended with a status above 1.
 */
async function seconds([command, ...args]: readonly string[]): Promise<number> {
  const start = performance.now();
  const { code } = await new Deno.Command(command, {
    args,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  if (code > 1) throw new Error(`${command} ${args.join(" ")} ended with status ${code}`);
  return (performance.now() - start) / 1000;
}

const samples = CASES.map((): number[] => []);
for (let round = 0; round < ROUNDS; round++) {
  for (const [i, [, command]] of CASES.entries()) samples[i].push(await seconds(command));
}
console.log(COMMAND);
const medians = samples.map(median);
CASES.forEach(([name], i) => {
  const peer = name.startsWith("btrace") ? medians[i < 4 ? 1 : i - 1] : undefined;
  const ratio = peer === undefined ? "" : `  ${(medians[i] / peer).toFixed(2)} of strace`;
  console.log(`${name.padEnd(44)}${medians[i].toFixed(2).padStart(8)} s${ratio}`);
});
