/**
 * TypeScript and the JavaScript of it, side by side, with the lines that belong together; and the source map that says so.
 */
import type { Erased } from "./erase.js";
import { wrapLines } from "./layout.js";

/** Some TypeScript, and what is left of it without types; empty where it is nothing but types. */
export interface Script {
  readonly text: string;
  readonly script: Erased;
}

/** A text that is the same without types: a comment. */
export function plainScript(text: string): Script {
  return { text, script: { text, lines: text.split("\n").map((_, line) => line) } };
}

/** One after another. In the JavaScript, what is empty leaves no gap. */
export function joinScripts(parts: readonly Script[], gapBefore: (part: number) => string): Script {
  let text = "";
  let javascript = "";
  const lines: number[] = [];
  for (const [i, part] of parts.entries()) {
    const gap = i === 0 ? "" : gapBefore(i);
    text += gap;
    const start = lineCount(text) - 1;
    text += part.text;
    if (part.script.text === "") continue;
    const scriptGap = javascript === "" ? "" : gap;
    javascript += scriptGap;
    // Blank lines between two parts belong to the second; its first line goes on where the gap ended.
    for (let blank = 1; blank < scriptGap.length; blank++) lines.push(start);
    lines.push(...part.script.lines.map((line) => line + start));
    javascript += part.script.text;
  }
  return { text, script: { text: javascript, lines } };
}

/** What stands for a body until it is put in. */
export function bodyMark(number: number): string {
  return `// body ${number}`;
}

/** The script with bodies of functions in place of their marks, as far in as those stand. */
export function withBodies({ text, script }: Script, bodies: readonly (readonly string[])[]): Script {
  if (bodies.length === 0) return { text, script };
  const bodyOf = (line: string): readonly string[] | null => {
    const [, indent = "", number] = /^(\s*)\/\/ body (\d+)$/.exec(line) ?? [];
    return number === undefined
      ? null
      : wrapLines(bodies[Number(number)]!.map((each) => indent + each).join("\n")).split("\n");
  };
  const lines: string[] = [];
  /** Where each line went. */
  const moved = text.split("\n").map((line) => {
    const at = lines.length;
    lines.push(...(bodyOf(line) ?? [line]));
    return at;
  });
  const kept: string[] = [];
  const from: number[] = [];
  for (const [i, line] of script.text.split("\n").entries()) {
    const at = moved[script.lines[i]!]!;
    for (const [further, each] of (bodyOf(line) ?? [line]).entries()) {
      kept.push(each.replace(/ as boolean;$/, ";"));
      from.push(at + further);
    }
  }
  return { text: lines.join("\n"), script: { text: kept.join("\n"), lines: from } };
}

function lineCount(text: string): number {
  return text.split("\n").length;
}

/**
 * The source map (revision 3) of a script, line by line, with the TypeScript in it.
 * @param name the module's file without its ending
 */
export function sourceMapOf(name: string, { text, script }: Script): string {
  let before = 0;
  const mappings = script.lines.map((line) => {
    const segment = `AA${variableLength(line - before)}A`;
    before = line;
    return segment;
  });
  const map = { version: 3, file: `${name}.js`, sourceRoot: "", sources: [`${name}.ts`], names: [] };
  return JSON.stringify({ ...map, mappings: mappings.join(";"), sourcesContent: [text] });
}

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** A number in base 64, five bits a digit, the sign last: as source maps hold it. */
function variableLength(value: number): string {
  let rest = value < 0 ? -value * 2 + 1 : value * 2;
  let text = "";
  do {
    const digit = rest % 32;
    rest = Math.floor(rest / 32);
    text += digits[rest > 0 ? digit + 32 : digit];
  } while (rest > 0);
  return text;
}
