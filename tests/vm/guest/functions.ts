// Tests of kprobe, kretprobe, fentry and fexit, on a kernel with CONFIG_KPROBES that is not locked
// down.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { disableFeature, missingFeature } from "../../../core/bpf/mod.ts";
import { arch } from "../../../core/sys/arch/mod.ts";
import { openDevice } from "../../../core/mod.ts";
import { fentry, fexit, kprobe, kretprobe } from "../../../providers/mod.ts";
import { providerTests } from "../../conformance/provider_tests.ts";
import { btrace, codeOf, kernelTest } from "../../helpers.ts";
import { readFile, script } from "./script.ts";

const FILE = "/etc/hosts";
/** Predicate for the calls of this process alone. */
const OWN = `/pid == ${Deno.pid}/`;
/** Predicate for the reads that readFile() makes, with their length. */
const OWN_READ = `/pid == ${Deno.pid} && arg2 == 10/`;

for (const make of [kprobe, kretprobe]) {
  const { name } = make();
  providerTests({
    make,
    pattern: `${name}:vfs_*`,
    kernelProbe: `${name}:vfs_read`,
    otherProbe: `${name}:vmlinux:vfs_open`,
    fire: () => readFile(FILE),
    nonsense: [`${name}:no_such_function`, `${name}:no_such_module:vfs_read`, `${name}:`],
  });
}

for (const make of [fentry, fexit]) {
  const { name } = make();
  providerTests({
    make,
    pattern: `${name}:vmlinux:vfs_*`,
    kernelProbe: `${name}:vmlinux:vfs_read`,
    otherProbe: `${name}:vmlinux:vfs_open`,
    fire: () => readFile(FILE),
    nonsense: [`${name}:no_such_function`, `${name}:no_such_module:vfs_read`, `${name}:`],
  });
}

kernelTest(
  "kprobe and kretprobe have arguments, result, registers, function and stack",
  [],
  async () => {
    const third = arch.functionArguments[2];
    const { stdout } = await script(
      `kprobe:vfs_read ${OWN_READ} { printf("%s %s %d %d\\n", probe, func, arg2, reg("${third}") == arg2); @ = kstack(2); }
     kretprobe:vfs_read /pid == ${Deno.pid} && retval == 10/ { printf("%s %s %d\\n", probe, func, retval); }`,
      () => readFile(FILE),
    );
    const [entry, exit] = stdout.split("\n");
    assertEquals(entry, "kprobe:vfs_read vfs_read 10 1");
    assertEquals(exit, "kretprobe:vfs_read vfs_read 10");
    assertMatch(stdout, /@: \n +vfs_read\+\d+\n +(ksys_read|__arm64_sys_read)\+\d+\n/);
  },
);

kernelTest("kprobe+offset fires within, and not between instructions", [], async () => {
  const [place, within] = placesInVfsRead();
  const { stdout } = await script(
    `kprobe:vfs_read+${place} ${OWN} { @[func, reg("ip") - kaddr("vfs_read")] = count(); }`,
    () => readFile(FILE, 3),
  );
  // A breakpoint of x86 has been executed when the program runs.
  const seen = arch.name === "x86_64" ? place + 1 : place;
  const count = new RegExp(`^@\\[vfs_read, ${seen}\\]: (\\d+)$`).exec(stdout.trim())?.[1];
  assert(Number(count) >= 3, stdout);
  assertEquals(startAt(within), arch.name === "x86_64" ? "EILSEQ" : "EINVAL");
});

/**
 * Offsets of an instruction of vfs_read() and of a place within one. A function of x86 starts with an
 * instruction of 4 bytes where the kernel checks indirect branches, then with a call of 5 for ftrace;
 * one of arm64 with up to four instructions for the like.
 */
function placesInVfsRead(): readonly [number, number] {
  if (arch.name !== "x86_64") return [16, 18];
  return startAt(4) === "" ? [4, 5] : [5, 4];
}

/** Puts a probe into vfs_read(); returns the code of the kernel's refusal, or "". */
function startAt(offset: number): string {
  using session = openDevice({ providers: [kprobe()] }).open();
  session.enable(`kprobe:vfs_read+${offset}`);
  try {
    session.start();
    return "";
  } catch (error) {
    return (error as { code: string }).code;
  }
}

