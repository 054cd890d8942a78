// The table of output formats. A printer is loaded when a run wants its format.

import type { PrinterClass } from "./printer.ts";

/** Name of an output format. */
export type OutputFormat = "text" | "json";

/** How each output format is loaded, by the name that `-f` takes. */
export const PRINTERS: Readonly<Record<OutputFormat, () => Promise<PrinterClass>>> = {
  text: async () => (await import("./text_printer.ts")).TextPrinter,
  json: async () => (await import("./json_printer.ts")).JsonPrinter,
};

/** Names of all output formats. */
export const OUTPUT_FORMATS = Object.keys(PRINTERS) as OutputFormat[];
