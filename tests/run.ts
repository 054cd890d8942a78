// Runs every test and ends with the line "N passed, N failed", from deno test's own counts. With
// CI=true a skipped test counts as a failure.

const ROOT = new URL("..", import.meta.url).pathname;
const CI = Deno.env.get("CI") === "true";

const child = new Deno.Command(Deno.execPath(), {
  // The examples of the documentation import no tests/, but have time limits as well.
  args: ["test", "-A", "--doc", "--preload=tests/time_limit.ts", ...Deno.args],
  cwd: ROOT,
  env: { NO_COLOR: "1" },
  stdin: "null",
  stdout: "piped",
  stderr: "inherit",
}).spawn();

let text = "";
const decoder = new TextDecoder();
for await (const chunk of child.stdout) {
  text += decoder.decode(chunk, { stream: true });
  await Deno.stdout.write(chunk);
}
const { code } = await child.status;
const count = (word: string) =>
  Number(new RegExp(`^(?:ok|FAILED) \\|.*?(\\d+) ${word}`, "m").exec(text)?.[1] ?? 0);
const passed = count("passed");
let failed = count("failed");
const skipped = count("ignored");
if (CI && skipped > 0) {
  console.log(`With CI=true a skipped test is a failure; skipped were:`);
  for (const [line] of text.matchAll(/^.*\.\.\. ignored.*$/gm)) console.log(`  ${line}`);
  failed += skipped;
}
// A run that broke down before any test counts as a failure, too.
if (code !== 0 && failed === 0 || passed === 0) failed++;
console.log(
  `${passed} passed, ${failed} failed${skipped > 0 && !CI ? `, ${skipped} skipped` : ""}`,
);
Deno.exit(failed > 0 ? 1 : 0);