kernelTest("kprobe by address fires with --unsafe only", [], async () => {
  const { kernelSymbols } = await import("../../../core/symbols/mod.ts");
  const address = `0x${kernelSymbols().address("vfs_read")!.toString(16)}`;
  const args = ["-c", `head -c 10 ${FILE}`, "-e", `kprobe:${address} { @[func] = count(); }`];
  const refused = btrace(args);
  assertEquals(refused.code, 1);
  assertMatch(refused.stderr, /A probe at an address .*\n.*\n.*\nHINT: use --unsafe to allow it/s);
  const { code, stdout } = btrace(["--unsafe", ...args]);
  assertEquals(code, 0);
  assertMatch(stdout, /@\[vfs_read\]: \d+/);
});

kernelTest("kretprobe is of whole functions, an unknown function of none", [], () => {
  const device = openDevice({ providers: [kprobe(), kretprobe()] });
  assertEquals(codeOf(() => device.match("kretprobe:vfs_read+4")), "EINVAL");
  assertEquals(device.match("kprobe:no_such_function"), []);
});

kernelTest("many kprobes attach and detach, as one link where there are such", [], async () => {
  const multi = missingFeature("kprobe_multi") === undefined;
  // An event each takes the kernel a long time.
  const count = multi ? 1000 : 20;
  const device = openDevice({ providers: [kprobe()] });
  const probes = device.match("kprobe:[a-z]*").length + device.match("kprobe:tcp_*").length;
  assert(probes > 0);
  using session = device.open();
  const wanted = [...device.match("kprobe:vfs_*"), ...device.match("kprobe:ext4_*")]
    .concat(device.match("kprobe:tcp_*"), device.match("kprobe:ip*"), device.match("kprobe:sock_*"))
    .slice(-count);
  assertEquals(wanted.length, count);
  for (const { pbn } of wanted) session.enable(pbn);
  session.start();
  const links = JSON.parse(
    new TextDecoder().decode(
      new Deno.Command("bpftool", { args: ["-j", "link", "show"] }).outputSync().stdout,
    ),
  ) as { type: string }[];
  assertEquals(links.filter(({ type }) => type === "kprobe_multi").length, multi ? 1 : 0);
  await Promise.resolve();
  session.stop();
});

kernelTest("fentry and fexit have typed arguments and the result", [], async () => {
  const { stdout } = await script(
    `fentry:vfs_read ${OWN_READ} {
       printf("%s %s %d %s\\n", probe, func, args.count, str(args.file->f_path.dentry->d_name.name));
     }
     fexit:vmlinux:vfs_read ${OWN_READ} { printf("%s %d of %d\\n", func, retval, args.count); }`,
    () => readFile(FILE),
  );
  const [entry, exit] = stdout.split("\n");
  assertEquals(entry, "fentry:vmlinux:vfs_read vfs_read 10 hosts");
  assertEquals(exit, "vfs_read 10 of 10");
});

kernelTest("kernel stacks begin where the probe is", [], async () => {
  // The first frames of a stack at each probe. Since Linux 7.0 a function with fexit jumps to the
  // trampoline and leaves no frame; arm64's tracepoints call one function before programs.
  const caller = String.raw`(ksys_read|__arm64_sys_read)\+\d+`;
  const call = String.raw`(__bpf_trace_\w+\+\d+ )?(__traceiter_\w+\+\d+ )?`;
  // Some kernels have the tracepoint in the first function, others in one that it calls.
  const entry = `${call}(syscall_trace_enter|trace_syscall_enter)`;
  const starts: Record<string, string> = {
    "fentry:vfs_read": String.raw`vfs_read\+\d+ ${caller}`,
    "fexit:vfs_read": String.raw`(vfs_read\+\d+ )?${caller}`,
    "kprobe:vfs_read": String.raw`vfs_read\+\d+ ${caller}`,
    "kretprobe:vfs_read": caller,
    "rawtracepoint:sys_enter": entry,
    "syscall:read:entry": entry,
    "tracepoint:syscalls:sys_enter_read": entry,
    "rawtracepoint:sched_switch": String.raw`${call}__schedule\+`,
  };
  for (const [probe, start] of Object.entries(starts)) {
    const { stdout } = await script(
      `${probe} ${OWN} { printf("%s", kstack(6)); exit(); }`,
      async () => {
        readFile(FILE);
        await new Promise((resolve) => setTimeout(resolve, 10));
      },
    );
    const frames = stdout.trim().split(/\s+/).join(" ");
    assert(new RegExp(`^${start}`).test(frames), `${probe}: ${frames}`);
  }
});

kernelTest("fentry knows the functions of modules", [], async () => {
  const { stdout } = await script(
    "fentry:9p:v9fs_file_open { @[func, str(args.file->f_path.dentry->d_name.name)] = count(); }",
    () => readFile(`${new URL("../../../deno.json", import.meta.url).pathname}`),
  );
  assertEquals(stdout.trim(), "@[v9fs_file_open, deno.json]: 1");
});

