/** Each rule of the verifier, broken by hand in a sound graph. */
import { describe, expect, test } from "vitest";
import { InternalError, SourceFile } from "../../src/diagnostics/index.js";
import type { Graph, Scope, ValueId } from "../../src/ir/graph/graph.js";
import type { Node } from "../../src/ir/graph/operators.js";
import { parseGraph } from "../../src/ir/graph/parser.js";
import { assertGraph, verifyGraph } from "../../src/ir/graph/verifier.js";
import { SizeVariable, size } from "../../src/sizes/index.js";

const sound = parseGraph(
  new SourceFile(
    "sound",
    `graph @f(%x: f32[B, T], %y: f32[B, T] = 0) sizes { B: 0..8, T: 0..8 } {
      %2 = add %x, %y : f32[B, T]
      %3 = sum %2 {axis = 1} : f32[B, 1]
      %4 = weight {name = "w", sources = [["w"]]} : f32[3]
      %5 = constant {value = 0.5} : f32[]
      return %3 as sum, %4 as w, %5 as half
    }`,
  ),
);

/** The sound graph with another node at `id`. */
function withNode(id: number, node: Partial<Node>): Graph {
  return { ...sound, nodes: sound.nodes.with(id, { ...sound.nodes[id]!, ...node } as Node) };
}

test("a sound graph breaks none", () => {
  expect(verifyGraph(sound)).toEqual([]);
  expect(() => assertGraph(sound)).not.toThrow();
});

describe("rule", () => {
  const foreign = new SizeVariable("S", 0, 8);
  const v = (id: number): ValueId => id as ValueId;
  const model: Scope = { parent: null, name: "", block: "M", kind: "model" };
  const x = sound.nodes[0] as Extract<Node, { operator: "input" }>;
  const w = sound.nodes[4] as Extract<Node, { operator: "weight" }>;
  const cases: [number, string, Graph, string][] = [
    [1, "parallel arrays", { ...sound, names: [] }, "@f: 0 names stand beside 6 nodes (rule 1)"],
    [
      2,
      "operands before",
      withNode(2, { operands: [v(0), v(5)] }),
      "%2: the operand %5 does not come before it (rule 2)",
    ],
    [
      2,
      "operands that are ids",
      withNode(2, { operands: [v(-1), v(0.5)] }),
      "%2: the operand %-1, %0.5 does not come before it (rule 2)",
    ],
    [
      2,
      "no use of itself",
      withNode(2, { operands: [v(2), v(0)] }),
      "%2: the operand %2 does not come before it (rule 2)",
    ],
    [
      3,
      "inputs first",
      withNode(4, { ...x, attributes: { ...x.attributes, name: "z" } }),
      "%4: the input z stands after a node that is none (rule 3)",
    ],
    [3, "names of inputs", withNode(1, x), '%1: the name "x" is empty or taken (rule 3)'],
    [
      4,
      "operands that fit",
      withNode(3, { operands: [v(2), v(2)] }),
      "%3: sum takes 1 operand and has 2: f32[B, T] and f32[B, T] (rule 4)",
    ],
    [
      4,
      "attributes that fit",
      withNode(3, { attributes: { axis: 2 } }),
      "%3: sum along axis 2: f32[B, T] has no such axis (rule 4)",
    ],
    [
      5,
      "types",
      { ...sound, types: sound.types.with(2, { element: "f32", shape: [size(3)] }) },
      "%2: its type is f32[3], inferred is f32[B, T] (rule 5)",
    ],
    [
      6,
      "canonical attributes",
      withNode(5, { attributes: { value: 0.1, element: "f32" } }),
      "%5: its attributes are not in canonical form (rule 6)",
    ],
    [
      7,
      "names of sizes",
      { ...sound, sizes: [...sound.sizes, new SizeVariable("T", 0, 1)] },
      "@f: two sizes are named T (rule 7)",
    ],
    [
      7,
      "words as names of sizes",
      { ...sound, sizes: [...sound.sizes, new SizeVariable("a b", 0, 1)] },
      '@f: the size name "a b" is no word (rule 7)',
    ],
    [
      7,
      "bounds",
      { ...sound, sizes: [...sound.sizes, new SizeVariable("R", 0, size(foreign))] },
      "@f: a bound of R mentions S, which does not stand before it (rule 7)",
    ],
    [
      7,
      "ranges",
      { ...sound, sizes: [...sound.sizes, new SizeVariable("R", 2, 1)] },
      "@f: R has no value: 2..1 (rule 7)",
    ],
    [
      8,
      "declared sizes",
      { ...sound, sizes: sound.sizes.slice(1) },
      "%0: it mentions the size B, which the graph does not declare (rule 8)",
    ],
    [
      9,
      "constant weights",
      withNode(4, { attributes: { ...w.attributes, shape: [size(sound.sizes[0]!)] } }),
      "%4: the weight w has a size that only the run knows (rule 9)",
    ],
    [
      9,
      "sources",
      withNode(4, { attributes: { ...w.attributes, sources: [[]] } }),
      "%4: the weight w has no source, or an empty one (rule 9)",
    ],
    [
      9,
      "weights of one name",
      withNode(5, { ...w, attributes: { ...w.attributes, sources: [["v"]] } }),
      "%5: the weight w differs from another (rule 9)",
    ],
    [
      10,
      "outputs",
      { ...sound, outputs: [{ name: "y", value: v(9) }] },
      "@f: the output y is %9, which is none (rule 10)",
    ],
    [
      10,
      "names of outputs",
      { ...sound, outputs: [{ name: "", value: v(0) }] },
      `@f: the output's name "" is empty or taken (rule 10)`,
    ],
    [
      11,
      "locations",
      { ...sound, locations: sound.locations.with(2, { file: "m", line: 0, column: 1 }) },
      "%2: its location is line 0, column 1 (rule 11)",
    ],
    [
      12,
      "roots",
      { ...sound, scopes: sound.scopes.with(2, { ...model, kind: "layer" }) },
      "%2: its scopes do not end in a model, or have one inside (rule 12)",
    ],
    [
      12,
      "inner models",
      { ...sound, scopes: sound.scopes.with(2, { ...model, parent: model }) },
      "%2: its scopes do not end in a model, or have one inside (rule 12)",
    ],
    [
      13,
      "placements of inputs",
      { ...sound, placements: sound.placements.with(0, "stored") },
      "%0: input cannot be stored (rule 13)",
    ],
  ];
  test.each(cases)("%i: %s", (_, __, graph, message) => {
    expect(verifyGraph(graph)).toContain(message);
  });
});

test("many errors are reported in one run", () => {
  const graph = { ...withNode(3, { attributes: { axis: 7 } }), outputs: [{ name: "", value: 99 as ValueId }] };
  expect(verifyGraph(graph)).toHaveLength(3);
});

test("a broken graph is thrown with its text, each error below its line", () => {
  const graph = withNode(2, { operands: [0 as ValueId] });
  try {
    assertGraph(graph, "fold");
    expect.fail("nothing was thrown");
  } catch (error) {
    if (!(error instanceof InternalError)) throw error;
    expect(error.message).toBe("graph @f breaks a rule after fold: add takes 2 operands and has 1: f32[B, T]");
    expect(error.details).toContain("  %2 = add %x : f32[B, T]\n  ; ^ add takes 2 operands and has 1: f32[B, T]\n");
  }
});

test("graphs that lack their parallel arrays still print", () => {
  expect(() => assertGraph({ ...sound, types: [], locations: [], scopes: [], names: [] })).toThrow(InternalError);
});
