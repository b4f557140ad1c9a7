/** Several mistakes in one run, each said once, and the rest of the text in the tree. */
import { describe, expect, it } from "vitest";
import type { Block, Function as FunctionDeclaration, Model } from "../../dsl/syntax/index.js";
import { mistakes, read } from "../support/syntax.js";

describe("a file with several mistakes", () => {
  const text = `import std LayerNorm

# Kept.
fn good(x: [T]) -> [T] = x

fn bad(x: [T] -> [T] = x

block Mixed(n: int)(x: [D]) -> [D] {
  param w [D]
  let y = x +
  layer norm = LayerNorm
  for l in h {
    y = l(y
    let z = 3 $ 4
    y
  }
  y + 1
}

model M(width: intt = 3, heads int, depth: int = ) {
  entry forward(x: [B]) -> (y: [B]) {
    return x
  }
  entry = 3 3
}

fn last() = 1
`;

  it("says each once", () => {
    expect(mistakes(text)).toEqual([
      "1:12 E0106 expected `:`, found `LayerNorm`",
      "6:7 E0103 this `(` is never closed",
      "9:11 E0106 expected `:`, found `[`",
      "10:14 E0106 expected an expression, found the end of the line",
      "11:16 E0119 the value of a layer is a block with its static arguments, `Block(…)`, or a choice between such",
      "13:10 E0103 this `(` is never closed",
      "14:15 E0101 unexpected character `$`",
      "20:16 E0111 there is no type `intt`",
      "20:32 E0106 expected `:` and the type of `heads`, found `int`",
      "20:50 E0106 expected an expression, found `)`",
      "22:5 E0108 there is no `return`: the last expression of a body is its result",
      "24:13 E0106 expected the end of the statement, found `3`",
    ]);
  });

  it("keeps what is right", () => {
    const { tree } = read(text);
    expect(tree.declarations.map((d) => ("name" in d ? d.name.name : d.kind))).toEqual(["good", "Mixed", "M", "last"]);
    expect((tree.declarations[0] as FunctionDeclaration).documentation).toBe("Kept.");
    const mixed = tree.declarations[1] as Block;
    expect(mixed.body.statements.map((s) => s.kind)).toEqual(["for", "expression"]);
    expect(mixed.body.statements[0]).toMatchObject({
      body: { statements: [{ kind: "assign" }, { kind: "expression" }] },
    });
    const model = tree.declarations[2] as Model;
    expect(model.statics.map((p) => p.name.name)).toEqual(["width"]);
    expect(model.members).toMatchObject([{ kind: "entry", body: { statements: [{ kind: "expression" }] } }]);
  });
});

describe("what follows from a mistake", () => {
  it("is not said: the rest of a statement", () => {
    expect(mistakes("fn f() {\n  let y = 3 4 = * )\n  y\n}")).toEqual(["2:19 E0104 `)` closes nothing"]);
    expect(mistakes("fn f() {\n  let y = 3) 4 = *\n  y\n}")).toEqual(["2:12 E0104 `)` closes nothing"]);
    expect(mistakes("fn f() {\n  let y = 3 4 = * 7\n  y\n}")).toEqual([
      "2:13 E0106 expected the end of the statement, found `4`",
    ]);
  });

  it("is not said: a body behind a wrong head is read all the same", () => {
    expect(mistakes("fn f(x) -> {\n  let = 3 4\n  x\n}\nblock B {\n  let 3\n}")).toEqual([
      "1:7 E0106 expected `:` and the type of `x`, found `)`",
      "1:12 E0106 expected a type, found `{`",
      "2:11 E0106 expected the end of the statement, found `4`",
      "5:9 E0106 a block has arguments in parentheses, if only (): expected `(`, found `{`",
      "6:7 E0106 expected a name after `let`, found `3`",
    ]);
  });

  it("is not said: a bracket left open does not reach past its statement", () => {
    expect(mistakes("fn f() {\n  let y = f([1, (2\n  let z = y\n  z z\n}\nfn g() = 1")).toEqual([
      "2:12 E0103 this `(` is never closed",
      "4:5 E0106 expected the end of the statement, found `z`",
    ]);
  });

  it("is not said: a body left open ends before the next declaration", () => {
    const { tree, diagnostics } = read(`model M() {
  block A()(x: [D]) -> [D] {
    if a {
      x
    x
  }

  block B()(x: [D]) -> [D] { x }
}

fn f() = 1
`);
    expect(diagnostics.map((d) => d.code)).toEqual(["E0103"]);
    expect(diagnostics[0]!.labels[0]!.span.start).toBe(50);
    expect(tree.declarations.map((d) => d.kind)).toEqual(["model", "fn"]);
    expect((tree.declarations[0] as Model).members.map((m) => m.kind)).toEqual(["block", "block"]);
  });

  it("is not said: a `}` or `{` too many or too few shows in the layout", () => {
    const text = `model M() {
  param w: [3]
  for l in h {
    x = l(x)
  }
  entry e(x: [B]) -> (y: [B]) {
    for a in b { x = a(x) }
    x
  }
}
fn f() = 1
`;
    expect(mistakes(text)).toEqual([]);
    const without = (part: string) => mistakes(text.replace(part, part.slice(0, -1)));
    expect(without("model M() {")).toEqual(["1:10 E0106 expected a body in { }, found the end of the line"]);
    expect(without("for l in h {")).toEqual(["3:13 E0106 expected a body in { }, found the end of the line"]);
    expect(without("(y: [B]) {")).toEqual(["6:30 E0106 expected a body in { }, found the end of the line"]);
    expect(without("x = l(x)\n  }")).toEqual(["3:14 E0103 this `{` is never closed"]);
    expect(without("    x\n  }")).toEqual(["6:31 E0103 this `{` is never closed"]);
    expect(mistakes(text.replace("l(x)\n  }", "l(x)\n  } }"))).toEqual(["5:5 E0104 `}` closes nothing"]);
    expect(mistakes(text.replace("l(x)\n", "l(x)\n    }\n"))).toEqual(["5:5 E0104 `}` closes nothing"]);
  });

  it("is not said: statements behind a wrong declaration", () => {
    expect(mistakes("model M\n  let x = 1\n  x\nfn f() = 1\nx\ny\n")).toEqual([
      "1:8 E0106 a model has arguments in parentheses, if only (): expected `(`, found the end of the line",
      "5:1 E0117 a statement stands in a body, not at the top of a file",
    ]);
  });

  it("is not said: layout means nothing where brackets match", () => {
    expect(mistakes("model M(\na: int = (\n1\n),\n) {\nlet x = [\n1\n]\n      fn f() = 1\n    }")).toEqual([]);
  });
});

describe("what is half written", () => {
  it.each(["fn", "fn f", "fn f(", "fn f(x", "fn f(x:", "fn f(x: [", "fn f(x: [T", "fn f(x: [T]", "fn f(x: [T])"])(
    "%s",
    (text) => {
      expect(mistakes(text)).toHaveLength(1);
      expect(mistakes(`${text}\n\nfn g() = 1\n`).length).toBeLessThan(3);
    },
  );

  it("leaves what comes after it", () => {
    const { tree } = read("fn f(x: [T\n\nfn g() = 1\n\nmodel M() {\n  let x =\n\n  entry e() -> (y: [3]) { 1 }\n}");
    expect(tree.declarations.map((d) => ("name" in d ? d.name.name : ""))).toEqual(["g", "M"]);
    expect((tree.declarations[1] as Model).members).toMatchObject([{ kind: "entry" }]);
  });
});
