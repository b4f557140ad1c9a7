/** What is said about each mistake in declarations and whole files, and where; and that the fixes mend it. */
import { type Cases, declareCases } from "../support/syntax-cases.js";

/** Whole files. */
const files: Cases = {
  "arguments and types (E0106, E0111, E0112, E0113, E0122)": [
    ["fn f(x) = x", ["1:7 E0106 expected `:` and the type of `x`, found `)`"]],
    [
      "fn f(x: integer, y: str, z: Int) = x",
      [
        "1:9 E0111 there is no type `integer`",
        "1:21 E0111 there is no type `str`",
        "1:29 E0111 there is no type `Int`",
      ],
      "fn f(x: int, y: string, z: int) = x",
    ],
    ["fn f(x: f64[3], y: foo) = x", ["1:9 E0111 there is no type `f64`", "1:20 E0111 there is no type `foo`"]],
    [
      "fn f(x: flot, y: bol[3]) = x",
      ["1:9 E0111 there is no type `flot`", "1:18 E0111 there is no type `bol`"],
      "fn f(x: float, y: bool[3]) = x",
    ],
    [
      "fn f(x: [T, ...], y: [..., ...]) = x",
      [
        "1:13 E0112 `...` stands once in a type, before all other sizes",
        "1:28 E0112 `...` stands once in a type, before all other sizes",
      ],
    ],
    [
      "fn f(x: f32, y: i32) = x",
      [
        "1:9 E0113 a tensor type has sizes: `f32[]` is a tensor of one element",
        "1:17 E0113 a tensor type has sizes: `i32[]` is a tensor of one element",
      ],
      "fn f(x: f32[], y: i32[]) = x",
    ],
    [
      "fn f(x: int[a, b], y: string[], z: fn[3], w: float[...], v: int[a <= 3]) = x",
      [
        "1:9 E0122 a list has one length: `int[n]`",
        "1:23 E0122 a list has one length: `string[n]`",
        "1:36 E0122 there are no lists of functions",
        "1:46 E0122 a list has one length: `float[n]`",
        "1:61 E0122 a list has one length: `int[n]`",
      ],
    ],
    ["fn f(x: [e: n <= 3]) = x", ["1:18 E0122 a stacked dimension has no bound"]],
    ["fn f(x: [3] y: [4]) = x", ["1:13 E0106 expected `,` or `)`, found `y`"]],
    [
      "fn f(3, x: [a b], y: int = , z: []) = x",
      [
        "1:6 E0106 expected an argument, found `3`",
        "1:15 E0106 expected `,` or `]`, found `b`",
        "1:28 E0106 expected an expression, found `,`",
      ],
    ],
    ["fn f(k: int = 3 from key) = k", ["1:22 E0106 expected a string, found `key`"]],
    ['fn f(k: int from "a" or "b") = k', ["1:22 E0106 expected `,` or `)`, found `or`"]],
    ["fn f(k: int = a b) = k", ["1:17 E0106 expected `,` or `)`, found `b`"]],
    ["fn f(x: [T + ]) = x", ["1:14 E0106 expected an expression, found `]`"]],
    ["fn f(x: [T < 3]) = x", ["1:12 E0106 expected `,` or `]`, found `<`"]],
  ],
  "functions (E0106)": [
    ["fn f x = x", ["1:6 E0106 a fn has arguments in parentheses, if only (): expected `(`, found `x`"]],
    ["fn (x: [3]) = x", ["1:4 E0106 expected a name after `fn`, found `(`"]],
    ["fn f(x: [3]) x", ["1:14 E0106 expected `=` and an expression, or a body in { }, found `x`"]],
    ["fn f(x: [3]) -> = x", ["1:17 E0106 expected a type, found `=`"]],
    ["fn f(x: [3]) -> [3] x", ["1:21 E0106 expected `=` and an expression, or a body in { }, found `x`"]],
    ["fn f(x: [3]): [3] = x", ["1:13 E0106 the type of the result stands behind `->`"], "fn f(x: [3]) -> [3] = x"],
    ["fn f() =\n\nfn g() = 3", ["1:9 E0106 expected an expression, found the end of the line"]],
  ],
  "blocks (E0106, E0110)": [
    [
      "block A(x: [B]) -> [B] { x }",
      ["1:8 E0110 a block has two pairs of parentheses: static arguments, then tensors"],
      "block A()(x: [B]) -> [B] { x }",
    ],
    [
      "block A(n: int) -> [B] { x }",
      ["1:8 E0110 a block has two pairs of parentheses: static arguments, then tensors"],
      "block A(n: int)() -> [B] { x }",
    ],
    ["block A()(x: [B]) { x }", ["1:19 E0106 a block states its result: expected `->` and a type, found `{`"]],
    ["block A()(x: [B]) -> [B] = x", ["1:26 E0106 expected a body in { }, found `=`"]],
    ["block A { x }", ["1:9 E0106 a block has arguments in parentheses, if only (): expected `(`, found `{`"]],
    [
      "block A()(x: [B]) -> [B]\n{\n  x\n}\n",
      ["2:1 E0121 a line cannot begin with `{`: the line before has ended its statement"],
      "block A()(x: [B]) -> [B] {\n  x\n}\n",
    ],
    [
      "block A(x: [B])\n",
      [
        "1:8 E0110 a block has two pairs of parentheses: static arguments, then tensors",
        "1:16 E0106 a block states its result: expected `->` and a type, found the end of the file",
      ],
      "block A()(x: [B])\n",
    ],
  ],
  "models and entries (E0106, E0117)": [
    ["model M { }", ["1:9 E0106 a model has arguments in parentheses, if only (): expected `(`, found `{`"]],
    [
      "model M()(x: [B]) { }",
      ["1:10 E0106 a model has no second parentheses: the tensors are arguments of its entries"],
    ],
    ["model M() -> [B] { }", ["1:11 E0106 expected a body in { }, found `->`"]],
    [
      "model M() { entry f(x: [B]) -> [B] { x } }",
      ["1:32 E0106 an entry names its results: expected `(name: type)`, found `[`"],
    ],
    [
      "model M() { entry f(x: [B]) { x } }",
      ["1:29 E0106 an entry states its results: expected `-> (name: type)`, found `{`"],
    ],
    ["model M() { entry f(x: [B]) -> (y [B]) { x } }", ["1:35 E0106 expected `:`, found `[`"]],
    ["model M() { entry f(x: [B]) incremental -> (y: [B]) { x } }", ["1:41 E0106 expected a name, found `->`"]],
    [
      "model M() { import std: x\n model N() { } }",
      [
        "1:13 E0117 an `import` stands at the top of a file, not in a model",
        "2:2 E0117 a `model` stands at the top of a file, not in a model",
      ],
    ],
    ["entry f(x: [B]) -> (y: [B]) { x }", ["1:1 E0117 an `entry` stands in a model, not at the top of a file"]],
  ],
  "imports (E0106)": [
    ["import std", ["1:11 E0106 expected `:`, found the end of the file"]],
    ["import std: ", ["1:12 E0106 expected a name, found the end of the file"]],
    ["import std: a b", ["1:15 E0106 expected the end of the statement, found `b`"]],
    ["import std.x: a", ["1:11 E0106 expected `:`, found `.`"]],
    ["import * from std", ["1:8 E0106 expected a name after `import`, found `*`"]],
    ["from std import x", ["1:1 E0116 there is no `from` in Trafo"]],
    ["import 3: x", ["1:8 E0106 expected a name after `import`, found `3`"]],
    ["import std: a,", ["1:15 E0106 expected a name, found the end of the file"]],
    ["import std: if", ["1:13 E0107 `if` is a word of the language and cannot be a name"]],
  ],
  "the top of a file (E0104, E0106, E0116, E0117)": [
    ["let x = 3", ["1:1 E0117 a statement stands in a body, not at the top of a file"]],
    ["x + 1", ["1:1 E0117 a statement stands in a body, not at the top of a file"]],
    ["param w: [3]", ["1:1 E0117 a statement stands in a body, not at the top of a file"]],
    ["foo bar", ["1:5 E0106 expected the end of the statement, found `bar`"]],
    ["}", ["1:1 E0104 `}` closes nothing"]],
    [")", ["1:1 E0104 `)` closes nothing"]],
    ["fn f() = 3 }", ["1:12 E0104 `}` closes nothing"]],
    ["struct A { x }", ["1:1 E0116 there is no `struct` in Trafo"]],
  ],
  "what is never closed (E0103)": [
    ["block A()(x: [B]) -> [B] {\n  let y = x\n  y\n", ["1:26 E0103 this `{` is never closed"]],
    [
      "model M() {\n  block A()(x: [B]) -> [B] {\n    x\n\n  block B()(x: [B]) -> [B] { x }\n}\n",
      ["2:28 E0103 this `{` is never closed"],
    ],
    ["fn f() {\n  if a {\n    x\n  y\n}\nfn g() = 3\n", ["2:8 E0103 this `{` is never closed"]],
    [
      "model M(\n  a: int = 3,\n  b: int = 4\n{\n  param w: [3]\n}\nfn f() = 3\n",
      ["1:8 E0103 this `(` is never closed"],
    ],
    ["fn f(x: [B, T -> [B] {\n  x\n}\nfn g() = 3", ["1:5 E0103 this `(` is never closed"]],
    ["fn f(x: [B]) -> [B] { x", ["1:21 E0103 this `{` is never closed"]],
    [
      "fn f() {\n  let a = [1, 2\n  let b = (3\n  a\n}\n",
      ["2:11 E0103 this `[` is never closed", "3:11 E0103 this `(` is never closed"],
    ],
  ],
};

declareCases(files, (text) => text, ["block A(x: [B])\n"]);
