// Starts deno with a tool. Runs under Node, so it is plain JavaScript, and for Node 18 on.
"use strict";

const { spawn } = require("node:child_process");
const { existsSync } = require("node:fs");
const { constants } = require("node:os");
const { dirname, join } = require("node:path");

/** The deno that npm has installed with this package: the program itself, not its script for Node. */
function findDeno() {
  const folder = dirname(require.resolve("deno/package.json"));
  const program = join(folder, "deno");
  if (existsSync(program)) return program;
  // Installed without scripts: the program is in the package of this machine's kind.
  return require(join(folder, "install_api.cjs")).runInstall();
}

/** Runs a tool by its name, and ends as it ends. */
exports.launch = function launch(name) {
  const entry = join(__dirname, "..", "dist", `${name}.js`);
  const args = [
    "run",
    "-A",
    "--quiet",
    "--no-config",
    "--no-lock",
    "--node-modules-dir=none",
    entry,
  ];
  const child = spawn(findDeno(), [...args, ...process.argv.slice(2)], { stdio: "inherit" });
  // Whoever signals this process means the tool. From a terminal the tool has the signal already; two within
  // an instant are one to it.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"]) {
    process.on(signal, () => child.kill(signal));
  }
  child.on("error", (error) => {
    console.error(`ERROR: cannot start deno: ${error.message}`);
    process.exit(1);
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
};
