/** The tree of what is written: operators, statements, declarations, types, places and documentation. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { Function as FunctionDeclaration, Model, Statement } from "../../dsl/syntax/index.js";
import { parseExpression } from "../../dsl/syntax/index.js";
import { Diagnostics, SourceFile } from "../../src/diagnostics/index.js";
import { grouped, mistakes, oneLine, read, treeOf, withTexts } from "../support/syntax.js";

const root = join(fileURLToPath(import.meta.url), "../../..");

/** The statements of a body. */
function statements(text: string): readonly Statement[] {
  const fn = treeOf(`fn f() {\n${text}\n}`).declarations[0] as FunctionDeclaration;
  if (fn.body.kind !== "body") throw new Error("no body");
  return fn.body.statements;
}

describe("expressions", () => {
  it.each([
    ["1 + 2 * 3", "(1 + (2 * 3))"],
    ["a - b - c", "((a - b) - c)"],
    ["a * b @ c / d // e % f", "(((((a * b) @ c) / d) // e) % f)"],
    ["-x ** 2", "(-(x ** 2))"],
    ["2 ** -x ** 2", "(2 ** (-(x ** 2)))"],
    ["a ** b ** c", "(a ** (b ** c))"],
    ["-a * -b", "((-a) * (-b))"],
    ["a + -b * c", "(a + ((-b) * c))"],
    ["- -a", "(-(-a))"],
    ["not a == b and c", "((not (a == b)) and c)"],
    ["not not a or b", "((not (not a)) or b)"],
    ["a or b and c or d", "((a or (b and c)) or d)"],
    ["0 <= a + 1 < b == c", "(0 <= (a + 1) < b == c)"],
    ["(a + b) * c", "(<(a + b)> * c)"],
    ["(a, b)", "tuple(a, b)"],
    ["(a, b,)", "tuple(a, b)"],
    ["((a))", "<<a>>"],
    ["[]", "[]"],
    ['[1, x, "s"]', '[1, x, "s"]'],
    ["f()", "f()"],
    ["f(a, k = b, )", "f(a, k = b)"],
    ["f(a)(b)[c].T.T", "f(a)(b)[c].T.T"],
    ["x[..., :, 1:, :n, a:b, -1]", "x[..., :, 1:, :n, a:b, (-1)]"],
    ["x.T @ y", "(x.T @ y)"],
    ["if a then b else if c then d else e + 1", "(if a then b else (if c then d else (e + 1)))"],
    ["if a and b then (if c then d else e) else f", "(if (a and b) then <(if c then d else e)> else f)"],
    ["[t: T, s: S + 1] => s <= t and t < 3", "([t: T, s: (S + 1)] => ((s <= t) and (t < 3)))"],
    ["2 * [t: T] => t + 1", "(2 * ([t: T] => (t + 1)))"],
    ["([t: T] => t)[0] + 1", "(<([t: T] => t)>[0] + 1)"],
    ["[t: T] => { t }[0] + 1", "(([t: T] => {…})[0] + 1)"],
    ["layer + let * from[as] - in", "((layer + (let * from[as])) - in)"],
    ["true and false", "(true and false)"],
    ["a +\n b", "(a + b)"],
    ["f(a\n, b\n)", "f(a, b)"],
    ["x // y # a comment", "(x // y)"],
  ])("%s", (text, tree) => {
    expect(grouped(text)).toBe(tree);
  });

  it("reads numbers", () => {
    const numbers = ["0", "12", "0.5", "1e-5", "2.5E+3", "9007199254740991"].map((text) =>
      parseExpression(new SourceFile("n", text), new Diagnostics()),
    );
    expect(numbers).toMatchObject([
      { value: 0, whole: true },
      { value: 12, whole: true },
      { value: 0.5, whole: false },
      { value: 1e-5, whole: false, text: "1e-5" },
      { value: 2500, whole: false },
      { value: Number.MAX_SAFE_INTEGER, whole: true },
    ]);
  });

  it("reads strings as they stand, without escapes", () => {
    expect(grouped('"a\\n # ü ("')).toBe('"a\\n # ü ("');
  });

  it("reads one expression alone", () => {
    const diagnostics = new Diagnostics();
    const file = new SourceFile("--set", "1 + 2 3");
    expect(parseExpression(file, diagnostics)).toMatchObject({ kind: "missing" });
    expect(diagnostics.sorted.map(oneLine)).toEqual(["1:7 E0106 expected the end of the expression, found `3`"]);
    const empty = new Diagnostics();
    parseExpression(new SourceFile("--set", ""), empty);
    expect(empty.sorted.map(oneLine)).toEqual(["1:1 E0106 expected an expression, found nothing"]);
  });
});

