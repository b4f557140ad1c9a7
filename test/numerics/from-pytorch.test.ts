/**
 * The pairs of dsl/reference/from-pytorch.md: the Trafo side gives what the PyTorch side gives, whose values
 * make_from_pytorch_values.py has written to test/fixtures/torch/from-pytorch.json.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { interpret } from "../../src/interpreter/graph.js";
import { program } from "../support/program.js";
import { examplesOf } from "../support/reference-examples.js";
import {
  headerOf,
  type StoredTensor,
  tensorFrom,
  tensorsFrom,
  weightsOf,
  worstDifference,
} from "../support/stored-tensors.js";

interface Case {
  readonly heading: string;
  /** The number of the example under the heading, from 1. */
  readonly example: number;
  /** A model that calls the example, or "" if it holds one itself. */
  readonly model: string;
  readonly settings: Readonly<Record<string, number>>;
  readonly inputs: Readonly<Record<string, StoredTensor>>;
  readonly weights: Readonly<Record<string, StoredTensor>>;
  readonly expected: StoredTensor;
}

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
const page = read("../../dsl/reference/from-pytorch.md");
const { cases } = JSON.parse(read("../fixtures/torch/from-pytorch.json")) as { readonly cases: readonly Case[] };
const sections = new Map(page.split(/^## /m).map((text) => [text.slice(0, text.indexOf("\n")), text]));
const filesUnder = (heading: string) =>
  examplesOf(heading, sections.get(heading) ?? "").filter(({ kind }) => kind === "file");

test.each(cases.map((each) => [`${each.heading}, example ${each.example}`, each] as const))("%s", (_, each) => {
  const example = filesUnder(each.heading)[each.example - 1]!;
  const weights = tensorsFrom(each.weights);
  const { program: built } = program(`${example.text}\n${each.model}`, {
    settings: new Map(Object.entries(each.settings)),
    ...(weights.size > 0 ? { checkpoint: headerOf(weights) } : {}),
  });
  const { outputs } = interpret(built.entries[0]!, {
    inputs: tensorsFrom(each.inputs),
    weights: weightsOf(weights),
    precision: "f32",
  });
  const [found] = Object.values(outputs);
  const wanted = tensorFrom(each.expected);
  expect(found!.shape).toEqual(wanted.shape);
  expect(worstDifference(found!, wanted, 3e-6)).toBeLessThanOrEqual(1);
});

test("every pair has a case", () => {
  const paired = [...sections].filter(([, text]) => text.includes("```python") && text.includes("```trafo\n"));
  expect(paired.length).toBeGreaterThanOrEqual(10);
  const tested = cases.map(({ heading, example }) => `${heading} ${example}`);
  const all = paired.flatMap(([heading]) => filesUnder(heading).map((_, i) => `${heading} ${i + 1}`));
  expect(all.filter((each) => !tested.includes(each))).toEqual([]);
});
