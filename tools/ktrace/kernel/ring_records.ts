// Records of the ring as requests: numbers of errors and signals become FreeBSD's, structures its own.

import { HEADER } from "../../../core/contract/event_layout.ts";
import { bootTimeNs, wallTimeNs } from "../../../core/sys/clock.ts";
import { syscalls } from "../../../core/sources/syscalls/mod.ts";
import { STRUCT_NAMES } from "../captures.ts";
import { commandLine, environment } from "../process_files.ts";
import { callNumber, CAPFAIL_SYSCALL, KTR, type KtrType, LINUX_ABI } from "../formats/types.ts";
import type { Request } from "../recorder/request.ts";
import { structToFile } from "../struct_layouts.ts";
import { linuxArguments } from "../systems/linux.ts";
import { ERESTART } from "../systems/restarts.ts";
import { isIgnored } from "../systems/signal_actions.ts";
import { freebsdErrno, freebsdSignal } from "../systems/translate.ts";
import { CAPTURED, RECORD, RETURN_WORDS } from "./layout.ts";

const SIGKILL = 9;
const ENOSYS = 38;
const SIGNAL_RETURN = syscalls().get("rt_sigreturn")!.number;

/** Records that the programs have written into the ring. */
export class RingRecords {
  /** Bytes of the ring's memory. */
  readonly bytes: Uint8Array;
  /** View of the ring's memory, for numbers. */
  readonly view: DataView;
  /** CLOCK_REALTIME of CLOCK_BOOTTIME 0. */
  readonly #epoch: { readonly seconds: number; readonly nanoseconds: number };

