// A live histogram of how long an HTTP server takes for its requests, seen from outside of its code: from the
// moment when a connection's request is read until its answer is written. Needs root.
//
//   deno run -A examples/http_latency.ts PID        any server of that process
//   deno run -A examples/http_latency.ts            a server of its own, with requests of its own

import { type HistogramValue, start } from "../language/mod.ts";

let pid = Number(Deno.args[0]);
if (!pid) {
  // The server answers after some milliseconds; nothing in it knows of the tracer.
  const server = Deno.serve({ port: 0, onListen() {} }, async () => {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 16));
    return new Response("hello");
  });
  const url = `http://localhost:${server.addr.port}/`;
  setInterval(async () => await (await fetch(url)).text(), 10);
  pid = Deno.pid;
}

await using trace = await start({ pid })`
  // What a call read was a request if its first word says so.
  tracepoint:syscalls:sys_enter_read, tracepoint:syscalls:sys_enter_recvfrom {
    @buffer[tid] = arg1; @fd[tid] = arg0;
  }
  tracepoint:syscalls:sys_exit_read, tracepoint:syscalls:sys_exit_recvfrom /@buffer[tid]/ {
    if (args.ret > 16 && str(@buffer[tid], 5) == "GET ") { @started[@fd[tid]] = nsecs; }
    delete(@buffer[tid]);
  }
  tracepoint:syscalls:sys_enter_write, tracepoint:syscalls:sys_enter_writev,
  tracepoint:syscalls:sys_enter_sendto, tracepoint:syscalls:sys_enter_sendmsg /@started[arg0]/ {
    @milliseconds = hist((nsecs - @started[arg0]) / 1000000);
    delete(@started[arg0]);
  }`;

const histogram = trace.maps.get<[], HistogramValue>("milliseconds");
for (;;) {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const { buckets = [], total = 0 } = histogram.value ?? {};
  console.log(`${total} requests`);
  for (const { min = 0, max = "", count } of buckets) {
    const bar = "#".repeat(Math.ceil(Number(count) * 40 / Number(total)));
    console.log(`${min}-${max} ms`.padStart(12), bar, `${count}`);
  }
}
