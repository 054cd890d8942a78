// The kernel's own headers, compared with gcc. Debian's linux-headers packages are unpacked, not
// installed:
//
//   KERNEL_HEADERS=/cache/usr/src deno test -A tests/ctypes/kernel_headers_test.ts

import { readIfThere } from "../../core/sys/input_file.ts";
import { assertEquals } from "@std/assert";
import { HeaderFiles } from "../../language/ctypes/header_files.ts";
import { compareHeaders } from "./compare_headers.ts";
import { hasGcc } from "./gcc_oracle.ts";

const PLACE = Deno.env.get("KERNEL_HEADERS");

const HEADERS = [
  ...["types", "list", "sched", "fs", "mm_types", "mm", "dcache", "path", "cred", "pid", "signal"],
  ...["skbuff", "netdevice", "socket", "net", "in", "in6", "tcp", "udp", "ip", "ipv6", "if_ether"],
  ...["blkdev", "bio", "blk_types", "blk-mq", "uio", "file", "fdtable", "kobject", "device"],
  ...["module", "workqueue", "timer", "hrtimer", "wait", "mutex", "spinlock", "rwsem", "rbtree"],
  ...["cgroup-defs", "bpf", "perf_event", "tracepoint", "ftrace", "nsproxy", "mount", "utsname"],
  ...["pci", "usb", "interrupt", "irq", "percpu", "slab", "vmalloc", "swap", "page-flags"],
].map((name) => `linux/${name}.h`);

function folders(place: string): { source: string; build: string } {
  const names = [...Deno.readDirSync(place)].map(({ name }) => name);
  const find = (pattern: RegExp) => `${place}/${names.find((name) => pattern.test(name))}`;
  return { source: find(/-common$/), build: find(/-amd64$/) };
}

if (PLACE !== undefined) {
  Deno.test({
    name: "the kernel's headers mean what gcc says",
    ignore: !hasGcc() || Deno.build.arch !== "x86_64",
    async fn() {
      const { source, build } = folders(PLACE!);
      const files = new HeaderFiles({
        read: (path) => readIfThere(path, 16 << 20),
        script: ".",
        given: [],
        kernelSource: source,
        kernelBuild: build,
        kernelRelease: "none",
        architecture: "x86_64",
      });
      const places = [
        ...[
          `${source}/arch/x86/include`,
          `${build}/arch/x86/include/generated`,
          `${source}/include`,
        ],
        ...[`${build}/include`, `${source}/arch/x86/include/uapi`],
        ...[`${build}/arch/x86/include/generated/uapi`, `${source}/include/uapi`],
        `${build}/include/generated/uapi`,
      ];
      const { differences, compared, questions } = await compareHeaders(HEADERS, {
        files,
        flags: [
          ...["-nostdinc", ...places.flatMap((path) => ["-I", path]), "-std=gnu11", "-D__KERNEL__"],
          ...['-DKBUILD_MODNAME="dt"', "-include", "linux/kconfig.h"],
          ...["-include", "linux/compiler_types.h", "-fno-strict-aliasing", "-fshort-wchar"],
          ...["-mcmodel=kernel", "-fno-pie", "-mno-sse", "-DCC_USING_FENTRY", "-O2"],
        ],
        before: "",
      });
      console.log(`${compared} headers, ${questions} numbers`);
      assertEquals(differences.slice(0, 40), []);
    },
  });
}
