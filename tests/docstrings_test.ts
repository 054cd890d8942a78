// Every exported name, and every public member of what is exported, has a docstring that says something:
// at least four words.

import { assert, assertEquals } from "@std/assert";
import ts from "npm:typescript@5.9.3";
import { ROOT } from "./helpers.ts";

const LEAST_WORDS = 4;

/** A docstring that is missing or too short. */
interface Offender {
  /** Path from the root, and line. */
  readonly place: string;
  /** What is exported, with the member after a dot. */
  readonly name: string;
  /** The docstring that stands there. */
  readonly text: string;
}

Deno.test("what is exported has a docstring of at least four words", () => {
  const short = sourceFiles().flatMap((file) => offenders(file, isShort));
  assert(short.length === 0, `${short.length} say too little:\n${lines(short).join("\n")}`);
});

Deno.test("a docstring counts by its words, without tags", () => {
  const source = `
    /** Three words only. */ export const a = 1;
    /** Four words are enough. */ export const b = 1;
    export function c() {}
    /** Three words only.
     * @returns what tags add does not count */ export class D { #hidden; private e = 1; f() {} }
    /** What a table has, as rows. */ export interface G { /** Yes. */ h: number }
    /** Exported below, not here. */ type I = 1; const j = 1; export { j };
    /** One docstring is enough for all. */ export function k(): void; export function k(l?: 1): void {}`;
  const names = offenders("example.ts", isShort, source).map(({ name }) => name);
  assertEquals(names, ["a", "c", "D", "D.f", "G.h", "j"]);
});

function lines(all: readonly Offender[]): string[] {
  return all.map(({ place, name, text }) => `${place} ${name}: ${text || "(none)"}`);
}

/** Members of each interface of the project: a class that implements it need not explain them again. */
const contracts = new Map<string, Set<string>>();

for (const path of sourceFiles()) {
  for (const { name, node } of exportedDeclarations(parse(path))) {
    if (ts.isInterfaceDeclaration(node)) {
      contracts.set(name, new Set(node.members.filter(hasName).map(nameOf)));
    }
  }
}

/** True for a member of a class that an interface explains. */
function isExplained(member: ts.ClassElement): boolean {
  const { heritageClauses = [] } = member.parent as ts.ClassDeclaration;
  return heritageClauses.some(({ types }) =>
    types.some(({ expression }) => contracts.get(expression.getText())?.has(nameOf(member)))
  );
}

function parse(path: string, text = Deno.readTextFileSync(ROOT + path)): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
}

function sourceFiles(): string[] {
  const files: string[] = [];
  const walk = (folder: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(ROOT + folder)) {
      if (isDirectory) walk(`${folder}/${name}`);
      else if (/(?<!_test|_bench|\.d)\.ts$/.test(name)) files.push(`${folder}/${name}`);
    }
  };
  for (const folder of ["core", "language", "providers", "tools"]) walk(folder);
  assert(files.length > 200);
  return files.sort();
}

/** True for a docstring with fewer words than it needs. */
function isShort(text: string): boolean {
  return (text.match(/[\p{L}\p{N}]\S*/gu) ?? []).length < LEAST_WORDS;
}

/** Exported names and their public members whose docstrings are wanting. */
function offenders(
  path: string,
  isWanting: (text: string) => boolean,
  text?: string,
): Offender[] {
  const file = parse(path, text);
  const found: Offender[] = [];
  const documented = new Set<string>();
  const look = (name: string, node: ts.Node) => {
    const said = docstring(node);
    // Overloads and parts of one name share what one of them says.
    if (documented.has(name)) return;
    if (!isWanting(said)) {
      documented.add(name);
      return;
    }
    const { line } = file.getLineAndCharacterOfPosition(node.getStart());
    found.push({ place: `${path}:${line + 1}`, name, text: said });
  };
  for (const { name, node } of exportedDeclarations(file)) {
    look(name, node);
    for (const member of publicMembers(node)) look(`${name}.${nameOf(member)}`, member);
  }
  return found.filter(({ name }) => !documented.has(name));
}

/** Declarations that a file exports, with their names; not what it only hands on from others. */
function exportedDeclarations(file: ts.SourceFile): { name: string; node: ts.Node }[] {
  const listed = new Set<string>();
  for (const one of file.statements) {
    if (!ts.isExportDeclaration(one) || one.moduleSpecifier || !one.exportClause) continue;
    if (!ts.isNamedExports(one.exportClause)) continue;
    for (const { name, propertyName } of one.exportClause.elements) {
      listed.add((propertyName ?? name).text);
    }
  }
  const declared = file.statements.flatMap((statement) => {
    const isExported = ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    const named = ts.isVariableStatement(statement)
      ? statement.declarationList.declarations.map((one) => ({
        name: one.name.getText(),
        node: statement as ts.Node,
      }))
      : [{ name: (statement as ts.DeclarationStatement).name?.getText() ?? "", node: statement }];
    return named.map((one) => ({ ...one, isExported }));
  });
  return declared.filter(({ name, isExported }) => isExported || listed.has(name));
}

/** Members of an interface, of a type that is an object, or of a class, as far as others may use them. */
function publicMembers(node: ts.Node): readonly ts.Node[] {
  if (ts.isInterfaceDeclaration(node)) return node.members.filter(hasName);
  if (ts.isTypeAliasDeclaration(node) && ts.isTypeLiteralNode(node.type)) {
    return node.type.members.filter(hasName);
  }
  if (!ts.isClassDeclaration(node)) return [];
  return node.members.filter((member) =>
    hasName(member) && !ts.isPrivateIdentifier(member.name!) &&
    // The contract of an inherited or a well-known member stands elsewhere.
    !ts.isComputedPropertyName(member.name!) && !isExplained(member) &&
    !(ts.canHaveModifiers(member) ? ts.getModifiers(member) ?? [] : []).some(({ kind }) =>
      kind === ts.SyntaxKind.PrivateKeyword || kind === ts.SyntaxKind.ProtectedKeyword ||
      kind === ts.SyntaxKind.OverrideKeyword
    )
  );
}

function hasName(member: ts.TypeElement | ts.ClassElement): boolean {
  return member.name !== undefined;
}

function nameOf(member: ts.Node): string {
  return (member as ts.TypeElement).name!.getText();
}

/** The docstring of a declaration without its tags, which begin lines. */
function docstring(node: ts.Node): string {
  const block = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).at(-1)?.getText() ?? "";
  const [text] = block.replace(/^\/\*\*|\*\/$/g, "").replace(/^\s*\* ?/gm, "").split(/^\s*@/m);
  return text.replace(/\s+/g, " ").trim();
}
