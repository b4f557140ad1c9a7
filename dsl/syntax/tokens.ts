/**
 * The tokens of Trafo and the lexer that cuts a text into them.
 *
 * Besides the tokens of the language there are those of its neighbours (`&&`, `;`, `'text'`): they are recognised here
 * so that the next stage can name the right word and go on, instead of stumbling over single characters.
 *
 * Only eight words are reserved. The others that mean something (`let`, `layer`, `as`, …) are names as well:
 * - `as from in incremental` are tokens of their own that also count as names (a chevrotain category);
 * - the words that begin a statement or declaration are lexed as names, and lines.ts turns one into its keyword where
 *   a statement can begin.
 */
import { createToken, type ITokenConfig, Lexer, type TokenType } from "chevrotain";

const all: TokenType[] = [];

function token(name: string, pattern: RegExp | string, label: string, more: Partial<ITokenConfig> = {}): TokenType {
  const type = createToken({ name, pattern, label, ...more });
  all.push(type);
  return type;
}

/** A token that the lexer never makes: a category, or one that a later stage puts in. */
function virtual(name: string, label: string): TokenType {
  return createToken({ name, pattern: Lexer.NA, label });
}

// ---- Categories and tokens that lines.ts makes

/** Stands before every statement and declaration. */
export const Line = virtual("Line", "the end of the line");
/** Any operator between two values. */
export const Operator = virtual("Operator", "an operator");
/** Those that may stand in a size. */
export const Arithmetic = createToken({
  name: "Arithmetic",
  pattern: Lexer.NA,
  label: "an operator",
  categories: [Operator],
});

export const Import = virtual("Import", "`import`");
export const Fn = virtual("Fn", "`fn`");
export const Block = virtual("Block", "`block`");
export const Model = virtual("Model", "`model`");
export const Entry = virtual("Entry", "`entry`");
export const Param = virtual("Param", "`param`");
export const Layer = virtual("Layer", "`layer`");
export const Let = virtual("Let", "`let`");
export const For = virtual("For", "`for`");
export const Assert = virtual("Assert", "`assert`");

/** The words that begin a statement or declaration where a name follows, with their keyword. */
export const starters: ReadonlyMap<string, TokenType> = new Map(
  [Import, Fn, Block, Model, Entry, Param, Layer, Let, For, Assert].map((type) => [type.name.toLowerCase(), type]),
);

// ---- Tokens of the text. The order matters: the first pattern that matches is taken.

export const WhiteSpace = token("WhiteSpace", /[ \t\r\f\uFEFF]+/, "space", { group: Lexer.SKIPPED });
export const Comment = token("Comment", /#[^\n]*/, "a comment", { group: "comments" });
export const NewLine = token("NewLine", /\n/, "the end of the line", { line_breaks: true });

/** `2x`, `1_000`, `.5`, `1.`: meant as a number. */
export const BadNumber = createToken({
  name: "BadNumber",
  pattern: /(?:\d+(?:\.\d+)?(?:[eE][-+]?\d+)?[A-Za-z_]\w*(?:\.\d+)?)|(?:\.\d+(?:[eE][-+]?\d+)?)|(?:\d+\.(?![\w.]))/,
  label: "a number",
});
export const NumberLiteral = token("NumberLiteral", /\d+(?:\.\d+)?(?:[eE][-+]?\d+)?/, "a number", {
  longer_alt: BadNumber,
});
all.push(BadNumber);
export const StringLiteral = token("StringLiteral", /"[^"\n]*"/, "a string");
export const UnterminatedString = token("UnterminatedString", /"[^"\n]*/, "a string");
/** A string between other quotes than `"`. */
export const ForeignString = token("ForeignString", /'[^'\n]*'|[“”„][^“”"\n]*[“”"]|‘[^’\n]*’/, "a string");

