/**
 * TypeScript without its types: what is left is JavaScript, in the lines in which it stood.
 *
 * It only takes text away, so that the JavaScript of a module reads as its TypeScript does and a line maps to a line; the
 * TypeScript compiler's own printer takes several times as long. It knows what generated modules and their host code are
 * made of; what cannot be taken away (an enum, a parameter that declares a field) is refused. The tests compare its tokens
 * with the compiler's.
 *
 * Only types are imported: the set-up runs this file on the host code before anything is compiled.
 */
import type { ts } from "ts-morph";

type TypeScript = typeof ts;

/** JavaScript, and for each of its lines the line of the TypeScript that it begins on, from 0. */
export interface Erased {
  readonly text: string;
  readonly lines: readonly number[];
}

/** @throws Error where the text holds what is more than a type. */
export function eraseTypes(ts: TypeScript, file: ts.SourceFile): Erased {
  const eraser = new Eraser(ts, file);
  for (const statement of file.statements) eraser.visit(statement);
  return eraser.result();
}

/** From the first place up to the second. */
interface Range {
  readonly start: number;
  readonly end: number;
}

class Eraser {
  readonly #ranges: Range[] = [];
  readonly #text: string;

  constructor(
    readonly ts: TypeScript,
    readonly file: ts.SourceFile,
  ) {
    this.#text = file.text;
  }

  readonly visit = (node: ts.Node): void => {
    const { ts } = this;
    if (this.#isTypeOnly(node)) return this.#eraseWhole(node);
    if (ts.isEnumDeclaration(node) || ts.isModuleDeclaration(node) || ts.isTypeAssertionExpression(node))
      this.#refuse(node);
    if (ts.isAsExpression(node) || ts.isSatisfiesExpression(node) || ts.isNonNullExpression(node)) {
      this.#erase(node.expression.end, node.end);
      return this.visit(node.expression);
    }
    if (ts.isHeritageClause(node) && node.token === ts.SyntaxKind.ImplementsKeyword)
      return this.#erase(node.pos, node.end);
    this.#parts(node);
    ts.forEachChild(node, (child) => {
      if (!ts.isTypeNode(child) || ts.isExpressionWithTypeArguments(child)) this.visit(child);
    });
  };

  /** The annotations that a node itself carries. */
  #parts(node: ts.Node): void {
    const { ts } = this;
    const parts = node as ts.Node & {
      readonly type?: ts.TypeNode;
      readonly typeParameters?: ts.NodeArray<ts.Node>;
      readonly typeArguments?: ts.NodeArray<ts.Node>;
      readonly questionToken?: ts.Node;
      readonly exclamationToken?: ts.Node;
      readonly modifiers?: ts.NodeArray<ts.Node>;
    };
    const isDeclared =
      ts.isParameter(node) ||
      ts.isVariableDeclaration(node) ||
      ts.isPropertyDeclaration(node) ||
      ts.isFunctionLike(node);
    if (isDeclared && parts.type) this.#erase(parts.type.pos - 1, parts.type.end);
    if (isDeclared && parts.questionToken) this.#erase(parts.questionToken.pos, parts.questionToken.end);
    if (isDeclared && parts.exclamationToken) this.#erase(parts.exclamationToken.pos, parts.exclamationToken.end);
    for (const list of [parts.typeParameters, parts.typeArguments])
      if (list) this.#erase(list.pos - 1, this.#text.indexOf(">", list.end) + 1);
    for (const modifier of parts.modifiers ?? []) this.#modifier(node, modifier);
  }

  #modifier(node: ts.Node, modifier: ts.Node): void {
    const { SyntaxKind } = this.ts;
    const kept: readonly ts.SyntaxKind[] = [
      SyntaxKind.ExportKeyword,
      SyntaxKind.DefaultKeyword,
      SyntaxKind.AsyncKeyword,
      SyntaxKind.StaticKeyword,
      SyntaxKind.ConstKeyword,
    ];
    if (kept.includes(modifier.kind)) return;
    if (this.ts.isParameter(node)) this.#refuse(node);
    const start = modifier.getStart(this.file);
    this.#erase(start, modifier.end + /^[ \t]*/.exec(this.#text.slice(modifier.end))![0].length);
  }

  #isTypeOnly(node: ts.Node): boolean {
    const { ts } = this;
    if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return true;
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return true;
    if (ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node) || ts.isConstructorDeclaration(node))
      return node.body === undefined;
    const modifiers = (node as { readonly modifiers?: ts.NodeArray<ts.Node> }).modifiers ?? [];
    return modifiers.some(
      ({ kind }) => kind === ts.SyntaxKind.DeclareKeyword || kind === ts.SyntaxKind.AbstractKeyword,
    );
  }

  /** A statement or a member, with the comments right above it; others, after a blank line, belong to what is around. */
  #eraseWhole(node: ts.Node): void {
    let start = node.getStart(this.file);
    const comments = this.ts.getLeadingCommentRanges(this.#text, node.pos) ?? [];
    for (const comment of [...comments].reverse()) {
      if (/\n[^\S\n]*\n/.test(this.#text.slice(comment.end, start))) break;
      start = comment.pos;
    }
    this.#erase(start, node.end);
  }

  #refuse(node: ts.Node): never {
    throw new Error(`more than a type: ${node.getText(this.file).slice(0, 80)}`);
  }

  #erase(start: number, end: number): void {
    this.#ranges.push({ start, end });
  }

  /** What no range covers, without lines that the ranges leave empty, nor two blank lines in a row. */
  result(): Erased {
    const ranges = this.#ranges.sort((a, b) => a.start - b.start || b.end - a.end);
    const lines: { text: string; line: number; isCut: boolean }[] = [{ text: "", line: 0, isCut: false }];
    let line = 0;
    const take = (text: string): void => {
      for (const [i, part] of text.split("\n").entries()) {
        if (i > 0) lines.push({ text: "", line: ++line, isCut: false });
        const last = lines.at(-1)!;
        if (last.text.trim() === "") last.line = line;
        last.text += part;
      }
    };
    let at = 0;
    for (const { start, end } of ranges) {
      if (end <= at) continue;
      take(this.#text.slice(at, Math.max(start, at)));
      lines.at(-1)!.isCut = true;
      for (const character of this.#text.slice(Math.max(start, at), end)) if (character === "\n") line++;
      at = end;
    }
    take(this.#text.slice(at));
    const kept: { text: string; line: number }[] = [];
    let wasCut = false;
    for (const { text, line: from, isCut } of lines) {
      const trimmed = isCut ? text.trimEnd() : text;
      const isBlank = trimmed === "" && (isCut || (wasCut && (kept.at(-1)?.text ?? "") === ""));
      wasCut ||= isCut && trimmed === "";
      if (trimmed !== "") wasCut = false;
      if (!isBlank) kept.push({ text: trimmed, line: from });
    }
    return { text: kept.map(({ text }) => text).join("\n"), lines: kept.map((each) => each.line) };
  }
}
