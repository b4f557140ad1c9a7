/** Recognisers of mistakes in the form of statements and declarations. */
import type { IToken } from "chevrotain";
import type { Fix } from "../../src/diagnostics/index.js";
import { endOf } from "./lexer.js";
import { arrowHelp } from "./mistakes-expressions.js";
import { type Place, type Recogniser, replace } from "./stumble.js";
import * as t from "./tokens.js";

/** `:=`. */
export const walrus: Recogniser = (p) => {
  const next = p.stumble.tokens[p.stumble.at + 1];
  if (p.foundType !== t.Colon || next?.tokenType !== t.Equals || next.startOffset !== endOf(p.found!)) return false;
  const span = { ...p.span, end: endOf(next) };
  return p.report("E0116", span, "`:=` is written `=` here", { fixes: [replace(span, "=")] });
};

export const reservedWord: Recogniser = (p) => {
  if (p.expected !== "a name" || !t.reserved.has(p.foundType)) return false;
  return p.report("E0107", p.span, `\`${p.found!.image}\` is a word of the language and cannot be a name`);
};

/** `param: [out]`, `fn(x: …)`: a word that begins a statement, without the name that makes it one. */
export const starterWithoutName: Recogniser = (p) => {
  const { first, previous } = p;
  if (!first || first !== previous || !t.starters.has(first.image)) return false;
  const expects = first.image === "assert" ? "a condition" : "a name";
  return p.report("E0106", p.span, `expected ${expects} after \`${first.image}\`, found ${p.foundText}`);
};

const foreignWords: ReadonlyMap<string, string> = new Map([
  ["class", "a part with weights is a `block`, the whole is a `model`"],
  ["struct", "a part with weights is a `block`, the whole is a `model`"],
  ["while", "`for i: n { … }` counts and `for layer in layers { … }` walks; both are known when compiling"],
  ["from", 'names are imported by `import std: LayerNorm` or `import "./blocks.trafo": Block`'],
  ["export", "every declaration of a file can be imported"],
  ["type", "types have no names of their own: write them where they are used"],
  ["with", "there are no contexts"],
  ["try", "there are no exceptions: `assert` states what must hold"],
  ["raise", 'a condition is stated by `assert condition, "message"`'],
  ["print", "tensors are shown by `trafo run`; nothing is printed while a model runs"],
  ["del", "nothing is deleted: a value that is not read any more takes no memory"],
]);

export const foreignWord: Recogniser = (p) => {
  const { first, previous } = p;
  const lambda = previous?.image === "lambda" || (p.found?.image === "lambda" && p.previous?.image === "lambda");
  if (lambda && previous) {
    return p.report("E0116", p.spanOf(previous), "there is no `lambda`: a function has a name", {
      help: ["declare it: `fn name(x: [...]) -> [...] = …`, and give its name as a value"],
    });
  }
  if (!first || first !== previous) return false;
  const help = foreignWords.get(first.image);
  if (!help || p.foundType === t.Equals) return false;
  return p.report("E0116", p.spanOf(first), `there is no \`${first.image}\` in Trafo`, { help: [help] });
};

const arithmetic = new Set([t.Plus, t.Minus, t.Star, t.Slash, t.SlashSlash, t.Percent, t.At, t.StarStar]);

/** `x += 1`. */
export const augmented: Recogniser = (p) => {
  const { first, previous, found, stumble } = p;
  if (p.foundType !== t.Equals || !first || !previous || !arithmetic.has(previous.tokenType)) return false;
  if (endOf(previous) !== found!.startOffset) return false;
  const span = { ...p.spanOf(previous), end: endOf(found!) };
  const operator = previous.image;
  const simple = stumble.tokens[stumble.at - 2] === first && t.isName(first.tokenType);
  return p.report("E0114", span, `there is no \`${operator}=\``, {
    fixes: simple
      ? [replace(span, `= ${first.image} ${operator}`, `write \`${first.image} = ${first.image} ${operator} …\``)]
      : [],
  });
};

/** An `=` where an expression was read. */
export const strayEquals: Recogniser = (p) => {
  if (p.foundType !== t.Equals) return false;
  const { span, first, previous } = p;
  if (p.rule === "group" || p.rule === "squares") {
    return p.report(
      "E0114",
      span,
      "`=` gives a name its value and is no part of an expression; a comparison is written `==`",
      {
        fixes: [replace(span, "==")],
      },
    );
  }
  if (p.expected !== "the end of the line") return false;
  if (first?.tokenType === t.LParen && previous?.tokenType === t.RParen) {
    const inner = p.stumble.tokens.slice(p.stumble.tokens.indexOf(first) + 1, p.stumble.at - 1);
    const names = inner.every(({ tokenType }) => t.isName(tokenType) || tokenType === t.Comma);
    const start = { ...p.spanOf(first), end: first.startOffset };
    return p.report("E0118", span, "several names are given by `let (a, b) = …`", {
      fixes: names ? [{ message: "write `let`", edits: [{ span: start, text: "let " }] }] : [],
    });
  }
  if (first?.tokenType === t.Let || first?.tokenType === t.Identifier) {
    const help =
      previous?.tokenType === t.RSquare && first.tokenType !== t.Let
        ? "nothing is changed in place: `where` chooses between old and new elements"
        : "a comparison is written `==`; a second name takes a statement of its own";
    return p.report("E0114", span, "`=` gives one name its value and is no part of an expression", { help: [help] });
  }
  return p.report("E0114", span, "`=` is no part of an expression", { help: ["a comparison is written `==`"] });
};

