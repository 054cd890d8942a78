// @std/assert for tests, with the types of what they use: the npm build has none.
// Whoever asserts has a time limit, too.

import "./time_limit.ts";

// @ts-types="./types/assert.d.ts"
export * from "npm:deno-std@1.4.0/assert/mod.js";
