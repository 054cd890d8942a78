// Measures what sampling costs: the share of the CPUs that the BPF program of `profile.ts -F 99`
// takes, as the kernel measures it (BPF_ENABLE_STATS), while all CPUs are busy in stacks of kernel,
// native and JavaScript code. Measures also how fast addresses get names.
//
//   deno task bench:profile

import { BpfProgramStats } from "../core/bpf/mod.ts";
import { openDevice } from "../core/device/device.ts";
import { Symbolizer } from "../core/symbols/mod.ts";
import { onlineCpus } from "../core/sys/cpu.ts";
import { allProviders } from "../providers/mod.ts";
import { compile } from "../language/mod.ts";
import { loadScript } from "../language/run.ts";
import { onCpuScript } from "../tools/profile/script.ts";

/** Seconds for which each rate is measured. */
const SECONDS = 10;
/** Percentage of the CPUs that a profiler at 99 Hz may take; more fails the run. */
const MOST_PERCENT = 1;

/** Program that keeps a CPU busy in deep JavaScript, native and kernel stacks. */
const BUSY = `
  const file = Deno.openSync("/dev/zero");
  const bytes = new Uint8Array(1 << 16);
  const depth = (n, f) => n === 0 ? f() : depth(n - 1, f) + 1;
  for (;;) depth(40, () => (file.readSync(bytes), [3, 1, 2].sort((a, b) => a - b)[0]));
`;

/** Measures the share of the CPUs that sampling takes, at two rates. */
async function samplingCost(): Promise<void> {
  const cpus = onlineCpus();
  const busy = cpus.map(() =>
    new Deno.Command(Deno.execPath(), { args: ["eval", BUSY], stdin: "null" }).spawn()
  );
  try {
    await new Promise((resolve) => setTimeout(resolve, 500));
    const device = openDevice({ providers: allProviders() });
    for (const rateHz of [99, 999]) {
      const script = compile({ name: "bench", text: onCpuScript(rateHz, "kernel") }, device, {
        config: { maxMapKeys: 1 << 17 },
      });
      using loaded = await loadScript(script, device, {});
      using _stats = new BpfProgramStats();
      loaded.session.start();
      const start = performance.now();
      await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
      loaded.session.stop();
      const elapsedNs = (performance.now() - start) * 1e6;
      let [spent, runs] = [0n, 0n];
      for (const program of loaded.session.programs) {
        const { runTimeNs, runCount } = program.info();
        spent += runTimeNs;
        runs += runCount;
      }
      const { fired, failedUpdates } = loaded.session.stats();
      const percent = Number(spent) / (elapsedNs * cpus.length) * 100;
      console.log(
        `profile:hz:${rateHz}: ${runs} samples of ${fired} fired, ${failedUpdates} lost, ` +
          `${spent / (runs || 1n)} ns each, ${percent.toFixed(4)} % of ${cpus.length} CPUs`,
      );
      if (rateHz === 99 && percent >= MOST_PERCENT) {
        console.log(`more than ${MOST_PERCENT} %`);
        Deno.exitCode = 1;
      }
    }
  } finally {
    for (const one of busy) one.kill("SIGKILL");
    await Promise.all(busy.map(({ status }) => status));
  }
}

/** Measures how fast the addresses of 100,000 stacks get names. */
function naming(): void {
  using symbolizer = new Symbolizer();
  const maps = [...Deno.readTextFileSync("/proc/self/maps").matchAll(/^(\w+)-(\w+) r-xp .*\.so/gm)];
  const places = maps.map(([, from, to]) => [BigInt(`0x${from}`), BigInt(`0x${to}`)] as const);
  const addresses = Array.from({ length: 20_000 }, (_, i) => {
    const [from, to] = places[i % places.length];
    return from + BigInt(i * 7919) % (to - from);
  });
  const start = performance.now();
  for (let stack = 0; stack < 100_000; stack++) {
    for (let frame = 0; frame < 127; frame++) {
      symbolizer.user(Deno.pid, addresses[(stack * 31 + frame * 173) % addresses.length]);
    }
  }
  const seconds = (performance.now() - start) / 1000;
  console.log(
    `naming 100,000 stacks of 127 frames: ${seconds.toFixed(1)} s, ` +
      `${(seconds * 1e9 / 12_700_000).toFixed(0)} ns a frame, ` +
      `${(Deno.memoryUsage().rss / 2 ** 20).toFixed(0)} MB`,
  );
}

await samplingCost();
naming();
