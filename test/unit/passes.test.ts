/**
 * File tests of passes: test/filetests/passes. The first line names the passes, the rest up to `; ----` is a graph, and
 * below stands what they make of it. `BLESS=1 npx vitest run test/unit/passes.test.ts` rewrites it.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { SourceFile } from "../../src/diagnostics/index.js";
import { type Graph, GraphBuilder, parseGraph, printGraph } from "../../src/ir/graph/index.js";
import { firedRules, optimizeGraph, passes } from "../../src/passes/index.js";
import { size } from "../../src/sizes/index.js";

const folder = new URL("../filetests/passes/", import.meta.url);
const separator = "\n; ----\n";

describe("files", () => {
  const names = readdirSync(folder).filter((name) => name.endsWith(".graph"));
  test.each(names)("%s", (name) => {
    const [input, expected = ""] = readFileSync(new URL(name, folder), "utf8").split(separator);
    const text = `${input!.trimEnd()}\n`;
    const wanted = /^; run: (.*)/.exec(text)?.[1]?.split(", ") ?? [];
    const chosen = passes.filter((pass) => wanted.includes(pass.name));
    expect(chosen).toHaveLength(wanted.length);
    const { graph } = optimizeGraph(parseGraph(new SourceFile(name, text)), chosen, { verify: true });
    const actual = printGraph(graph);
    if (process.env.BLESS === "1") writeFileSync(new URL(name, folder), text.trimEnd() + separator + actual);
    else expect(actual).toBe(expected);
    expect(printGraph(parseGraph(new SourceFile("again", actual)))).toBe(actual);
  });
});

/** softmax(x * 1 + 0). */
function example(): Graph {
  const builder = new GraphBuilder("f", []);
  const x = builder.emit("input", [], { name: "x", element: "f32", shape: [size(4)], fill: null });
  builder.origin = { location: { file: "a.trafo", line: 3, column: 5 }, scope: null };
  const number = (value: number) => builder.emit("constant", [], { value, element: "f32" });
  const y = builder.emit("add", [builder.emit("mul", [x, number(1)], {}), number(0)], {});
  return builder.finish([{ name: "y", value: builder.emit("softmax", [builder.emit("exp", [y], {})], { axis: 0 }) }]);
}

describe("the manager", () => {
  test("says what changed, which rules fired and where", () => {
    const { reports } = optimizeGraph(example(), passes, { verify: true, dumpAfter: "algebra" });
    expect(reports.map(({ pass, changed, text }) => [pass, changed, text !== null])).toEqual([
      ["algebra", true, true],
      ["movement", false, false],
      ["diagonals", false, false],
      ["tables", false, false],
      ["halves", false, false],
      ["unbraid", false, false],
      ["projections", false, false],
      ["quantization", false, false],
      ["ranks", false, false],
      ["fusion", true, false],
      ["prologues", false, false],
    ]);
    expect(reports[0]!.remarks).toContainEqual({
      rule: "neutral constant",
      kind: "fired",
      location: { file: "a.trafo", line: 3, column: 5 },
      message: "",
    });
    expect(firedRules(reports)).toContainEqual(["algebra: neutral constant", 2]);
    expect(reports.find(({ pass }) => pass === "fusion")!.remarks.map(({ message }) => message)).toContain(
      "exp is stored: computing it 3 times costs more than a buffer",
    );
  });

  test("says which products are one, and why others are not", () => {
    const remarks = (name: string): string[] => {
      const file = new SourceFile(name, readFileSync(new URL(name, folder), "utf8").split(separator)[0]!);
      const { reports } = optimizeGraph(parseGraph(file), passes);
      return reports.find(({ pass }) => pass === "projections")!.remarks.map(({ message }) => message);
    };
    expect(remarks("projections.graph")).toEqual([
      "a product stays alone: what follows it is computed with it",
      "3 products in one, of 6 + 4 + 4 columns",
    ]);
    expect(remarks("projections-kept.graph")).toEqual([
      "a product stays alone: it is an output",
      "a product stays alone: its weight is read elsewhere",
    ]);
  });

  test("leaves out passes by name", () => {
    const { graph, reports } = optimizeGraph(example(), passes, { without: ["fusion"] });
    expect(reports.map(({ pass }) => pass)).toEqual([
      "algebra",
      "movement",
      "diagonals",
      "tables",
      "halves",
      "unbraid",
      "projections",
      "quantization",
      "ranks",
      "prologues",
    ]);
    expect(graph.placements.every((placement) => placement === null)).toBe(true);
  });
});
