/**
 * The syntax tree of a Trafo file, as the grammar gives it. Every node carries the span of its text.
 *
 * The tree keeps what was written: nothing is resolved here, and nothing is desugared, so that the formatter prints
 * from it and a diagnostic can point at each part.
 */
import type { Span } from "../../src/diagnostics/index.js";

/** A name where it is declared or used. */
export interface Identifier {
  readonly name: string;
  readonly span: Span;
}

export interface File {
  readonly kind: "file";
  readonly declarations: readonly Declaration[];
  readonly span: Span;
}

export type Declaration = Import | Function | Block | Model;

export interface Import {
  readonly kind: "import";
  /** `std`, or the text of a string: a path relative to this file. */
  readonly module: { readonly name: string; readonly isPath: boolean; readonly span: Span };
  readonly names: readonly Identifier[];
  readonly span: Span;
}

export interface Function {
  readonly kind: "fn";
  readonly name: Identifier;
  readonly parameters: readonly Parameter[];
  /** Null if no result type is written. */
  readonly result: readonly Type[] | null;
  /** True for `-> (type, type)`. */
  readonly resultIsTuple: boolean;
  /** An expression after `=`, or a body in braces. */
  readonly body: Expression | Body;
  readonly documentation: string | null;
  readonly span: Span;
}

export interface Block {
  readonly kind: "block";
  readonly name: Identifier;
  readonly statics: readonly Parameter[];
  readonly parameters: readonly Parameter[];
  readonly result: readonly Type[];
  /** True for `-> (type, type)`. */
  readonly resultIsTuple: boolean;
  readonly body: Body;
  readonly documentation: string | null;
  readonly span: Span;
}

export interface Model {
  readonly kind: "model";
  readonly name: Identifier;
  readonly statics: readonly Parameter[];
  readonly members: readonly (Statement | Function | Block | Entry)[];
  readonly documentation: string | null;
  readonly span: Span;
}

export interface Entry {
  readonly kind: "entry";
  readonly name: Identifier;
  readonly parameters: readonly Parameter[];
  readonly incremental: Identifier | null;
  readonly results: readonly { readonly name: Identifier; readonly type: Type }[];
  readonly body: Body;
  readonly documentation: string | null;
  readonly span: Span;
}

export interface Parameter {
  readonly kind: "parameter";
  readonly name: Identifier;
  readonly type: Type;
  readonly default: Expression | null;
  /** The keys of `from`, in order. */
  readonly keys: readonly { readonly text: string; readonly span: Span }[];
  readonly span: Span;
}

export const staticTypes = ["int", "float", "bool", "string", "fn"] as const;
export type StaticTypeName = (typeof staticTypes)[number];
export const tensorElements = ["f32", "f16", "i32", "bool"] as const;

/**
 * A type as written. `element` is f32 where none is written. `dimensions` null is a single static value. A list of
 * static values and a tensor share this form (`bool[n]`): among the static arguments of a block or model it is a list,
 * as it is for `int`, `float` and `string` anywhere.
 */
export interface Type {
  readonly kind: "type";
  readonly element: StaticTypeName | "f32" | "f16" | "i32";
  /** False where the element type is left out (f32). */
  readonly elementWritten: boolean;
  readonly dimensions: readonly Dimension[] | null;
  readonly span: Span;
}

export type Dimension =
  | { readonly kind: "rest"; readonly span: Span }
  | { readonly kind: "size"; readonly size: Expression; readonly bound: Expression | null; readonly span: Span }
  | { readonly kind: "index"; readonly name: Identifier; readonly count: Expression; readonly span: Span };

export interface Body {
  readonly kind: "body";
  readonly statements: readonly Statement[];
  readonly span: Span;
}

export type Statement =
  | ParamStatement
  | LayerStatement
  | LetStatement
  | AssignStatement
  | ForStatement
  | IfStatement
  | AssertStatement
  | ExpressionStatement;

export interface ParamStatement {
  readonly kind: "param";
  readonly name: Identifier;
  readonly type: Type;
  readonly paths: readonly Expression[];
  readonly span: Span;
}

export interface LayerStatement {
  readonly kind: "layer";
  readonly name: Identifier;
  /** Null for a single layer; else `[count]` or `[index: count]`. */
  readonly array: { readonly index: Identifier | null; readonly count: Expression } | null;
  readonly value: Applied;
  readonly paths: readonly Expression[];
  readonly span: Span;
}

