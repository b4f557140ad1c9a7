/**
 * What the parser says about a mistake. `explain` is handed the place where it stumbled and what it looked for there;
 * it knows the usual reasons for that and names the mend. Recognisers are tried in order, the general message last.
 */
import { EOF, type IToken } from "chevrotain";
import type { Code, DiagnosticParts, Diagnostics, Fix, SourceFile, Span } from "../../src/diagnostics/index.js";
import type { Identifier } from "./ast.js";
import { endOf, spanOf } from "./lexer.js";
import * as t from "./tokens.js";
import { describeFound } from "./words.js";

/** A mistake that ends the parse of its statement, thrown where it is met. */
export class Mistake extends Error {
  constructor(
    readonly code: Code,
    readonly span: Span,
    message: string,
    readonly parts: DiagnosticParts = {},
  ) {
    super(message);
  }
}

/** Where the parser stumbled. */
export interface Stumble {
  readonly file: SourceFile;
  readonly diagnostics: Diagnostics;
  readonly tokens: readonly IToken[];
  /** The numbers of the first token of the statement and of the one that does not fit. */
  readonly start: number;
  readonly at: number;
  /** What was looked for, in words. */
  readonly expected: string;
  /** The rule of the grammar that looked for it. */
  readonly rule: string;
}

/** Reports a stumble in the words of the language. */
export function explain(stumble: Stumble): void {
  for (const recognise of recognisers) if (recognise(new Place(stumble))) return;
}

/** A stumble with its neighbourhood at hand. */
class Place {
  readonly found: IToken | undefined;
  readonly previous: IToken | undefined;
  readonly first: IToken | undefined;
  readonly expected: string;
  readonly rule: string;

  constructor(readonly stumble: Stumble) {
    const { tokens, at, start } = stumble;
    this.found = tokens[at];
    this.previous = at > start ? tokens[at - 1] : undefined;
    const first = tokens[start]?.tokenType === t.Line ? start + 1 : start;
    this.first = tokens[first];
    this.expected = stumble.expected;
    this.rule = stumble.rule;
  }

  get foundType() {
    return this.found?.tokenType ?? EOF;
  }

  get foundText(): string {
    return this.found ? describeFound(this.found) : "the end of the file";
  }

  /** True if the statement or the line ends here. */
  get ends(): boolean {
    return this.foundType === EOF || this.foundType === t.Line || this.foundType === t.RCurly;
  }

  /** The place to point at: the token that does not fit, or the end of what stands before. */
  get span(): Span {
    const { file } = this.stumble;
    if (this.found && this.found.tokenType !== t.Line) return spanOf(file, this.found);
    const end = this.previous ? endOf(this.previous) : file.text.trimEnd().length;
    return { file, start: end, end };
  }

  spanOf(token: IToken): Span {
    return spanOf(this.stumble.file, token);
  }

  text(start: number, end: number): string {
    return this.stumble.file.text.slice(start, end);
  }

  report(code: Code, span: Span, message: string, parts: DiagnosticParts = {}): true {
    this.stumble.diagnostics.report(code, span, message, parts);
    return true;
  }
}

type Recogniser = (place: Place) => boolean;

const replace = (span: Span, text: string, message = `write \`${text}\``): Fix => ({
  message,
  edits: [{ span, text }],
});

const reservedWord: Recogniser = (p) => {
  if (p.expected !== "a name" || !t.reserved.has(p.foundType)) return false;
  return p.report("E0107", p.span, `\`${p.found!.image}\` is a word of the language and cannot be a name`);
};

