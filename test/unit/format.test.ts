/** The one layout: what goes on a line, how what does not is broken, where comments and empty lines stay. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { format } from "../../dsl/syntax/index.js";
import { SourceFile, UserError } from "../../src/diagnostics/index.js";
import { commentsOf, treeOf, withoutSpans } from "../support/syntax.js";

const root = join(fileURLToPath(import.meta.url), "../../..");
const formatted = (text: string) => format(new SourceFile("test.trafo", text));

/** Expects a layout, and that it stays. */
function expectLayout(text: string, layout: string): void {
  expect(formatted(text)).toBe(layout);
  expect(formatted(layout)).toBe(layout);
}

/** Statements of a body, laid out. */
function statements(text: string): string {
  const lines = formatted(`fn f() {\n${text}\n}\n`).split("\n").slice(1, -2);
  return lines.map((line) => line.replace(/^ {2}/, "")).join("\n");
}

describe("space", () => {
  it.each([
    ["let  x=1", "let x = 1"],
    ["x =f( a,b ,c=- 1 )", "x = f(a, b, c = -1)"],
    ["x=a+b*-c**2", "x = a + b * -c ** 2"],
    ["x=0<=a<b and not c or d", "x = 0 <= a < b and not c or d"],
    ["x [ 0 , ... , : , 1 : n , : 2,3 : ]", "x[0, ..., :, 1:n, :2, 3:]"],
    ["x . T", "x.T"],
    ["let ( a , _ )=( x , y )", "let (a, _) = (x, y)"],
    ["[ i : n ,j:m ]=>i+j", "[i: n, j: m] => i + j"],
    ["param w:[e:n,D] as 'a'".replaceAll("'", '"'), 'param w: [e: n, D] as "a"'],
    ['param w :i32 [ 3 ]as "a"|"b"', 'param w: i32[3] as "a" | "b"'],
    ["layer h[ i:n ]=if a then B( ) else C(1)", "layer h[i: n] = if a then B() else C(1)"],
    ["for  l  in  h{l}", "for l in h { l }"],
    ["for i :n{ }", "for i: n {}"],
    ['assert a==b,"c"', 'assert a == b, "c"'],
    ["if a{b}else if c{d}else{e}", "if a { b } else if c { d } else { e }"],
    ["f(a,)", "f(a)"],
    ["let x =\n  1", "let x = 1"],
    ["let x = (\n  1 +\n  2\n)", "let x = (1 + 2)"],
  ])("%s", (text, layout) => {
    expect(statements(text)).toBe(layout);
    expect(statements(layout)).toBe(layout);
  });

  it("in declarations", () => {
    expectLayout(
      'import  std :a ,b\nfn f(x:[...,T],k:int=3 from"a"|"b")->( [T],i32[ ] )=x\nblock B( )( x:[D<=4] )->[D]{x}\nmodel M( ){entry e(x:[T])incremental T->(y:[T],z:f32[1]){x}}',
      'import std: a, b\nfn f(x: [..., T], k: int = 3 from "a" | "b") -> ([T], i32[]) = x\nblock B()(x: [D <= 4]) -> [D] { x }\nmodel M() { entry e(x: [T]) incremental T -> (y: [T], z: f32[1]) { x } }\n',
    );
  });
});

