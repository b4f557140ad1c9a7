/**
 * Text to syntax tree: lexer, brackets, lines, parser. Each stage reports what it finds wrong and hands on something
 * that the next can work with; there is always a tree.
 */
import type { IToken } from "chevrotain";
import type { Diagnostics, SourceFile } from "../../src/diagnostics/index.js";
import type { Expression, File } from "./ast.js";
import type { Source } from "./base-parser.js";
import { matchBrackets } from "./brackets.js";
import { TrafoParser } from "./declarations.js";
import { lex } from "./lexer.js";
import { toStatements } from "./lines.js";

let shared: TrafoParser | null = null;

/** The parser; building it analyses the grammar, so there is one. */
function parser(): TrafoParser {
  shared ??= new TrafoParser();
  return shared;
}

interface Prepared extends Source {
  readonly comments: readonly IToken[];
}

function prepare(file: SourceFile, diagnostics: Diagnostics): Prepared {
  const { tokens, comments, damage } = lex(file, diagnostics);
  const matched = matchBrackets(file, tokens, damage, diagnostics);
  const sequence = toStatements(file, matched, diagnostics);
  damage.sort((a, b) => a - b);
  return { file, sequence, comments, damage, diagnostics };
}

/**
 * Parses a file. What is wrong goes to `diagnostics`, several mistakes in one run; the tree holds the statements and
 * declarations that could be read.
 */
export function parse(file: SourceFile, diagnostics: Diagnostics): File {
  return parser().parseFile(prepare(file, diagnostics));
}

/** Parses a file and gives what its tree leaves out, too: the tokens that the parser read, and the comments. */
export function parseWithTokens(file: SourceFile, diagnostics: Diagnostics) {
  const source = prepare(file, diagnostics);
  return { tree: parser().parseFile(source), tokens: source.sequence.tokens, comments: source.comments };
}

/** Parses a text that is one expression, such as a value on the command line. */
export function parseExpression(file: SourceFile, diagnostics: Diagnostics): Expression {
  return parser().parseExpression(prepare(file, diagnostics));
}