/** A block with its static arguments, or a choice between two. */
export type Applied =
  | { readonly kind: "apply"; readonly block: Identifier; readonly arguments: readonly Argument[]; readonly span: Span }
  | {
      readonly kind: "choose";
      readonly condition: Expression;
      readonly yes: Applied;
      readonly no: Applied;
      readonly span: Span;
    };

export interface LetStatement {
  readonly kind: "let";
  readonly names: readonly Identifier[];
  /** True for `let (a, b) = …`, also with one name. */
  readonly unpacks: boolean;
  readonly value: Expression;
  readonly span: Span;
}

export interface AssignStatement {
  readonly kind: "assign";
  readonly name: Identifier;
  readonly value: Expression;
  readonly span: Span;
}

export interface ForStatement {
  readonly kind: "for";
  readonly name: Identifier;
  /** `in` walks an array of layers or a list, `:` counts. */
  readonly each: boolean;
  readonly over: Expression;
  readonly body: Body;
  readonly span: Span;
}

export interface IfStatement {
  readonly kind: "if";
  readonly condition: Expression;
  readonly yes: Body;
  readonly no: Body | IfStatement | null;
  readonly span: Span;
}

export interface AssertStatement {
  readonly kind: "assert";
  readonly condition: Expression;
  readonly message: string;
  readonly span: Span;
}

export interface ExpressionStatement {
  readonly kind: "expression";
  readonly value: Expression;
  readonly span: Span;
}

export type BinaryOperator = "+" | "-" | "*" | "/" | "//" | "%" | "@" | "**" | "and" | "or";
export type ComparisonOperator = "==" | "!=" | "<" | "<=" | ">" | ">=";

export interface Argument {
  /** Null for a positional argument. */
  readonly name: Identifier | null;
  readonly value: Expression;
  readonly span: Span;
}

export type Subscript =
  | { readonly kind: "rest"; readonly span: Span }
  | { readonly kind: "at"; readonly index: Expression; readonly span: Span }
  | { readonly kind: "range"; readonly low: Expression | null; readonly high: Expression | null; readonly span: Span };

export type Expression =
  /** `text` is the number as written; a whole number is one without point and exponent. */
  | {
      readonly kind: "number";
      readonly value: number;
      readonly whole: boolean;
      readonly text: string;
      readonly span: Span;
    }
  | { readonly kind: "string"; readonly value: string; readonly span: Span }
  | { readonly kind: "boolean"; readonly value: boolean; readonly span: Span }
  | { readonly kind: "name"; readonly name: string; readonly span: Span }
  | { readonly kind: "tuple"; readonly items: readonly Expression[]; readonly span: Span }
  | { readonly kind: "list"; readonly items: readonly Expression[]; readonly span: Span }
  | { readonly kind: "group"; readonly value: Expression; readonly span: Span }
  | { readonly kind: "negate"; readonly value: Expression; readonly span: Span }
  | { readonly kind: "not"; readonly value: Expression; readonly span: Span }
  | {
      readonly kind: "binary";
      readonly operator: BinaryOperator;
      readonly operatorSpan: Span;
      readonly left: Expression;
      readonly right: Expression;
      readonly span: Span;
    }
  | {
      readonly kind: "compare";
      readonly operators: readonly { readonly operator: ComparisonOperator; readonly span: Span }[];
      readonly operands: readonly Expression[];
      readonly span: Span;
    }
  | {
      readonly kind: "conditional";
      readonly condition: Expression;
      readonly yes: Expression;
      readonly no: Expression;
      readonly span: Span;
    }
  | { readonly kind: "call"; readonly callee: Expression; readonly arguments: readonly Argument[]; readonly span: Span }
  | {
      readonly kind: "index";
      readonly value: Expression;
      readonly subscripts: readonly Subscript[];
      readonly span: Span;
    }
  | { readonly kind: "transpose"; readonly value: Expression; readonly span: Span }
  | {
      readonly kind: "comprehension";
      readonly indices: readonly { readonly name: Identifier; readonly size: Expression }[];
      readonly body: Expression | Body;
      readonly span: Span;
    }
  /** What could not be parsed; already reported. */
  | { readonly kind: "missing"; readonly span: Span };

export type ExpressionOf<K extends Expression["kind"]> = Extract<Expression, { kind: K }>;
