// A server with tracepoints of its own and with those of Deno's channels. Prints its port, and ends
// when its stdin ends.

import { publishChannels, tracepoints } from "../../providers/static/mod.ts";

const http = tracepoints("http", { request: ["string", "u32"], done: ["u32", "u64"] });
publishChannels(["undici:request:create"]);

let number = 0;
const server = Deno.serve({
  port: 0,
  onListen: ({ port }) => console.log(port),
}, async (request) => {
  const started = performance.now();
  const id = ++number;
  http.request(new URL(request.url).pathname, id);
  await request.body?.cancel();
  const response = new Response(`answer ${id}`);
  http.done(id, Math.round((performance.now() - started) * 1e3));
  return response;
});

for await (const _ of Deno.stdin.readable);
await server.shutdown();
