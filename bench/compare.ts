// Compares btrace with bpftrace in one run: start-up time and memory, all system calls at once, the cost
// added to a traced call; and what a cold start and npx add.
//
//   deno run -A bench/compare.ts [rounds]
//
// Needs root and gcc; fetches bpftrace from the archive if the cache does not have it. The rounds of both
// tools alternate; the figures are medians.

import { fetchOracle } from "../tests/oracle/oracle.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const ROUNDS = Number(Deno.args[0] ?? 7);
const CALLS = 1_000_000;

/** One run of a command: duration, and greatest resident memory. */
interface Sample {
  readonly wallMs: number;
  readonly rssMb: number;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

/**
 * Runs a command to its end. time(1) reports the memory, from the rusage of wait4(2).
 *
 * @throws {Error} The command ended with another status than 0.
 */
async function measure(
  command: readonly string[],
  env: Record<string, string> = {},
): Promise<Sample> {
  const file = await Deno.makeTempFile();
  const start = performance.now();
  const { code } = await new Deno.Command("/usr/bin/time", {
    args: ["-f", "%M", "-o", file, ...command],
    env,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  const wallMs = performance.now() - start;
  const rssMb = Number((await Deno.readTextFile(file)).trim().split("\n").at(-1)) / 1024;
  await Deno.remove(file);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with status ${code}`);
  return { wallMs, rssMb };
}

const btrace = (
  ...args: string[]
) => [Deno.execPath(), "run", "-A", `${ROOT}tools/btrace.ts`, ...args];
const peer = fetchOracle();
const bpftrace = (...args: string[]) => [...peer.command, ...args];

function row(name: string, samples: readonly Sample[]): void {
  const wall = median(samples.map(({ wallMs }) => wallMs)).toFixed(0);
  const rss = median(samples.map(({ rssMb }) => rssMb)).toFixed(0);
  console.log(`${name.padEnd(56)}${wall.padStart(8)} ms${rss.padStart(8)} MB`);
}

async function startup(): Promise<void> {
  const script = "BEGIN { exit(); }";
  const ours: Sample[] = [];
  const theirs: Sample[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    ours.push(await measure(btrace("-e", script)));
    theirs.push(await measure(bpftrace("-e", script)));
  }
  row("btrace   -e 'BEGIN { exit(); }'", ours);
  row("bpftrace -e 'BEGIN { exit(); }'", theirs);
  const cold = await Deno.makeTempDir();
  row("btrace, empty DENO_DIR (fetches one package)", [
    await measure(btrace("-e", script), { DENO_DIR: cold }),
  ]);
  await Deno.remove(cold, { recursive: true });
  const npx = ["npx", "-y", "deno@2.9.6", ...btrace("-e", script).slice(1)];
  await measure(npx);
  row("btrace by npx -y deno@2.9.6, already fetched", [await measure(npx), await measure(npx)]);
}

/** Measures attaching and detaching the longest script of tools/scripts. */
async function longestScript(): Promise<void> {
  const folder = await Deno.makeTempDir();
  const script = `${folder}/tcpconnect.bt`;
  const text = await Deno.readTextFile(`${ROOT}tools/scripts/tcpconnect.bt`);
  await Deno.writeTextFile(script, `${text}\ninterval:ms:1 { exit(); }\n`);
  const samples: [Sample[], Sample[]] = [[], []];
  for (let i = 0; i < ROUNDS; i++) {
    samples[0].push(await measure(btrace(script)));
    samples[1].push(await measure(bpftrace(script)));
  }
  row("btrace   tools/scripts/tcpconnect.bt", samples[0]);
  row("bpftrace, the same", samples[1]);
  await Deno.remove(folder, { recursive: true });
}

/** Measures attaching to the entries of all system calls. */
async function everySyscall(): Promise<void> {
  const script = "tracepoint:syscalls:sys_enter_* { @[probe] = count(); } BEGIN { exit(); }";
  const ours: Sample[] = [];
  for (let i = 0; i < ROUNDS; i++) ours.push(await measure(btrace("-e", script)));
  row("btrace   sys_enter_* { @[probe] = count(); }", ours);
  row("bpftrace sys_enter_* { @[probe] = count(); }", [await measure(bpftrace("-e", script))]);
}

/** Measures attaching to a program of a thousand functions, and detaching. */
async function manyFunctions(): Promise<void> {
  const folder = await Deno.makeTempDir();
  const functions = Array.from({ length: 1000 }, (_, i) => `void traced_${i}(void) {}`).join("\n");
  await Deno.writeTextFile(`${folder}/many.c`, `${functions}\nint main(void) { return 0; }\n`);
  const program = `${folder}/many`;
  await new Deno.Command("gcc", { args: ["-o", program, `${folder}/many.c`] }).output();
  const script = `uprobe:${program}:traced_* { @ = count(); } interval:ms:1 { exit(); }`;
  const limit = { BPFTRACE_MAX_PROBES: "2000" };
  const ours: Sample[] = [];
  for (let i = 0; i < ROUNDS; i++) ours.push(await measure(btrace("-e", script), limit));
  row("btrace   uprobe:PROGRAM:traced_*, 1,000 functions", ours);
  row("bpftrace, the same, once", [await measure(bpftrace("-e", script), limit)]);
  await Deno.remove(folder, { recursive: true });
}

/** Measures listing every probe by name. */
async function listing(): Promise<void> {
  const ours: Sample[] = [];
  const theirs: Sample[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    ours.push(await measure(btrace("-l", "*")));
    theirs.push(await measure(bpftrace("-l", "*")));
  }
  row("btrace   -l '*'", ours);
  row("bpftrace -l '*'", theirs);
}

/** Measures what a traced system call costs the calling program. */
async function perCall(): Promise<void> {
  const folder = await Deno.makeTempDir();
  const caller = `${folder}/caller`;
  await new Deno.Command("gcc", { args: ["-O2", "-o", caller, `${ROOT}tests/testdata/caller.c`] })
    .output();
  const script = "tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }";
  const call = async () => {
    const { stdout } = await new Deno.Command("taskset", { args: ["-c", "1", caller, `${CALLS}`] })
      .output();
    return Number(new TextDecoder().decode(stdout));
  };
  const under = async (command: readonly string[]) => {
    const child = new Deno.Command(command[0], {
      args: command.slice(1),
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const reader = child.stderr.getReader();
    for (let seen = ""; !/Attach(ed|ing) \d+ probe/.test(seen);) {
      seen += new TextDecoder().decode((await reader.read()).value);
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
    const ns = await call();
    child.kill("SIGINT");
    reader.releaseLock();
    await Promise.all([child.stderr.cancel(), child.status]);
    return ns;
  };
  const samples: Record<string, number[]> = { untraced: [], btrace: [], bpftrace: [] };
  for (let i = 0; i < ROUNDS; i++) {
    samples.untraced.push(await call());
    samples.btrace.push(await under(btrace("-e", script)));
    samples.bpftrace.push(await under(bpftrace("-e", script)));
  }
  const base = median(samples.untraced);
  console.log(`\n${script}`);
  for (const [name, values] of Object.entries(samples)) {
    const ns = median(values);
    const added = name === "untraced" ? "" : `  +${(ns - base).toFixed(0)} ns a call`;
    console.log(`${name.padEnd(12)}${ns.toFixed(0).padStart(6)} ns a call${added}`);
  }
  await Deno.remove(folder, { recursive: true });
}

await startup();
await longestScript();
await everySyscall();
await manyFunctions();
await listing();
await perCall();
