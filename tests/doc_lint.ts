// Runs `deno doc --lint` on every module that deno.json exports.

const ROOT = new URL("..", import.meta.url);
const { default: { exports } } = await import("../deno.json", { with: { type: "json" } });

const { code } = await new Deno.Command(Deno.execPath(), {
  args: ["doc", "--lint", ...Object.values(exports)],
  cwd: ROOT,
}).spawn().status;
Deno.exit(code);