/** `param: [out]`, `fn(x: …)`: a word that begins a statement, without the name that makes it one. */
const starterWithoutName: Recogniser = (p) => {
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

const foreignWord: Recogniser = (p) => {
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
const augmented: Recogniser = (p) => {
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
const strayEquals: Recogniser = (p) => {
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
  if (first?.tokenType === t.Let || first?.tokenType === t.Identifier) {
    const help =
      previous?.tokenType === t.RSquare && first.tokenType !== t.Let
        ? "nothing is changed in place: `where` chooses between old and new elements"
        : previous?.tokenType === t.RParen && first === p.first && first.tokenType !== t.Let
          ? "several names are given by `let (a, b) = …`"
          : "a comparison is written `==`; a second name takes a statement of its own";
    return p.report("E0114", span, "`=` gives one name its value and is no part of an expression", { help: [help] });
  }
  return p.report("E0114", span, "`=` is no part of an expression", { help: ["a comparison is written `==`"] });
};

/** `let x: f32 = 1`, `let a, b = f(x)`, `let x`. */
const letForm: Recogniser = (p) => {
  const { first, stumble } = p;
  if (p.rule !== "letStatement" || p.expected !== "`=`" || !first) return false;
  if (p.foundType === t.Colon) {
    return p.report("E0118", p.span, "a `let` states no type: it has the type of its value");
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
const bareTuple: Recogniser = (p) => {
  const { stumble } = p;
  if (p.foundType !== t.Comma || p.expected !== "the end of the line") return false;
  const fixes = p.previous === p.first ? tupleFix(p, stumble.tokens, stumble.at - 1) : [];
  if (fixes.length === 0) return false;
  return p.report("E0118", p.span, "several names are given by `let (a, b) = …`", { fixes });
};

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
const inBrackets: Recogniser = (p) => {
  if (p.expected !== "`)`" && p.expected !== "`]`") return false;
  const after = p.previous?.tokenType;
  const inner = p.expected === "`]`" && p.rule === "operand" ? "an index" : (contents[p.rule] ?? "an expression");
  const begins = after === t.Comma || after === t.LParen || after === t.LSquare;
  const wanted = begins ? `${inner} or ${p.expected}` : `\`,\` or ${p.expected}`;
  if (p.foundType === t.Colon && p.rule === "operand" && !begins) {
    return p.report("E0106", p.span, `expected ${wanted}, found \`:\``, {
      help: ["an argument is named by `name = value`"],
    });
  }
  return p.report("E0106", p.span, `expected ${wanted}, found ${p.foundText}`);
};

/** What a declaration lacks between its name and its body. */
const header: Recogniser = (p) => {
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
  if (rule === "model" && p.foundType === t.LParen) {
    return p.report("E0106", p.span, "a model has no second parentheses: the tensors are arguments of its entries");
  }
  if (rule === "parameter" && expected === "`:`") {
    return p.report("E0106", p.span, `expected \`:\` and the type of \`${p.previous?.image}\`, found ${p.foundText}`);
  }
  return false;
};

const statementEnds: Recogniser = (p) => {
  if (p.expected !== "the end of the line") return false;
  const { found, previous } = p;
  const help: string[] = [];
  if (found?.image === "as") help.push("`as` names the path of a `param` or `layer`, at the end of its statement");
  else if (found?.image === "from") help.push("`from` names the key of an argument in config.json");
  else if (found?.image === "if") help.push("a choice is written `if condition then a else b`");
  else if (found?.tokenType === t.Colon) help.push("a body stands in { }");
  else if (found?.tokenType === t.Dot) help.push("the only attribute is `.T`, the last two axes exchanged");
  else if (found?.tokenType === t.LCurly) help.push("a body follows `for`, `if` and a declaration only");
  else if (previous?.tokenType === t.StringLiteral && found?.tokenType === t.StringLiteral) {
    help.push('a string holds no "');
  }
  return p.report("E0106", p.span, `expected the end of the statement, found ${p.foundText}`, { help });
};

const conditionalWithoutElse: Recogniser = (p) => {
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

/** A range `a..b` of other languages. */
const range: Recogniser = (p) => {
  if (p.previous?.tokenType !== t.Dot || p.foundType !== t.Dot) return false;
  return p.report("E0106", p.span, "there is no `..`", {
    help: ["`for i: n` counts from 0 to n - 1; a slice is written `x[a:b]`"],
  });
};

const general: Recogniser = (p) => p.report("E0106", p.span, `expected ${p.expected}, found ${p.foundText}`);

const recognisers: readonly Recogniser[] = [
  ...[reservedWord, foreignWord, starterWithoutName, augmented, strayEquals, letForm, bareTuple, range],
  ...[inBrackets, header, conditionalWithoutElse, statementEnds, general],
];

// ---- Mistakes after which the parser knows how to go on

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
