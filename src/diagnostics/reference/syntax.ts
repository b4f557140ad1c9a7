/** The reference of the family E01 syntax. */
import { entries } from "./entry.js";

export const syntax = entries({
  E0101: {
    title: "unexpected character",
    text: "The text holds a character that no word or sign of the language begins with. Comments and strings may hold any character; names are made of the letters a–z and A–Z, digits and _. Some characters look like a sign of the language (− for -, × for *): the fix writes the sign.",
    wrong: "let y = x × 2",
    right: "let y = x * 2",
  },
  E0102: {
    title: "string without end",
    text: 'A string stands between two " on one line. It holds no escapes: every character in it stands for itself.',
    wrong: 'param weight: [out, D] as "w',
    right: 'param weight: [out, D] as "w"',
  },
  E0103: {
    title: "bracket that is never closed",
    text: "A ( [ or { has no closing one, or one of another kind. The diagnostic points at the opening bracket. Where the file does not tell where it should have been closed, the lines' indentation is taken as what was meant.",
    wrong: "let y = f(x, g(z)\nlet w = y",
    right: "let y = f(x, g(z))\nlet w = y",
  },
  E0104: {
    title: "closing bracket that closes nothing",
    text: "A ) ] or } stands where no bracket is open.",
    wrong: "let y = f(x))",
    right: "let y = f(x)",
  },
  E0105: {
    title: "not a number",
    text: "Numbers are written 12, 0.5 or 1e-5: digits on both sides of the point, no suffix, no separators. A whole number is at most 2 ** 53 - 1.",
    wrong: "eps: float = .5",
    right: "eps: float = 0.5",
  },
  E0106: {
    title: "something else was expected",
    text: "At this place the grammar asks for something else. The message says what could have stood here and what was found instead.",
    wrong: "param weight [out, D]",
    right: "param weight: [out, D]",
  },
  E0107: {
    title: "a reserved word as a name",
    text: "The words and, or, not, if, then, else, true and false cannot be names. All other words can, also those that begin a statement.",
    wrong: "let then = x",
    right: "let next = x",
  },
  E0108: {
    title: "there is no `return`",
    text: "The last expression of a body is its result.",
    wrong: "{ return x + 1 }",
    right: "{ x + 1 }",
  },
  E0109: {
    title: "unknown attribute",
    text: "The only attribute is `.T`, the last two axes of a tensor exchanged. Sizes have names, given where a tensor is declared; other shapes are made by `rearrange`; reductions and mathematics are functions.",
    wrong: "let B = x.shape[0]",
    right: "block Layer()(x: [B, T, D]) -> [B, T, D] { x }",
  },
  E0110: {
    title: "a block with one pair of parentheses",
    text: "A block has two lists of arguments: those known when compiling, given where a layer is declared, then the tensors that it is called with.",
    wrong: "block Norm(x: [B, D]) -> [B, D] { x }",
    right: "block Norm()(x: [B, D]) -> [B, D] { x }",
  },
  E0111: {
    title: "unknown type",
    text: "Types are int, float, bool, string and fn for what is known when compiling, and f32, f16, i32 and bool with sizes for tensors; [B, T] alone is f32.",
    wrong: "fn f(x: [D], n: integer) -> [D] = x * n",
    right: "fn f(x: [D], n: int) -> [D] = x * n",
  },
  E0112: {
    title: "`...` not at the beginning of a type",
    text: "`...` stands for any number of leading dimensions, so it stands first, and once.",
    wrong: "fn f(x: [D, ...]) -> [D, ...] = x",
    right: "fn f(x: [..., D]) -> [..., D] = x",
  },
  E0113: {
    title: "a tensor type without sizes",
    text: "f32, f16 and i32 are elements of tensors and have sizes in [ ]; [] is a tensor of one element. A number that is known when compiling is int or float.",
    wrong: "fn f(x: f32) -> f32 = x",
    right: "fn f(x: f32[]) -> f32[] = x",
  },
  E0114: {
    title: "`=` in an expression",
    text: "`=` gives a name its value, at the beginning of a statement, and names an argument. A comparison is written `==`. Nothing is changed in place: there is no `+=`, and elements of a tensor cannot be assigned.",
    wrong: "if kind = 2 { x = x + 1 }",
    right: "if kind == 2 { x = x + 1 }",
  },
  E0115: {
    title: "a comment that begins with `//`",
    text: "Comments run from `#` to the end of the line. `//` divides and rounds down.",
    wrong: "let n = 4 // the number of heads",
    right: "let n = 4 # the number of heads",
  },
  E0116: {
    title: "a word or sign of another language",
    text: "Some words and signs of Python, JavaScript and others have another form here, or none: `and`, `or`, `not`, `true`, `false`, `else if`, `fn`; strings stand between double quotes, and a statement ends with its line.",
    wrong: "if causal && !cross { x }",
    right: "if causal and not cross { x }",
  },
  E0117: {
    title: "a declaration or statement in a wrong place",
    text: "Imports and models stand at the top of a file, functions and blocks there or in a model, entries in a model. Statements stand in bodies. `from` stands behind the static arguments of a model: what config.json says is given to blocks as any other value.",
    wrong: "entry forward(x: [B, D]) -> (y: [B, D]) { x }",
    right: "model M() {\n  entry forward(x: [B, D]) -> (y: [B, D]) { x }\n}",
  },
  E0118: {
    title: "the form of `let`",
    text: "`let name = value` introduces a name; `let (a, b) = value` unpacks a tuple, or a tensor along its first axis. No type is stated.",
    wrong: "let q, k = split(x, 2)",
    right: "let (q, k) = split(x, 2)",
  },
  E0119: {
    title: "the value of a layer is no block",
    text: "A layer is a block with its static arguments, or a choice between such by `if then else`. The tensors are given where the layer is called.",
    wrong: "layer norm = LayerNorm",
    right: "layer norm = LayerNorm()",
  },
  E0120: {
    title: "too deep nesting",
    text: "Brackets and bodies stand at most 100 deep inside of each other, and an expression holds at most 300 operators in a row. Give a part of it a name.",
  },
  E0121: {
    title: "a line that begins with an operator",
    text: "A new line ends a statement, unless a bracket is open, or the line ends in an operator, `,`, `=`, `=>`, `->` or `|`, or the next begins with `then`, `else`, `as`, `from`, `incremental`, `->` or `|`. So an operator stands at the end of its line.",
    wrong: "let y = a\n  + b",
    right: "let y = a +\n  b",
  },
  E0122: {
    title: "wrong sizes in a type",
    text: "A list of static values has one length: `int[n]`, or `string[i: n]` with a default for each. A dimension that stacks params (`e: experts`) has no bound.",
    wrong: "kinds: string[a, b]",
    right: "kinds: string[a]",
  },
  E0124: {
    title: "parentheses are needed",
    text: "`not` and `if … then … else …` reach as far to the right as they can. Behind an operator that binds more strongly they stand in parentheses.",
    wrong: "let y = x + if big then 1 else 0",
    right: "let y = x + (if big then 1 else 0)",
  },
});
