// An OpenTelemetry span for each system call that takes long. Root or not.
//
//   OTEL_DENO=true deno run -A examples/slow_calls.ts MILLISECONDS 'COMMAND'
//
// Deno exports the spans as its variables OTEL_EXPORTER_OTLP_… say.

import { SpanStatusCode, trace } from "npm:@opentelemetry/api@1.9.0";
import { start } from "../language/mod.ts";

const [limit = "10", command = "sh -c 'sleep 0.05'"] = Deno.args;
const tracer = trace.getTracer("slow_calls");

await using calls = await start({ command })`
  tracepoint:raw_syscalls:sys_enter { @start[tid] = nsecs; }
  tracepoint:raw_syscalls:sys_exit /@start[tid]/ {
    $took = nsecs - @start[tid];
    if ($took >= ${Number(limit)} * 1000000) {
      printf("%s %s %d %d %s", syscall_name(args.id), comm, pid, args.ret, strftime("%s.%f", nsecs));
      print($took);
    }
    delete(@start[tid]);
  }`;

let call: readonly unknown[] = [];
for await (const record of calls) {
  if (record.type === "printf") call = record.values;
  if (record.type !== "value") continue;
  const [name, comm, pid, result, end] = call;
  const endMs = Number(end) * 1000;
  const span = tracer.startSpan(String(name), {
    startTime: endMs - Number(record.value) / 1e6,
    attributes: { "process.pid": Number(pid), "process.command": String(comm) },
  });
  if (Number(result) < 0) span.setStatus({ code: SpanStatusCode.ERROR, message: `${result}` });
  span.end(endMs);
}
