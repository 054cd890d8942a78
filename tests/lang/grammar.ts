// Makes random programs for fuzz_test.ts that are right by construction, or nearly so: they use
// every production of the language, variables that exist, and types that mostly fit.

/** Returns a random whole number from 0 to `limit` - 1. */
export type Random = (limit: number) => number;

const PROBES: readonly { probe: string; ints: readonly string[]; strings: readonly string[] }[] = [
  { probe: "BEGIN", ints: [], strings: [] },
  { probe: "END", ints: [], strings: [] },
  { probe: "interval:ms:100", ints: ['reg("ip")'], strings: [] },
  { probe: "profile:hz:7", ints: ["usermode"], strings: [] },
  {
    probe: "tracepoint:syscalls:sys_enter_openat",
    ints: ["args.dfd", "args.flags", "arg1"],
    strings: ["str(args.filename)", "str(arg1, 20)"],
  },
  {
    probe: "tracepoint:raw_syscalls:sys_enter",
    ints: ["args.id", "args.args[2]", "args.args[pid & 3]"],
    strings: [],
  },
  { probe: "syscall:read:return", ints: ["retval"], strings: [] },
  {
    probe: "tracepoint:sched:sched_switch",
    ints: ["args.prev_pid", "args.next_prio", "args.prev_state"],
    strings: ["args.prev_comm", "args.next_comm"],
  },
  {
    probe: "tracepoint:sched:sched_process_exec",
    ints: ["args.pid"],
    strings: ["args.filename", "str(args.filename)"],
  },
  {
    probe: "rawtracepoint:sched_switch",
    ints: ["args.prev.pid", "args.next.prio", "args.prev_state", "args.next.real_parent.tgid"],
    strings: ["args.prev.comm", "args.next.group_leader.comm"],
  },
  { probe: "rawtracepoint:sched_wakeup", ints: ["args.p.pid"], strings: ["args.p.comm"] },
];

/** Builtins that both planes have and whose values do not change from run to run. */
const STEADY = ["pid", "uid", "gid", "ncpus", "ppid"];

/** Makes one random program. */
export class ProgramGenerator {
  readonly #random: Random;
  #ints: string[] = [];
  #strings: string[] = [];
  #args = PROBES[0];
  #names = 0;
  #depth = 0;

  /** True if the program must print the same each time, on both planes. */
  readonly #steady: boolean;

  constructor(random: Random, options: { steady?: boolean } = {}) {
    this.#random = random;
    this.#steady = options.steady ?? false;
  }

  program(): string {
    const clauses = Array.from({ length: 1 + this.#random(3) }, () => this.#clause());
    const head = "struct pair { int a; short b; unsigned c:3; unsigned d:5; char e[6]; };\n" +
      "macro twice(e) { e + e } macro bump(@m, $v) { @m[$v]++; $v += 1; }\n" +
      "fn half($n : int64) : int64 { if ($n < 2) { return 0; } return $n / 2; }\n" +
      'fn name($s : string[32]) : string[40] { return str_concat("<", $s); }\n';
    const values =
      'BEGIN { @i = 1; @ki[1] = 1; @ks["x"] = 1; @kt[1, "x"] = (1, "a"); @c = count(); @one[7] = 8; }\n';
    return head + values + clauses.join("\n");
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#random(items.length)];
  }

  /**
   * Picks an item: from `changing` where output may differ between runs or planes, from `steady`
   * where it must not.
   */
  #pickIf(changing: readonly string[], steady: readonly string[]): string {
    return this.#pick(this.#steady ? steady : changing);
  }

  #clause(): string {
    this.#args = this.#pick(this.#steady ? PROBES.slice(0, 2) : PROBES);
    this.#ints = [];
    this.#strings = [];
    this.#depth = 0;
    const predicate = this.#random(3) === 0 ? ` /${this.#condition()}/` : "";
    return `${this.#args.probe}${predicate} ${this.#block(2 + this.#random(5))}`;
  }

