// Every header of the system that gcc accepts alone: types, enumerators and macros have gcc's sizes,
// offsets and values.
//
//   HEADERS=linux/fs.h deno test -A tests/ctypes/system_headers_test.ts
//   ALL_HEADERS=1 deno test -A tests/ctypes/system_headers_test.ts

import { assertEquals } from "@std/assert";
import { hasGcc } from "./gcc_oracle.ts";
import { compareHeaders, headersOfPackage } from "./compare_headers.ts";

const PACKAGES = ["libc6-dev:amd64", "linux-libc-dev:amd64"];
/** Headers that the usual run compares: those that scripts include, and the difficult ones. */
const USUAL = [
  ...["errno.h", "fcntl.h", "signal.h", "sys/mman.h", "sys/types.h", "stddef.h", "stdarg.h"],
  ...["stdint.h", "stdbool.h", "limits.h", "float.h", "sys/stat.h", "sys/socket.h", "netinet/in.h"],
  ...["netinet/tcp.h", "stdio.h", "stdlib.h", "string.h", "time.h", "pthread.h", "unistd.h"],
  ...["math.h", "elf.h", "link.h", "ucontext.h", "sys/epoll.h", "linux/fs.h", "linux/bpf.h"],
  ...[
    "linux/perf_event.h",
    "linux/io_uring.h",
    "linux/tcp.h",
    "linux/if_ether.h",
    "linux/ptrace.h",
  ],
  ...["linux/videodev2.h", "linux/kvm.h", "drm/i915_drm.h", "rdma/ib_user_verbs.h"],
];

function chosen(): string[] {
  const given = Deno.env.get("HEADERS");
  if (given !== undefined) return given.split(",");
  return Deno.env.has("ALL_HEADERS") ? PACKAGES.flatMap(headersOfPackage) : USUAL;
}

Deno.test({
  name: "headers of the system mean what gcc says",
  ignore: !hasGcc() || Deno.build.arch !== "x86_64",
  async fn() {
    const { differences, compared, questions } = await compareHeaders(chosen());
    console.log(`${compared} headers, ${questions} numbers`);
    assertEquals(differences.slice(0, 40), []);
  },
});
