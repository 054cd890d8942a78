// Pure: no I/O, no FFI.
// What the language has, explained: one entry for each builtin value, function and aggregation, and for each
// kind of probe. docs/language.md and `btrace --help NAME` are made of it. The type checker finds a name
// that has no entry; generated/update.ts runs the examples and keeps what they print.

import type { AggregationName } from "../model/aggregations.ts";
import type { BUILTINS } from "../model/builtins.ts";
import type { FUNCTIONS } from "../model/functions.ts";

/** What the reference says of one name. */
export interface Entry {
  /** How the name is written, and what type it gives: "strlen(text) → uint64". */
  readonly is: string;
  /** What the name does, in one to three sentences. */
  readonly text: string;
  /** A script that shows it; absent where no script runs on every machine. */
  readonly example?: string;
  /** Command that the example runs with (-c). */
  readonly command?: string;
  /** True if the example needs --unsafe. */
  readonly unsafe?: boolean;
  /** True if what the example prints differs from run to run. */
  readonly varies?: boolean;
  /** The only plane that has it; absent for both. */
  readonly only?: "kernel";
  /** Probes in which it can be used; absent for all. */
  readonly probes?: string;
  /** Oldest kernel that has it, or what else it needs; absent for Linux 5.15. */
  readonly needs?: string;
}

/** Builtin values, which are written without parentheses. */
export const BUILTIN_ENTRIES: Readonly<
  Record<Exclude<keyof typeof BUILTINS, "pid_init" | "tid_init">, Entry>
