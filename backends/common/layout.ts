/** Breaks lines of code that are too long, after commas and operators, as formatters do. */

const width = 120;

export function wrapLines(text: string): string {
  return text.split("\n").flatMap(wrapLine).join("\n");
}

function wrapLine(line: string): string[] {
  const indent = /^ */.exec(line)![0];
  if (line.length <= width || /^\s*(\*|\/)/.test(line)) return [line];
  const lines: string[] = [];
  let rest = line;
  while (rest.length > width) {
    const at = breakPoint(rest);
    if (at === null) break;
    lines.push(rest.slice(0, at).trimEnd());
    rest = `${indent}  ${rest.slice(at).trimStart()}`;
  }
  return [...lines, rest];
}

/** Operators after which, or before which, a line may break; those that bind least first. */
const operators: readonly { readonly text: string; readonly before: boolean }[] = [
  { text: ", ", before: false },
  { text: " ? ", before: true },
  { text: " : ", before: true },
  { text: " || ", before: false },
  { text: " && ", before: false },
  { text: " + ", before: false },
  { text: " - ", before: false },
  { text: " * ", before: false },
];

/** The last place within the width at the outermost level of brackets where a line may break, or null. */
function breakPoint(line: string): number | null {
  let best: { at: number; rank: number } | null = null;
  let depth = 0;
  let quote = "";
  for (let at = line.length - line.trimStart().length; at < width; at++) {
    const character = line[at]!;
    if (quote !== "") {
      if (character === "\\") at++;
      else if (character === quote) quote = "";
      continue;
    }
    if (character === '"' || character === "`") quote = character;
    else if ("([{".includes(character)) depth++;
    else if (")]}".includes(character)) depth--;
    const order = operators.findIndex(({ text }) => line.startsWith(text, at));
    if (order < 0 || at + operators[order]!.text.length > width) continue;
    // `?` and `:` belong together, and so do `+` and `-`.
    const rank = depth * 10 + [0, 1, 1, 2, 3, 4, 4, 5][order]!;
    if (best !== null && rank > best.rank) continue;
    best = { at: at + (operators[order]!.before ? 0 : operators[order]!.text.length), rank };
  }
  return best?.at ?? null;
}
