// This checkout over HTTP, as modules that are imported by URL.

import { ROOT } from "./helpers.ts";

/** Serves it; each server has an origin of its own, so that its modules are copies. */
export function serve(): { url: string } & AsyncDisposable {
  const server = Deno.serve({ port: 0, onListen() {} }, async (request) => {
    const path = new URL(request.url).pathname;
    const type = path.endsWith(".json") ? "application/json" : "application/typescript";
    try {
      const body = await Deno.readFile(ROOT + path.slice(1));
      return new Response(body, { headers: { "content-type": type } });
    } catch {
      return new Response("not found", { status: 404 });
    }
  });
  const { port } = server.addr as Deno.NetAddr;
  return {
    url: `http://localhost:${port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}
