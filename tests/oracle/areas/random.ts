// Programs of the grammar, from a fixed seed.

import { randomPrograms } from "../random_programs.ts";

export const entries: string[] = randomPrograms(1, 300);