> = {
  pid: { is: "pid → uint32", text: "Id of the process.", example: "BEGIN { print(pid > 0); }" },
  tid: {
    is: "tid → uint32",
    text: "Id of the thread.",
    example: "syscall:exit_group:entry { print(tid == pid); }",
    command: "true",
  },
  uid: {
    is: "uid → uint64",
    text: "User id of the thread.",
    example: "BEGIN { print(uid); }",
    varies: true,
  },
  gid: {
    is: "gid → uint64",
    text: "Group id of the thread.",
    example: "BEGIN { print(gid); }",
    varies: true,
  },
  username: {
    is: "username → text",
    text: "Name of the thread's user, as /etc/passwd has it.",
    example: "BEGIN { print(username); }",
    varies: true,
  },
  cpu: { is: "cpu → uint64", text: "Number of the CPU.", example: "BEGIN { print(cpu < ncpus); }" },
  numaid: {
    is: "numaid → uint32",
    text: "Number of the CPU's NUMA node.",
    example: "BEGIN { print(numaid); }",
    varies: true,
  },
  cpid: {
    is: "cpid → uint64",
    text: "Id of the process that -c has started; without -c it cannot be used.",
    example: "syscall:exit_group:entry /pid == cpid/ { print(comm); }",
    command: "true",
  },
  has_cpid: {
    is: "has_cpid → bool",
    text: "True if btrace was started with -c.",
    example: "BEGIN { print(has_cpid); }",
  },
  nsecs: {
    is: "nsecs → uint64",
    text:
      "Nanoseconds since the machine has started, time in sleep included. As a function it takes another clock.",
    example: "BEGIN { $start = nsecs; print(nsecs - $start < 1000000000); }",
  },
  elapsed: {
    is: "elapsed → uint64",
    text: "Nanoseconds since the script has started.",
    example: "BEGIN { print(elapsed < 10000000000); }",
  },
  jiffies: {
    is: "jiffies → uint64",
    text: "The kernel's count of timer ticks.",
    example: "BEGIN { print(jiffies > 0); }",
    only: "kernel",
  },
  rand: {
    is: "rand → uint32",
    text: "A random number.",
    example: "BEGIN { print(rand); }",
    varies: true,
  },
  cgroup: {
    is: "cgroup → uint64",
    text: "Id of the thread's group in the second version of cgroups; cgroup_path() names it.",
    example: "BEGIN { print(cgroup > 0); }",
  },
  comm: {
    is: "comm → text of 16 bytes",
    text: "Name of the thread, at most 15 characters. As a function it takes the id of a thread.",
    example: "syscall:exit_group:entry { print(comm); }",
    command: "true",
  },
  probe: {
    is: "probe → text",
    text: "Full name of the probe that fired. A good key where a script has several.",
    example: "syscall:exit*:entry { @[probe] = count(); }",
    command: "true",
  },
  ctx: {
    is: "ctx → pointer",
    text: "What the kernel hands to the probe's program, for casts to the types of its headers.",
    probes: "those whose programs have a context",
  },
  curtask: {
    is: "curtask → struct task_struct *",
    text: "The kernel's structure of the thread.",
    example: "BEGIN { print(curtask->pid == tid); }",
    only: "kernel",
    needs: "BTF of the kernel",
  },
  func: {
    is: "func → text",
    text: "Name of the function that the probe is in.",
    probes: "kprobe, kretprobe, fentry, fexit, uprobe, uretprobe",
  },
  container: {
    is: "container → text",
    text:
      "Container of the thread, by the path of its cgroup: the first 12 digits of the id, or the " +
      "name; empty outside of containers. Named when it is printed, so that predicates compare `cgroup`.",
    example: "BEGIN { print(container); }",
    varies: true,
  },
  pod: {
    is: "pod → text",
    text:
      "UID of the thread's pod of Kubernetes, by the path of its cgroup; empty outside of pods.",
    example: "BEGIN { print(pod); }",
    varies: true,
  },
  ppid: {
    is: "ppid → uint32",
    text: "Id of the parent process.",
    example: "syscall:exit_group:entry { print(ppid > 0); }",
    command: "true",
  },
  leader_tid: {
    is: "leader_tid → int32",
    text: "Id of the process's first thread.",
    example: "BEGIN { print(leader_tid == pid); }",
  },
  pcomm: {
    is: "pcomm → text",
    text: "Name of the parent process.",
    example: "syscall:exit_group:entry { print(pcomm); }",
    command: "sh -c 'true & wait'",
    varies: true,
  },
  leader_comm: {
    is: "leader_comm → text",
    text: "Name of the process's first thread.",
    example: "syscall:exit_group:entry { print(leader_comm); }",
    command: "true",
  },
  args: {
    is: "args → structure",
    text:
      "Arguments of the probe by their names: args.filename; `btrace -lv PROBE` lists them. Alone, all of them.",
    example: 'syscall:openat:entry /str(args.filename) == "/etc/hostname"/ { print(args.flags); }',
    command: "cat /etc/hostname",
    probes: "those with arguments",
  },
  retval: {
    is: "retval → the probe's type of result",
    text: "What the call or the function returned.",
    example: "syscall:write:return { print(retval); }",
    command: "echo abc",
    probes: "syscall:…:return, kretprobe, fexit, uretprobe",
  },
  ncpus: {
    is: "ncpus → uint64",
    text: "Number of CPUs that the machine can have.",
    example: "BEGIN { print(ncpus > 0); }",
  },
  probetype: {
    is: "probetype → text",
    text: "Kind of the probe, a constant: macros use it to fit different probes.",
    example: "BEGIN { print(probetype); }",
  },
  usermode: {
    is: "usermode → uint64",
    text: "1 if the sample was taken in user code, 0 in the kernel.",
    example: "profile:hz:99 { @[usermode] = count(); } interval:ms:200 { exit(); }",
    probes: "profile, software, hardware",
    only: "kernel",
    varies: true,
  },
  config: {
    is: "config → record",
    text: "The settings of the script, by name; a constant.",
    example: "BEGIN { print(config.max_map_keys); }",
  },
};

