// Runs every script of tools/scripts by its name: the test makes something happen, and the script must
// report it. Scripts with probes that this kernel lacks run in the virtual machine.

import { assert, assertEquals, assertMatch } from "@std/assert";
import { COMMON_LETTERS, packagedTool, TOOL_NAMES, toolHelp } from "../../tools/btrace/packaged.ts";
import { btrace, buildProgram, kernelTest, output, ROOT, RunningBtrace } from "../helpers.ts";
import { GUEST_CASES } from "../vm/guest_scripts.ts";

const FOLDER = `${ROOT}tools/scripts/`;

interface Case {
  /** Options and parameters of the tool. */
  readonly params?: readonly string[];
  /** Makes the events happen that the script reports. */
  readonly work: (folder: string) => unknown;
  /** Text that the script must print. */
  readonly expect: RegExp;
}

function sh(command: string): void {
  const { code, stderr } = output("sh", ["-c", command]);
  assert(code === 0, `${command}: ${stderr}`);
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}

/** Opens a TCP connection from this process to itself, and closes it on both sides. */
async function connect(): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const accepted = listener.accept();
  const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const server = await accepted;
  await client.write(new TextEncoder().encode("hello"));
  client.close();
  await server.read(new Uint8Array(8));
  server.close();
  await pause(100);
}

/**
 * Makes the kernel send a TCP segment again: the queue for connections is full, so nobody answers
 * the first segment.
 */
function retransmit(folder: string): void {
  sh(`gcc -o ${folder}/full ${ROOT}tests/testdata/full_backlog.c && ${folder}/full`);
}

/** Runs a process that takes more memory than its control group allows. */
function runOutOfMemory(folder: string): void {
  sh(`sh ${ROOT}tests/testdata/oom.sh ${folder}`);
}

const write = (folder: string) =>
  sh(`dd if=/dev/zero of=${folder}/data bs=64k count=4 conv=fsync 2>/dev/null`);

/** Does one of the things that everyday.c can do. */
const everyday = (action: string) => (folder: string) => {
  const { code } = output(buildProgram("everyday", "-w", "-pthread"), [action], { cwd: folder });
  assert(code === 0);
};

