// Pure: no I/O, no FFI.
// Address families of Linux and FreeBSD. sys/socket.h

/** Linux's number, FreeBSD's, name. Others are the same or have no counterpart. */
const FAMILIES: readonly (readonly [linux: number, freebsd: number, name: string])[] = [
  [0, 0, "AF_UNSPEC"],
  [1, 1, "AF_UNIX"],
  [2, 2, "AF_INET"],
  [10, 28, "AF_INET6"],
  [16, 38, "AF_NETLINK"],
];

/** FreeBSD's number; 255 for a family that it has not. */
export function freebsdFamily(linux: number): number {
  return FAMILIES.find(([from]) => from === linux)?.[1] ?? 255;
}

/** Name of a family by FreeBSD's number. */
export function familyName(freebsd: number): string {
  return FAMILIES.find(([, to]) => to === freebsd)?.[2] ?? `AF_${freebsd}`;
}