export const Identifier = createToken({ name: "Identifier", pattern: /[A-Za-z_]\w*/, label: "a name" });
/** A name with letters outside of ASCII. */
export const ForeignName = token(
  "ForeignName",
  /\w*[\u00AA\u00B5\u00BA\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u024F\u0370-\u1FFF\u3040-\uD7FF][\w\u00AA\u00B5\u00BA\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u024F\u0370-\u1FFF\u3040-\uD7FF]*/,
  "a name",
);

const word = (text: string, categories: TokenType[]): TokenType =>
  token(text[0]!.toUpperCase() + text.slice(1), text, `\`${text}\``, { longer_alt: Identifier, categories });

export const And = word("and", [Operator]);
export const Or = word("or", [Operator]);
export const Not = word("not", []);
export const If = word("if", []);
export const Then = word("then", []);
export const Else = word("else", []);
export const True = word("true", []);
export const False = word("false", []);
export const As = word("as", [Identifier]);
export const From = word("from", [Identifier]);
// Before `in`, which it begins with.
export const Incremental = word("incremental", [Identifier]);
export const In = word("in", [Identifier]);
all.push(Identifier);

const sign = (name: string, text: string, categories: TokenType[] = []): TokenType =>
  token(name, text, `\`${text}\``, { categories });

/** `===` and `!==`, as in JavaScript. */
export const StrictEquality = token("StrictEquality", /[=!]==/, "an operator");
export const Ellipsis = sign("Ellipsis", "...");
/** `a..b`, a range in other languages. */
export const Range = sign("Range", "..");
export const FatArrow = sign("FatArrow", "=>");
export const Arrow = sign("Arrow", "->");
export const LessEqual = sign("LessEqual", "<=", [Operator]);
export const GreaterEqual = sign("GreaterEqual", ">=", [Operator]);
export const EqualEqual = sign("EqualEqual", "==", [Operator]);
export const NotEqual = sign("NotEqual", "!=", [Operator]);
export const StarStar = sign("StarStar", "**", [Arithmetic]);
export const SlashSlash = sign("SlashSlash", "//", [Arithmetic]);
export const Plus = sign("Plus", "+", [Arithmetic]);
export const Minus = sign("Minus", "-", [Arithmetic]);
export const Star = sign("Star", "*", [Arithmetic]);
export const Slash = sign("Slash", "/", [Arithmetic]);
export const Percent = sign("Percent", "%", [Arithmetic]);
export const At = sign("At", "@", [Arithmetic]);
export const Less = sign("Less", "<", [Operator]);
export const Greater = sign("Greater", ">", [Operator]);
export const Equals = sign("Equals", "=");
export const LParen = sign("LParen", "(");
export const RParen = sign("RParen", ")");
export const LSquare = sign("LSquare", "[");
export const RSquare = sign("RSquare", "]");
export const LCurly = sign("LCurly", "{");
export const RCurly = sign("RCurly", "}");
export const Colon = sign("Colon", ":");
export const Comma = sign("Comma", ",");
export const Dot = sign("Dot", ".");
export const DoublePipe = sign("DoublePipe", "||");
export const Pipe = sign("Pipe", "|");
export const DoubleAmpersand = sign("DoubleAmpersand", "&&");
export const Bang = sign("Bang", "!");
export const Semicolon = sign("Semicolon", ";");

/** What the parser may meet. */
export const vocabulary: TokenType[] = [Line, Operator, Arithmetic, ...starters.values(), ...all];

export const lexer = new Lexer(all, { positionTracking: "onlyOffset", ensureOptimizations: false });

/** The reserved words: no name may be one of them. */
export const reserved: ReadonlySet<TokenType> = new Set([And, Or, Not, If, Then, Else, True, False]);

export const isName = (type: TokenType): boolean =>
  type === Identifier || type === As || type === From || type === In || type === Incremental;

/** What one token is closed by, and opened by. */
export const closers: ReadonlyMap<TokenType, TokenType> = new Map([
  [LParen, RParen],
  [LSquare, RSquare],
  [LCurly, RCurly],
]);
export const openers: ReadonlyMap<TokenType, TokenType> = new Map([...closers].map(([open, close]) => [close, open]));