/** Sends a request over TLS to a server of OpenSSL, from this machine to itself. */
async function secured(folder: string): Promise<void> {
  sh(
    `openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=x -keyout ${folder}/k -out ${folder}/c 2>/dev/null`,
  );
  const server = new Deno.Command("openssl", {
    args: [
      "s_server",
      "-accept",
      "47115",
      "-cert",
      `${folder}/c`,
      "-key",
      `${folder}/k`,
      "-www",
      "-quiet",
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  try {
    for (let i = 0; i < 50; i++) {
      const ask =
        "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -quiet -connect 127.0.0.1:47115";
      if (output("sh", ["-c", `${ask} 2>/dev/null | grep -q HTML`]).code === 0) return;
      await pause(100);
    }
    assert(false, "no answer");
  } finally {
    server.kill();
    await server.status;
  }
}

const CASES: Readonly<Record<string, Case>> = {
  biolatency: { work: write, expect: /@usecs\[\w*W\w*\]:\n.*\|@+ *\|/ },
  biosnoop: { work: write, expect: /^\d+ +\S+ +\d+,\d+ +\w*W\w* +\d+ +\d+ +\d+$/m },
  connectsnoop: {
    work: connect,
    expect: /^\d+ +\S+ +2 +127\.0\.0\.1 +\d{4,5}$/m,
  },
  cpuwalk: {
    work: () => sh("timeout 0.3 sh -c 'while :; do :; done' || true"),
    expect: /^\[\d+\] +\d+ \|@/m,
  },
  execsnoop: {
    work: () => sh("exec /bin/echo one two"),
    expect: /^\d\d:\d\d:\d\d \d+ +\d+ +\/bin\/echo one two$/m,
  },
  exitsnoop: {
    work: () => sh("sh -c 'exit 7'; sleep 5 & sleep 0.1; kill -9 $!; wait $! 2>/dev/null; true"),
    expect: /code 7 +sh\n(.*\n)*.*signal 9 +sleep/,
  },
  forksnoop: { work: () => sh("/bin/true; true"), expect: /^\d+ +sh +\d+ +process$/m },
  hotprocs: {
    work: () => sh("timeout 0.5 sh -c 'while :; do :; done' || true"),
    expect: /@samples\[sh, user\]: \d+/,
  },
  killsnoop: {
    work: () => sh("kill -0 $$; kill -0 4194303 2>/dev/null || true"),
    expect: /sh +0 +\d+ +Success\n(.*\n)*.*sh +0 +4194303 No such process/,
  },
  migrations: {
    work: () =>
      sh("for i in 1 2 3; do taskset -p 1 $$ >/dev/null; taskset -p 2 $$ >/dev/null; done"),
    expect: /@moves\[.+, \d, \d\]: \d+/,
  },
  mmapsnoop: { work: () => sh("/bin/true; true"), expect: /^\d+ +true +\d+ +r-[x-] +file$/m },
  netpackets: { work: connect, expect: /@received_bytes\[lo\]: \d+[^]*@sent\[lo\]: \d+/ },
  offcputime: {
    params: ["-n", "sleep"],
    work: () => sh("sleep 0.2"),
    expect: /do_nanosleep\+\d+\n[^]*, sleep\]: 2\d{5}$/m,
  },
  oomkill: {
    work: runOutOfMemory,
    expect: /^\d\d:\d\d:\d\d \S+ +\d+ +\S+ +\d+ +\d{4,}$/m,
  },
  opensnoop: {
    params: ["-n", "cat"],
    work: () => sh("cat /etc/hostname /nonsense >/dev/null 2>&1 || true"),
    expect: /cat +3 +0 \/etc\/hostname\n(.*\n)*.*cat +-1 +2 \/nonsense$/m,
  },
  pagecache: { work: write, expect: /@added\[dd\]: \d+/ },
  pagefaults: { work: () => sh("/bin/true; true"), expect: /@faults\[true, user\]: \d+/ },
  runqlat: { work: () => sh("for i in 1 2 3; do /bin/true; done"), expect: /@usecs:\n[^]*\|@/ },
  rwbytes: {
    work: () => sh("head -c 70000 /dev/zero | cat >/dev/null"),
    expect: /@read_bytes\[cat\]: 7\d{4}[^]*@written_bytes\[cat\]: 70000/,
  },
  sigsnoop: {
    work: () => sh("sleep 5 & kill -TERM $!; wait $! || true"),
    expect: /Terminated +(sh|sleep) +\d+ +delivered/,
  },
  sleepers: { work: () => sh("sleep 0.125"), expect: /^\d+ +sleep +0\.125$/m },
  softirqs: { work: () => pause(300), expect: /@us\[\w+\]: \d+/ },
  statsnoop: {
    work: () => sh("stat /etc/hostname >/dev/null"),
    expect: /^\d+ +stat +\/etc\/hostname$/m,
  },
  syncsnoop: { work: write, expect: /^\d+ +dd +fsync +\d+$/m },
  syscount: {
    work: () => sh("sleep 1.2"),
    expect: /Top 10 system calls\n(@calls\[syscall:\w+:entry\]: \d+\n)+\nTop 10 processes\n/,
  },
  syserrors: {
    work: () => sh("cat /nonsense 2>/dev/null || true"),
    expect: /@\[cat, syscall:openat:return, No such file or directory\]: \d+/,
  },
  syslatency: {
    params: ["read"],
    work: () => sh("cat /etc/hostname >/dev/null"),
    expect: /@us\[cat\]:\n.*\|@/,
  },
  tcpaccept: { work: connect, expect: /^127\.0\.0\.1 +\d+ +\d+$/m },
  tcpconnect: { work: connect, expect: /^\d+ +\S+ +127\.0\.0\.1 +\d+ +\d+$/m },
  tcplife: { work: connect, expect: /^127\.0\.0\.1 +\d+ +127\.0\.0\.1 +\d+ +\d+$/m },
  tcpretrans: {
    work: retransmit,
    expect: /^\d\d:\d\d:\d\d 127\.0\.0\.1 +\d+ +127\.0\.0\.1 +\d+ +2$/m,
  },
  threadnames: { work: () => sh("/bin/true; true"), expect: /^\d+ +\d+ +sh +true$/m },
  workqueues: {
    work: async (folder) => {
      write(folder);
      await pause(1500);
    },
    expect: /@us\[\w+\]: \{ \.count = \d+, \.average = \d+, \.total = \d+ \}/,
  },
  argdist: {
    params: ["libc", "malloc", "0"],
    work: everyday("leak"),
    expect: /@values:\n[^]*\[1K, 2K\) +\d+ \|/,
  },
  bashreadline: {
    work: () =>
      sh("printf 'echo one two\\nexit\\n' | script -qec 'bash --norc -i' /dev/null >/dev/null"),
    expect: /^\d\d:\d\d:\d\d \d+ +0 +echo one two$/m,
  },
  bindsnoop: {
    work: everyday("bound"),
    expect: /^\d+ +everyday +Success +127\.0\.0\.1 +47114$/m,
  },
  biostacks: { work: write, expect: /@requests\[\n +\w+\+\d+\n[^]*\]: \d+/ },
  biotop: {
    work: async (folder) => {
      write(folder);
      await pause(1200);
    },
    expect: /^\d\d:\d\d:\d\d\n(?:@kbytes.*\n)*@kbytes\[\d+, [^\n]+, \w*W\w*\]: \d+/m,
  },
  bitesize: { work: write, expect: /@bytes\[\S+\]:\n.*\|@/ },
  capable: {
    params: ["-n", "chroot"],
    work: () => sh("chroot / /bin/true"),
    expect: /^\d\d:\d\d:\d\d 0 +\d+ +chroot +18 +Success$/m,
  },
  cpudist: { work: () => pause(200), expect: /@usecs:\n[^]*\|@/ },
  eperm: {
    work: everyday("user"),
    expect: /^\d\d:\d\d:\d\d 65534 +\d+ +everyday +Permission denied +syscall:openat:return$/m,
  },
  filelife: {
    work: everyday("files"),
    expect: /^\d\d:\d\d:\d\d \d+ +everyday +[3-9]\d+ everyday-file$/m,
  },
  fileslower: {
    params: ["-n", "everyday"],
    work: everyday("slow-read"),
    expect: /^\d\d:\d\d:\d\d \d+ +everyday +read +3 +1 +[45]\d\.\d{3}$/m,
  },
  funccount: {
    params: ["syscall:get*:entry"],
    work: everyday("random"),
    expect: /@\[syscall:getrandom:entry\]: \d+/,
  },
  funclatency: {
    params: ["libc", "getaddrinfo"],
    work: everyday("host"),
    expect: /@us\[getaddrinfo\]:\n.*\|@/,
  },
  futexctn: {
    params: ["-n", "everyday"],
    work: everyday("threads"),
    expect: /@us\[\d+, everyday, 0x\w+\]: \{ \.count = \d+, \.average = \d{4,}, /,
  },
  gethostlatency: {
    work: everyday("host"),
    expect: /^\d\d:\d\d:\d\d \d+ +everyday +\d+\.\d{3} localhost$/m,
  },
  hardirqs: { work: write, expect: /@us\[\S+\]: \d+/ },
  klockstat: {
    work: () =>
      sh("for i in 1 2 3 4 5 6 7 8; do (for j in 1 2 3 4 5; do /bin/true; done) & done; wait"),
    expect: /@ns\[\n +\w+\+\d+\n[^]*\]: \{ \.count = \d+/,
  },
  loads: {
    work: () => pause(1300),
    expect: /^\d\d:\d\d:\d\d \d+\.\d\d \d+\.\d\d \d+\.\d\d \d+\/\d+ \d+$/m,
  },
  memleak: {
    params: ["-n", "everyday", "-m", "1000"],
    work: everyday("leak"),
    expect: /@left\[\n +kept\+\d+\n[^]*\]: 12340$/m,
  },
  mountsnoop: {
    work: () => sh("unshare -m sh -c 'mount -t tmpfs everyday /mnt && umount /mnt'"),
    expect: /mount +Success +everyday -> \/mnt\n[^]*umount +Success +\/mnt/,
  },
  pidpersec: {
    work: async () => {
      sh("for i in 1 2 3; do /bin/true; done");
      await pause(1200);
    },
    expect: /^\d\d:\d\d:\d\d PIDs\/sec: [1-9]\d*$/m,
  },
  runqlen: { work: () => pause(300), expect: /@waiting:\n\[\d+\] +\d+ \|/ },
  runqslower: {
    params: ["-m", "1"],
    work: () => sh("for i in 1 2 3 4 5 6 7 8; do /bin/true & done; wait"),
    expect: /^\d\d:\d\d:\d\d \d+ +\S+ +\d+$/m,
  },
  setuids: {
    work: everyday("user"),
    expect: /^\d\d:\d\d:\d\d \d+ +everyday +0 +setuid +65534 +Success$/m,
  },
  shmsnoop: {
    work: everyday("shared-memory"),
    expect: /shmget +\d+ +key 0x0 size 4096 flags 0600\n.*shmat +0x\w+ +id \d+\n.*shmctl +0 /,
  },
  slabratetop: {
    work: () => pause(1300),
    expect: /^\d\d:\d\d:\d\d\n(@bytes\[[\w-]+\]: \d+\n){10}/m,
  },
  solisten: { work: everyday("bound"), expect: /^\d\d:\d\d:\d\d \d+ +everyday +3 +77 Success$/m },
  sslsniff: {
    params: ["-n", "openssl"],
    work: secured,
    expect: /openssl +write +\d+ GET \/ HTTP\/1\.0[^]*openssl +read +\d+ HTTP\/1\.0 200/,
  },
  stackcount: {
    params: ["tracepoint:sched:sched_process_fork"],
    work: () => sh("/bin/true; true"),
    expect: /@\[\n +\w+\+\d+\n[^]*, sh\]: \d+/,
  },
  tcpconnlat: { work: connect, expect: /@us:\n.*\|@/ },
  tcpdrop: {
    work: () => output("bash", ["-c", "exec 3<>/dev/udp/127.0.0.1/1; echo x >&3; echo y >&3"]),
    expect: /@drops\[\w+, \w+(\+\d+)?\]: \d+/,
  },
  tcprtt: { work: connect, expect: /@us:\n.*\|/ },
  tcpstates: {
    work: connect,
    expect: /127\.0\.0\.1 +\d+ +127\.0\.0\.1 +\d+ +2 -> 1 +\d+$/m,
  },
  tcptracer: {
    work: connect,
    expect: / connect 127\.0\.0\.1[^]* accept +127\.0\.0\.1[^]* close +127/,
  },
  threadsnoop: {
    params: ["-n", "everyday"],
    work: everyday("threads"),
    expect: /^\d\d:\d\d:\d\d \d+ +everyday +worker$/m,
  },
  trace: {
    params: ["-n", "everyday", "syscall:getrandom:entry"],
    work: everyday("random"),
    expect: /^\d\d:\d\d:\d\d\.\d{3} \d+ +\d+ +everyday +syscall:getrandom:entry$/m,
  },
  urandread: { work: everyday("random"), expect: /^\d\d:\d\d:\d\d \d+ +everyday +33$/m },
  wakeuptime: {
    params: ["-n", "sleep"],
    work: () => sh("sleep 0.2"),
    expect: /@us\[sleep, \n +\w+[^]*\]: 2\d{5}$/m,
  },
  writeback: { work: () => sh("sync"), expect: /^\d\d:\d\d:\d\d \S+ +\d+ +\d$/m },
};

const scripts = [...Deno.readDirSync(FOLDER)].map(({ name }) => name)
  .filter((name) => name.endsWith(".bt")).map((name) => name.slice(0, -3)).sort();

Deno.test("the collection has its cases, and the list has all scripts", () => {
  assert(scripts.length >= 75);
  assertEquals(TOOL_NAMES, scripts);
  assertEquals([...Object.keys(CASES), ...Object.keys(GUEST_CASES)].sort(), scripts);
});

Deno.test("every script says what it is for, what it prints, and has options of its own", async () => {
  for (const name of scripts) {
    const tool = (await packagedTool(name))!;
    assertMatch(
      tool.source.text,
      /^#!\/usr\/bin\/env btrace\n\/\/ \w+: .*\.\n\/\/\n\/\/ USAGE: btrace \w+ \[OPTIONS\]/,
      name,
    );
    assert(tool.summary !== "" && tool.example !== "", name);
    assert(tool.options.length > 0, name);
    for (const { letter, description } of tool.options) {
      assert(
        description.length > 5 && !COMMON_LETTERS.includes(letter ?? "?"),
        `${name} -${letter}`,
      );
    }
    for (const line of toolHelp(tool).split("\n")) {
      assert(line.length <= 80 || tool.example.includes(line.trim()), line);
    }
  }
});

kernelTest(
  "a tool is found by its name from anywhere, has help, and ends by itself",
  ["tracefs"],
  () => {
    const at = { cwd: "/" };
    const { stdout } = btrace(["opensnoop", "--help"], at);
    assertMatch(
      stdout,
      /^opensnoop: [^\n]+\n\nUSAGE:\n {4}btrace opensnoop \[OPTIONS\]\n\nOPTIONS:\n/,
    );
    assertMatch(stdout, /\n {4}-x, --failed +only opens that fail\n/);
    const failed = btrace(["opensnoop", "-x", "-c", "cat /nonsense /etc/hostname", "--json"], at);
    assertEquals(failed.code, 0, failed.stderr);
    assertMatch(failed.stdout, /"data": "\d+ +cat +-1 +2 \/nonsense\\n"/);
    assert(!failed.stdout.includes("/etc/hostname"));
    const started = performance.now();
    assertEquals(btrace(["syscount", "-d", "0.5"], at).code, 0);
    assert(performance.now() - started < 10_000);
    assertMatch(
      btrace(["--tools", "tcp"], at).stdout,
      /^tcpaccept +TCP connections [^]*\ntcptracer /m,
    );
    assertMatch(btrace(["-l", "tcplife"], at).stdout, /^tracepoint:sock:inet_sock_set_state$/m);
  },
);

Deno.test("a tool refuses options and parameters that it does not have", () => {
  const errors: Readonly<Record<string, RegExp>> = {
    "opensnoop -y": /unknown option -y/,
    "opensnoop cat": /opensnoop takes no cat/,
    "syslatency": /syslatency wants CALL/,
    "biosnoop -m fast": /--min wants a number: fast/,
    "opensnoop -d never": /--duration wants seconds, up to \d+: never/,
    "--tools nonsense": /no tool has 'nonsense'/,
  };
  for (const [args, expected] of Object.entries(errors)) {
    const { code, stdout, stderr } = btrace(args.split(" "));
    assertEquals([args, code, stdout], [args, 1, ""]);
    assertMatch(stderr, expected);
  }
});

for (const [name, { params = [], work, expect }] of Object.entries(CASES)) {
  kernelTest(`${name} prints something true`, ["tracefs", "gcc", "openssl", "script"], async () => {
    // The folder is below the checkout, so that it is on a disk if the checkout is; /tmp may be
    // memory.
    const folder = Deno.makeTempDirSync({ dir: ROOT, prefix: ".scripts_test_" });
    try {
      await using tracer = new RunningBtrace([name, ...params]);
      await tracer.attached();
      await work(folder);
      await pause(100);
      const { code, stdout, stderr } = await tracer.stop();
      assert(code === 0, stderr);
      assertMatch(stdout, expect, stderr);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  });
}