  /** @param bytes Memory of the ring. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const epoch = wallTimeNs() - bootTimeNs();
    this.#epoch = {
      seconds: Number(epoch / 1_000_000_000n),
      nanoseconds: Number(epoch % 1_000_000_000n),
    };
  }

  /** Makes a request of the record at an offset. @param type Which one: a return may be two. */
  fill(
    request: Request,
    type: KtrType,
    offset: number,
    argsAt = offset + RECORD.payload + 8,
  ): void {
    const { view } = this;
    const at = offset + RECORD.payload;
    const time = this.long(offset + HEADER.time);
    const nanoseconds = time % 1e9 + this.#epoch.nanoseconds;
    const carry = nanoseconds >= 1e9 ? 1 : 0;
    request.seconds = Math.floor(time / 1e9) + this.#epoch.seconds + carry;
    request.nanoseconds = nanoseconds - carry * 1e9;
    request.cpu = view.getUint32(offset + HEADER.cpu, true);
    switch (type) {
      case KTR.syscall: {
        const code = view.getUint32(at, true);
        const count = linuxArguments(code);
        request.begin(type, 8 + count * 8);
        request.view.setInt16(0, callNumber(code), true);
        request.view.setInt16(2, count, true);
        for (let i = 0; i < count * 2; i++) {
          request.view.setInt32(8 + i * 4, view.getInt32(argsAt + i * 4, true), true);
        }
        break;
      }
      case KTR.sysret: {
        const error = this.errorAt(at + 8);
        const code = view.getInt32(at, true);
        request.begin(type, 16);
        // Registers that a signal's return has restored have no number; the call -1 does not exist.
        const number = code >= 0 ? callNumber(code) : error === ENOSYS ? -1 : SIGNAL_RETURN;
        request.view.setInt16(0, number, true);
        request.view.setInt32(4, freebsdErrno(error), true);
        if (error === 0) {
          request.view.setInt32(8, view.getInt32(at + 8, true), true);
          request.view.setInt32(12, view.getInt32(at + 12, true), true);
        } else if (freebsdErrno(error) === ERESTART) {
          request.view.setInt32(8, error, true);
        }
        break;
      }
      case KTR.capfail:
        request.capfail(CAPFAIL_SYSCALL, view.getUint32(at, true), LINUX_ABI);
        break;
      case KTR.args:
      case KTR.env:
        request.raw(type, this.#texts(request.pid, type, offset));
        break;
      case KTR.namei:
      case KTR.user:
        request.raw(type, this.#captured(offset));
        break;
      case KTR.genio: {
        const info = offset + CAPTURED.info;
        const isWrite = view.getUint32(info + 4, true) !== 0;
        request.genio(view.getInt32(info, true), isWrite, this.#captured(offset));
        break;
      }
      case KTR.struct: {
        const name = STRUCT_NAMES[view.getUint32(offset + CAPTURED.info, true)];
        request.struct(name, structToFile(name, this.#captured(offset)));
        break;
      }
      case KTR.structArray: {
        const name = STRUCT_NAMES[view.getUint32(offset + CAPTURED.info, true)];
        const elementBytes = view.getUint32(offset + CAPTURED.info2, true);
        const data = this.#captured(offset);
        const whole = data.length - data.length % elementBytes;
        request.structArray(name, elementBytes, data.subarray(0, whole));
        break;
      }
      case KTR.psig:
        request.psig({
          signo: freebsdSignal(this.#signalAt(at)),
          code: view.getInt32(at + 8, true),
          action: view.getBigUint64(at + 16, true),
          mask: this.bytes.subarray(at + 24, at + 32),
          call: view.getInt32(at + 40, true),
          arch: view.getUint32(at + 44, true),
        });
        break;
      case KTR.csw: {
        const isOut = view.getUint32(at, true) === 1;
        const preempted = view.getUint32(at + 8, true) !== 0;
        const state = view.getUint32(at + 16, true);
        request.csw(isOut, preempted, isOut ? stateName(state, preempted) : "");
        break;
      }
      case KTR.fault:
        request.fault(view.getBigUint64(at, true), accessOf(view.getUint32(at + 8, true)));
        break;
      case KTR.procdtor:
        request.begin(type, 0);
    }
  }

  #captured(offset: number): Uint8Array {
    const size = this.view.getUint32(offset + HEADER.size, true);
    return this.bytes.subarray(offset + CAPTURED.data, offset + size);
  }

  /**
   * Arguments or environment, each with a NUL behind it. If there are more than a record of the ring
   * holds, they are read from the process as it is now; of one that has gone, the rest is missing,
   * and so is the last NUL.
   */
  #texts(pid: number, type: KtrType, offset: number): Uint8Array {
    const captured = this.#captured(offset);
    if (this.view.getUint32(offset + CAPTURED.info, true) === 0) {
      const whole = new Uint8Array(captured.length + 1);
      whole.set(captured);
      return whole;
    }
    const all = type === KTR.args ? commandLine(pid) : environment(pid);
    const same = all.length > captured.length && captured.every((byte, i) => byte === all[i]);
    return same ? all : captured.subarray(0, captured.findLastIndex((byte) => byte !== 0) + 1);
  }

  /** True for a return that has the call's arguments, since seccomp may have refused the call. */
  mayBeRefused(offset: number): boolean {
    const size = this.view.getUint32(offset + HEADER.size, true);
    return size > RECORD.payload + RETURN_WORDS * 8;
  }

  /** Makes the record of a call of its return: seccomp has refused it. */
  fillRefused(request: Request, offset: number): void {
    const at = offset + RECORD.payload;
    this.fill(request, KTR.syscall, offset, at + RETURN_WORDS * 8);
  }

  /** A signal that ends a process reaches its threads as SIGKILL. */
  #signalAt(at: number): number {
    const signal = this.view.getInt32(at, true);
    return signal === SIGKILL ? this.view.getInt32(at + 32, true) & 0x7f || signal : signal;
  }

  /** Does the signal at a payload do nothing? The process had blocked the signal when it was sent. */
  isIgnoredSignal(at: number): boolean {
    return isIgnored(this.view.getInt32(at, true), this.view.getBigUint64(at + 16, true));
  }

  /** A 64-bit number that has no more than 53. */
  long(at: number): number {
    return this.view.getUint32(at, true) + this.view.getUint32(at + 4, true) * 2 ** 32;
  }

  /** The error that a result means, or 0. */
  errorAt(at: number): number {
    const low = this.view.getInt32(at, true);
    return this.view.getInt32(at + 4, true) === -1 && low < 0 && low >= -4095 ? -low : 0;
  }
}

/** Why a thread stops running, as task states are called. include/linux/sched.h */
function stateName(state: number, preempted: boolean): string {
  if (preempted || state === 0) return "run";
  if ((state & 1) !== 0) return "sleep";
  if ((state & 2) !== 0) return "disk";
  if ((state & 0xc) !== 0) return "stopped";
  return (state & 0x30) !== 0 ? "exit" : "";
}

/** VM_PROT_* of a fault's error code. arch/x86/include/asm/trap_pf.h */
function accessOf(code: number): number {
  if ((code & 16) !== 0) return 4;
  return (code & 2) !== 0 ? 2 : 1;
}
