// Parts of the compiler that few scripts need, kept out of the start of all others.

import { LazyPart } from "../core/lazy_part.ts";
import type * as Symbols from "../core/symbols/mod.ts";
import type * as CPart from "./ctypes/c_part.ts";

/** The modules that read C. */
export const cPart: LazyPart<typeof CPart> = new LazyPart(() => import("./ctypes/c_part.ts"));

/** Symbols of programs and libraries. */
export const symbols: LazyPart<typeof Symbols> = new LazyPart(() =>
  import("../core/symbols/mod.ts")
);
