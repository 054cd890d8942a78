// Compares btrace with bpftrace in one run: start-up time and memory, all system calls at once, listings; and
// what a cold start and npx add.
//
//   deno run -A bench/compare.ts [rounds]
//
// Needs root and gcc; fetches bpftrace from the archive if the cache does not have it. The rounds of both
// tools alternate; the figures are medians.

import { bpftrace, btrace, measure, median, ROOT, type Sample } from "./measure.ts";

const ROUNDS = Number(Deno.args[0] ?? 7);

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

await startup();
await longestScript();
await everySyscall();
await manyFunctions();
await listing();
