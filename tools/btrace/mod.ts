/**
 * The script language under its first address: modules are imported by URL, so a path is an
 * interface. The language itself lives in `language/`.
 *
 * @module
 */

export * from "../../language/mod.ts";