describe("statements", () => {
  it("reads each kind", () => {
    expect(
      statements(`
        param w: [3 * D, e] as "a" | "b.{e}"
        layer h[i: n] = Block(i, k = 2) as "h"
        layer a[n] = if c then A() else if d then B(1) else C()
        let x = 1
        let (q, k, _) = split(x, 3)
        x = 2
        for l in h { x = l(x) }
        for i: 3 { }
        assert x == 2, "two"
        if a { b } else if c { d } else { e }
        if a then b else c
        x`).map((s) => s.kind),
    ).toEqual("param layer layer let let assign for for assert if expression expression".split(" "));
  });

  it("keeps the parts of a layer", () => {
    expect(statements('layer h[i: n] = if i == 0 then A(1) else B(k = i) as "x" | y')[0]).toMatchObject({
      kind: "layer",
      name: { name: "h" },
      array: { index: { name: "i" }, count: { name: "n" } },
      value: {
        kind: "choose",
        yes: { kind: "apply", block: { name: "A" }, arguments: [{ name: null }] },
        no: { kind: "apply", block: { name: "B" }, arguments: [{ name: { name: "k" } }] },
      },
      paths: [
        { kind: "string", value: "x" },
        { kind: "name", name: "y" },
      ],
    });
  });

  it("tells `let (a) = x` from `let a = x`", () => {
    expect(statements("let (a) = x\nlet a = x")).toMatchObject([{ unpacks: true }, { unpacks: false }]);
  });

  it("takes words as names unless a statement can begin there and a name follows", () => {
    const text = `
      layer = param + 1
      let = 2
      assert = 3
      for for in in { model(entry) }
      layer layer = layer()
      let let = let[0]
      fn * block
      let (a, b) = x
      assert (a), "b"
      assert -a < b, "c"`;
    expect(statements(text).map((s) => s.kind)).toEqual(
      "assign assign assign for layer let expression let assert assert".split(" "),
    );
  });

  it("takes `param as: [n]` for a param named as", () => {
    expect(statements("param as: [n] as as")[0]).toMatchObject({ name: { name: "as" }, paths: [{ name: "as" }] });
  });
});

describe("lines", () => {
  it.each([
    ["an operator at the end", "let y = a +\n b"],
    ["`and` at the end", "let y = a and\n b"],
    ["`not` at the end", "let y = not\n b"],
    ["`=` at the end", "let y =\n\n # why\n a"],
    ["`=>` at the end", "let y = [i: 3] =>\n i"],
    ["`then` and `else` at the beginning", "let y = if a\n then b\n else c"],
    ["`then` and `else` at the end", "let y = if a then\n b else\n c"],
    ["`as` and `|` at the beginning", 'param w: [3]\n as "a"\n | "b"'],
    ["`|` at the end", 'param w: [3] as "a" |\n "b"'],
    ["`else` after a body", "if a { b }\n\n else { c }"],
    ["brackets", "let y = f(\n\n a\n + b\n, [\n 1\n ]\n)"],
    ["a comma at the end", 'assert a,\n "b"'],
    ["a comment at the end", "let y = a + # one\n # two\n b"],
  ])("go on with %s", (_, text) => {
    expect(statements(text)).toHaveLength(1);
  });

  it("go on in a declaration", () => {
    const text = `import std: a,
  b
fn f(x: int = a
  from "k"
  | "l")
  -> [
    3
  ] = x
model M() {
  entry e(x: [T])
    incremental T
    -> (y: [T]) { x }
}`;
    expect(treeOf(text).declarations.map((d) => d.kind)).toEqual(["import", "fn", "model"]);
  });

  it("end a statement elsewhere", () => {
    expect(statements("a\nb\n(c)\n[d]\n-e")).toHaveLength(5);
  });

  it("count again in a body within brackets", () => {
    expect(statements("f([i: n] => {\n let a = i\n a\n}, b)")).toHaveLength(1);
  });

  it("leave a default that is a word before `from`", () => {
    expect(mistakes('model M(\n  a: int =\n    layer from "a",\n) { }')).toEqual([]);
  });
});

