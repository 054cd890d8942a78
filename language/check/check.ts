// Pure: no I/O, no FFI.
// Finds the type of every expression, variable and map. Maps and variables take the widest type that any
// assignment gives them, so the checker walks the program until no type grows, then once more to report.

import type { Expr, Program } from "../syntax/ast.ts";
import type { Diagnostics } from "../syntax/diagnostics.ts";
import { INT64, UNKNOWN } from "../model/types.ts";
import { visitBlock, visitExpr } from "../syntax/walk.ts";
import type { CheckedProgram, NamedParameter } from "./checked_program.ts";
import { ClauseChecker } from "./clause.ts";
import type { Shared } from "./context.ts";
import type { ExpandedClause, ProbeInfo } from "./expand.ts";
import { MapTypes, shape } from "./maps.ts";
import { programLayout } from "./program.ts";
import { foldBinary } from "./fold.ts";
import { ClauseState } from "./variables.ts";

/** Rounds that types may need to grow: each widens something. */
const MAX_ROUNDS = 100;
const SILENT = { error() {}, warning() {} };

/** Checks all clauses; errors and warnings go to `diagnostics`. */
export function check(
  program: Program,
  clauses: readonly ExpandedClause[],
  diagnostics: Diagnostics,
  options: Omit<Shared, "maps" | "functions" | "parameters" | "probeIsText">,
): CheckedProgram {
  const maps = new MapTypes();
  const functions = defineFunctions(program, diagnostics);
  const uses = clauses.map(usesOf);
  const probeIsText = uses.some(({ names }) => names > 0) || mixesProbes(program);
  const parameters = new Map<string, NamedParameter>();
  const shared: Shared = { ...options, maps, functions, parameters, probeIsText };
  declareMaps(program, maps, diagnostics);
  const layout = (probe: ProbeInfo) => programLayout(probe, options.environment);
  const variants = clauses.flatMap((clause, i) => split(clause, uses[i], probeIsText, layout));
  const states = variants.map(() => new ClauseState());
  const walk = (sink: typeof SILENT | Diagnostics) => {
    options.budget.startWalk();
    return variants.map(({ clause, probes }, i) =>
      new ClauseChecker(shared, clause, probes, states[i], sink).run()
    );
  };
  const grow = () => {
    let before = "";
    for (let round = 0; round < MAX_ROUNDS && before !== snapshot(maps, states); round++) {
      before = snapshot(maps, states);
      walk(SILENT);
    }
  };
  grow();
  maps.reportUndefined(diagnostics);
  maps.settle();
  for (const one of states.flatMap(({ locals }) => [...locals.values()])) {
    if (one.type !== UNKNOWN) continue;
    one.type = INT64;
    one.unresolved = true;
  }
  grow();
  const checked = walk(diagnostics);
  for (const { name, span } of program.maps) {
    if (!usesMap(program, name)) diagnostics.warning("unused-map", `Unused map: ${name}`, span);
  }
  return { clauses: checked, maps: maps.finish(), parameters };
}

function snapshot(maps: MapTypes, states: readonly ClauseState[]): string {
  const types = states.map(({ locals }) =>
    [...locals.values()].map(({ type }) => shape(type)).join()
  );
  return `${maps.snapshot()}|${types.join(";")}`;
}

const MAX_ENTRIES = 1n << 26n;

function defineFunctions(program: Program, diagnostics: Diagnostics) {
  const functions = new Map<string, Program["functions"][number]>();
  for (const one of program.functions) {
    if (functions.has(one.name)) {
      diagnostics.error("redefinition", `Redefinition of function: ${one.name}`, one.span);
    }
    if (new Set(one.params.map(({ name }) => name)).size !== one.params.length) {
      diagnostics.error(
        "redefinition",
        `Function ${one.name} has two parameters of one name`,
        one.span,
      );
    }
    functions.set(one.name, one);
  }
  return functions;
}

function declareMaps(program: Program, maps: MapTypes, diagnostics: Diagnostics): void {
  for (const { name, kind, entries, span } of program.maps) {
    const count = constantOf(entries);
    const map = maps.get(name);
    const { declared } = map;
    const isSame = declared?.kind === kind && BigInt(declared.entries) === count;
    if (declared !== undefined && !isSame) {
      diagnostics.error("redefinition", `Redefinition of map: ${name}`, span);
    }
    if (count === undefined || count < 1n || count > MAX_ENTRIES) {
      diagnostics.error(
        "range",
        count === undefined || count < 1n
          ? "syntax: expected positive integer for map declaration max entries"
          : `${name}: expected a number of entries from 1 to ${MAX_ENTRIES}`,
        entries.span,
      );
    }
    map.declared = { kind, entries: Number(count ?? 1n) };
  }
}

