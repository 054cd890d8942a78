// @std/assert for the tests, with local declarations of the types that the tests use, as the npm
// build has none. Every test file that imports it gets a time limit for its tests.

import "./time_limit.ts";

// @ts-types="./types/assert.d.ts"
export * from "npm:deno-std@1.4.0/assert/mod.js";
