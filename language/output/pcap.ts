// Capture files of skboutput(): pcap with nanoseconds, as Wireshark and tcpdump read them.
// See the IETF draft "PCAP Capture File Format".

import { openOutput, type OutputFile } from "../../core/sys/output_file.ts";

const MAGIC_NS = 0xa1b23c4d;
const LINKTYPE_ETHERNET = 1;
const SNAPLEN = 65535;

/** Files by name, each with its header. */
export class PcapFiles implements Disposable {
  readonly #files = new Map<string, OutputFile>();

  /**
   * Appends a packet to the file `name`.
   *
   * @param packet `length`: bytes that the packet had on the wire; `data` may have fewer.
   * @throws {DtError} What opening the file throws: ENOENT, EACCES, EPERM and the like.
   */
  write(name: string, packet: { timeNs: bigint; length: number; data: Uint8Array }): void {
    const { timeNs, length, data } = packet;
    const bytes = new Uint8Array(16 + data.length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, Number(timeNs / 1_000_000_000n), true);
    view.setUint32(4, Number(timeNs % 1_000_000_000n), true);
    view.setUint32(8, data.length, true);
    view.setUint32(12, length, true);
    bytes.set(data, 16);
    writeAll(this.#open(name), bytes);
  }

  #open(name: string): OutputFile {
    let file = this.#files.get(name);
    if (file === undefined) {
      file = openOutput(name);
      file.truncate();
      this.#files.set(name, file);
      const header = new DataView(new ArrayBuffer(24));
      header.setUint32(0, MAGIC_NS, true);
      header.setUint16(4, 2, true);
      header.setUint16(6, 4, true);
      header.setUint32(16, SNAPLEN, true);
      header.setUint32(20, LINKTYPE_ETHERNET, true);
      writeAll(file, new Uint8Array(header.buffer));
    }
    return file;
  }

  /** Closes the files. */
  [Symbol.dispose](): void {
    for (const file of this.#files.values()) file[Symbol.dispose]();
    this.#files.clear();
  }
}

function writeAll(file: OutputFile, bytes: Uint8Array): void {
  while (bytes.length > 0) bytes = bytes.subarray(file.writeSync(bytes));
}
