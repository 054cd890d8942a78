// Pure: no I/O, no FFI.
// Statements.

import { imm, mov64 } from "../../../core/asm/alu.ts";
import { ja } from "../../../core/asm/jump.ts";
import { load, loadMapValue, store, storeImm } from "../../../core/asm/load_store.ts";
import { R0, R1, R2 } from "../../../core/asm/register.ts";
import { CONTROL } from "../../../core/blocks.ts";
import type {
  AssignStmt,
  BinaryExpr,
  BinaryOperator,
  CallExpr,
  Expr,
  MapExpr,
  Stmt,
} from "../lang/ast.ts";
import { AGGREGATIONS } from "../lang/builtins.ts";
import { storageSize, type ValueType } from "../lang/types.ts";
import { isSignedOperation } from "../passes/signedness.ts";
import { emitArithmetic, emitCondition, evaluate } from "./expr.ts";
import type { Gen } from "./gen.ts";
import { aggregate, changeMap, deleteFromMap, placeValue, writeMap } from "./maps.ts";
import { emitExit, emitMapOperation, emitPrint, emitPrintf } from "./records.ts";
import { placeString } from "./text.ts";

/** Emits statements one after the other. */
export function emitBlock(gen: Gen, body: readonly Stmt[]): void {
  for (const statement of body) emitStatement(gen, statement);
}

function emitStatement(gen: Gen, statement: Stmt): void {
  switch (statement.kind) {
    case "if": {
      const otherwise = gen.asm.label("else");
      const done = gen.asm.label("endif");
      emitCondition(gen, statement.condition, otherwise);
      emitBlock(gen, statement.then);
      if (statement.otherwise.length > 0) gen.emit(ja(done));
      gen.asm.bind(otherwise);
      emitBlock(gen, statement.otherwise);
      gen.asm.bind(done);
      return;
    }
    case "assign":
      return emitAssignment(gen, statement);
    case "expr":
      if (statement.expr.kind === "call") return emitCall(gen, statement.expr);
      // Without effect but for ++ and --; strings have none.
      if (gen.typeOf(statement.expr).kind !== "string") evaluate(gen, statement.expr);
  }
}

function emitAssignment(gen: Gen, { target, operator, value }: AssignStmt): void {
  const isAggregation = value.kind === "call" &&
    (AGGREGATIONS as readonly string[]).includes(value.name);
  if (target.kind === "map" && isAggregation) return aggregate(gen, target, value as CallExpr);
  if (operator !== undefined) return emitCompound(gen, target, operator, value);
  if (target.kind === "map") {
    const { type } = gen.map(target.name);
    return writeMap(gen, target, (place) => placeValue(gen, value, place, type.value as ValueType));
  }
  const place = gen.variables.get(target.name)!;
  const type = gen.clause.variables.get(target.name)!;
  if (type.kind === "string") {
    // Through a copy: the right side may read the variable.
    gen.frame.scope(() => {
      const copy = gen.frame.block(storageSize(type));
      placeString(gen, value, copy, type.size);
      copyString(gen, copy, place, type.size);
    });
    return;
  }
  evaluate(gen, value);
  gen.save(place);
}

/** `x += e`: e first, then x. */
function emitCompound(
  gen: Gen,
  target: AssignStmt["target"],
  operator: BinaryOperator,
  value: Expr,
): void {
  const span = { start: target.span.start, end: value.span.end };
  const expr: BinaryExpr = { kind: "binary", operator, left: target, right: value, span };
  const signed = isSignedOperation(expr, gen.typeOf(target), gen.typeOf(value));
  gen.frame.scope(() => {
    const right = gen.frame.slot();
    const evaluateRight = () => {
      evaluate(gen, value);
      gen.save(right);
    };
    const apply = () => {
      gen.emit(load(8, R1, right.base, right.offset));
      emitArithmetic(gen, operator, R1, signed, value);
    };
    if (target.kind === "map") return changeMap(gen, target, evaluateRight, apply);
    evaluateRight();
    evaluate(gen, target);
    apply();
    gen.save(gen.variables.get(target.name)!);
  });
}

function copyString(gen: Gen, from: Parameters<Gen["copy"]>[0], to: typeof from, bytes: number) {
  if (bytes > 64) {
    gen.address(3, from);
    gen.copy(to, bytes);
    return;
  }
  for (let i = 0; i < bytes; i += 8) {
    gen.emit(load(8, R0, from.base, from.offset + i), store(8, to.base, to.offset + i, R0));
  }
}

function emitCall(gen: Gen, call: CallExpr): void {
  const [first, second] = call.args;
  switch (call.name) {
    case "printf":
      return emitPrintf(gen, call);
    case "print":
      return emitPrint(gen, call);
    case "clear":
    case "zero":
      return emitMapOperation(gen, call, { kind: call.name, map: (first as MapExpr).name });
    case "delete": {
      const target = first as MapExpr;
      return deleteFromMap(gen, second === undefined ? target : { ...target, keys: [second] });
    }
    case "exit":
      return emitExitCall(gen, call, first);
  }
}

/** The flag decides; the record only wakes. Nothing after it in the clause runs. */
function emitExitCall(gen: Gen, call: CallExpr, code: Expr | undefined): void {
  if (code === undefined) gen.emit(mov64(R0, imm(0)));
  else evaluate(gen, code);
  gen.emit(
    loadMapValue(R2, gen.site.control, 0),
    store(4, R2, CONTROL.exitCode, R0),
    storeImm(4, R2, CONTROL.exit, 1),
  );
  emitExit(gen, call);
  gen.emit(ja(gen.leave));
}
