// @std/streams for tests and examples, with the types of what they use: the npm build has none.

// @ts-types="./types/streams.d.ts"
export * from "npm:deno-std@1.4.0/streams/mod.js";
