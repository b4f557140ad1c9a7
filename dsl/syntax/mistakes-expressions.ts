/** Recognisers of mistakes in expressions, and reports of those after which the parser knows how to go on. */
import type { Diagnostics, Span } from "../../src/diagnostics/index.js";
import type { Identifier } from "./ast.js";
import { type Recogniser, replace } from "./stumble.js";
import * as t from "./tokens.js";

export const arrowHelp = "`=>` follows the indices of a comprehension: `[i: n] => …`; a function has a name";

export const layersHelp =
  "an array of layers is declared by its length: `layer name[n] = Block(…)`, or `layer name[i: n] = …`";

/** What stands in the brackets of each rule. */
const contents: Readonly<Record<string, string>> = {
  parameters: "an argument",
  operand: "an argument",
  group: "an expression",
  squares: "an expression",
  type: "a size",
  letStatement: "a name",
};

/** In brackets: what may follow an item is a comma or the end. */
export const inBrackets: Recogniser = (p) => {
  if (p.expected !== "`)`" && p.expected !== "`]`") return false;
  const after = p.previous?.tokenType;
  const inner = p.expected === "`]`" && p.rule === "operand" ? "an index" : (contents[p.rule] ?? "an expression");
  const begins = after === t.Comma || after === t.LParen || after === t.LSquare;
  const wanted = begins ? `${inner} or ${p.expected}` : `\`,\` or ${p.expected}`;
  const help: string[] = [];
  if (p.foundType === t.Colon && p.rule === "operand" && !begins) {
    help.push(p.expected === "`]`" ? "a slice has no step" : "an argument is named by `name = value`");
  } else if (p.foundType === t.Or && p.rule === "parameter" && after === t.StringLiteral) {
    help.push('keys to try in turn stand like this: `from "a" | "b"`');
  } else if (p.foundType === t.FatArrow) help.push(arrowHelp);
  else if (p.found?.image === "for" && p.expected === "`]`") {
    help.push(p.first?.image === "layer" ? layersHelp : "a comprehension is written `[i: n] => …`");
  }
  return p.report("E0106", p.span, `expected ${wanted}, found ${p.foundText}`, { help });
};

export const conditionalWithoutElse: Recogniser = (p) => {
  if (p.rule !== "conditional" && p.rule !== "choice") return false;
  if (p.expected === "`else`") {
    return p.report(
      "E0106",
      p.span,
      `an \`if\` that gives a value has both parts: expected \`else\`, found ${p.foundText}`,
    );
  }
  if (p.foundType === t.Colon) {
    return p.report("E0106", p.span, "expected `then`, or a body in { }, found `:`");
  }
  return false;
};

/** `x.` without a name. */
export const attribute: Recogniser = (p) => {
  if (p.previous?.tokenType !== t.Dot || p.expected !== "a name") return false;
  return p.report("E0106", p.span, `expected \`T\` after \`.\`, found ${p.foundText}`);
};

/** A range `a..b` of other languages. */
export const range: Recogniser = (p) => {
  if (p.foundType !== t.Range) return false;
  return p.report("E0106", p.span, "there is no `..`", {
    help: ["`for i: n` counts from 0 to n - 1; a slice is written `x[a:b]`"],
  });
};

const attributeHelp: Readonly<Record<string, string>> = {
  shape: "sizes are named where a tensor is declared: `x: [B, T, D]`",
  size: "sizes are named where a tensor is declared: `x: [B, T, D]`",
  weight: "declare the param where it is shared, and pass it",
  bias: "declare the param where it is shared, and pass it",
  view: "use `rearrange`",
  reshape: "use `rearrange`",
  permute: "use `rearrange`",
  flatten: "use `rearrange`",
  unsqueeze: "use `rearrange`",
  squeeze: "use `rearrange`",
  transpose: "`.T` exchanges the last two axes, `rearrange` any",
  mT: "`.T` exchanges the last two axes",
  t: "`.T` exchanges the last two axes",
  to: "convert by the type's name: `f32(x)`",
  float: "convert by the type's name: `f32(x)`",
  int: "convert by the type's name: `i32(x)`",
};

/** Functions that other libraries have as methods. */
const asFunctions = new Set(
  "sum mean max min any all argmax cumsum softmax exp log sqrt rsqrt sin cos tanh erf abs floor ceil split".split(" "),
);

/** Reports an attribute that is not `.T`. */
export function unknownAttribute(report: Diagnostics["report"], { name, span }: Identifier): void {
  const help = asFunctions.has(name) ? `it is a function: \`${name}(x)\`` : attributeHelp[name];
  const fixes = name === "mT" || name === "t" ? [replace(span, "T")] : [];
  report("E0109", span, `no attribute \`.${name}\`: the only one is \`.T\`, the last two axes exchanged`, {
    help: help ? [help] : [],
    fixes,
  });
}

/** Reports a `not` or an `if` behind an operator that binds more strongly. */
export function misplacedWord(report: Diagnostics["report"], word: "not" | "if", part: Span): void {
  const start = { ...part, end: part.start };
  const end = { ...part, start: part.end };
  report("E0124", { ...part, end: part.start + word.length }, `this \`${word}\` needs parentheses around it`, {
    fixes: [
      {
        message: "put it in parentheses",
        edits: [
          { span: start, text: "(" },
          { span: end, text: ")" },
        ],
      },
    ],
  });
}
