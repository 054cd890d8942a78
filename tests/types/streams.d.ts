/** Reads a stream of strings or bytes to its end and returns the text. */
export function toText(stream: ReadableStream<string | Uint8Array>): Promise<string>;

/** Splits pieces of text into lines; the lines come without their ends of line. */
export class TextLineStream extends TransformStream<string, string> {}
