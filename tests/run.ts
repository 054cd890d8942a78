// Runs every test and ends with the line "N passed, N failed", from deno test's own counts. With
// CI=true a skipped test counts as a failure. So does a file that the tests leave in the checkout.

const ROOT = new URL("..", import.meta.url).pathname;
const CI = Deno.env.get("CI") === "true";

/** Files that differ from the last commit, and those that Git neither has nor ignores. */
function changedFiles(): string[] {
  const { code, stdout, stderr } = new Deno.Command("git", {
    // The checkout may be another user's.
    args: ["-c", "safe.directory=*", "status", "--porcelain", "--untracked-files=all"],
    cwd: ROOT,
  }).outputSync();
  if (code !== 0) {
    console.log(`Cannot look for what tests leave: ${new TextDecoder().decode(stderr)}`);
  }
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
}

const before = changedFiles();
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
// A test that fails may show such a line of another run, in a virtual machine.
const [summary] = [...text.matchAll(/^(?:ok|FAILED) \|.*$/gm)].at(-1) ?? [""];
const count = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(summary)?.[1] ?? 0);
const passed = count("passed");
let failed = count("failed");
const skipped = count("ignored");
if (CI && skipped > 0) {
  console.log(`With CI=true a skipped test is a failure; skipped were:`);
  for (const [line] of text.matchAll(/^.*\.\.\. ignored.*$/gm)) console.log(`  ${line}`);
  failed += skipped;
}
const left = changedFiles().filter((line) => !before.includes(line));
if (left.length > 0) {
  console.log(`The tests have changed the checkout:\n  ${left.join("\n  ")}`);
  failed++;
}
// A run that broke down before any test counts as a failure, too.
if (code !== 0 && failed === 0 || passed === 0) failed++;
console.log(
  `${passed} passed, ${failed} failed${skipped > 0 && !CI ? `, ${skipped} skipped` : ""}`,
);
Deno.exit(failed > 0 ? 1 : 0);
