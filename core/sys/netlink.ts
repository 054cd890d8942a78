// Netlink sockets: datagrams that the kernel sends to a multicast group; netlink(7). The proc
// connector (providers/proc-events) reads them.

import { arch } from "./arch/mod.ts";
import { check, syscallError } from "./errno.ts";
import { Fd } from "./fd.ts";
import { libc } from "./libc.ts";
import { addressOf, Struct } from "./memory.ts";

/** Netlink protocol of the kernel connector, which the proc connector uses. */
export const NETLINK_CONNECTOR = 11n;

const AF_NETLINK = 16;
const SOCK_DGRAM_CLOEXEC_NONBLOCK = 2n | 0x80000n | 0x800n;
const SOL_SOCKET = 1n;
const SO_RCVBUF = 8n;
const SO_RCVBUFFORCE = 33n;
const EAGAIN = 11;
const ENOBUFS = 105;
/** Size of struct sockaddr_nl in bytes. */
const ADDRESS_BYTES = 12;
/** Size of the receive buffer in bytes: longer than any datagram of the proc connector. */
const DATAGRAM_BYTES = 4096;

/** A netlink socket that receives the datagrams of one multicast group. */
export class NetlinkSocket implements Disposable {
  readonly #fd: Fd;
  readonly #bytes = new Uint8Array(DATAGRAM_BYTES);
  readonly #address = addressOf(this.#bytes);
  readonly #view = new DataView(this.#bytes.buffer);

  /**
   * Opens a socket and joins the group.
   *
   * @param protocol Netlink protocol, e.g. {@linkcode NETLINK_CONNECTOR}.
   * @param group Bit of the multicast group.
   * @param bufferBytes Room in the kernel for unread datagrams, in bytes; smaller if the limits say
   * so.
   * @throws {DtError} EPERM the user may not join the group; EPROTONOSUPPORT the kernel lacks the
   * protocol.
   */
  constructor(protocol: bigint, group: number, bufferBytes: number) {
    const { socket, bind, setsockopt } = arch.syscalls;
    const c = libc();
    using stack = new DisposableStack();
    const family = BigInt(AF_NETLINK);
    const fd = c.syscall(socket, family, SOCK_DGRAM_CLOEXEC_NONBLOCK, protocol, 0n, 0n, 0n);
    this.#fd = stack.use(new Fd(check(fd, "socket(AF_NETLINK)"), "netlink"));
    const own = BigInt(this.fd);
    const size = new Struct(4).u32(0, bufferBytes);
    for (const option of [SO_RCVBUFFORCE, SO_RCVBUF]) {
      const value = addressOf(size.bytes);
      if (c.syscall(setsockopt, own, SOL_SOCKET, option, value, 4n, 0n) === 0n) break;
    }
    const address = new Struct(ADDRESS_BYTES).u32(0, AF_NETLINK).u32(8, group);
    const bound = c.syscall(
      bind,
      own,
      addressOf(address.bytes),
      BigInt(ADDRESS_BYTES),
      0n,
      0n,
      0n,
    );
    check(bound, "bind(AF_NETLINK)");
    stack.move();
  }

  /** Descriptor of the socket, for a poller; the socket keeps owning it. */
  get fd(): number {
    return this.#fd.value;
  }

  /**
   * Sends a datagram to the kernel.
   *
   * @throws {DtError} errno of sendto(2).
   */
  send(bytes: Uint8Array): void {
    const length = BigInt(bytes.length);
    const { sendto } = arch.syscalls;
    const at = addressOf(bytes);
    check(libc().syscall(sendto, BigInt(this.fd), at, length, 0n, 0n, 0n), "sendto(AF_NETLINK)");
  }

  /**
   * Hands out the datagrams that wait, in place, without blocking.
   *
   * @param most Number of datagrams that are read at most; the others wait for the next call.
   * @param take Called for each datagram; the view is overwritten by the next datagram.
   * @param overflow Called when the kernel dropped datagrams for want of room; their number is
   * unknown.
   * @throws {DtError} errno of recvfrom(2).
   */
  drain(
    most: number,
    take: (view: DataView, length: number) => void,
    overflow: () => void,
  ): void {
    const c = libc();
    for (let count = 0; count < most; count++) {
      const length = Number(
        c.syscall(
          arch.syscalls.recvfrom,
          BigInt(this.fd),
          this.#address,
          BigInt(DATAGRAM_BYTES),
          0n,
          0n,
          0n,
        ),
      );
      if (length >= 0) {
        take(this.#view, length);
        continue;
      }
      const errno = c.errno();
      if (errno === EAGAIN) return;
      if (errno !== ENOBUFS) throw syscallError("recvfrom(AF_NETLINK)", { errno });
      overflow();
    }
  }

  /** Closes the socket and its descriptor. */
  [Symbol.dispose](): void {
    this.#fd[Symbol.dispose]();
  }
}
