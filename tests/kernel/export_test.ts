// Tests of --export: metrics that Debian's Prometheus scrapes, requests of OTLP checked against its protobuf
// definition, profiles that servers take.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { loadPprof } from "../../tools/cli/deps.ts";
import {
  btrace,
  buildProgram,
  kernelTest,
  output,
  RunningBtrace,
  tool,
  toolCommand,
} from "../helpers.ts";

/** A port that nobody listens at. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Calls that this test makes are the only ones with these arguments. */
const SCRIPT = `tracepoint:syscalls:sys_enter_lseek /args.whence == 77/ {
  @calls[comm, args.fd] = count();
  @offsets[comm] = hist(args.offset);
  @straight = lhist(args.offset, 0, 100, 10);
  @sizes[args.fd] = stats(args.offset);
  @total = sum(args.offset);
  @last = args.offset;
  @text = comm;
}`;
/** Offsets of the calls that seek() makes, as everyday.c has them. */
const OFFSETS = [0, 1, 5, 64, 64, 99, 1000, 2 ** 40];

/** A name that tries to end a label, a line and a terminal. */
const HOSTILE = `a"b\\n} 1\x1b[2J`;

/** Makes the calls in a process that calls itself so. */
function seek(name: string): void {
  assertEquals(output(buildProgram("everyday", "-w", "-pthread"), ["seek", name]).code, 0);
}