/** `let x: f32 = 1`, `let a, b = f(x)`, `let x`. */
export const letForm: Recogniser = (p) => {
  const { first, stumble } = p;
  if (p.rule !== "letStatement" || p.expected !== "`=`" || !first) return false;
  if (p.foundType === t.Colon) {
    let at = stumble.at;
    while (stumble.tokens[at] && stumble.tokens[at]!.tokenType !== t.Equals && stumble.tokens[at]!.tokenType !== t.Line)
      at++;
    const equals = stumble.tokens[at]?.tokenType === t.Equals ? stumble.tokens[at]! : null;
    const span = equals && { ...p.span, end: equals.startOffset };
    return p.report("E0118", p.span, "a `let` states no type: it has the type of its value", {
      fixes: span ? [replace(span, " ", "leave out the type")] : [],
    });
  }
  if (p.foundType === t.Comma) {
    const fixes = tupleFix(p, stumble.tokens, stumble.at - 1);
    return p.report("E0118", p.span, "several names stand in parentheses: `let (a, b) = …`", { fixes });
  }
  return p.report("E0118", p.span, `a \`let\` gives its name a value: expected \`=\`, found ${p.foundText}`);
};

/** Puts the names around a comma, from the number `from` on, in parentheses, if an `=` follows them. */
function tupleFix(p: Place, tokens: readonly IToken[], from: number): Fix[] {
  let at = from;
  while (tokens[at] && t.isName(tokens[at]!.tokenType) && tokens[at + 1]?.tokenType === t.Comma) at += 2;
  const last = tokens[at];
  if (!last || !t.isName(last.tokenType) || tokens[at + 1]?.tokenType !== t.Equals) return [];
  const { file } = p.stumble;
  const start = tokens[from]!.startOffset;
  const end = endOf(last);
  const before = tokens[from - 1]?.tokenType === t.Let ? "(" : "let (";
  return [
    {
      message: "put the names in parentheses",
      edits: [
        { span: { file, start, end: start }, text: before },
        { span: { file, start: end, end }, text: ")" },
      ],
    },
  ];
}

/** `a, b = f(x)`. */
export const bareTuple: Recogniser = (p) => {
  const { stumble } = p;
  if (p.foundType !== t.Comma || p.expected !== "the end of the line") return false;
  const fixes = p.previous === p.first ? tupleFix(p, stumble.tokens, stumble.at - 1) : [];
  if (fixes.length === 0) return false;
  return p.report("E0118", p.span, "several names are given by `let (a, b) = …`", { fixes });
};

/** What a declaration lacks between its name and its body. */
export const header: Recogniser = (p) => {
  const { rule, expected } = p;
  if (rule === "block" && expected === "`->`") {
    return p.report("E0106", p.span, `a block states its result: expected \`->\` and a type, found ${p.foundText}`);
  }
  if (rule === "entry" && expected === "`->`") {
    const message = `an entry states its results: expected \`-> (name: type)\`, found ${p.foundText}`;
    return p.report("E0106", p.span, message);
  }
  if (rule === "entry" && expected === "`(`" && p.previous?.tokenType === t.Arrow) {
    return p.report("E0106", p.span, `an entry names its results: expected \`(name: type)\`, found ${p.foundText}`);
  }
  if (rule === "parameters" && expected === "`(`") {
    const whose = p.first && t.starters.has(p.first.image) ? `a ${p.first.image}` : "a declaration";
    return p.report(
      "E0106",
      p.span,
      `${whose} has arguments in parentheses, if only (): expected \`(\`, found ${p.foundText}`,
    );
  }
  if (rule === "members" && p.foundType === t.LParen) {
    return p.report("E0106", p.span, "a model has no second parentheses: the tensors are arguments of its entries");
  }
  if (rule === "fn" && p.foundType === t.Colon) {
    return p.report("E0106", p.span, "the type of the result stands behind `->`", {
      fixes: [replace(p.span, " ->", "write `->`")],
    });
  }
  if (rule === "assertStatement" && expected === "`,`") {
    return p.report(
      "E0106",
      p.span,
      `an assertion says what must hold: expected \`,\` and a string, found ${p.foundText}`,
    );
  }
  if (expected === "`{`") {
    return p.report("E0106", p.span, `expected a body in { }, found ${p.foundText}`);
  }
  if (rule === "parameter" && expected === "`:`") {
    return p.report("E0106", p.span, `expected \`:\` and the type of \`${p.previous?.image}\`, found ${p.foundText}`);
  }
  return false;
};

export const statementEnds: Recogniser = (p) => {
  if (p.expected !== "the end of the line") return false;
  const { found, previous } = p;
  const help: string[] = [];
  if (found?.image === "as") help.push("`as` names the path of a `param` or `layer`, at the end of its statement");
  else if (found?.image === "from") help.push("`from` names the key of an argument in config.json");
  else if (found?.image === "if") help.push("a choice is written `if condition then a else b`");
  else if (found?.tokenType === t.FatArrow) help.push(arrowHelp);
  else if (found?.tokenType === t.Colon && previous !== p.first) help.push("a body stands in { }");
  else if (found?.tokenType === t.Dot) help.push("the only attribute is `.T`, the last two axes exchanged");
  else if (found?.tokenType === t.LCurly) help.push("a body follows `for`, `if` and a declaration only");
  else if (previous?.tokenType === t.StringLiteral && found?.tokenType === t.StringLiteral) {
    help.push('a string holds no "');
  }
  return p.report("E0106", p.span, `expected the end of the statement, found ${p.foundText}`, { help });
};

/** `else` without its `if`. */
export const strayElse: Recogniser = (p) => {
  if (p.foundType !== t.Else || p.found !== p.first) return false;
  return p.report("E0106", p.span, "expected a statement, found `else`", {
    help: ["`else` follows the `}` of its `if`"],
  });
};
