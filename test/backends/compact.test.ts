/** JavaScript that is sent: it has the tokens of the whole, in its lines, without comments but those that must stay. */
import { ts } from "ts-morph";
import { expect, test } from "vitest";
import { compacted } from "../../backends/common/compact.js";
import { hostNames, hostScript } from "../../backends/common/host.js";

/** The tokens of a script, each with whether it begins a line. */
function tokens(text: string): readonly string[] {
  const file = ts.createSourceFile("a.js", text, ts.ScriptTarget.ES2022, true, ts.ScriptKind.JS);
  const found: string[] = [];
  let line = -1;
  const visit = (node: ts.Node): void => {
    const children = node.getChildren(file).filter((child) => !ts.isJSDoc(child));
    if (children.length > 0) return children.forEach(visit);
    const token = node.getText(file);
    if (token === "") return;
    const at = file.getLineAndCharacterOfPosition(node.getStart(file)).line;
    found.push(at > line ? `\n${token}` : token);
    line = file.getLineAndCharacterOfPosition(node.end).line;
  };
  visit(file);
  return found;
}

const wholeLines = (text: string) => ({ text, lines: text.split("\n").map((_, line) => line) });

test("the host code keeps its tokens and lines", () => {
  const { script } = hostScript(hostNames(), new Set(["WasmInstance"]));
  const short = compacted(script);
  expect(tokens(short.text)).toEqual(tokens(script.text));
  expect(short.text.length).toBeLessThan(0.75 * script.text.length);
  expect(short.text).not.toContain("\n/**");
  const [before, after] = [script.text.split("\n"), short.text.split("\n")];
  expect(short.lines.length).toBe(after.length);
  for (const [at, line] of after.entries()) {
    const from = before.filter((_, i) => script.lines[i] === short.lines[at]).map((each) => each.replace(/\s/g, ""));
    expect(from.some((each) => each.includes(line.replace(/\s/g, "")))).toBe(true);
  }
});

test.each([
  ["const a = b + +c - -d - e;", "const a=b+ +c- -d-e;"],
  ["x++ + ++y;", "x++ + ++y;"],
  ["a = b / /c d/.length;", "a=b/ /c d/.length;"],
  ["a = b / c / d; // what remains", "a=b/c/d;"],
  [`s = \`a  $\{ b + \`/* $\{c}\` }  //\`;`, `s=\`a  $\{b+\`/* $\{c}\`}  //\`;`],
  ["r = /[/ ]  \\/\\/ x/g.test(s) ? 1 : 2;", "r=/[/ ]  \\/\\/ x/g.test(s)?1:2;"],
  ["return /* why */ typeof x in y;", "return typeof x in y;"],
  [
    "import(/* webpackIgnore: true */ /* @vite-ignore */ file);",
    "import(/* webpackIgnore: true *//* @vite-ignore */file);",
  ],
  ["/* Copyright (C) 1993 */\nf();", "/* Copyright (C) 1993 */\nf();"],
  ["f();\n\n  // a comment\n  g();", "f();\ng();"],
])("%s", (text, expected) => {
  expect(compacted(wholeLines(text)).text).toBe(expected);
});