kernelTest("fentry by wildcard names modules", [], async () => {
  const { stdout } = await script(
    `fentry:vfs_rea* /pid == ${Deno.pid} && arg2 == 10/ { @[probe] = count(); }`,
    () => readFile(FILE, 2),
  );
  assertEquals(stdout.trim(), "@[fentry:vmlinux:vfs_read]: 2");
});

kernelTest("btrace lists functions with their arguments", [], () => {
  const { stdout } = btrace(["-lv", "fexit:vmlinux:vfs_rea*"]);
  assertEquals(
    stdout,
    `fexit:vmlinux:vfs_read
    struct file * file
    char * buf
    size_t count
    loff_t * pos
    ssize_t retval
fexit:vmlinux:vfs_readlink
    struct dentry * dentry
    char * buffer
    int buflen
    int retval
fexit:vmlinux:vfs_readv
    struct file * file
    const struct iovec * vec
    long unsigned int vlen
    loff_t * pos
    rwf_t flags
    ssize_t retval
`,
  );
  assertEquals(
    btrace(["-l", "kprobe:vfs_rea*"]).stdout.split("\n").sort().join(" ").trim(),
    [
      ...["kprobe:vfs_read", "kprobe:vfs_readlink", "kprobe:vfs_readv"],
    ].join(" "),
  );
});

kernelTest("kprobes go on with perf events where there is no kprobe_multi", [], () => {
  const { code, stdout, stderr } = btrace([
    ...["--no-feature", "kprobe_multi", "-c", `head -c 10 ${FILE}`],
    ...[
      "-e",
      "kprobe:vfs_read { @[func] = max(arg2); } kretprobe:vfs_read { @r[func] = max(retval); }",
    ],
  ]);
  assertEquals(code, 0, stderr);
  assertMatch(stdout, /@\[vfs_read\]: \d+\n/);
  assertMatch(stdout, /@r\[vfs_read\]: \d+\n/);
});

kernelTest("a clause for functions of the kernel and of programs names both", [], async () => {
  const { stdout } = await script(
    `uprobe:libc:open64, kprobe:vfs_read ${OWN} { @[func] = count(); }`,
    () => readFile(FILE),
  ).catch((error) => ({ stdout: String(error) }));
  // One map cannot have function names of both kinds as keys: either the script is refused, or the
  // names are right.
  assert(/vfs_read|Type mismatch|type/.test(stdout), stdout);
  assert(!/0xffff/.test(stdout), stdout);
});

kernelTest("functions that cannot be traced are named", [], () => {
  for (const text of ["kprobe:vfs_read, kprobe:exc_nmi { }", "fentry:exc_nmi { }"]) {
    const { code, stderr } = btrace(["-e", text]);
    assertEquals(code, 1, text);
    assertMatch(stderr, /ERROR: .*exc_nmi/, text);
  }
  // A function that returns a structure cannot be probed by fexit.
  const device = openDevice({ providers: [fexit()] });
  assertEquals(device.match("fexit:make_kuid"), []);
});

// This test must be the last, since the feature stays switched off in this process.
kernelTest("fentry serves kprobes where there are none, and -v says so", [], async () => {
  const text = "kprobe:vfs_read { @[func] = max(arg2); } kretprobe:vfs_read { @r = max(retval); }";
  const { code, stdout, stderr } = btrace([
    ...["-v", "--no-feature", "kprobe", "-c", `head -c 10 ${FILE}`, "-e", text],
  ]);
  assertEquals(code, 0, stderr);
  assertMatch(stdout, /@\[vfs_read\]: \d+\n/);
  assertMatch(stdout, /@r: \d+\n/);
  assertMatch(stderr, /^kprobe:vfs_read is served by fentry: this kernel has no kprobes$/m);
  assertMatch(stderr, /^kretprobe:vfs_read is served by fexit: this kernel has no kprobes$/m);
  // A function that returns nothing has no `retval` for fexit.
  const none = btrace(["--no-feature", "kprobe", "-n", "-e", "kretprobe:fput { print(retval); }"]);
  assertMatch(
    none.stderr,
    /The retval builtin (is not available in kretprobe:fput|can only be used with)/,
  );
  disableFeature("kprobe");
  using session = openDevice({ providers: [kprobe()] }).open();
  assertEquals(codeOf(() => session.enable("kprobe:vfs_read+4")), "EOPNOTSUPP");
  const printed = await script(
    `kprobe:vfs_read ${OWN_READ} { printf("%d\\n", arg2); exit(); }`,
    () => readFile(FILE),
  );
  assertEquals(printed.stdout.trim(), "10");
});