function constantOf(expr: Expr): bigint | undefined {
  if (expr.kind === "integer") return expr.value;
  if (expr.kind !== "binary") return undefined;
  const left = constantOf(expr.left);
  const right = constantOf(expr.right);
  if (left === undefined || right === undefined) return undefined;
  const value = foldBinary(expr.operator, left, right);
  return typeof value === "bigint" ? value : undefined;
}

function usesMap(program: Program, name: string): boolean {
  let used = false;
  const see = (expr: Expr) => used ||= expr.kind === "map" && expr.name === name;
  for (const { predicate, body } of program.clauses) {
    if (predicate !== undefined) visitExpr(predicate, see);
    visitBlock(body, see);
  }
  for (const { body } of program.functions) visitBlock(body, see);
  return used;
}

/** Functions that print a probe: a record holds the number of the probe, and the printer finds the name. */
const PRINTERS = ["print", "printf", "errorf", "warnf"];

/** How a clause uses its probe. */
interface ProbeUses {
  /** Its arguments. */
  readonly args: boolean;
  /** Its type. */
  readonly type: boolean;
  /** Symbols of the file that the probe is in. */
  readonly symbols: boolean;
  /** Whether it names it at all. */
  readonly named: boolean;
  /** How often the clause uses the name of the probe for more than printing and keys of maps. */
  readonly names: number;
}

function usesOf({ clause }: ExpandedClause): ProbeUses {
  let args = false;
  let names = 0;
  let named = false;
  let type = false;
  let symbols = false;
  const see = (expr: Expr) => {
    if (expr.kind === "name" || (expr.kind === "call" && expr.args.length === 0)) {
      args ||= /^(args|retval|arg[0-9]|func|usermode)$/.test(expr.name);
      type ||= expr.name === "probetype";
      if (expr.name === "probe") {
        names++;
        named = true;
      }
    }
    if (expr.kind === "call" && expr.name === "reg") args = true;
    if (expr.kind === "call" && expr.name === "uaddr") symbols = true;
    // Types may be the program's.
    args ||= expr.kind === "cast" || expr.kind === "type";
    // Its number will do as a key and in a record.
    const shown = expr.kind === "map" || (expr.kind === "call" && PRINTERS.includes(expr.name));
    if (shown) {
      const operands = expr.kind === "map" ? expr.keys : expr.args;
      names -= operands.filter((one) =>
        (one.kind === "name" || one.kind === "call") && one.name === "probe"
      ).length;
    }
  };
  if (clause.predicate !== undefined) visitExpr(clause.predicate, see);
  visitBlock(clause.body, see);
  return { args, type, symbols, named, names };
}

/** True if a map has the name of the probe as a key where another use of the map has text. */
function mixesProbes(program: Program): boolean {
  const kinds = new Map<string, Set<boolean>>();
  const see = (expr: Expr) => {
    if (expr.kind !== "map") return;
    expr.keys.forEach((key, i) => {
      const place = `${expr.name} ${i}`;
      const found = kinds.get(place) ?? new Set();
      kinds.set(place, found.add(key.kind === "name" && key.name === "probe"));
    });
  };
  for (const { predicate, body } of program.clauses) {
    if (predicate !== undefined) visitExpr(predicate, see);
    visitBlock(body, see);
  }
  return [...kinds.values()].some((one) => one.size > 1);
}

/** Probes whose function is the kernel's or a program's, and in a register or not. */
const FUNCTION = /^[uk](ret)?probe(?=:)|^f(entry|exit)(?=:)/;

/** Splits a clause into variants: one for each layout of arguments that it reads, or one for each probe if
 * it computes with the name of the probe. */
function split(
  { clause, probes }: ExpandedClause,
  { args, type, symbols, named }: ProbeUses,
  probeIsText: boolean,
  programLayout: (probe: ProbeInfo) => string,
): ExpandedClause[] {
  if (probes.length < 2) return [{ clause, probes }];
  if (named && probeIsText) return probes.map((probe) => ({ clause, probes: [probe] }));
  if (!args && !type && !symbols) return [{ clause, probes }];
  const groups = Map.groupBy(
    probes,
    (probe) => {
      const { args, retval, layout, context, name, code } = probe;
      return JSON.stringify([
        args,
        retval,
        layout,
        context,
        type ? name.split(":")[0] : FUNCTION.exec(name),
        programLayout(probe),
        symbols ? code : undefined,
      ]);
    },
  );
  return [...groups.values()].map((group) => ({ clause, probes: group }));
}