/** Result of a query of Prometheus: labels and the value as text. */
interface Answer {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

kernelTest(
  "--export prometheus= is scraped by Prometheus: exact bounds, hostile names, losses",
  ["root", "tracefs", "gcc", "prometheus"],
  async () => {
    const port = freePort();
    await using tracer = new RunningBtrace([
      ...["--export", `prometheus=127.0.0.1:${port}`, "-e", SCRIPT],
    ]);
    await tracer.attached();
    seek("seeker");
    seek(HOSTILE);
    const address = `http://127.0.0.1:${port}`;
    const text = await (await fetch(`${address}/metrics`)).text();
    assertMatch(text, /\nbtrace_calls_total\{comm="seeker",fd="1"\} 8\n/);
    assertMatch(text, /\nbtrace_calls_total\{comm="a\\"b\\\\n\} 1\ufffd\[2J",fd="1"\} 8\n/);
    assertEquals([
      ...text.matchAll(/^(?!#|btrace_\w+(\{([\w]+="([^"\\\n]|\\.)*",?)*\})? -?\d+$).+/gm),
    ], []);
    assert(text.endsWith("\n# EOF\n"));
    assertEquals((await (await fetch(`${address}/`)).text()).trim(), "see /metrics");

    const folder = Deno.makeTempDirSync();
    const web = freePort();
    Deno.writeTextFileSync(
      `${folder}/prometheus.yml`,
      `scrape_configs:\n- job_name: dt\n  scrape_interval: 200ms\n  static_configs:\n  - targets: ["127.0.0.1:${port}"]\n`,
    );
    const prometheus = new Deno.Command("prometheus", {
      args: [
        ...[`--config.file=${folder}/prometheus.yml`, `--storage.tsdb.path=${folder}/data`],
        `--web.listen-address=127.0.0.1:${web}`,
      ],
      stdout: "null",
      stderr: "null",
    }).spawn();
    try {
      const ask = async (query: string): Promise<readonly Answer[]> => {
        const url = `http://127.0.0.1:${web}/api/v1/query?query=${encodeURIComponent(query)}`;
        try {
          return (await (await fetch(url)).json()).data?.result ?? [];
        } catch {
          return [];
        }
      };
      let up: readonly Answer[] = [];
      for (let i = 0; i < 300 && up[0]?.value[1] !== "1"; i++) {
        up = await ask('up{job="dt"}');
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      assertEquals(up[0]?.value[1], "1");
      const names = (await ask("btrace_calls_total")).map(({ metric, value }) => [
        metric.comm,
        metric.fd,
        value[1],
      ]);
      assertEquals(names.sort(), [[HOSTILE.replace("\x1b", "\ufffd"), "1", "8"], [
        "seeker",
        "1",
        "8",
      ]]);
      const buckets = async (query: string) =>
        Object.fromEntries((await ask(query)).map(({ metric, value }) => [metric.le, value[1]]));
      const powers = await buckets('btrace_offsets_bucket{comm="seeker"}');
      // Each bound is the highest integer of its bucket: 64 is not at most 63.
      assertEquals([powers["0.0"], powers["1.0"], powers["7.0"], powers["63.0"], powers["127.0"]], [
        ...["1", "2", "3", "3", "6"],
      ]);
      assertEquals([powers["1023.0"], powers["+Inf"]], ["7", "8"]);
      const straight = await buckets("btrace_straight_bucket");
      assertEquals([straight["9.0"], straight["69.0"], straight["99.0"], straight["+Inf"]], [
        ...["6", "10", "12", "16"],
      ]);
      const sum = OFFSETS.reduce((a, b) => a + b, 0);
      assertEquals((await ask("btrace_sizes_sum"))[0].value[1], String(2 * sum));
      assertEquals((await ask("btrace_sizes_count_total"))[0]?.value[1], "16");
      assertEquals((await ask("btrace_last"))[0].value[1], String(2 ** 40));
      const lost = await ask('btrace_lost_events_total{cause="ring_full"}');
      assertEquals(lost[0].value[1], "0");
    } finally {
      prometheus.kill("SIGKILL");
      await prometheus.status;
      Deno.removeSync(folder, { recursive: true });
    }
    const { code, stderr } = await tracer.stop();
    assertEquals(code, 0, stderr);
    assertMatch(stderr, /^WARNING: @text is not exported: its values are no numbers$/m);
  },
);

kernelTest("a map's keys beyond --export-series are one series, and no counter goes back", [
  "root",
  "tracefs",
  "gcc",
], async () => {
  const port = freePort();
  await using tracer = new RunningBtrace([
    ...["--export", `prometheus=127.0.0.1:${port}`, "--export-series", "3", "-e"],
    "tracepoint:syscalls:sys_enter_lseek /args.whence == 77/ { @[args.offset] = count(); }",
  ]);
  await tracer.attached();
  const read = async () => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    const found = [...text.matchAll(/^btrace_map_total\{offset="(\w+)"\} (\d+)$/gm)];
    return new Map(found.map(([, name, value]) => [name, Number(value)]));
  };
  seek("one");
  const first = await read();
  assertEquals([first.size, first.get("other")], [4, OFFSETS.length - 1 - 3]);
  for (let i = 0; i < 3; i++) seek("more");
  const second = await read();
  assertEquals([...second.keys()].sort(), [...first.keys()].sort());
  for (const [name, value] of first) assertEquals([name, second.get(name)], [name, value * 4]);
  await tracer.stop();
});

kernelTest(
  "--export otlp= sends what the protobuf definition says",
  ["root", "tracefs", "gcc"],
  async () => {
    const requests: { path: string; type: string | null; body: string }[] = [];
    await using server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        const { pathname } = new URL(request.url);
        requests.push({
          path: pathname,
          type: request.headers.get("content-type"),
          body: await request.text(),
        });
        return new Response("{}");
      },
    );
    await using tracer = new RunningBtrace([
      ...[
        "--export",
        `otlp=http://127.0.0.1:${server.addr.port}`,
        "--export-interval",
        "0.3",
        "-e",
        SCRIPT,
      ],
    ]);
    await tracer.attached();
    seek("seeker");
    const before = requests.length;
    while (requests.length < before + 2) await new Promise((resolve) => setTimeout(resolve, 50));
    const count = requests.length;
    const { code, stderr } = await tracer.stop();
    assertEquals(code, 0, stderr);
    assert(requests.length > count, "the last values are sent at the end");
    const { path, type, body } = requests.at(-1)!;
    assertEquals([path, type], ["/v1/metrics", "application/json"]);

    // OpenTelemetry's own code, generated from its protobuf definitions.
    const generated =
      "npm:@opentelemetry/otlp-transformer@0.52.1/build/src/generated/root.js" as string;
    const { opentelemetry } = (await import(generated)).default;
    const Request = opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
    const sent = JSON.parse(body);
    const bytes = Request.encode(Request.fromObject(sent)).finish();
    const back = Request.toObject(Request.decode(bytes), { longs: String });
    // Nothing was unknown: what was sent comes back whole.
    assertEquals(back, sent);
    // deno-lint-ignore no-explicit-any
    const metrics: any[] = back.resourceMetrics[0].scopeMetrics[0].metrics;
    const find = (name: string) => metrics.find((one) => one.name === name);
    const calls = find("btrace_calls").sum;
    assertEquals([calls.isMonotonic, calls.aggregationTemporality], [true, 2]);
    assertEquals(calls.dataPoints[0].asInt, "8");
    assertEquals(calls.dataPoints[0].attributes[0], {
      key: "comm",
      value: { stringValue: "seeker" },
    });
    const { bucketCounts, explicitBounds, count: all } =
      find("btrace_straight").histogram.dataPoints[0];
    assertEquals(explicitBounds, [9, 19, 29, 39, 49, 59, 69, 79, 89, 99]);
    assertEquals(bucketCounts, ["3", "0", "0", "0", "0", "0", "2", "0", "0", "1", "2"]);
    assertEquals(all, "8");
    assertEquals(find("btrace_last").gauge.dataPoints[0].asInt, String(2 ** 40));
  },
);

kernelTest("profile --export pprof= sends what Pyroscope and Parca take", ["root"], async () => {
  const seen: { url: URL; type: string; bytes: Uint8Array }[] = [];
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      const url = new URL(request.url);
      const type = request.headers.get("content-type") ?? "";
      if (url.pathname === "/ingest") {
        const file = (await request.formData()).get("profile") as File;
        seen.push({ url, type, bytes: new Uint8Array(await file.arrayBuffer()) });
      } else if (url.pathname === "/profiles/writeraw") {
        const [{ labels, samples }] = (await request.json()).series;
        assertEquals(labels.labels[0].name, "__name__");
        seen.push({ url, type, bytes: Uint8Array.fromBase64(samples[0].rawProfile) });
      } else if (url.pathname === "/plain") {
        seen.push({ url, type, bytes: new Uint8Array(await request.arrayBuffer()) });
      } else return new Response("not here", { status: 404 });
      return new Response("{}");
    },
  );
  const { Profile } = await loadPprof() as unknown as {
    Profile: { decode(bytes: Uint8Array): { sample: unknown[] } };
  };
  const busy = "timeout 0.3 sh -c 'while :; do :; done'";
  for (const path of ["/ingest", "/profiles/writeraw", "/plain"]) {
    const target = `pprof=http://127.0.0.1:${server.addr.port}${path}`;
    const [command, ...args] = profileCommand(["-c", busy, "-q", "--export", target]);
    const { success, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output();
    assert(success, new TextDecoder().decode(stderr));
    const { bytes } = seen.at(-1)!;
    const unpacked = new Response(bytes.slice()).body!.pipeThrough(new DecompressionStream("gzip"));
    const { sample } = Profile.decode(new Uint8Array(await new Response(unpacked).arrayBuffer()));
    assert(sample.length > 0);
  }
  const [{ url, type }] = seen;
  assertEquals([url.searchParams.get("name"), url.searchParams.get("format")], [
    "timeout",
    "pprof",
  ]);
  assert(Math.abs(Number(url.searchParams.get("until")) - Date.now() / 1000) < 60);
  assertMatch(type, /^multipart\/form-data/);
  const refused = `pprof=http://127.0.0.1:${server.addr.port}/other`;
  const [command, ...args] = profileCommand(["-c", "true", "-q", "--export", refused]);
  const { code, stderr } = await new Deno.Command(command, { args, stdin: "null" }).output();
  assertEquals(code, 1);
  assertMatch(
    new TextDecoder().decode(stderr),
    /^ERROR: Cannot send the profile to http:.*: answered 404 not here\n$/,
  );
});

function profileCommand(args: readonly string[]): string[] {
  return toolCommand("profile", args);
}

kernelTest("an export that cannot be is refused in one line", ["root"], () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const errors: Readonly<Record<string, RegExp>> = {
    [`prometheus=127.0.0.1:${listener.addr.port}`]:
      /Cannot listen at 127\.0\.0\.1:\d+: Address already in use/,
    "prometheus=9464":
      /--export wants prometheus=\[HOST\]:PORT or otlp=http:\/\/HOST:PORT\[\/PATH\]: prometheus=9464/,
    "prometheus=:99999": /--export wants/,
    "nonsense": /--export wants/,
  };
  for (const [target, expected] of Object.entries(errors)) {
    const { code, stderr } = btrace([
      "-q",
      "--export",
      target,
      "-e",
      "interval:s:1 { @ = count(); }",
    ]);
    assertEquals([target, code], [target, 1]);
    assertMatch(stderr, expected);
    assertEquals(stderr.trimEnd().split("\n").length, 1, stderr);
  }
  const series = btrace([
    "--export",
    "prometheus=:1",
    "--export-series",
    "0",
    "-e",
    "BEGIN { exit(); }",
  ]);
  assertMatch(series.stderr, /--export-series wants a number from 1 to 999999: 0/);
  assertMatch(
    tool("profile", ["--export", "nonsense", "-c", "true"]).stderr,
    /^ERROR: --export wants pprof=/,
  );
});
