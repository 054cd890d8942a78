// Pure: no I/O, no FFI.
// Messages of the proc connector. include/uapi/linux/cn_proc.h, connector.h, netlink.h

/** Group and message ids: CN_IDX_PROC, CN_VAL_PROC. */
export const CN_IDX_PROC = 1;
const CN_VAL_PROC = 1;
const LISTEN = 1;
const NLMSG_DONE = 3;

/** struct nlmsghdr, struct cn_msg, then struct proc_event. */
const HEADER = 16;
const MESSAGE = 20;
const EVENT = HEADER + MESSAGE;
const DATA = EVENT + 16;

const WHAT = { acknowledgement: 0, fork: 1, exec: 2, exit: 0x8000_0000 } as const;

/** An event; ids are the kernel's own. */
export interface ConnectorEvent {
  /** "acknowledgement" and "other" have sequence numbers as all events have. */
  readonly kind: "fork" | "exec" | "exit" | "acknowledgement" | "other";
  /** CPU that the event happened on. */
  readonly cpu: number;
  /** Counts the events of that CPU. */
  readonly sequence: number;
  /** Time of the event by CLOCK_MONOTONIC, in ns. */
  readonly timestampNs: bigint;
  /** Process id; for a fork, of the child. */
  readonly pid: number;
  /** Thread id; for a fork, of the child. */
  readonly tid: number;
  /** Of forks and exits; 0 if the kernel does not say. */
  readonly parentPid: number;
  /** Thread id of the parent, like `parentPid`. */
  readonly parentTid: number;
  /** Of exits, as of wait(2); of acknowledgements an errno, 0 if events will be told. */
  readonly status: number;
  /** Of acknowledgements: the number that was asked with, and 1. */
  readonly acknowledged?: number;
}

/**
 * Asks for events: PROC_CN_MCAST_LISTEN.
 *
 * @param acknowledge A number: the kernel's acknowledgement, which all listeners get, has the next one.
 */
export function listenMessage(pid: number, acknowledge: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(EVENT + 4);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, NLMSG_DONE, true);
  view.setUint32(12, pid, true);
  view.setUint32(HEADER, CN_IDX_PROC, true);
  view.setUint32(HEADER + 4, CN_VAL_PROC, true);
  view.setUint32(HEADER + 12, acknowledge, true);
  view.setUint16(HEADER + 16, 4, true);
  view.setUint32(EVENT, LISTEN, true);
  return bytes;
}

/** Reads a datagram; undefined for a datagram of another group. */
export function decode(view: DataView, length: number): ConnectorEvent | undefined {
  if (length < DATA || view.getUint32(HEADER, true) !== CN_IDX_PROC) return undefined;
  const what = view.getUint32(EVENT, true);
  const word = (i: number) => view.getInt32(DATA + i * 4, true);
  const common = {
    cpu: view.getUint32(EVENT + 4, true),
    sequence: view.getUint32(HEADER + 8, true),
    timestampNs: view.getBigUint64(EVENT + 8, true),
    tid: word(0),
    pid: word(1),
    parentTid: 0,
    parentPid: 0,
    status: 0,
  };
  switch (what) {
    case WHAT.acknowledgement:
      return {
        ...common,
        kind: "acknowledgement",
        acknowledged: view.getUint32(HEADER + 12, true),
        status: word(0),
      };
    case WHAT.fork: // parent_pid, parent_tgid, child_pid, child_tgid
      return {
        ...common,
        kind: "fork",
        tid: word(2),
        pid: word(3),
        parentTid: word(0),
        parentPid: word(1),
      };
    case WHAT.exec: // process_pid, process_tgid
      return { ...common, kind: "exec" };
    case WHAT.exit: // process_pid, process_tgid, exit_code, exit_signal, parent_pid, parent_tgid
      return {
        ...common,
        kind: "exit",
        status: word(2),
        parentTid: word(4),
        parentPid: word(5),
      };
    default:
      return { ...common, kind: "other" };
  }
}
