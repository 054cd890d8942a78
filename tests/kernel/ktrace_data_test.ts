// What ktrace records of data in many pieces and of calls that seccomp refuses, on each way of recording.

import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  buildProgram,
  kernelTest,
  nobodyCommand,
  output,
  testWith,
  toolCommand,
} from "../helpers.ts";
import { type JsonRecord, recordsOf } from "../traces.ts";

/** Traces a program, and returns kdump's records and lines. */
function trace(command: (args: string[]) => readonly string[], program: string) {
  const folder = Deno.makeTempDirSync();
  try {
    Deno.chmodSync(folder, 0o777);
    const file = `${folder}/trace`;
    const [tool, ...args] = command(["-f", file, buildProgram(program)]);
    const { code, stderr } = output(tool, args);
    assertEquals({ code, stderr }, { code: 0, stderr: "" });
    const [kdump, ...options] = toolCommand("kdump", ["-f", file]);
    const lines = output(kdump, options).stdout.split("\n").map((line) =>
      line.replace(/^ *\d+ \S+ +/, "")
    );
    return { records: recordsOf(file), lines };
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

const PIECES = Array.from(
  { length: 1024 },
  (_, i) => i % 7 === 6 ? "" : i.toString(16).padStart(3, "0"),
).join("");
const MESSAGES = Array.from({ length: 20 }, (_, i) => `<m${String(i).padStart(2, "0")}>`);

function checkMessages(command: (args: string[]) => readonly string[]): void {
  const { records, lines } = trace(command, "messages");
  /** Data that the records before the return of a call have. */
  const dataOf = (call: string) => {
    const data: (string | undefined)[] = [];
    let last: JsonRecord | undefined;
    for (const record of records) {
      if (record.type === "syscall") last = record;
      if (record.type === "genio" && last?.name === call) data.push(record.data);
    }
    return data;
  };
  for (const call of ["writev", "readv", "sendmsg", "recvmsg"]) {
    assertEquals(dataOf(call), [PIECES], call);
  }
  const groups = [0, 5, 10, 15].map((i) => MESSAGES.slice(i, i + 5).join(""));
  assertEquals(dataOf("sendmmsg"), groups);
  assertEquals(dataOf("recvmmsg"), groups);
  const count = (text: string) => lines.filter((line) => line.startsWith(text)).length;
  assertEquals(count('STRU  struct sockaddr { AF_UNIX, "\\0a\\0b" }'), 1 + 1 + 4);
  assertEquals(count('STRU  struct sockaddr { AF_UNIX, "\\0from" }'), 1 + 1 + 4);
  const vector = lines.find((line) => line.startsWith("STRU  struct iovec[]"))!;
  assertEquals(vector.match(/base=/g)!.length, 1024);
  const messages = lines.find((line) => line.startsWith("STRU  struct mmsghdr[]"))!;
  assertEquals(messages.match(/ len=5 /g)!.length, 5);
}

function checkRefused(command: (args: string[]) => readonly string[]): void {
  const { records, lines } = trace(command, "refused");
  const of = (call: string) => records.filter(({ name }) => name === call);
  assertEquals(of("getpriority").map(({ type }) => type), ["syscall", "sysret"]);
  const [entry, result] = of("getpriority");
  assertEquals([entry.args, result.error], [["0x2", "0x4d"], "EDOM"]);
  assertEquals(of("getppid").map(({ type }) => type), ["syscall", "sysret"]);
  const signal = lines.filter((line) => line.startsWith("PSIG"));
  assertEquals(signal.length, 1);
  const arch = Deno.build.arch === "aarch64" ? "AUDIT_ARCH_AARCH64" : "AUDIT_ARCH_X86_64";
  assertMatch(
    signal[0],
    new RegExp(`^PSIG  SIGSYS caught .* code=SYS_SECCOMP call=getppid arch=${arch}$`),
  );
  const json = records.find(({ type }) => type === "psig") as unknown as Record<string, unknown>;
  assertEquals([json.call, json.arch], ["getppid", arch]);
  // Calls that the filter allows are told once each, failed ones too.
  const calls = records.filter(({ type }) => type === "syscall");
  const returns = records.filter(({ type }) => type === "sysret");
  assert(calls.length - returns.length <= 1, `${calls.length} calls, ${returns.length} returns`);
}

const WAYS = {
  "in the kernel": (args: string[]) => toolCommand("ktrace", args),
  "by --sync": (args: string[]) => toolCommand("ktrace", ["--sync", ...args]),
  "without privilege": (args: string[]) => nobodyCommand(args, [], "ktrace"),
};

for (const [way, command] of Object.entries(WAYS)) {
  const test = way === "in the kernel" ? kernelTest : testWith;
  test(`ktrace records data in 1,024 pieces, and many messages, ${way}`, ["gcc"], () => {
    checkMessages(command);
  });
  test(`ktrace records calls that seccomp refuses, ${way}`, ["gcc"], () => checkRefused(command));
}
