/**
 * JavaScript without its comments and without space that nothing needs, for modules that are sent.
 *
 * What must stay true: lines stay lines, so that statements end where they did and the source map leads from them to the
 * TypeScript, which is the text for people; strings, templates and regular expressions stay as they are. Notices of
 * copyright stay, and so does what bundlers read.
 */
import { ts } from "ts-morph";
import type { Erased } from "./erase.js";

const kept = /copyright|webpackIgnore|@vite-ignore/i;

/** Stands for the end of a line within a literal, which stays whatever is in the line. */
const innerEnd = "\0";

export function compacted({ text, lines }: Erased): Erased {
  const parts: string[] = [];
  let at = 0;
  for (const { start, end } of literals(text)) {
    parts.push(shortened(text.slice(at, start)), text.slice(start, end).replaceAll("\n", innerEnd));
    at = end;
  }
  parts.push(shortened(text.slice(at)));
  const left: string[] = [];
  const from: number[] = [];
  let number = 0;
  for (const line of parts.join("").split("\n")) {
    const pieces = line.split(innerEnd);
    if (line !== "") {
      left.push(...pieces);
      from.push(...pieces.map((_, i) => lines[number + i]!));
    }
    number += pieces.length;
  }
  return { text: left.join("\n"), lines: from };
}

/** Where strings, the fixed parts of templates and regular expressions stand, in their order. */
function literals(text: string): readonly { readonly start: number; readonly end: number }[] {
  const file = ts.createSourceFile("module.js", text, ts.ScriptTarget.ES2022, false, ts.ScriptKind.JS);
  const found: { start: number; end: number }[] = [];
  const visit = (node: ts.Node): void => {
    const isText = ts.isStringLiteral(node) || ts.isRegularExpressionLiteral(node);
    if (isText || ts.isTemplateLiteralToken(node)) found.push({ start: node.getStart(file), end: node.end });
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** Code between literals. The lines of a comment stay, but are empty. */
function shortened(code: string): string {
  const comment = /\/\*[\s\S]*?\*\/|\/\/.*/g;
  const parts: string[] = [];
  let at = 0;
  let before = "";
  for (const { 0: found, index } of code.matchAll(comment)) {
    before += code.slice(at, index);
    at = index + found.length;
    if (kept.test(found)) {
      parts.push(withoutSpace(before), found);
      before = "";
    } else before += found.startsWith("//") ? "" : found.replace(/[^\n]+/g, " ");
  }
  return [...parts, withoutSpace(before + code.slice(at))].join("");
}

/** No space at the ends of lines, nor between what reads the same without it. */
function withoutSpace(code: string): string {
  const lines = code.replace(/[ \t]*\n[ \t]*/g, "\n").replace(/[ \t]+/g, " ");
  return lines.replace(/ /g, (space, at: number) => (isNeeded(lines[at - 1], lines[at + 1]) ? space : ""));
}

/** Whether two characters, or what stands before or behind the code, must stay apart. */
function isNeeded(before = "", after = ""): boolean {
  if (before === "/" || after === "/") return !/[\w$()\]]/.test(before) && !/[\w$(]/.test(after);
  return /[\w$]{2}|\+\+|--/.test(before + after);
}