  #block(statements: number): string {
    const [ints, strings] = [[...this.#ints], [...this.#strings]];
    this.#depth++;
    const body = Array.from({ length: statements }, () => `  ${this.#statement()}\n`).join("");
    this.#depth--;
    [this.#ints, this.#strings] = [ints, strings];
    return `{\n${body}}`;
  }

  #inner(): string {
    return this.#block(1 + this.#random(2));
  }

  #statement(): string {
    const deep = this.#depth > 3;
    const name = () => `$v${this.#names++}`;
    switch (this.#random(deep ? 14 : 22)) {
      case 0: {
        const value = this.#int();
        const variable = name();
        this.#ints.push(variable);
        return `${this.#pick(["", "let "])}${variable} = ${value};`;
      }
      case 1: {
        const value = this.#string();
        const variable = name();
        this.#strings.push(variable);
        return `${variable} = ${value};`;
      }
      case 2:
        return `@i = ${this.#int()};`;
      case 3:
        return `@ki[${this.#int()}] ${this.#pick(["=", "+=", "-=", "|="])} ${this.#int()};`;
      case 4:
        return `@ks[${this.#string()}] = ${this.#int()};`;
      case 5:
        return `@kt[${this.#int()}, ${this.#string()}] = (${this.#int()}, ${this.#string()});`;
      case 6:
        return `@${this.#pick(["c = count()", `s[${this.#int()}] = sum(${this.#int()})`])};`;
      case 7: {
        const int = this.#int();
        return `@${
          this.#pick([
            `h[${this.#string()}] = hist(${int}, 2)`,
            `l = lhist(${int}, 0, 100, 10)`,
            `a[1] = avg(${int})`,
            `mn = min(${int})`,
            `mx[${this.#int()}] = max(${int})`,
            `st = stats(${int})`,
            this.#steady ? `mi2[1] = min(${int})` : `ts = tseries(${int}, 1s, 5, "max")`,
          ])
        };`;
      }
      case 8:
        return `printf("%d %ld %s %s %x\\n", ${this.#int()}, ${this.#int()}, ${this.#string()}, ${this.#any()}, ${this.#int()});`;
      case 9:
        return `print(${this.#any()});`;
      case 10:
        return this.#pick([
          `delete(@ki, ${this.#int()});`,
          `clear(@ks);`,
          "zero(@s);",
          "print(@ki, 5);",
          "print(@h);",
          `delete(@kt, (${this.#int()}, ${this.#string()}));`,
        ]);
      case 11:
        return this.#ints.length > 0
          ? `${this.#pick(this.#ints)}${this.#pick(["++", "--"])};`
          : "@i++;";
      case 12:
        return this.#pickIf(
          ["@k1 = kstack(3);", "@u1[ustack(perf, 2)] = count();", "@ki[1]++;"],
          ["@ki[1]++;", '@ks["x"]--;', "zero(@ki);"],
        );
      case 13:
        return `errorf("%s", ${this.#string()});`;
      case 14:
        return `if (${this.#condition()}) ${this.#inner()} else ${this.#inner()}`;
      case 15:
        return `for ($f${this.#names++} : 0..${this.#random(4)}) ${this.#inner()}`;
      case 16: {
        const variable = `$f${this.#names++}`;
        const body = this.#inner().slice(1);
        // The entries of a map come in no fixed order, so a steady program iterates over a map of
        // one entry.
        const map = this.#steady ? "@one" : "@ki";
        return `for (${variable} : ${map}) { print(${variable}.1 + ${variable}.0); ${body}`;
      }
      case 17: {
        const variable = name();
        return `${variable} = 0; while (${variable} < 3) { ${variable}++; ${
          this.#pick(["", "if (@i) { break; }", `if (${this.#condition()}) { continue; }`])
        } ${this.#inner().slice(1)}`;
      }
      case 18:
        return `unroll(2) ${this.#inner()}`;
      case 19:
        return this.#inner();
      case 20: {
        const variable = name();
        this.#ints.push(variable);
        return `${variable} = 5; bump(@ki, ${variable});`;
      }
      default:
        return this.#pick(["exit();", "return;", `if (${this.#condition()}) { return; }`]);
    }
  }

  #condition(): string {
    switch (this.#random(6)) {
      case 0:
        return `${this.#string()} ${this.#pick(["==", "!="])} ${this.#string()}`;
      case 1:
        return `strcontains(${this.#string()}, ${this.#string()})`;
      case 2:
        return `${this.#condition2()} ${this.#pick(["&&", "||"])} ${this.#condition2()}`;
      case 3:
        return `(${this.#int()}, ${this.#string()}) == (${this.#int()}, ${this.#string()})`;
      default:
        return this.#condition2();
    }
  }

  #condition2(): string {
    return `${this.#int()} ${this.#pick(["<", ">", "==", "!=", "<=", ">="])} ${this.#int()}`;
  }

  #int(): string {
    if (this.#depth > 5) return this.#pick(["1", "pid"]);
    this.#depth++;
    const text = this.#int1();
    this.#depth--;
    return text;
  }

  #int1(): string {
    switch (this.#random(20)) {
      case 0:
      case 1:
        return this.#pick([
          "0",
          "1",
          "-5",
          "255",
          "65536",
          "1e9",
          "0xffffffffffffffff",
          "1 << 40",
          "37",
          "-(1 << 62)",
        ]);
      case 2:
        return this.#pickIf(
          "pid tid uid gid cpu nsecs elapsed rand cgroup jiffies ncpus".split(" "),
          STEADY,
        );
      case 3:
      case 4:
        return this.#ints.length > 0 ? this.#pick(this.#ints) : "7";
      case 5:
        return this.#args.ints.length > 0 ? this.#pick(this.#args.ints) : "ncpus";
      case 6:
        return this.#pick(["@i", `@ki[${this.#int()}]`, `@ks[${this.#string()}]`]);
      case 7:
        return `@kt[${this.#int()}, ${this.#string()}].0`;
      case 8:
      case 9:
      case 10:
        return `(${this.#int()} ${
          this.#pick([..."+ - * / % & | ^ << >>".split(" ")])
        } ${this.#int()})`;
      case 11:
        return `${this.#pick(["-", "~"])}(${this.#int()})`;
      case 12:
        return `(${this.#pick(["uint8", "int16", "uint32", "int64", "bool"])})(${this.#int()})`;
      case 13:
        return `(${this.#condition()} ? ${this.#int()} : ${this.#int()})`;
      case 14:
        return this.#pick([
          `strlen(${this.#string()})`,
          `strstr(${this.#string()}, "a")`,
          `strncmp(${this.#string()}, ${this.#string()}, 3)`,
        ]);
      case 15:
        return this.#pickIf(
          ["curtask.pid", "curtask.real_parent.tgid", "curtask.exit_code", "ppid"],
          STEADY,
        );
      case 16:
        return this.#pick([
          `pton("10.1.2.3")[pid & ${this.#random(8)}]`,
          "len(@ki)",
          `(${this.#int()}, ${this.#int()}).1`,
          "(int64)@c",
          `has_key(@ki, ${this.#int()})`,
        ]);
      case 17:
        return this.#pick([`twice(${this.#int()})`, `half(${this.#int()})`]);
      case 18:
        return `{ @i++; ${this.#int()} }`;
      default:
        return this.#pick([
          "sizeof(struct pair)",
          "offsetof(struct pair, e)",
          this.#pickIf(["((struct pair *)curtask).d"], ["((struct pair *)5).d"]),
          this.#pickIf(["((struct pair *)nsecs).b"], ["((struct pair *)0).b"]),
          `memcmp(pton("1.2.3.4"), pton("1.2.3.5"), 4)`,
          `bswap((uint32)${this.#int()})`,
        ]);
    }
  }

  #string(): string {
    if (this.#depth > 5) return '"x"';
    this.#depth++;
    const text = this.#string1();
    this.#depth--;
    return text;
  }

  #string1(): string {
    switch (this.#random(11)) {
      case 0:
      case 1:
        return this.#pick([
          '""',
          '"a"',
          '"hello world"',
          '"a longer text, of more than thirty-two bytes"',
        ]);
      case 2:
        return this.#pickIf(["comm", "pcomm", "probetype"], ["pcomm", "probetype", "probe"]);
      case 3:
      case 4:
        return this.#strings.length > 0 ? this.#pick(this.#strings) : "pcomm";
      case 5:
        return this.#args.strings.length > 0 ? this.#pick(this.#args.strings) : '"none"';
      case 6:
        return `(${this.#condition()} ? ${this.#string()} : ${this.#string()})`;
      case 7:
        return `str_concat(${this.#string()}, ${this.#string()})`;
      case 8:
        return `@kt[${this.#int()}, ${this.#string()}].1`;
      case 9:
        return `name(${this.#pick(['"n"', "pcomm"])})`;
      default:
        return `{ @i++; ${this.#string()} }`;
    }
  }

  #any(): string {
    switch (this.#random(12)) {
      case 0:
      case 1:
        return this.#int();
      case 2:
      case 3:
        return this.#string();
      case 4:
        return `(${this.#int()}, ${this.#string()})`;
      case 5:
        return `(a=${this.#int()}, b=(${this.#string()}, ${this.#int()}))`;
      case 6:
        return this.#pickIf(["kstack", "ustack(4)", "kstack(raw, 2)"], ['pton("2001::1")']);
      case 7:
        return this.#pick([
          `ntop(${this.#int()})`,
          'pton("::1")',
          this.#pickIf(["ksym(nsecs)"], ["strerror(2)"]),
        ]);
      case 8:
        return this.#pick([
          this.#pickIf(["*(struct pair *)curtask"], ["*(struct pair *)9"]),
          `strftime("%H", ${this.#int()})`,
          "username",
        ]);
      case 9:
        return this.#pickIf(
          [`buf(curtask, ${this.#int()})`, 'buf("abc", 2)', "cgroup_path(cgroup)"],
          ['buf("abc", 2)', `buf("abcdef", ${this.#int()})`, 'macaddr(buf("abcdef", 6))'],
        );
      case 10:
        return this.#pick([
          `@kt[${this.#int()}, ${this.#string()}]`,
          this.#pickIf(["usym(nsecs)", "curtask"], ["signal_name(9)"]),
          "probe",
        ]);
      default:
        return this.#condition();
    }
  }
}
