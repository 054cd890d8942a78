// Tests the flame graph in a real browser: drawing, zooming, searching.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Locator, Page } from "npm:playwright-core@1.64.1";
import { flameGraph } from "../../tools/profile/flamegraph.ts";
import { FrameTable, type Profile, StackSum } from "../../tools/profile/profile.ts";
import { testWith } from "../helpers.ts";

const NASTY = `operator<<(char const*, "&]]>") \u0001\ud800`;

/**
 * Makes a profile of 1,000 samples: main calls fast (250), slow (700, of which 500 are in read) and
 * a function with an odd name (50).
 */
function sample(): Profile {
  const table = new FrameTable();
  const sum = new StackSum();
  const kinds = {
    server: "process",
    read: "kernel",
    "slow app.ts": "javascript",
  } as Record<string, "process" | "kernel" | "javascript">;
  const add = (value: number, ...names: string[]) =>
    sum.add({
      frames: names.map((name) => table.index({ name, kind: kinds[name] ?? "native" })),
      pid: 7,
      comm: "server",
    }, value);
  add(250, "server", "main", "fast");
  add(200, "server", "main", "slow app.ts");
  add(500, "server", "main", "slow app.ts", "read");
  add(50, "server", "main", NASTY, "fast");
  return {
    frames: table.frames,
    stacks: sum.stacks,
    what: "on-CPU",
    periodNs: 1e7,
    subject: "server --port <80> & more",
    startMs: 0,
    durationMs: 10_000,
  };
}

/**
 * Opens a picture in a browser. Fails if the picture's script fails, or if the picture requests
 * anything from the network.
 */
async function inBrowser(svg: string, look: (page: Page) => Promise<void>): Promise<void> {
  const { chromium } = await import("npm:playwright-core@1.64.1");
  const folder = Deno.makeTempDirSync();
  Deno.writeTextFileSync(`${folder}/graph.svg`, svg);
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"],
      ...["--disable-background-networking", "--disable-component-update"],
    ],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1224, height: 600 } });
    const trouble: string[] = [];
    page.on("pageerror", (error) => trouble.push(String(error)));
    page.on("request", (request) => {
      if (!request.url().endsWith("/graph.svg")) trouble.push(request.url());
    });
    await page.goto(`file://${folder}/graph.svg`);
    await look(page);
    assertEquals(trouble, []);
  } finally {
    await browser.close();
    Deno.removeSync(folder, { recursive: true });
  }
}

testWith("a flame graph is drawn, zoomed and searched in a browser", ["chromium"], async () => {
  await inBrowser(flameGraph(sample()), async (page) => {
    const frame = (name: string) => page.locator(`.frame[data-n="${name}"]`).first();
    const width = async (one: Locator) => Number(await one.locator("rect").getAttribute("width"));
    const whole = 1176;
    const near = (a: number, b: number) => assert(Math.abs(a - b) < 1, `${a} ${b}`);

    assertEquals(await page.locator(".frame").count(), 8);
    near(await width(frame("main")), whole);
    near(await width(frame("slow app.ts")), whole * 0.7);
    near(await width(frame("read")), whole * 0.5);
    assertEquals(await frame("slow app.ts").locator("text").textContent(), "slow app.ts");
    const titles = await page.locator("title").allTextContents();
    assert(titles.includes("read (500 samples, 50.00%)"), titles.join());
    assert(
      titles.some((one) => one.startsWith('operator<<(char const*, "&]]>") ?')),
      titles.join(),
    );
    const text = await page.locator("svg").textContent();
    assertStringIncludes(text!, "server --port <80> & more");
    assertStringIncludes(text!, "on-CPU · 1,000 samples at 100 Hz in 10.0 s");

    // The details of the frame under the pointer are shown.
    await frame("read").locator("rect").hover();
    assertEquals(await page.locator("#details").textContent(), "read (500 samples, 50.00%)");

    // Zooming: the frame takes the whole width, its callers stand below, its siblings disappear.
    await frame("slow app.ts").locator("rect").click();
    near(await width(frame("slow app.ts")), whole);
    near(await width(frame("read")), whole * 5 / 7);
    near(await width(frame("main")), whole);
    assertEquals(await frame("fast").isVisible(), false);
    assert((await frame("main").getAttribute("class"))!.includes("outer"));

    // The search counts the samples that are shown: 5 of 7.
    await page.locator("#search").fill("^re.d$");
    assertEquals(await page.locator("#matched").textContent(), "matched: 71.4%");
    assertEquals(await page.locator(".found").count(), 1);
    await page.locator("#reset").click();
    near(await width(frame("slow app.ts")), whole * 0.7);
    assertEquals(await page.locator("#reset").isVisible(), false);
    assertEquals(await page.locator("#matched").textContent(), "matched: 50.0%");
    // A match inside another match counts once; matches elsewhere add up.
    await page.locator("#search").fill("fast|operator<<");
    assertEquals(await page.locator("#matched").textContent(), "matched: 30.0%");
    // A text that is no regular expression is searched as plain text.
    await page.locator("#search").fill("operator<<(");
    assertEquals(await page.locator("#matched").textContent(), "matched: 5.0%");
    await page.keyboard.press("Escape");
    assertEquals(await page.locator(".found").count(), 0);

    // The screenshot has colours and text.
    const picture = await page.screenshot();
    assert(picture.length > 10_000);
  });
});

testWith(
  "a flame graph of nothing, and one of great depth, are pictures, too",
  ["chromium"],
  async () => {
    const empty = { ...sample(), stacks: [] };
    await inBrowser(flameGraph(empty), async (page) => {
      assertEquals(await page.locator(".frame").count(), 1);
    });
    const table = new FrameTable();
    const index = table.index({ name: "recursive", kind: "native" });
    const frames = new Array(5000).fill(index);
    const deep = { ...sample(), frames: table.frames };
    const stacks = [{ frames, value: 1, pid: 1, comm: "deep" }];
    await inBrowser(flameGraph({ ...deep, stacks }), async (page) => {
      assertEquals(await page.locator(".frame").count(), 401);
    });
  },
);

Deno.test("flameGraph() leaves out what cannot be seen, and says so", () => {
  const table = new FrameTable();
  const stacks = Array.from({ length: 5001 }, (_, i) => ({
    frames: [table.index({ name: `f${i}`, kind: "native" })],
    value: i === 0 ? 1_000_000 : 1,
    pid: 1,
    comm: "many",
  }));
  const svg = flameGraph({ ...sample(), frames: table.frames, stacks });
  // The picture stays small, however many stacks there are.
  const many = Array.from({ length: 200_000 }, (_, i) => ({
    frames: [table.index({ name: `f${i % 100}`, kind: "native" }), i % 5000],
    value: 1,
    pid: 1,
    comm: "many",
  }));
  flameGraph({ ...sample(), frames: table.frames, stacks: many });
  assertStringIncludes(svg, "5000 frames too narrow to draw");
  assert(svg.length < 12_000);
});

testWith("a flame graph is dark where the reader wants it so", ["chromium"], async () => {
  await inBrowser(flameGraph(sample()), async (page) => {
    const lightness = async (scheme: "light" | "dark") => {
      await page.emulateMedia({ colorScheme: scheme });
      const fills = await page.evaluate(
        "[...document.querySelectorAll('.paper, .title')].map((one) => getComputedStyle(one).fill)",
      ) as string[];
      return fills.map((fill) => Number(/\d+/.exec(fill)![0]) > 127);
    };
    assertEquals(await lightness("light"), [true, false]);
    assertEquals(await lightness("dark"), [false, true]);
  });
});
