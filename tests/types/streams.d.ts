/** Joins a stream of strings or bytes into one text. */
export function toText(stream: ReadableStream<string | Uint8Array>): Promise<string>;
