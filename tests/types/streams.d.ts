/** Joins a stream of strings or bytes into one text. */
export function toText(stream: ReadableStream<string | Uint8Array>): Promise<string>;

/** Makes lines of pieces of text: without their ends of line. */
export class TextLineStream extends TransformStream<string, string> {}
