/** What is said about each mistake in a body, and where; and that the fixes mend it. */
import { describe, expect, it } from "vitest";
import { pointedAt, read } from "../support/syntax.js";
import { type Cases, declareCases } from "../support/syntax-cases.js";

/** Statements of a body: they stand from line 2, column 3. */
const inBodies: Cases = {
  "characters (E0101)": [
    ["let y = x $ 2", ["2:13 E0101 unexpected character `$`"]],
    [
      "let y = x × 2 − 1",
      [
        "2:13 E0101 unexpected character `×` (U+00D7), which looks like `*`",
        "2:17 E0101 unexpected character `−` (U+2212), which looks like `-`",
      ],
      "let y = x * 2 - 1",
    ],
    ["let y = naïve", ["2:11 E0101 the name `naïve` holds a letter outside of a–z"]],
    [
      "let y = x + 1",
      ["2:12 E0101 unexpected character U+00A0, a space that is none of the language"],
      "let y = x + 1",
    ],
    ["let y = x ? 1 : 2", ["2:13 E0101 unexpected character `?`"]],
    ["let y = a & b", ["2:13 E0101 unexpected character `&`"]],
    ["x\\\n  + 3", ["2:4 E0101 unexpected character `\\`"]],
    [
      "let y = x → z",
      [
        "2:13 E0101 unexpected character `→` (U+2192), which looks like `->`",
        "2:13 E0106 expected the end of the statement, found `→`",
      ],
      "let y = x -> z",
    ],
    ["let y = 'a", ["2:11 E0101 unexpected character `'`"]],
  ],
  "strings (E0102, E0116)": [
    ['let y = "abc', ['2:11 E0102 this string has no closing " on its line']],
    ['let y = "a\\"b"', ['2:16 E0102 this string has no closing " on its line']],
    ["let y = 'abc'", ['2:11 E0116 strings stand between " and "'], 'let y = "abc"'],
    ["let y = “abc”", ['2:11 E0116 strings stand between " and "'], 'let y = "abc"'],
    ['let y = "a" "b"', ['2:15 E0106 expected the end of the statement, found the string "b"']],
    ["let y = '\"'", ['2:11 E0116 strings stand between " and "']],
  ],
  "brackets (E0103, E0104)": [
    ["let y = f(x, g(z)", ["2:12 E0103 this `(` is never closed"]],
    ["let y = f(x, [1, 2)", ["2:16 E0103 this `[` is never closed"]],
    ["let y = f(x[0)", ["2:14 E0103 this `[` is never closed"]],
    ["let y = [1, 2)", ["2:16 E0103 `)` does not close `[`"], "let y = [1, 2]"],
    ["let y = (1]", ["2:13 E0103 `]` does not close `(`"], "let y = (1)"],
    ["let y = f(x))", ["2:15 E0104 `)` closes nothing"]],
    ["let y = x]", ["2:12 E0104 `]` closes nothing"]],
    ["layer l[3 = Linear(3)", ["2:10 E0103 this `[` is never closed"]],
    ["let y = f(x,\n  let z = 3", ["2:12 E0103 this `(` is never closed"]],
    ["let y = f(x\n  z = 3", ["2:12 E0103 this `(` is never closed"]],
  ],
  "numbers (E0105)": [
    ["let y = .5", ["2:11 E0105 `.5` is no number"], "let y = 0.5"],
    ["let y = 1.", ["2:11 E0105 `1.` is no number"], "let y = 1"],
    ["let y = 2x", ["2:11 E0105 `2x` is no number"]],
    ["let y = 1_000", ["2:11 E0105 `1_000` is no number"], "let y = 1000"],
    ["let y = 0x1F", ["2:11 E0105 `0x1F` is no number"], "let y = 31"],
    ["let y = 1f", ["2:11 E0105 `1f` is no number"], "let y = 1"],
    [
      "let y = 99999999999999999999",
      ["2:11 E0105 the whole number 99999999999999999999 is too large: the largest is 2 ** 53 - 1"],
    ],
    ["let y = 1e999", ["2:11 E0105 the number 1e999 is too large"]],
  ],
  "something else (E0106)": [
    ["let 3 = x", ["2:7 E0106 expected a name after `let`, found `3`"]],
    [
      "assert a == 3",
      ["2:16 E0106 an assertion says what must hold: expected `,` and a string, found the end of the line"],
    ],
    ["assert a == 3, m", ["2:18 E0106 expected a string, found `m`"]],
    ["x.", ["2:5 E0106 expected `T` after `.`, found the end of the line"]],
    ["x..y", ["2:4 E0106 there is no `..`"]],
    ["let y = x[0..3]", ["2:14 E0106 there is no `..`"]],
    ["if a: x", ["2:7 E0106 expected `then`, or a body in { }, found `:`"]],
    ["for i in h: x", ["2:13 E0106 expected a body in { }, found `:`"]],
    ["let y = 3 not 4", ["2:13 E0106 expected the end of the statement, found `not`"]],
    [
      "let y = if a then b",
      ["2:22 E0106 an `if` that gives a value has both parts: expected `else`, found the end of the line"],
    ],
    ["let y = if a { b } else { c }", ["2:16 E0106 expected `then`, found `{`"]],
    ["let y = [i: 3] x", ["2:18 E0106 expected `=>`, found `x`"]],
    ["let y = fn(x) => x", ["2:17 E0106 expected the end of the statement, found `=>`"]],
    ["let y = f(a b)", ["2:15 E0106 expected `,` or `)`, found `b`"]],
    ["let y = f(a,, b)", ["2:15 E0106 expected an argument, found `,`"]],
    ["let y = f(,)", ["2:13 E0106 expected an argument or `)`, found `,`"]],
    ["let y = f(a: 3)", ["2:14 E0106 expected `,` or `)`, found `:`"]],
    ["let y = [1 2]", ["2:14 E0106 expected `,` or `]`, found `2`"]],
    ["let y = x[]", ["2:13 E0106 expected an index, found `]`"]],
    ["let y = x[1:2:3]", ["2:16 E0106 expected `,` or `]`, found `:`"]],
    ["let y = ()", ["2:12 E0106 expected an expression, found `)`"]],
    ["let y = (a,)", ["2:13 E0106 expected an expression after `,`, found `)`"], "let y = (a)"],
    ["layer l: Linear(3)", ["2:10 E0106 expected `=`, found `:`"]],
    ["param w = [3]", ["2:11 E0106 expected `:`, found `=`"]],
    ["param w", ["2:10 E0106 expected `:`, found the end of the line"]],
    ["param w: [3] as", ["2:18 E0106 expected an expression, found the end of the line"]],
    ["param: [3]", ["2:8 E0106 expected a name after `param`, found `:`"]],
    ['param w: [3] "a"', ['2:16 E0106 expected the end of the statement, found the string "a"']],
    ['let y = x as "w"', ["2:13 E0106 expected the end of the statement, found `as`"]],
    ["for i = 3 { x }", ["2:9 E0106 expected `in` and an array of layers, or `:` and a count, found `=`"]],
    ["for i in x", ["2:13 E0106 expected a body in { }, found the end of the line"]],
    ["else { x }", ["2:3 E0106 expected a statement, found `else`"]],
    ["if { x }", ["2:6 E0106 expected an expression, found `{`"]],
    ["@foo", ["2:3 E0106 expected a statement, found `@`"]],
    ["x y", ["2:5 E0106 expected the end of the statement, found `y`"]],
    ["x: int", ["2:4 E0106 expected the end of the statement, found `:`"]],
    ["let y = x @@ z", ["2:14 E0106 expected an expression, found `@`"]],
    ["let (a b) = x", ["2:10 E0106 expected `,` or `)`, found `b`"]],
    ["let () = x", ["2:8 E0106 expected a name, found `)`"]],
    ["let (a, 3) = x", ["2:11 E0106 expected a name, found `3`"]],
    ["let y = f(*x)", ["2:13 E0106 expected an argument or `)`, found `*`"]],
    ["let y = {a: 1}", ["2:11 E0106 expected an expression, found `{`"]],
    ["let y = f(x) { x }", ["2:16 E0106 expected the end of the statement, found `{`"]],
    ["if a { x } else if b then x else x", ["2:19 E0106 expected a body in { } after `else`, found an expression"]],
  ],
  "reserved words (E0107)": [
    ["let if = 3", ["2:7 E0107 `if` is a word of the language and cannot be a name"]],
    ["layer then = A()", ["2:9 E0107 `then` is a word of the language and cannot be a name"]],
    ["param true: [3]", ["2:9 E0107 `true` is a word of the language and cannot be a name"]],
    ["for not in h { x }", ["2:7 E0107 `not` is a word of the language and cannot be a name"]],
  ],
  "return (E0108)": [
    ["return x", ["2:3 E0108 there is no `return`: the last expression of a body is its result"], "x"],
    ["return", ["2:3 E0108 there is no `return`: the last expression of a body is its result"], ""],
    ["return (x)", ["2:3 E0108 there is no `return`: the last expression of a body is its result"], "(x)"],
    [
      "if a { return x } else { return 3 }",
      [
        "2:10 E0108 there is no `return`: the last expression of a body is its result",
        "2:28 E0108 there is no `return`: the last expression of a body is its result",
      ],
      "if a { x } else { 3 }",
    ],
  ],
  "attributes (E0109)": [
    ["x.shape[0]", ["2:5 E0109 no attribute `.shape`: the only one is `.T`, the last two axes exchanged"]],
    ["x.view(1, 2)", ["2:5 E0109 no attribute `.view`: the only one is `.T`, the last two axes exchanged"]],
    ["x.sum()", ["2:5 E0109 no attribute `.sum`: the only one is `.T`, the last two axes exchanged"]],
    ["x.t", ["2:5 E0109 no attribute `.t`: the only one is `.T`, the last two axes exchanged"], "x.T"],
    ["x.mT", ["2:5 E0109 no attribute `.mT`: the only one is `.T`, the last two axes exchanged"], "x.T"],
    ["x.foo", ["2:5 E0109 no attribute `.foo`: the only one is `.T`, the last two axes exchanged"]],
    ["x.3", ["2:4 E0109 no attribute `.3`: an element is taken by `[3]`"], "x[3]"],
    ["norm.weight", ["2:8 E0109 no attribute `.weight`: the only one is `.T`, the last two axes exchanged"]],
  ],
  "assignments and comparisons (E0114)": [
    ["x[0] = 3", ["2:8 E0114 `=` gives one name its value and is no part of an expression"]],
    ["x += 1", ["2:5 E0114 there is no `+=`"], "x = x + 1"],
    ["f(x) += 1", ["2:8 E0114 there is no `+=`"]],
    ["let y = a = 3", ["2:13 E0114 `=` gives one name its value and is no part of an expression"]],
    [
      "let y = (a = 3)",
      ["2:14 E0114 `=` gives a name its value and is no part of an expression; a comparison is written `==`"],
      "let y = (a == 3)",
    ],
    [
      "let y = [a = 3]",
      ["2:14 E0114 `=` gives a name its value and is no part of an expression; a comparison is written `==`"],
      "let y = [a == 3]",
    ],
    ["if a = 3 { x }", ["2:8 E0114 `=` gives a name its value; a comparison is written `==`"], "if a == 3 { x }"],
    [
      "if a = 3 and b = 4 then x else x",
      [
        "2:8 E0114 `=` gives a name its value; a comparison is written `==`",
        "2:18 E0114 `=` gives a name its value; a comparison is written `==`",
      ],
      "if a == 3 and b == 4 then x else x",
    ],
    [
      'assert a = 3, "m"',
      ["2:12 E0114 `=` gives a name its value; a comparison is written `==`"],
      'assert a == 3, "m"',
    ],
    ["for i in x = 3 { x }", ["2:14 E0106 expected a body in { }, found `=`"]],
  ],
  "comments (E0115)": [
    ["// a comment", ["2:3 E0115 a comment begins with `#`; `//` divides and rounds down"], "# a comment"],
    [
      "let y = x // the width of it",
      ["2:13 E0115 a comment begins with `#`; `//` divides and rounds down"],
      "let y = x # the width of it",
    ],
    [
      "let y = x // don't (do",
      ["2:13 E0115 a comment begins with `#`; `//` divides and rounds down"],
      "let y = x # don't (do",
    ],
    [
      "let y = f(x, // the first one\n    z)",
      ["2:16 E0115 a comment begins with `#`; `//` divides and rounds down"],
      "let y = f(x, # the first one\n    z)",
    ],
  ],
  "words and signs of other languages (E0116)": [
    [
      "let y = a && b || !c",
      [
        "2:13 E0116 `&&` is written `and` here",
        "2:18 E0116 `||` is written `or` here",
        "2:21 E0116 `!` is written `not` here",
      ],
      "let y = a and b or not c",
    ],
    [
      "let y = a === b !== c",
      ["2:13 E0116 `===` is written `==` here", "2:19 E0116 `!==` is written `!=` here"],
      "let y = a == b != c",
    ],
    [
      "let y = x;\n  let z = y;",
      ["2:12 E0116 a statement ends with its line, not with `;` (2 in this file)"],
      "let y = x\n  let z = y",
    ],
    ["a = 1; b = 2", ["2:8 E0116 a statement ends with its line, not with `;`"], "a = 1\n b = 2"],
    ["let y = True", ["2:11 E0116 `True` is written `true` here"], "let y = true"],
    ["let y = None", ["2:11 E0116 there is no `None`: every name has a value"]],
    ["if a { x } elif b { x }", ["2:14 E0116 `elif` is written `else if` here"], "if a { x } else if b { x }"],
    [
      "if a { x }\n  elif b { x }\n  else { x }",
      ["3:3 E0116 `elif` is written `else if` here"],
      "if a { x }\n  else if b { x }\n  else { x }",
    ],
    ["while a { x }", ["2:3 E0116 there is no `while` in Trafo"]],
    ["let y = lambda x: x + 1", ["2:11 E0116 there is no `lambda`: a function has a name"]],
    ["const y = 3", ["2:3 E0116 `const` is written `let` here"], "let y = 3"],
    ["y := 3", ["2:5 E0116 `:=` is written `=` here"], "y = 3"],
    ["let y := 3", ["2:9 E0116 `:=` is written `=` here"], "let y = 3"],
    ["print x", ["2:3 E0116 there is no `print` in Trafo"]],
    ["class A { x }", ["2:3 E0116 there is no `class` in Trafo"]],
  ],
  "places (E0117)": [
    [
      "def g(x: [...]) { x }",
      [
        "2:3 E0116 `def` is written `fn` here",
        "2:3 E0117 a `fn` stands at the top of a file or of a model, not in a body",
      ],
      "fn g(x: [...]) { x }",
    ],
    ["fn g(x: [...]) -> [...] = x", ["2:3 E0117 a `fn` stands at the top of a file or of a model, not in a body"]],
    ["entry g(x: [...]) -> (y: [...]) { x }", ["2:3 E0117 an `entry` stands in a model, not in a body"]],
    ["import std: x", ["2:3 E0117 an `import` stands at the top of a file, not in a body"]],
    ["model M() { }", ["2:3 E0117 a `model` stands at the top of a file, not in a body"]],
    [
      "block A()(x: [...]) -> [...] { x }",
      ["2:3 E0117 a `block` stands at the top of a file or of a model, not in a body"],
    ],
  ],
  "let (E0118)": [
    ["let y 3", ["2:9 E0118 a `let` gives its name a value: expected `=`, found `3`"]],
    ["let y", ["2:8 E0118 a `let` gives its name a value: expected `=`, found the end of the line"]],
    ["let y == 3", ["2:9 E0118 a `let` gives its name a value: expected `=`, found `==`"]],
    ["let y: int = 3", ["2:8 E0118 a `let` states no type: it has the type of its value"], "let y = 3"],
    [
      "let a, b = split(x, 2)",
      ["2:8 E0118 several names stand in parentheses: `let (a, b) = …`"],
      "let (a, b) = split(x, 2)",
    ],
    ["a, b = split(x, 2)", ["2:4 E0118 several names are given by `let (a, b) = …`"], "let (a, b) = split(x, 2)"],
    ["(a, b) = split(x, 2)", ["2:10 E0118 several names are given by `let (a, b) = …`"], "let (a, b) = split(x, 2)"],
  ],
  "layers (E0119)": [
    [
      "layer l = Linear",
      ["2:13 E0119 the value of a layer is a block with its static arguments, `Block(…)`, or a choice between such"],
      "layer l = Linear()",
    ],
    [
      "layer l = 3",
      ["2:13 E0119 the value of a layer is a block with its static arguments, `Block(…)`, or a choice between such"],
    ],
    [
      "layer l = Linear(3)(x)",
      ["2:13 E0119 the value of a layer is a block with its static arguments, `Block(…)`, or a choice between such"],
    ],
    [
      "layer l = (Linear(3))",
      ["2:13 E0119 the value of a layer is a block with its static arguments, `Block(…)`, or a choice between such"],
    ],
    [
      "layer l = if a then Linear(3) else 4",
      ["2:38 E0119 the value of a layer is a block with its static arguments, `Block(…)`, or a choice between such"],
    ],
  ],
  "lines (E0121)": [
    [
      "let y = a\n    + b",
      ["3:5 E0121 a line cannot begin with `+`: the line before has ended its statement"],
      "let y = a +\n    b",
    ],
    [
      "let y = a\n    and b",
      ["3:5 E0121 a line cannot begin with `and`: the line before has ended its statement"],
      "let y = a and\n    b",
    ],
    ["let y = a # why\n    + b", ["3:5 E0121 a line cannot begin with `+`: the line before has ended its statement"]],
    ["let y = f(x)\n    .T", ["3:5 E0121 a line cannot begin with `.`: the line before has ended its statement"]],
    [
      "for i in x\n  { x }",
      ["3:3 E0121 a line cannot begin with `{`: the line before has ended its statement"],
      "for i in x { x }",
    ],
    [
      "let y\n    = 3",
      ["3:5 E0121 a line cannot begin with `=`: the line before has ended its statement"],
      "let y =\n    3",
    ],
  ],
  "parentheses (E0124)": [
    ["let y = 1 + not a", ["2:15 E0124 this `not` needs parentheses around it"], "let y = 1 + (not a)"],
    [
      "let y = 1 + if a then b else c",
      ["2:15 E0124 this `if` needs parentheses around it"],
      "let y = 1 + (if a then b else c)",
    ],
    ["let y = -not a", ["2:12 E0124 this `not` needs parentheses around it"], "let y = -(not a)"],
    [
      "let y = x[[i: if a then b else c] => i]",
      ["2:17 E0124 this `if` needs parentheses around it"],
      "let y = x[[i: (if a then b else c)] => i]",
    ],
  ],
};

