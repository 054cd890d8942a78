// Pure: no I/O, no FFI.
// Parses the "format" file of a trace event, which says the event's number and fields.

/** A field of an event's record in the kernel's trace format. */
export interface EventField {
  /** Name of the field, as the kernel's macro declares it. */
  readonly name: string;
  /** C type of the field; of an array with its length: "char[16]", "__data_loc char[]". */
  readonly type: string;
  /** Distance in bytes from the start of the record. */
  readonly offset: number;
  /**
   * Width of the field in bytes; for dynamic data (`__data_loc`), the width of the word that
   * locates the data.
   */
  readonly size: number;
  /** True if an integer narrower than 64 bits is sign-extended. */
  readonly signed: boolean;
}

/** The facts in a format file. */
export interface EventFormat {
  /** Number of the event, which perf_event_open(2) takes. */
  readonly id: number;
  /** Fields of the event, without the fields that all events begin with. */
  readonly fields: readonly EventField[];
}

const FIELD = /^\tfield:(.*);\toffset:(\d+);\tsize:(\d+);\tsigned:([01]);$/gm;

/**
 * Parses a format file.
 *
 * @param text Content of the file.
 * @returns The event's number and fields.
 * @throws {SyntaxError} The text has no line with an ID.
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

/**
 * Makes the type of an array from element type and brackets. A length given by the name of a
 * constant is taken from the field's size.
 */
function arrayType(type: string, array: string, size: number): string {
  if (array === "") return type;
  if (/^\[\d+\]$/.test(array)) return `${type}${array}`;
  return /\bchar\b/.test(type) ? `char[${size}]` : `u8[${size}]`;
}
