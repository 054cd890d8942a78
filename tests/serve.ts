// Serves this checkout over HTTP, for tests of modules that are imported by URL.

import { ROOT } from "./helpers.ts";

/**
 * Starts a server on a free port. Each server has an origin of its own, so its modules are further
 * copies for Deno.
 */
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
