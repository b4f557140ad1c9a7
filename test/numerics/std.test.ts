/**
 * Every definition of the standard library against PyTorch and transformers, whose values make_std_values.py has written
 * to test/fixtures/torch/std.json. A case is the parts of a small model that calls one definition, and its tensors.
 */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { libraryNames } from "../../dsl/index.js";
import { interpret } from "../../src/interpreter/graph.js";
import type { Tensor } from "../../src/interpreter/tensor.js";
import type { ElementType } from "../../src/ir/graph/types.js";
import { program } from "../support/program.js";

interface StoredTensor {
  readonly element: ElementType;
  readonly shape: readonly number[];
  readonly data: readonly (number | "inf" | "-inf")[];
}

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

const words = { inf: Infinity, "-inf": -Infinity };

function tensor({ element, shape, data }: StoredTensor): Tensor {
  const numbers = data.map((each) => (typeof each === "number" ? each : words[each]));
  if (element === "i32") return { element, shape, data: Int32Array.from(numbers) };
  if (element === "bool") return { element, shape, data: Uint8Array.from(numbers) };
  return { element, shape, data: Float32Array.from(numbers) };
}

function tensors(stored: Readonly<Record<string, StoredTensor>>): Map<string, Tensor> {
  return new Map(Object.entries(stored).map(([name, each]) => [name, tensor(each)]));
}

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
  const weights = tensors(given.weights);
  const header = new Map([...weights].map(([name, { shape }]) => [name, { shape, dtype: "F32" }]));
  const { program: built } = program(text(given), weights.size > 0 ? { checkpoint: header } : {});
  const graph = built.entries[0]!;
  const inputs = tensors(given.inputs);
  return interpret(graph, { inputs, weights: (name) => weights.get(name)!, precision: "f32" }).outputs.y!;
}

/** The largest difference, in units of the tolerance: relative for numbers above `scale`, absolute for smaller ones. */
function worst(found: Tensor, wanted: Tensor, tolerance: number, scale: number): number {
  let most = 0;
  for (let i = 0; i < wanted.data.length; i++) {
    const [a, b] = [found.data[i]!, wanted.data[i]!];
    if (Object.is(a, b) || a === b) continue;
    const error = Math.abs(a - b) / (tolerance * Math.max(scale, Math.abs(b)));
    most = Number.isNaN(error) ? Infinity : Math.max(most, error);
  }
  return most;
}

const names = [...new Set(cases.map(({ name }) => name))];

describe.each(names)("%s", (name) => {
  const ofName = cases.filter((each) => each.name === name);
  test.each(ofName.map((each, i) => [`${i + 1}: ${each.body} of (${each.arguments})`, each] as const))(
    "%s",
    (_, each) => {
      const found = run(each);
      const wanted = tensor(each.expected);
      expect(found.element).toBe(wanted.element);
      expect(found.shape).toEqual(wanted.shape);
      const tolerance = wanted.element === "f32" ? each.tolerance : Number.MIN_VALUE;
      expect(worst(found, wanted, tolerance, each.relative ? 0 : 1)).toBeLessThanOrEqual(1);
    },
  );
});

test("every definition of the library has a case", () => {
  expect([...libraryNames].filter((name) => !names.includes(name))).toEqual([]);
});
