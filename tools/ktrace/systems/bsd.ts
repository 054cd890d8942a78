// Pure: no I/O, no FFI.
// Names of system calls, errors and signals of the systems that write ktrace files.

import * as freebsd from "./generated/freebsd.ts";
import * as netbsd from "./generated/netbsd.ts";
import * as openbsd from "./generated/openbsd.ts";

/** Names of a system's calls, errors and signals, by number. */
export interface System {
  /** Name of the system itself. */
  readonly name: "linux" | "freebsd" | "netbsd" | "openbsd";
  /** Name of a system call. */
  syscall(number: number): string | undefined;
  /** Name and meaning of an error. */
  errno(number: number): { readonly name: string; readonly message: string } | undefined;
  /** Name of a signal, "SIGINT". */
  signal(number: number): string | undefined;
}

const TABLES = { freebsd, netbsd, openbsd };

/** What follows the number in each line of a table. */
function parseTable(table: string): Map<number, string> {
  const rows = new Map<number, string>();
  for (const line of table.split("\n")) {
    const space = line.indexOf(" ");
    if (space > 0) rows.set(Number(line.slice(0, space)), line.slice(space + 1));
  }
  return rows;
}

class Bsd implements System {
  #syscalls: Map<number, string> | undefined;
  #errnos: Map<number, { readonly name: string; readonly message: string }> | undefined;
  #signals: Map<number, string> | undefined;

  constructor(readonly name: "freebsd" | "netbsd" | "openbsd") {}

  syscall(number: number): string | undefined {
    this.#syscalls ??= parseTable(TABLES[this.name].SYSCALLS);
    return this.#syscalls.get(number);
  }

  errno(number: number): { readonly name: string; readonly message: string } | undefined {
    if (this.#errnos === undefined) {
      this.#errnos = new Map();
      for (const [errno, row] of parseTable(TABLES[this.name].ERRNOS)) {
        const space = row.indexOf(" ");
        this.#errnos.set(errno, { name: row.slice(0, space), message: row.slice(space + 1) });
      }
    }
    return this.#errnos.get(number);
  }

  signal(number: number): string | undefined {
    this.#signals ??= parseTable(TABLES[this.name].SIGNALS);
    return this.#signals.get(number);
  }
}

const systems = {
  freebsd: new Bsd("freebsd"),
  netbsd: new Bsd("netbsd"),
  openbsd: new Bsd("openbsd"),
};

/** A BSD system. Its tables are parsed at the first question. */
export function bsdSystem(name: "freebsd" | "netbsd" | "openbsd"): System {
  return systems[name];
}
