// @std/streams for the tests and examples, with local declarations of the types in use, as the npm
// build has none.

// @ts-types="./types/streams.d.ts"
export * from "npm:deno-std@1.4.0/streams/mod.js";