/** Functions, but for the aggregations. */
export const FUNCTION_ENTRIES: Readonly<Record<keyof typeof FUNCTIONS, Entry>> = {
  printf: {
    is: "printf(format, …)",
    text:
      "Prints values by a format, as in C: %d %u %x %c %p %s, %r for bytes, with widths. %s takes whatever has a text: addresses, stacks, users.",
    example: 'BEGIN { printf("%-6s|%5d|%#x\\n", "ab", -7, 255); }',
  },
  print: {
    is: "print(value), print(@map[, top[, divisor]])",
    text:
      "Prints a value in the way of its type, or a map: the `top` largest values, divided by `divisor`.",
    example:
      'BEGIN { @[1] = 10; @[2] = 30; @[3] = 20; print(@, 2, 10); clear(@); print((1, "b")); }',
  },
  errorf: {
    is: "errorf(format, …)",
    text: "Prints an error with the place in the script. In a test it makes the test fail.",
    example: 'BEGIN { errorf("no %s", "luck"); }',
  },
  warnf: {
    is: "warnf(format, …)",
    text: "Prints a warning with the place in the script.",
    example: 'BEGIN { warnf("only %d left", 3); }',
  },
  debugf: {
    is: "debugf(format, …)",
    text: "Writes to the kernel's trace_pipe, for all to read; at most three values.",
    only: "kernel",
  },
  fail: {
    is: "fail(format, …)",
    text:
      "An error of the compiler, if the place is reached by what it knows before the script runs.",
    example: 'BEGIN { if comptime (sizeof(uint32) != 4) { fail("odd"); } print("fine"); }',
  },
  assert: {
    is: "assert(condition[, message])",
    text: "Prints an error and ends the script where the condition does not hold.",
    example: 'BEGIN { assert(1 + 1 == 2, "arithmetic"); print("fine"); }',
  },
  static_assert: {
    is: "static_assert(condition[, message])",
    text: "An error of the compiler if a constant condition does not hold.",
    example: 'BEGIN { static_assert(sizeof(uint64) == 8, "size"); print("fine"); }',
  },
  exit: {
    is: "exit([code])",
    text:
      "Ends the script: END runs, maps are printed. The code, 0 to 255, is btrace's exit status.",
    example: 'BEGIN { print("first"); exit(); } END { print("last"); }',
  },
  cat: {
    is: "cat(format, …)",
    text: "Prints a file, at most max_cat_bytes of it.",
    example: 'BEGIN { cat("/proc/sys/kernel/ostype"); }',
  },
  system: {
    is: "system(format, …)",
    text:
      "Runs a command by the shell and prints what it prints. Text of traced programs in it is a command of theirs: quote it, or do without. Needs --unsafe.",
    example: 'BEGIN { system("echo %d", 6 * 7); }',
    unsafe: true,
  },
  join: {
    is: "join(char *argv[][, separator])",
    text: "Prints a list of strings, as that of an execve, with a space between them.",
    example: "tracepoint:syscalls:sys_enter_execve { join(args.argv); }",
    command: "sh -c 'exec /bin/echo a b'",
    varies: true,
  },
  time: {
    is: "time([format])",
    text: 'Prints the time of day, by a format of strftime(3); "%H:%M:%S\\n" without one.',
    example: 'BEGIN { time("%Y\\n"); }',
    varies: true,
  },
  strftime: {
    is: "strftime(format, nanoseconds) → text",
    text: "Text of a time: of nsecs, and of what nsecs() gave for a clock.",
    example: 'BEGIN { print(strftime("%Y", nsecs)); }',
    varies: true,
  },
  str: {
    is: "str(address[, length]) → text",
    text:
      "Text at an address, up to its NUL, at most max_strlen bytes. Also the text of a positional parameter.",
    example:
      'syscall:openat:entry /str(args.filename) == "/etc/hostname"/ { print(str(args.filename, 5)); }',
    command: "cat /etc/hostname",
  },
  buf: {
    is: "buf(address[, length]) → bytes",
    text: "Bytes at an address, or of a text or an array. printf shows them by %r, %rx and %rh.",
    example: 'BEGIN { printf("%r %rh\\n", buf("a\\x01", 2), buf("a\\x01", 2)); }',
  },
  path: {
    is: "path(struct path *[, length]) → text",
    text: "Path of a file of the kernel. Not there yet.",
  },
  ksym: {
    is: "ksym(address) → text",
    text: "Name of the kernel's function or variable at an address.",
    example: 'BEGIN { print(ksym(kaddr("_stext"))); }',
    varies: true,
    only: "kernel",
  },
  usym: {
    is: "usym(address) → text",
    text: "Name of the function of the process at an address.",
    probes: "those in programs",
  },
  kaddr: {
    is: "kaddr(name) → uint64",
    text: "Address of a function or variable of the kernel, by /proc/kallsyms.",
    example: 'BEGIN { print(kaddr("_stext") > 0); }',
    only: "kernel",
  },
  uaddr: {
    is: "uaddr(name) → pointer",
    text: "Address of a variable or function of the traced program: of a uprobe's, or of -p's.",
    probes: "uprobe, uretprobe, usdt; all with -p",
  },
  percpu_kaddr: {
    is: "percpu_kaddr(name[, cpu]) → pointer",
    text: "Address of a variable that each CPU has. Not there yet.",
  },
  kptr: {
    is: "kptr(address) → pointer",
    text: "Says that an address is one of the kernel's memory.",
    example: "BEGIN { print(kptr(curtask) == curtask); }",
    only: "kernel",
  },
  uptr: {
    is: "uptr(address) → pointer",
    text: "Says that an address is one of the process's memory.",
    example: 'syscall:openat:entry /str(uptr(arg1)) == "/etc/hostname"/ { print("opened"); }',
    command: "cat /etc/hostname",
  },
  reg: {
    is: "reg(name) → uint64",
    text: 'A register of the CPU, by its name on this machine: reg("ip"), reg("sp").',
    probes: "kprobe, uprobe, profile and others with registers",
  },
  kstack: {
    is: "kstack([mode][, frames]) → stack",
    text:
      "The kernel's stack: printed with a line for each function, equal stacks are equal keys. Modes: bpftrace, perf, raw, build_id.",
    example: "syscall:exit_group:entry { print(kstack(1)); }",
    command: "true",
    varies: true,
    only: "kernel",
  },
  ustack: {
    is: "ustack([mode][, frames]) → stack",
    text: "The program's stack, by frame pointers, with names of its functions.",
    example: "syscall:exit_group:entry { print(ustack(1)); }",
    command: "true",
    varies: true,
  },
  dw_ustack: {
    is: "dw_ustack([mode][, frames]) → stack",
    text: "A stack by debug information. Refused: ustack walks frame pointers.",
  },
  ntop: {
    is: "ntop([family,] address) → text",
    text: "Text of an IPv4 address (4 bytes or a number) or an IPv6 address (16 bytes).",
    example: "BEGIN { print(ntop(0x0100007f)); }",
  },
  pton: {
    is: "pton(text) → bytes",
    text: "Bytes of an address of the internet that is written in the script.",
    example: 'BEGIN { print(ntop(pton("10.0.0.1"))); }',
  },
  macaddr: {
    is: "macaddr(bytes) → text",
    text: "Text of six bytes as an address of a network card.",
    example: 'BEGIN { print(macaddr(buf("abcdef", 6))); }',
  },
  cgroupid: {
    is: "cgroupid(path) → uint64",
    text: "Id of a group by its path, to compare `cgroup` with.",
    example: 'BEGIN { print(cgroupid("/sys/fs/cgroup") > 0); }',
  },
  cgroup_path: {
    is: "cgroup_path(id[, filter]) → text",
    text: "Paths of a group by its id.",
    example: "BEGIN { print(cgroup_path(cgroup)); }",
    varies: true,
  },
  bswap: {
    is: "bswap(integer) → integer",
    text: "The bytes in the other order, for numbers of networks.",
    example: 'BEGIN { printf("%x\\n", bswap((uint16)0x1234)); }',
  },
  strncmp: {
    is: "strncmp(text, text, length) → int64",
    text: "0 if the texts agree in their first bytes.",
    example: 'BEGIN { print(strncmp("abc", "abd", 2)); }',
  },
  strlen: {
    is: "strlen(text) → uint64",
    text: "Number of bytes of a text.",
    example: 'BEGIN { print(strlen("hello")); }',
  },
  strcap: {
    is: "strcap(text) → uint64",
    text: "Number of bytes that a text may have.",
    example: 'BEGIN { print(strcap("hello")); }',
  },
  strstr: {
    is: "strstr(text, part) → int64",
    text: "Where the part begins in the text; -1 if it is not there.",
    example: 'BEGIN { print(strstr("hello", "ll")); print(strstr("hello", "x")); }',
  },
  strcontains: {
    is: "strcontains(text, part) → bool",
    text: "True if the part is in the text.",
    example: 'BEGIN { print(strcontains("hello", "ell")); }',
  },
  str_concat: {
    is: "str_concat(text, text) → text",
    text: "Both texts, one behind the other; + does the same.",
    example: 'BEGIN { print(str_concat("ab", "cd")); }',
  },
  strerror: {
    is: "strerror(number) → text",
    text: "What an errno means.",
    example: "BEGIN { print(strerror(2)); }",
  },
  signal_name: {
    is: "signal_name(number) → text",
    text: "What a signal means.",
    example: "BEGIN { print(signal_name(9)); }",
  },
  syscall_name: {
    is: "syscall_name(number) → text",
    text: "Name of a system call by its number on this machine.",
    example: "tracepoint:raw_syscalls:sys_enter { @[syscall_name(args.id)] = count(); }",
    command: "true",
    varies: true,
  },
  memcmp: {
    is: "memcmp(left, right, length) → int64",
    text: "0 if the values agree in their first bytes.",
    example: 'BEGIN { print(memcmp("ab", "ab", 2)); }',
  },
  signal: {
    is: "signal(number or name)",
    text: "Sends a signal to the process. Needs --unsafe.",
    example: 'syscall:write:entry { signal("KILL"); }',
    command: "echo never",
    unsafe: true,
    varies: true,
  },
  signal_thread: {
    is: "signal_thread(number or name)",
    text: "Sends a signal to the thread. Needs --unsafe.",
  },
  override: {
    is: "override(value)",
    text: "Makes a function return a value at once. Not there yet.",
  },
  write_user: {
    is: "write_user(address, value, length)",
    text: "Writes into the memory of the process. Needs --unsafe.",
  },
  skboutput: {
    is: "skboutput(file, packet, length, offset) → int32",
    text: "Writes a packet of the network into a file for tcpdump and wireshark.",
    only: "kernel",
  },
  socket_cookie: {
    is: "socket_cookie(struct sock *) → uint64",
    text: "The number that the kernel gives to a socket.",
    only: "kernel",
  },
  unwatch: { is: "unwatch(address)", text: "Ends a watchpoint. Not there yet." },
  len: {
    is: "len(@map), len(stack) → int64",
    text: "Number of entries of a map, or of frames of a stack.",
    example: "BEGIN { @[1] = 1; @[2] = 1; print(len(@)); clear(@); }",
  },
  has_key: {
    is: "has_key(@map, key) → bool",
    text: "True if the map has a value under the key. A tuple is several keys.",
    example: 'BEGIN { @["a"] = 0; print(has_key(@, "a")); print(has_key(@, "b")); clear(@); }',
  },
  find: {
    is: "find(@map, key, $value) → bool",
    text: "Looks a value up and stores it in a variable; false if there is none.",
  },
  delete: {
    is: "delete(@map[, key])",
    text: "Removes an entry; of a map without keys, its value. delete(@[key]) is the older form.",
    example: "BEGIN { @[1] = 1; @[2] = 2; delete(@, 1); }",
  },
  clear: {
    is: "clear(@map)",
    text:
      "Removes all entries. btrace does it when it reads what the script has put out, as with print(), so the script may see the entries a while longer.",
    example: 'BEGIN { @[1] = 1; clear(@); print("cleared"); }',
  },
  zero: {
    is: "zero(@map)",
    text: "Makes all values zero and keeps the keys.",
    example: "BEGIN { @[1] = 5; zero(@); }",
  },
  sizeof: {
    is: "sizeof(type or value) → uint64",
    text: "Size in bytes as C has it.",
    example: "BEGIN { print(sizeof(uint32)); print(sizeof((int8)1)); }",
  },
  offsetof: {
    is: "offsetof(type, member) → uint64",
    text: "Where a member begins in a structure.",
    example:
      "struct pair { int first; int second; } BEGIN { print(offsetof(struct pair, second)); }",
  },
  typeinfo: {
    is: "typeinfo(value) → record",
    text: "What the compiler knows of a type. Needs the setting unstable_typeinfo=enable.",
    example: "config = { unstable_typeinfo=enable } BEGIN { print(typeinfo((int8)1)); }",
  },
  container_of: {
    is: "container_of(address, type, member) → pointer",
    text: "Address of the structure whose member is at the address.",
    example: "BEGIN { print(container_of(&curtask->pid, struct task_struct, pid) == curtask); }",
    only: "kernel",
  },
  is_ptr: {
    is: "is_ptr(value) → bool",
    text: "True for a pointer; a constant, for macros.",
    example: "BEGIN { print(is_ptr(1)); }",
  },
  is_array: {
    is: "is_array(value) → bool",
    text: "True for an array; a constant, for macros.",
    example: "BEGIN { print(is_array(1)); }",
  },
  is_str: {
    is: "is_str(value) → bool",
    text: "True for a text; a constant, for macros.",
    example: 'BEGIN { print(is_str("a")); }',
  },
  is_integer: {
    is: "is_integer(value) → bool",
    text: "True for an integer; a constant, for macros.",
    example: "BEGIN { print(is_integer(1)); }",
  },
  is_unsigned_integer: {
    is: "is_unsigned_integer(value) → bool",
    text: "True for an integer without a sign; a constant, for macros.",
    example: "BEGIN { print(is_unsigned_integer((uint8)1)); }",
  },
  is_literal: {
    is: "is_literal(value) → bool",
    text: "True for what is written out; a constant, for macros.",
    example: "BEGIN { print(is_literal(1)); }",
  },
  is_err: {
    is: "is_err(pointer) → bool",
    text: "True for a pointer of the kernel that is an error number.",
    example: "BEGIN { print(is_err((void *)-2)); }",
  },
  kfunc_exist: {
    is: "kfunc_exist(name) → bool",
    text: "True if the kernel has a function of that name for programs; a constant.",
    example: 'BEGIN { print(kfunc_exist("no_such_function")); }',
  },
  kfunc_allowed: {
    is: "kfunc_allowed(name) → bool",
    text: "True if the probe's program may call the function; a constant.",
    example: 'BEGIN { print(kfunc_allowed("no_such_function")); }',
  },
  getopt: {
    is: "getopt(name[, default[, description]]) → text, number or bool",
    text: "A parameter of the script by its name: btrace script.bt -- --NAME=VALUE.",
    example: 'BEGIN { print(getopt("limit", 10, "most lines")); }',
  },
  nsecs: {
    is: "nsecs([clock]) → uint64",
    text: "Nanoseconds of a clock: boot, monotonic, tai or sw_tai.",
    example: "BEGIN { print(nsecs(monotonic) <= nsecs(boot)); }",
  },
  pid: {
    is: "pid([namespace]) → uint32",
    text: "Id of the process: curr_ns as btrace sees it, init as the machine does.",
    example: "BEGIN { print(pid(curr_ns) == pid); }",
  },
  tid: {
    is: "tid([namespace]) → uint32",
    text: "Id of the thread: curr_ns as btrace sees it, init as the machine does.",
    example: "BEGIN { print(tid(curr_ns) == tid); }",
  },
  comm: {
    is: "comm([thread]) → text",
    text: "Name of a thread; without an argument the one that fired the probe.",
    example: "syscall:exit_group:entry { print(comm()); }",
    command: "true",
  },
};