describe("lines that are too long", () => {
  const long = (n: number) => "x".repeat(n);

  it("break arguments one on each", () => {
    expect(statements(`let y = f(${long(50)}, g(a, b), ${long(60)})`)).toBe(
      `let y = f(\n  ${long(50)},\n  g(a, b),\n  ${long(60)},\n)`,
    );
  });

  it("break behind operators, weak ones first", () => {
    expect(statements(`let y = ${long(40)} * a + ${long(40)} * b + ${long(40)}`)).toBe(
      `let y =\n  ${long(40)} * a +\n  ${long(40)} * b +\n  ${long(40)}`,
    );
    expect(statements(`f(${long(60)} and ${long(60)})`)).toBe(`f(\n  ${long(60)} and\n    ${long(60)},\n)`);
  });

  it("go behind `=` where that is enough", () => {
    expect(statements(`let ${long(50)} = if ${long(20)} then ${long(20)} else ${long(20)}`)).toBe(
      `let ${long(50)} =\n  if ${long(20)} then ${long(20)} else ${long(20)}`,
    );
  });

  it("break before `then` and `else`", () => {
    expect(statements(`let y = if a then ${long(60)} else ${long(60)}`)).toBe(
      `let y =\n  if a\n    then ${long(60)}\n    else ${long(60)}`,
    );
    expect(statements(`let y = if a then ${long(60)} else if b then c else ${long(60)}`)).toBe(
      `let y =\n  if a then ${long(60)}\n    else if b then c\n    else ${long(60)}`,
    );
  });

  it("break before `as`, then before `|`", () => {
    expect(statements(`param w: [3] as "${long(60)}" | "${long(40)}"`)).toBe(
      `param w: [3]\n  as "${long(60)}" | "${long(40)}"`,
    );
    expect(statements(`param w: [3] as "${long(60)}" | "${long(60)}"`)).toBe(
      `param w: [3]\n  as "${long(60)}"\n    | "${long(60)}"`,
    );
  });

  it("fill imports and lists of small values", () => {
    const names = Array.from({ length: 30 }, (_, i) => `name${i}`).join(", ");
    const layout = formatted(`import std: ${names}`);
    expect(layout.split("\n")).toHaveLength(4);
    expect(layout).toMatch(/^import std: name0.*,\n {2}name\d.*,\n {2}name\d.*\n$/);
    const numbers = Array.from({ length: 60 }, (_, i) => i).join(", ");
    expect(statements(`let x = [${numbers}]`).split("\n")).toHaveLength(4);
  });

  it("break the arguments of a declaration, the last pair of a block", () => {
    expectLayout(
      `block B(n: int)(${long(50)}: [D], ${long(50)}: [D]) -> [D] { x }\n`,
      `block B(n: int)(\n  ${long(50)}: [D],\n  ${long(50)}: [D],\n) -> [D] {\n  x\n}\n`,
    );
    expectLayout(
      `fn f(${long(45)}: [D], ${long(45)}: [D]) -> [D] = g(x) + y\n`,
      `fn f(${long(45)}: [D], ${long(45)}: [D]) -> [D] =\n  g(x) + y\n`,
    );
    expectLayout(
      `fn f(${long(55)}: [D], ${long(55)}: [D]) -> [D] = x + y\n`,
      `fn f(\n  ${long(55)}: [D],\n  ${long(55)}: [D],\n) -> [D] = x + y\n`,
    );
  });

  it("break an entry before `->` behind `incremental`, else its arguments", () => {
    const head = (n: number) => `  entry e(${long(n)}: [B, T])`;
    const rest = "-> (y: [B, T, D], z: [B]) {\n    x\n  }\n}\n";
    expectLayout(`model M() {\n${head(50)} incremental T ${rest}`, `model M() {\n${head(50)} incremental T ${rest}`);
    expectLayout(
      `model M() {\n${head(70)} incremental T ${rest}`,
      `model M() {\n${head(70)} incremental T\n    ${rest}`,
    );
    expectLayout(
      `model M() {\n${head(90)} -> (y: [B, T, D], z: [B]) {\n    x\n  }\n}\n`,
      `model M() {\n  entry e(\n    ${long(90)}: [B, T],\n  ) -> (y: [B, T, D], z: [B]) {\n    x\n  }\n}\n`,
    );
  });

  it("open the bodies that stood on one line", () => {
    expect(statements(`if ${long(60)} { ${long(30)} } else { ${long(30)} }`)).toBe(
      `if ${long(60)} {\n  ${long(30)}\n} else {\n  ${long(30)}\n}`,
    );
  });

  it("keep a body in its call", () => {
    expect(statements("let y = f([i: n] => {\n let a = i\n a\n}, b)")).toBe(
      "let y = f([i: n] => {\n  let a = i\n  a\n}, b)",
    );
  });
});

describe("bodies", () => {
  it("stay on one line or on several, as they were written", () => {
    expect(statements("if a { b }")).toBe("if a { b }");
    expect(statements("if a {\nb }")).toBe("if a {\n  b\n}");
    expect(statements("if a { b } else {\nc }")).toBe("if a {\n  b\n} else {\n  c\n}");
    expect(statements("for a in b { for c in d { e } }")).toBe("for a in b { for c in d { e } }");
    expect(statements("if a {\n}")).toBe("if a {}");
  });
});

describe("empty lines", () => {
  it("stay between statements, one at most, and nowhere else", () => {
    expectLayout(
      "\n\n\nimport std: a\n\n\n\nfn f() {\n\n  let x = 1\n\n\n  let y = 2\n  x\n\n}\n\n\n",
      "import std: a\n\nfn f() {\n  let x = 1\n\n  let y = 2\n  x\n}\n",
    );
    expect(statements("f(\n\na,\n\n\nb\n)")).toBe("f(a, b)");
  });
});

