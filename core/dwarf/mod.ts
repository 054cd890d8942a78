/**
 * Debug information of programs and libraries, DWARF 2 to 5: parameters of functions with their types and
 * places, types by name, addresses of lines. Nothing is read before it is asked for.
 *
 * @example
 * ```ts ignore
 * import { openDebugInfo } from "./mod.ts";
 *
 * for (const { parameters } of openDebugInfo("./prog")?.functions("main") ?? []) {
 *   console.log(parameters.map(({ name }) => name));
 * }
 * ```
 *
 * @module
 */

export { DebugInfo, framesOf, openDebugInfo } from "./debug_info.ts";
export {
  CallFrames,
  type FrameDescription,
  type FrameRow,
  type FrameSection,
  type RegisterRule,
} from "./frames.ts";
export type { Piece, Storage, Sum } from "./expression.ts";
export type { FunctionInfo, Parameter } from "./functions.ts";
export type { LinePlaces } from "./lines.ts";
export {
  type ArrayType,
  type BaseType,
  byteSize,
  type DebugType,
  type EnumerationType,
  type Member,
  type OtherType,
  type PointerType,
  type QualifiedType,
  type RecordType,
  resolved,
  type TypedefType,
  type VoidType,
} from "./types.ts";
