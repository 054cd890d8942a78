/** Collects a stream into an array. */
export function toArray<T>(stream: ReadableStream<T>): Promise<T[]>;
