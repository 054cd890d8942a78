// Pure: no I/O, no FFI.
// The "format" file of a trace event: number and fields.

/** A field of an event's record. */
export interface EventField {
  /** Name. */
  readonly name: string;
  /** C type; arrays with their length: "char[16]", "__data_loc char[]". */
  readonly type: string;
  /** Bytes from the start of the record. */
  readonly offset: number;
  /** Bytes; of dynamic data those of the word that tells where it is. */
  readonly size: number;
  /** Whether a narrow integer is sign-extended. */
  readonly signed: boolean;
}

/** What a format file says. */
export interface EventFormat {
  /** For perf_event_open. */
  readonly id: number;
  /** Fields of the event, without those that all events begin with. */
  readonly fields: readonly EventField[];
}

const FIELD = /^\tfield:(.*);\toffset:(\d+);\tsize:(\d+);\tsigned:([01]);$/gm;

/**
 * Parses a format file.
 *
 * @throws {SyntaxError} It has no ID.
 */
export function parseFormat(text: string): EventFormat {
  const id = /^ID: (\d+)$/m.exec(text)?.[1];
  if (id === undefined) throw new SyntaxError("Cannot read event format: no ID");
  const fields: EventField[] = [];
  for (const [, declaration, offset, size, signed] of text.matchAll(FIELD)) {
    const match = /^(.*?)\s*(\w+)((?:\[[^\]]*\])*)$/.exec(declaration.trim());
    if (match === null) continue;
    const [, type, name, array] = match;
    if (name.startsWith("common_")) continue;
    fields.push({
      name,
      type: arrayType(type, array, Number(size)),
      offset: Number(offset),
      size: Number(size),
      signed: signed === "1",
    });
  }
  return { id: Number(id), fields };
}

/** `char` and `[16]`, or a length by a constant of the kernel's that only the size tells. */
function arrayType(type: string, array: string, size: number): string {
  if (array === "") return type;
  if (/^\[\d+\]$/.test(array)) return `${type}${array}`;
  return /\bchar\b/.test(type) ? `char[${size}]` : `u8[${size}]`;
}