declareCases(inBodies, (text) => `fn f() {\n  ${text}\n}\n`, ["let y = x → z", "def g(x: [...]) { x }"]);

describe("help", () => {
  it.each([
    ["x.shape", "sizes are named where a tensor is declared: `x: [B, T, D]`"],
    ["x.view(3)", "use `rearrange`"],
    ["x.softmax()", "it is a function: `softmax(x)`"],
    ["let y = lambda x: x", "declare it: `fn name(x: [...]) -> [...] = …`, and give its name as a value"],
    ["while a { b }", "`for i: n { … }` counts and `for layer in layers { … }` walks; both are known when compiling"],
    ["x[0] = 3", "nothing is changed in place: `where` chooses between old and new elements"],
    ["let y = f(a: 3)", "an argument is named by `name = value`"],
    ["let y = x[0:3:2]", "a slice has no step"],
    ["let y = x[0..3]", "`for i: n` counts from 0 to n - 1; a slice is written `x[a:b]`"],
    ["let y = a ? b : c", "a choice is written `if condition then a else b`"],
    ["layer l = B()(x)", "tensors are given where the layer is called, not where it is declared"],
    ["else { x }", "`else` follows the `}` of its `if`"],
  ])("for %s", (text, help) => {
    expect(read(`fn f() {\n  ${text}\n}\n`).diagnostics[0]?.help).toEqual([help]);
  });
});

describe("labels", () => {
  it("show the bracket that is closed by another", () => {
    const [diagnostic] = read("fn f() = [1, 2)").diagnostics;
    expect(pointedAt(diagnostic!)).toBe(")");
    expect(diagnostic!.labels[1]).toMatchObject({ span: { start: 9, end: 10 }, text: "opened here" });
  });

  it("show all brackets that are never closed by one diagnostic", () => {
    const { diagnostics } = read("fn f(x: [B, T -> [B] {\n  x\n}\n");
    expect(diagnostics).toHaveLength(1);
    expect(diagnostics[0]!.labels.map(({ span }) => span.start)).toEqual([4, 8]);
  });
});
