// Runs every script of tools/scripts: the test makes something happen, and the script must report
// it.

import { assert, assertMatch } from "@std/assert";
import { kernelTest, output, ROOT, RunningBtrace } from "../helpers.ts";

const FOLDER = `${ROOT}tools/scripts/`;

interface Case {
  /** Positional parameters of the script. */
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
    params: ["sleep"],
    work: () => sh("sleep 0.2"),
    expect: /do_nanosleep\+\d+\n[^]*, sleep\]: 2\d{5}$/m,
  },
  oomkill: {
    work: runOutOfMemory,
    expect: /^\d\d:\d\d:\d\d \S+ +\d+ +\S+ +\d+ +\d{4,}$/m,
  },
  opensnoop: {
    params: ["cat"],
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
  signals: {
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
    params: ["1"],
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
};

const scripts = [...Deno.readDirSync(FOLDER)].map(({ name }) => name)
  .filter((name) => name.endsWith(".bt")).sort();

Deno.test("the collection has its cases", () => {
  assert(scripts.length >= 25);
  for (const name of scripts) assert(name.slice(0, -3) in CASES, name);
  for (const name of Object.keys(CASES)) assert(scripts.includes(`${name}.bt`), name);
});

Deno.test("every script says how it is used and what it prints", () => {
  for (const name of scripts) {
    const text = Deno.readTextFileSync(FOLDER + name);
    assertMatch(
      text,
      /^#!\/usr\/bin\/env btrace\n\/\/ \w+: .*\n(\/\/.*\n)*\/\/ USAGE: btrace \w+\.bt/,
      name,
    );
  }
});

for (const [name, { params = [], work, expect }] of Object.entries(CASES)) {
  kernelTest(`${name}.bt prints something true`, ["tracefs", "gcc"], async () => {
    // The folder is below the checkout, so that it is on a disk if the checkout is; /tmp may be
    // memory.
    const folder = Deno.makeTempDirSync({ dir: ROOT, prefix: ".scripts_test_" });
    try {
      await using tracer = new RunningBtrace([`${FOLDER}${name}.bt`, ...params]);
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
