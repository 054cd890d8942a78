// For the library, whose compile() cannot wait: the modules for C are there from the start.

import * as part from "./c_part.ts";
import { provideCPart } from "./lazy.ts";

provideCPart(part);