describe("comments", () => {
  it("stay where they are", () => {
    expectLayout(
      `#!  first
# second

# of the import
import std: a   # behind it
# at the end of nothing


# about f
fn f(x: [T]) {   # behind the brace
      # at the beginning

    let y = x# tight
  # between


# and more
    y
    # at the end

    # twice
}
# last`,
      `#!  first
# second

# of the import
import std: a  # behind it
# at the end of nothing

# about f
fn f(x: [T]) {  # behind the brace
  # at the beginning

  let y = x  # tight
  # between

  # and more
  y
  # at the end

  # twice
}
# last
`,
    );
  });

  it("break the brackets that they stand in", () => {
    expect(statements("let y = f(a, # one\n b, c # three\n)")).toBe("let y = f(\n  a,  # one\n  b,\n  c,  # three\n)");
    expect(statements("let y = f(a,\n # about b\n b)")).toBe("let y = f(\n  a,\n  # about b\n  b,\n)");
    expect(statements("let y = f( # none\n)")).toBe("let y = f(  # none\n)");
    expect(statements("let y = (a # one\n + b)")).toBe("let y = (\n  a  # one\n  + b\n)");
  });

  it("stay behind `=`, operators, and before `else`", () => {
    expect(statements("let y = # why\n f(a)")).toBe("let y =  # why\n  f(a)");
    expect(statements("let y = a + # one\n b")).toBe("let y =\n  a +  # one\n  b");
    expect(statements("if a {\n b\n}\n# otherwise\nelse {\n c\n}")).toBe("if a {\n  b\n}\n# otherwise\nelse {\n  c\n}");
  });

  it("stay in models and empty bodies", () => {
    expectLayout(
      "model M(\n # the width\n width: int = 3, # in features\n) {\n # nothing\n}\n",
      "model M(\n  # the width\n  width: int = 3,  # in features\n) {\n  # nothing\n}\n",
    );
  });

  it("are all there is, or nothing is", () => {
    expectLayout("", "");
    expectLayout("\n  \n", "");
    expectLayout("  # one\n\n\n# two\n", "# one\n\n# two\n");
  });
});

describe("files", () => {
  it("keep the ends of their lines", () => {
    expectLayout("\uFEFFfn f() {\r\n  # c\r\n\r\n  1\r\n}", "fn f() {\r\n  # c\r\n\r\n  1\r\n}\r\n");
    expectLayout("fn f() = 1\nfn g() = 2\r\n", "fn f() = 1\nfn g() = 2\n");
  });

  it("that do not parse are refused with their diagnostics", () => {
    expect(() => formatted("fn f( = 1")).toThrow(UserError);
    try {
      formatted("fn f() = 1 2\nfn g() = )");
    } catch (error) {
      expect((error as UserError).diagnostics.map((d) => d.code)).toEqual(["E0106", "E0104"]);
    }
  });
});

describe("programs", () => {
  const programs = ["dsl/std", "examples", "test/fixtures/families"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".trafo"))
      .map((name) => join(folder, name)),
  );

  it.each(programs)("%s keeps its meaning and comments, and is at rest", (path) => {
    const text = readFileSync(join(root, path), "utf8");
    const once = formatted(text);
    expect(formatted(once)).toBe(once);
    expect(commentsOf(once)).toEqual(commentsOf(text));
    expect(withoutSpans(treeOf(once))).toEqual(withoutSpans(treeOf(text)));
    const code = once.split("\n").filter((line) => !line.includes("#"));
    expect(Math.max(...code.map((line) => line.length))).toBeLessThanOrEqual(120);
  });

  it.each(programs.filter((path) => path.startsWith("dsl/std")))("%s is in the layout", (path) => {
    const text = readFileSync(join(root, path), "utf8");
    expect(formatted(text)).toBe(text);
  });

  it.each(programs)("%s can be squeezed and comes back", (path) => {
    const once = formatted(readFileSync(join(root, path), "utf8"));
    // Without indentation, with space doubled: nothing of the layout depends on either.
    const squeezed = once
      .split("\n")
      .map((line) => line.trimStart().replace(/(?<!["#].*) (?=\S)/g, "   "))
      .join("\n");
    expect(formatted(squeezed)).toBe(once);
  });
});
