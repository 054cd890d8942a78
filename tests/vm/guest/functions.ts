// Tests of kprobe, kretprobe, fentry and fexit, on a kernel with CONFIG_KPROBES that is not locked
// down.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { disableFeature } from "../../../core/bpf/mod.ts";
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
    otherProbe: `${name}:vfs_open`,
    fire: () => readFile(FILE),
    nonsense: [`${name}:no_such_function`, `${name}:no_such_module:vfs_read`, `${name}:`],
  });
}

kernelTest(
  "kprobe and kretprobe have arguments, result, registers, function and stack",
  [],
  async () => {
    const { stdout } = await script(
      `kprobe:vfs_read ${OWN} { printf("%s %s %d %d\\n", probe, func, arg2, reg("dx") == arg2); @ = kstack(2); }
     kretprobe:vfs_read ${OWN} { printf("%s %s %d\\n", probe, func, retval); }`,
      () => readFile(FILE),
    );
    const [entry, exit] = stdout.split("\n");
    assertEquals(entry, "kprobe:vfs_read vfs_read 10 1");
    assertEquals(exit, "kretprobe:vfs_read vfs_read 10");
    assertMatch(stdout, /@: \n +vfs_read\+\d+\n +ksys_read\+\d+\n/);
  },
);

kernelTest("kprobe+offset fires within, and not between instructions", [], async () => {
  // The place is behind the instruction endbr64, which has 4 bytes.
  const { stdout } = await script(
    `kprobe:vfs_read+4 ${OWN_READ} { @[func, reg("ip") - kaddr("vfs_read")] = count(); }`,
    () => readFile(FILE, 3),
  );
  assertEquals(stdout.trim(), "@[vfs_read, 5]: 3");
  using session = openDevice({ providers: [kprobe()] }).open();
  session.enable("kprobe:vfs_read+5");
  assertEquals(codeOf(() => session.start()), "EILSEQ");
});

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

kernelTest("a thousand kprobes attach and detach as one link", [], async () => {
  const device = openDevice({ providers: [kprobe()] });
  const probes = device.match("kprobe:[a-z]*").length + device.match("kprobe:tcp_*").length;
  assert(probes > 0);
  using session = device.open();
  const wanted = [...device.match("kprobe:vfs_*"), ...device.match("kprobe:ext4_*")]
    .concat(device.match("kprobe:tcp_*"), device.match("kprobe:ip*"), device.match("kprobe:sock_*"))
    .slice(0, 1000);
  assertEquals(wanted.length, 1000);
  for (const { pbn } of wanted) session.enable(pbn);
  session.start();
  const links = JSON.parse(
    new TextDecoder().decode(
      new Deno.Command("bpftool", { args: ["-j", "link", "show"] }).outputSync().stdout,
    ),
  ) as { type: string }[];
  assertEquals(links.filter(({ type }) => type === "kprobe_multi").length, 1);
  await Promise.resolve();
  session.stop();
});

kernelTest("fentry and fexit have typed arguments and the result", [], async () => {
  const { stdout } = await script(
    `fentry:vfs_read ${OWN} {
       printf("%s %s %d %s\\n", probe, func, args.count, str(args.file->f_path.dentry->d_name.name));
       @ = kstack(2);
     }
     fexit:vmlinux:vfs_read ${OWN} { printf("%s %d of %d\\n", func, retval, args.count); }`,
    () => readFile(FILE),
  );
  const [entry, exit] = stdout.split("\n");
  assertEquals(entry, "fentry:vfs_read vfs_read 10 hosts");
  assertEquals(exit, "vfs_read 10 of 10");
  assertMatch(stdout, /@: \n +vfs_read\+\d+\n +ksys_read\+\d+\n/);
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
