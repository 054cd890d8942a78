// Runs every program of examples/ and looks for a line that it must print.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { kernelTest, output, ROOT } from "../helpers.ts";
import { serve } from "../serve.ts";

/** Runs an example until it has printed a line that contains `wanted`; calls `poke` meanwhile. */
async function prints(script: string, wanted: string, poke: () => void): Promise<void> {
  const child = new Deno.Command(Deno.execPath(), {
    // Deno runs without configuration, so that the example works for everybody who imports dt by
    // URL.
    args: ["run", "-A", "--no-config", "--no-lock", script],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    cwd: "/",
  }).spawn();
  const errors = new Response(child.stderr).text();
  const timer = setInterval(poke, 20);
  const deadline = setTimeout(() => child.kill("SIGKILL"), 100_000);
  let seen = "";
  try {
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      seen += chunk;
      if (seen.includes(wanted)) break;
    }
  } finally {
    clearInterval(timer);
    clearTimeout(deadline);
  }
  try {
    child.kill("SIGKILL");
  } catch { /* has ended */ }
  await child.status;
  assert(seen.includes(wanted), `${await errors}${seen}`);
  await errors;
}

const FILE = "/etc/hostname";
const openFile = () => Deno.openSync(FILE).close();

kernelTest("examples/open_events.ts prints typed open events", [], async () => {
  await prints(`${ROOT}examples/open_events.ts`, FILE, openFile);
});

kernelTest("the example runs through a URL", [], async () => {
  await using server = serve();
  await prints(`${server.url}/examples/open_events.ts`, FILE, openFile);
});

kernelTest("btrace runs through a URL", [], async () => {
  await using server = serve();
  const args = ["run", "-A", "--no-config", "--no-lock", `${server.url}/tools/btrace.ts`];
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [...args, "-e", 'BEGIN { printf("by URL\\n"); }'],
    cwd: "/",
  }).output();
  assert(code === 0 && new TextDecoder().decode(stdout).startsWith("by URL\n"));
});

kernelTest(
  "examples/files_test.ts passes, and fails with a function that does too much",
  [],
  () => {
    const run = (file: string) =>
      output(Deno.execPath(), ["test", "-A", "--no-config", "--no-lock", "--no-check", file], {
        cwd: "/",
      });
    const example = `${ROOT}examples/files_test.ts`;
    const { code, stdout } = run(example);
    assertStringIncludes(stdout, "3 passed");
    assertEquals(code, 0);
    const folder = Deno.makeTempDirSync();
    try {
      const bad = Deno.readTextFileSync(example)
        .replaceAll("../testing/", `${ROOT}testing/`)
        .replaceAll('"/etc/hosts"]', '"/etc/hostname", "/etc/passwd"]')
        .replace("{\n  return", "{\n  Deno.connect({ port: 1 }).catch(() => {});\n  return");
      Deno.writeTextFileSync(`${folder}/bad_test.ts`, bad);
      const { stdout } = run(`${folder}/bad_test.ts`);
      assertStringIncludes(stdout, "3 failed");
      assertStringIncludes(stdout, "it opened 3 files");
      assertStringIncludes(stdout, "The function called connect once");
      assertStringIncludes(stdout, "/etc/hostname was opened 2 times");
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  },
);

kernelTest("examples/http_latency.ts draws the times of requests", [], async () => {
  await prints(`${ROOT}examples/http_latency.ts`, " ms #", () => {});
});

kernelTest("examples/watch_children.ts tells of programs and ends", [], async () => {
  const example = `${ROOT}examples/watch_children.ts`;
  await prints(example, "ends with 3: sh -c exit 3", () => {});
  await prints(example, "runs /usr/bin/ls: ls /", () => {});
});

kernelTest("examples/slow_calls.ts exports a span for each slow call", [], async () => {
  const spans = Promise.withResolvers<{ name: string; start: number; end: number }[]>();
  await using server = Deno.serve({ port: 0, onListen() {} }, async (request) => {
    const body = await request.json() as { resourceSpans?: OtlpSpans[] };
    const found = body.resourceSpans?.flatMap(({ scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) =>
        spans.map(({ name, startTimeUnixNano, endTimeUnixNano }) => ({
          name,
          start: Number(startTimeUnixNano) / 1e6,
          end: Number(endTimeUnixNano) / 1e6,
        }))
      )
    );
    if (found !== undefined) spans.resolve(found);
    return Response.json({});
  });
  const before = Date.now();
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", `${ROOT}examples/slow_calls.ts`, "90", "sleep 0.1"],
    env: {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://localhost:${server.addr.port}`,
    },
  }).output();
  assertEquals(code, 0);
  const [{ name, start, end }] = await spans.promise;
  assertEquals(name, "clock_nanosleep");
  assert(start > before && end < Date.now() + 1 && end - start >= 90, `${start} ${end}`);
});

/** The part of an OTLP message that the test looks at. */
interface OtlpSpans {
  readonly scopeSpans: {
    readonly spans: {
      readonly name: string;
      readonly startTimeUnixNano: string;
      readonly endTimeUnixNano: string;
    }[];
  }[];
}

kernelTest("every export is imported by URL, and a script is started by it", [], async () => {
  await using server = serve();
  const { exports } = JSON.parse(Deno.readTextFileSync(`${ROOT}deno.json`));
  const imports = Object.values(exports as Record<string, string>).map((path, i) =>
    `import * as m${i} from "${server.url}/${
      path.slice(2)
    }"; console.log(Object.keys(m${i}).length > 0);`
  );
  const folder = Deno.makeTempDirSync();
  try {
    Deno.writeTextFileSync(
      `${folder}/all.ts`,
      `${imports.join("\n")}
      import { start } from "${server.url}/language/mod.ts";
      import { counts } from "${server.url}/testing/mod.ts";
      for (const plane of ["kernel", "user"]) {
        await using trace = await start({ plane })\`BEGIN { print(\${"by URL"}); exit(); }\`;
        for await (const { value } of trace) console.log(plane, value);
        const { openat } = await counts(() => Deno.openSync("/etc/hostname").close(), { plane });
        console.log(openat >= 1);
      }`,
    );
    const child = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--no-config", "--no-lock", `${folder}/all.ts`],
      cwd: "/",
    }).output();
    const [out, error] = [child.stdout, child.stderr].map((one) => new TextDecoder().decode(one));
    const lines = out.trimEnd().split("\n");
    assertEquals(
      lines.slice(imports.length),
      ["kernel by URL", "true", "user by URL", "true"],
      error,
    );
    assertEquals(new Set(lines.slice(0, imports.length)), new Set(["true"]));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