/** Aggregations, on the right of `@map =`. */
export const AGGREGATION_ENTRIES: Readonly<Record<AggregationName, Entry>> = {
  count: {
    is: "@ = count()",
    text: "Counts how often it was reached.",
    example: "BEGIN { @ = count(); @ = count(); }",
  },
  sum: {
    is: "@ = sum(number)",
    text: "Adds the numbers up.",
    example: "BEGIN { @ = sum(2); @ = sum(40); }",
  },
  min: {
    is: "@ = min(number)",
    text: "Keeps the least number.",
    example: "BEGIN { @ = min(7); @ = min(-3); }",
  },
  max: {
    is: "@ = max(number)",
    text: "Keeps the greatest number.",
    example: "BEGIN { @ = max(7); @ = max(-3); }",
  },
  avg: {
    is: "@ = avg(number)",
    text: "The mean of the numbers.",
    example: "BEGIN { @ = avg(10); @ = avg(21); }",
  },
  stats: {
    is: "@ = stats(number)",
    text: "Count, mean and sum of the numbers.",
    example: "BEGIN { @ = stats(10); @ = stats(20); }",
  },
  hist: {
    is: "@ = hist(number[, bits])",
    text: "A histogram whose buckets double in width; bits (0 to 5) divide each into 2^bits.",
    example: "BEGIN { @ = hist(3); @ = hist(3); @ = hist(100); }",
  },
  lhist: {
    is: "@ = lhist(number, min, max, step)",
    text: "A histogram whose buckets have the same width.",
    example:
      "BEGIN { @ = lhist(12, 0, 30, 10); @ = lhist(25, 0, 30, 10); @ = lhist(99, 0, 30, 10); }",
  },
  tseries: {
    is: "@ = tseries(number, interval, count[, aggregation])",
    text:
      'Numbers over time: a value for each of the last `count` intervals, the last one or "avg", "max", "min", "sum".',
    example: 'BEGIN { @ = tseries(5, 1s, 3, "sum"); }',
    varies: true,
  },
};

