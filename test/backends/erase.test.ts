/**
 * JavaScript from TypeScript by taking types away: its tokens are those that the TypeScript compiler gives, on pieces of
 * syntax, on all host code and on a module; what is more than a type is refused.
 */
import { ts } from "ts-morph";
import { expect, test } from "vitest";
import { eraseTypes } from "../../backends/common/erase.js";
import { hostNames, hostScript } from "../../backends/common/host.js";
import { emitTypeScript } from "../../backends/typescript/index.js";
import { lowerGraph } from "../../src/lower/index.js";
import { planGraph } from "../../src/memory/index.js";
import { randomGraph } from "../support/random-graph.js";

function erased(text: string) {
  return eraseTypes(ts, ts.createSourceFile("a.ts", text, ts.ScriptTarget.ES2022));
}

/** What a printer adds, or takes away where there is no type in it any more. */
const left = /^[;()]$|^"use strict"$/;

/** The tokens of a text without comments, and without those. */
function tokens(text: string): readonly string[] {
  const file = ts.createSourceFile("a.js", text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.JS);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const children = node.getChildren(file).filter((child) => !ts.isJSDoc(child));
    if (children.length > 0) for (const child of children) visit(child);
    else if (node.getText(file) !== "") found.push(node.getText(file));
  };
  visit(file);
  return found.filter((token, i) => !left.test(token) && !(token === "," && /^[)\]}]$/.test(found[i + 1] ?? "")));
}

function transpiled(text: string): string {
  const compilerOptions = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext };
  return ts.transpileModule(text, { compilerOptions }).outputText;
}

test.each([
  "const x: number = 1, y = x as unknown as string, z = (y satisfies string)!.length;",
  "function f<T extends { a: number }>(this: void, a?: T, ...rest: readonly T[]): asserts a is T {}".replace(
    "this: void, ",
    "",
  ),
  "function f(a: string): void;\nfunction f(a: number): void;\nfunction f(a: unknown): void {}",
  "export interface A { b: string }\n/** About B. */\nexport type B = A;\nexport const c = new Map<string, B[]>();",
  "class A<T> extends Map<string, T> implements B, C { readonly #a: T; static readonly b?: number = 1; declare c: T; private d!: T; constructor(a: T) { super(); } override get e(): T | null { return null; } f?(): void; abstract g(): void; }",
  "const g = async <T,>(a: T): Promise<T> => a, h = (a: number, b?: string): a is number => true;",
  "try {} catch (error: unknown) {}\nfor (const a of b as C[]) {}\nlet d!: number, [e, { f }]: [number, G] = h<I>`x`;",
  "const a = b!.c?.d![0]!, e = <const T,>(f: T) => f;\nexport const i = { j: k as const, l<M>(n: M): M { return n } } as const satisfies O;",
])("%s", (text) => {
  expect(tokens(erased(text).text)).toEqual(tokens(transpiled(text)));
});

test("the lines are those in which the text stood", () => {
  const { text, lines } = erased(
    "// note\n\n/** A. */\ninterface A {\n  b: number;\n}\n\nf(\n  a as\n    B,\n  c,\n);\n",
  );
  expect(text).toBe("// note\n\nf(\n  a,\n  c,\n);\n");
  expect(lines).toEqual([0, 1, 7, 8, 10, 11, 12]);
});

test.each([
  "enum A { B }",
  "namespace A { export const b = 1; }",
  "class A { constructor(readonly b: number) {} }",
  "let a = <B>c;",
])("%s is refused", (text) => {
  expect(() => erased(text)).toThrow("more than a type");
});

test("all host code", () => {
  const { text, script } = hostScript(hostNames(), new Set(["checkInputs", "Tensor"]));
  expect(tokens(script.text)).toEqual(tokens(transpiled(text)));
  expect(script.lines).toHaveLength(script.text.split("\n").length);
});

test("modules of random graphs", () => {
  for (let seed = 1; seed <= 12; seed++) {
    const graph = randomGraph(seed, { nodes: 30 });
    const { typescript, javascript } = emitTypeScript({ name: "random", plans: [planGraph(lowerGraph(graph))] });
    expect(tokens(javascript), `seed ${seed}`).toEqual(tokens(transpiled(typescript)));
  }
});
