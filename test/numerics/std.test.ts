/**
 * Every definition of the standard library against PyTorch and transformers, whose values make_std_values.py has written
 * to test/fixtures/torch/std.json. A case is the parts of a small model that calls one definition, and its tensors.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { libraryNames } from "../../dsl/index.js";
import { interpret } from "../../src/interpreter/graph.js";
import type { Tensor } from "../../src/interpreter/tensor.js";
import { program } from "../support/program.js";
import {
  headerOf,
  type StoredTensor,
  tensorFrom,
  tensorsFrom,
  weightsOf,
  worstDifference,
} from "../support/stored-tensors.js";

interface Case {
  /** The definition that the case is of. */
  readonly name: string;
  readonly imports: readonly string[];
  readonly layers: readonly string[];
  readonly arguments: string;
  readonly result: string;
  readonly body: string;
  readonly inputs: Readonly<Record<string, StoredTensor>>;
  readonly weights: Readonly<Record<string, StoredTensor>>;
  readonly expected: StoredTensor;
  readonly tolerance: number;
  /** Whether the tolerance is relative to small numbers too. */
  readonly relative: boolean;
}

const path = new URL("../fixtures/torch/std.json", import.meta.url);
const { cases } = JSON.parse(readFileSync(path, "utf8")) as { readonly cases: readonly Case[] };

/** The model that a case describes. Blocks are layers; they are no import of their own to call. */
function text({ imports, layers, arguments: inputs, result, body }: Case): string {
  return [
    `import std: ${imports.join(", ")}`,
    "model Case() {",
    ...layers.map((layer) => `  layer ${layer}`),
    `  entry run(${inputs}) -> (y: ${result}) { ${body} }`,
    "}",
  ].join("\n");
}

function run(given: Case): Tensor {
  const weights = tensorsFrom(given.weights);
  const { program: built } = program(text(given), weights.size > 0 ? { checkpoint: headerOf(weights) } : {});
  const graph = built.entries[0]!;
  const inputs = tensorsFrom(given.inputs);
  return interpret(graph, { inputs, weights: weightsOf(weights), precision: "f32" }).outputs.y!;
}

const names = [...new Set(cases.map(({ name }) => name))];

describe.each(names)("%s", (name) => {
  const ofName = cases.filter((each) => each.name === name);
  test.each(ofName.map((each, i) => [`${i + 1}: ${each.body} of (${each.arguments})`, each] as const))(
    "%s",
    (_, each) => {
      const found = run(each);
      const wanted = tensorFrom(each.expected);
      expect(found.element).toBe(wanted.element);
      expect(found.shape).toEqual(wanted.shape);
      const tolerance = wanted.element === "f32" ? each.tolerance : Number.MIN_VALUE;
      expect(worstDifference(found, wanted, tolerance, each.relative ? 0 : 1)).toBeLessThanOrEqual(1);
    },
  );
});

test("every definition of the library has a case", () => {
  expect([...libraryNames].filter((name) => !names.includes(name))).toEqual([]);
});