/** Kinds of probes, by the first word of their names. */
export const PROBE_ENTRIES: Readonly<Record<string, Entry>> = {
  BEGIN: {
    is: "BEGIN",
    text: "Fires once, before all other probes.",
    example: 'BEGIN { print("hello"); }',
  },
  END: {
    is: "END",
    text: "Fires once, when nothing else fires any more.",
    example: 'BEGIN { exit(); } END { print("bye"); }',
  },
  syscall: {
    is: "syscall:NAME:entry, syscall:NAME:return",
    text:
      "A system call as it begins, with args, or as it ends, with retval. NAME is the kernel's: newfstat, not fstat. The cheapest way to see calls; all of a script are one program.",
    example: "syscall:openat:return /retval < 0/ { @[strerror(retval)] = count(); }",
    command: "cat /no/such",
    varies: true,
  },
  tracepoint: {
    is: "tracepoint:SUBSYSTEM:EVENT (t:)",
    text:
      "An event that the kernel declares, with named args and a stable meaning. `btrace -l 'tracepoint:sched:*'` lists them; on the user plane there are syscalls and raw_syscalls.",
    example: "tracepoint:syscalls:sys_enter_exit_group { print(args.error_code); }",
    command: "sh -c 'exit 3'",
  },
  rawtracepoint: {
    is: "rawtracepoint:EVENT (rt:)",
    text:
      "The same events with what the kernel hands over, before it is made into fields: cheaper, and less stable.",
    only: "kernel",
    example: "rawtracepoint:sys_enter { @ = count(); }",
    command: "true",
    varies: true,
  },
  kprobe: {
    is: "kprobe:[MODULE:]FUNCTION[+OFFSET] (k:), kretprobe:… (kr:)",
    text:
      "A function of the kernel as it is called (arg0 to arg9), or returns (retval). Where a kernel has no kprobes, fentry serves.",
    only: "kernel",
    needs: "kprobes or BPF trampolines of the kernel",
  },
  kretprobe: {
    is: "kretprobe:[MODULE:]FUNCTION (kr:)",
    text: "A function of the kernel as it returns, with retval. See kprobe.",
    only: "kernel",
    needs: "kprobes or BPF trampolines of the kernel",
  },
  fentry: {
    is: "fentry:[MODULE:]FUNCTION (f:, kfunc:)",
    text:
      "A function of the kernel as it is called, with args by name and type from BTF; cheaper than kprobe.",
    only: "kernel",
    needs: "BPF trampolines (x86-64: 5.5, arm64: 6.0) and BTF",
  },
  fexit: {
    is: "fexit:[MODULE:]FUNCTION (fr:, kretfunc:)",
    text: "A function of the kernel as it returns, with args and retval.",
    only: "kernel",
    needs: "BPF trampolines and BTF",
  },
  uprobe: {
    is: "uprobe:FILE:FUNCTION[+OFFSET] (u:)",
    text:
      "A function of a program or library as it is called, by its name in the file's symbols; with debug information args by name. FILE is a path, a name (libc, bash) or empty for the traced process.",
    only: "kernel",
    example: "uprobe:libc:malloc { @calls = count(); }",
    command: "ls -d /",
    varies: true,
  },
  uretprobe: {
    is: "uretprobe:FILE:FUNCTION (ur:)",
    text: "A function of a program as it returns, with retval.",
    only: "kernel",
  },
  usdt: {
    is: "usdt:FILE:[PROVIDER:]NAME (U:)",
    text:
      "A probe that a program's authors have put into it, with arg0 to arg11. `btrace -l 'usdt:/usr/bin/python3:*'` lists them.",
    only: "kernel",
  },
  static: {
    is: "static:NAMESPACE:NAME",
    text:
      "A tracepoint that a TypeScript program declares by providers/static; -p names the program.",
  },
  interval: {
    is: "interval:UNIT:NUMBER (i:)",
    text:
      "A clock on one CPU: interval:s:1, interval:ms:10, interval:hz:100. For output at intervals.",
    example: "interval:ms:10 { @ = count(); } interval:ms:100 { exit(); }",
    varies: true,
  },
  profile: {
    is: "profile:UNIT:NUMBER (p:)",
    text: "A clock on each CPU, for samples of what runs: stacks, names, pids.",
    example: "profile:hz:99 { @[comm] = count(); } interval:ms:200 { exit(); }",
    only: "kernel",
    varies: true,
  },
  software: {
    is: "software:EVENT:COUNT (s:)",
    text:
      "An event that the kernel counts, each COUNTth time: faults, context-switches, cpu-migrations, …",
    example: "software:page-faults:1 { @[comm] = count(); }",
    command: "true",
    varies: true,
  },
  hardware: {
    is: "hardware:EVENT:COUNT (h:)",
    text:
      "An event that the CPU counts, each COUNTth time: cache-misses, instructions, …; not in most virtual machines.",
  },
  watchpoint: {
    is: "watchpoint:ADDRESS:LENGTH:MODE (w:)",
    text: "Memory that is read (r), written (w) or executed (x), by the CPU's own breakpoints.",
    only: "kernel",
  },
  iter: {
    is: "iter:task, iter:task_file, … (it:)",
    text: "Fires for each object that the kernel has at the moment, then the script ends.",
    only: "kernel",
    example: "iter:task { @ = count(); }",
    varies: true,
    needs: "Linux 5.8 and BTF",
  },
  proc: {
    is: "proc:process:fork, :exec, :exit, :abort; proc:thread:…",
    text: "Births, programs, and ends of processes and threads, with the status and the arguments.",
    example: 'proc:process:exit { printf("%s %d\\n", comm, args.code); }',
    command: "sh -c 'exit 3'",
  },
  self: {
    is: "self:signal:SIGUSR1",
    text: "Fires when btrace gets the signal: for output on demand.",
  },
  test: {
    is: "test:NAME",
    text: "A test of the script, which --test runs: errorf() and assert() make it fail.",
  },
  bench: { is: "bench:NAME", text: "A benchmark, which --bench runs until its time is known." },
};
