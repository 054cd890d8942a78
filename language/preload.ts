// For the library, whose compile() cannot wait: parts that are lazy elsewhere are there from the start.

import * as symbolsPart from "../core/symbols/mod.ts";
import * as cPartModules from "./ctypes/c_part.ts";
import { cPart, symbols } from "./lazy_parts.ts";

cPart.provide(cPartModules);
symbols.provide(symbolsPart);
