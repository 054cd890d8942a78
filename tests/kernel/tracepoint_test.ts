// Tests of the fields of the kernel's tracepoints: arrays, dynamic arrays, nested structures.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { openDevice } from "../../core/mod.ts";
import { allProviders } from "../../providers/mod.ts";
import { generate } from "../../language/kernel/generate.ts";
import { compile } from "../../language/mod.ts";
import { kernelTest, RunningBtrace } from "../helpers.ts";

kernelTest("every field of every tracepoint can be printed", ["tracefs"], () => {
  const device = openDevice({ providers: allProviders() });
  let fields = 0;
  for (const { name, args } of device.probes("tracepoint:*")) {
    for (const arg of args) {
      generate(compile({ name: "stdin", text: `${name} { print(args.${arg.name}); }` }, device));
      fields++;
    }
  }
  assert(fields > 5000, `${fields}`);
});

kernelTest(
  "arrays, dynamic text and nested structures have their values",
  ["tracefs"],
  async () => {
    await using tracer = new RunningBtrace([
      "-e",
      `tracepoint:sock:inet_sock_set_state /args.sport == 8099/ {
       @state[ntop(args.saddr), args.saddr[0], str(args.saddr, 1) == ""] = count();
     }
     tracepoint:sched:sched_process_exec /comm == "true"/ { @exec[args.filename] = count(); }
     rawtracepoint:sched_switch /args.prev->tgid == ${Deno.pid}/ {
       @switch[args.prev->se.exec_start > 0, args.next->thread_info.cpu < 1024] = count();
     }
     interval:ms:600 { exit(); }`,
    ]);
    await tracer.attached();
    using listener = Deno.listen({ port: 8099, hostname: "127.0.0.1" });
    using client = await Deno.connect({ port: 8099 });
    using served = await listener.accept();
    assert(client !== undefined && served !== undefined);
    await new Deno.Command("/usr/bin/true").output();
    const { code, stdout, stderr } = await tracer.result();
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /@exec\[\/usr\/bin\/true\]: 1/);
    assertMatch(stdout, /@state\[127\.0\.0\.1, 127, false\]: \d+/);
    assertMatch(stdout, /@switch\[true, true\]: \d+/);
  },
);

kernelTest("dynamic arrays are addresses of their elements", ["tracefs"], () => {
  const device = openDevice({ providers: allProviders() });
  const types = (text: string) => generate(compile({ name: "stdin", text }, device));
  // Few machines have the hardware that fires these tracepoints, so the scripts are compiled only.
  for (
    const [event, use] of [
      ["dma:dma_alloc_sgt", "args.phys_addrs[1]"],
      ["ipi:ipi_send_cpumask", "args.cpumask->bits[0]"],
      ["ras:arm_event", "buf(args.pei_buf, args.pei_len)"],
    ]
  ) {
    if (device.match(`tracepoint:${event}`).length === 0) continue; // this kernel lacks the event
    types(`tracepoint:${event} { print(${use}); }`);
  }
});
