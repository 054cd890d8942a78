// Pure: no I/O, no FFI.
// Bytes in quotes, with C's escapes, as strace shows them.

const ESCAPES: Readonly<Record<number, string>> = {
  9: "\\t",
  10: "\\n",
  11: "\\v",
  12: "\\f",
  13: "\\r",
  34: '\\"',
  92: "\\\\",
};

/**
 * Quotes bytes; all that is not printable ASCII becomes an escape, so that nothing that a program writes
 * reaches the terminal.
 *
 * @param hex True for hexadecimal escapes of all bytes.
 */
export function quote(bytes: Uint8Array, hex = false): string {
  let text = "";
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (hex) text += `\\x${byte.toString(16).padStart(2, "0")}`;
    else if (ESCAPES[byte] !== undefined) text += ESCAPES[byte];
    else if (byte >= 32 && byte < 127) text += String.fromCharCode(byte);
    else text += octal(byte, bytes[i + 1]);
  }
  return `"${text}"`;
}

/** The shortest escape of a byte that the next one does not change. */
function octal(byte: number, next: number | undefined): string {
  const isDigit = next !== undefined && next >= 48 && next <= 55;
  const digits = byte.toString(8);
  return `\\${isDigit ? digits.padStart(3, "0") : digits}`;
}

/**
 * Quotes the first bytes of data, and says by three dots that there are more.
 *
 * @param most Bytes that are shown.
 * @param total Bytes that the call has read or written, of which `bytes` may be the first ones.
 */
export function quoteCut(bytes: Uint8Array, most: number, total = bytes.length): string {
  const shown = bytes.length > most ? bytes.subarray(0, most) : bytes;
  return `${quote(shown)}${total > shown.length ? "..." : ""}`;
}