describe("declarations", () => {
  it("reads a function", () => {
    expect(withTexts(treeOf('fn f(x: [..., T <= 4], k: int = 3 from "a" | "b",) -> ([T], i32[]) { x }'))).toMatchObject(
      {
        declarations: [
          {
            kind: "fn",
            name: { name: "f" },
            parameters: [
              {
                type: {
                  element: "f32",
                  elementWritten: false,
                  dimensions: [{ kind: "rest" }, { kind: "size", text: "T <= 4", bound: { value: 4 } }],
                },
                default: null,
                keys: [],
                text: "x: [..., T <= 4]",
              },
              {
                type: { element: "int", elementWritten: true, dimensions: null },
                default: { value: 3 },
                keys: [{ text: '"a"' }, { text: '"b"' }],
              },
            ],
            result: [{ text: "[T]" }, { element: "i32", dimensions: [] }],
            resultIsTuple: true,
            body: { kind: "body", text: "{ x }" },
          },
        ],
      },
    );
  });

  it("reads a block, a model and an entry", () => {
    const tree = treeOf(`import "./a.trafo": A
block B(n: int)(x: [D]) -> [D] { x }
model M(kinds: string[i: n] = "a") {
  fn g() = 1
  block C()(x: [D]) -> [D] { x }
  let a = 1
  entry e(x: [T]) incremental T -> (y: [T], z: bool[...]) { x }
}`);
    expect(tree.declarations).toMatchObject([
      { kind: "import", module: { name: "./a.trafo", isPath: true } },
      { kind: "block", statics: [{ name: { name: "n" } }], parameters: [{ name: { name: "x" } }] },
      {
        kind: "model",
        statics: [{ type: { element: "string", dimensions: [{ kind: "index", name: { name: "i" } }] } }],
      },
    ]);
    const model = tree.declarations[2] as Model;
    expect(model.members.map((m) => m.kind)).toEqual(["fn", "block", "let", "entry"]);
    expect(model.members[3]).toMatchObject({ incremental: { name: "T" }, results: [{ name: { name: "y" } }, {}] });
  });

  it("documents them by the comments directly above", () => {
    const tree = treeOf(`# not this

# One
#  two
#three
fn f() = 1
fn g() = 2 # nor this
fn h() = 3
model M() {
  # inner
  entry e() -> (y: [3]) { 1 }
}`);
    expect(tree.declarations.map((d) => ("documentation" in d ? d.documentation : ""))).toEqual([
      "One\n two\nthree",
      null,
      null,
      null,
    ]);
    expect((tree.declarations[3] as Model).members[0]).toMatchObject({ documentation: "inner" });
  });
});

describe("places", () => {
  it("are those of the text", () => {
    const tree = treeOf(
      "fn f(x: [T]) -> [T] = -x[0:1] * (x + 1) ** 2 <= if a then b else c.T".replace("if", "(if").concat(")"),
    );
    const texts: string[] = [];
    const visit = (node: unknown): void => {
      if (typeof node !== "object" || node === null) return;
      const { kind, text } = node as { kind?: string; text?: string };
      if (kind && text !== undefined) texts.push(`${kind} ${text}`);
      for (const value of Object.values(node)) visit(value);
    };
    visit(withTexts((tree.declarations[0] as FunctionDeclaration).body));
    expect(texts).toEqual([
      "compare -x[0:1] * (x + 1) ** 2 <= (if a then b else c.T)",
      "binary -x[0:1] * (x + 1) ** 2",
      "negate -x[0:1]",
      "index x[0:1]",
      "name x",
      "range 0:1",
      "number 0",
      "number 1",
      "binary (x + 1) ** 2",
      "group (x + 1)",
      "binary x + 1",
      "name x",
      "number 1",
      "number 2",
      "group (if a then b else c.T)",
      "conditional if a then b else c.T",
      "name a",
      "name b",
      "transpose c.T",
      "name c",
    ]);
  });

  it("hold with CRLF, tabs, a BOM and letters outside of ASCII", () => {
    const text = '\uFEFF# größe ☃\r\nfn f() {\r\n\tlet a = "ü"\r\n\ta\r\n}\r\n';
    const { tree, diagnostics } = read(text);
    expect(diagnostics).toEqual([]);
    expect(withTexts(tree.declarations[0])).toMatchObject({
      documentation: "größe ☃",
      text: 'fn f() {\r\n\tlet a = "ü"\r\n\ta\r\n}',
      body: { statements: [{ text: 'let a = "ü"' }, { text: "a" }] },
    });
  });

  it("cover the file, also an empty one", () => {
    for (const text of ["", "\n\n", "# only\n# comments", "  \t"]) {
      const { tree, diagnostics } = read(text);
      expect(diagnostics).toEqual([]);
      expect(tree).toMatchObject({ declarations: [], span: { start: 0, end: text.length } });
    }
  });
});

describe("programs", () => {
  const programs = ["dsl/std", "examples", "test/fixtures/families"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".trafo"))
      .map((name) => join(folder, name)),
  );

  it.each(programs)("%s", (path) => {
    const { tree, diagnostics } = read(readFileSync(join(root, path), "utf8"), path);
    expect(diagnostics.map(oneLine)).toEqual([]);
    expect(tree.declarations.length).toBeGreaterThan(0);
  });
});
