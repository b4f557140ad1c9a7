/**
 * Decoding step by step against the whole entry, for every decoder of the examples and the families: at every position, for
 * random splits of the sequence, and past the end of sliding windows.
 */
import { describe, expect, test } from "vitest";
import { derive } from "../../src/incremental/index.js";
import { interpret } from "../../src/interpreter/graph.js";
import type { Tensor } from "../../src/interpreter/tensor.js";
import { type Graph, printGraph, verifyGraph } from "../../src/ir/graph/index.js";
import { evaluate } from "../../src/sizes/index.js";
import { decoders, loadDecoder } from "../support/decoders.js";
import { rowsOfTensor, sessionOf, timeInputs } from "../support/incremental.js";
import { Random } from "../support/random.js";
import { randomTensor } from "../support/random-graph-run.js";

/** Random inputs of a length. Tokens are small numbers; masks hide a few positions, never the first. */
function randomInputs(graph: Graph, sizes: Readonly<Record<string, number>>, random: Random): Map<string, Tensor> {
  const inputs = new Map<string, Tensor>();
  for (const node of graph.nodes) {
    if (node.operator !== "input") continue;
    const { name, element, shape } = node.attributes;
    const tensor = randomTensor(
      random,
      element,
      shape.map((each) => evaluate(each, ({ name: size }) => sizes[size]!)),
    );
    const width = tensor.shape.at(-1)!;
    const hides = name.includes("mask");
    for (let i = 0; i < tensor.data.length; i++) {
      if (hides) tensor.data[i] = i % width === 0 || random.chance(0.8) ? 1 : 0;
      else if (element === "i32") tensor.data[i] = Math.abs(tensor.data[i]!) + random.below(20);
    }
    inputs.set(name, tensor);
  }
  return inputs;
}

/** Lengths of steps that sum up to a length: ones, primes and more. */
function chunks(length: number, random: Random): number[] {
  const found: number[] = [];
  for (let rest = length; rest > 0; rest -= found.at(-1)!)
    found.push(Math.min(rest, random.of([1, 1, 1, 2, 3, 5, 7, 11])));
  return found;
}

function worst(a: Tensor, b: Tensor): number {
  expect(a.shape).toEqual(b.shape);
  let [scale, most] = [1, 0];
  for (const each of b.data) scale = Math.max(scale, Math.abs(each));
  a.data.forEach((each, i) => {
    const difference = Math.abs(each - b.data[i]!);
    most = Number.isNaN(difference) ? Infinity : Math.max(most, difference);
  });
  return most / scale;
}

describe.each(decoders)("$name", (decoder) => {
  const { program, weights } = loadDecoder(decoder);
  for (const entry of program.entries) {
    const { name, incremental } = entry;
    if (incremental === undefined) continue;
    const derived = derive(entry, incremental);

    test(`${name} gives the whole entry's outputs`, () => {
      for (const graph of [derived.step, derived.last, derived.begin])
        if (graph) expect(verifyGraph(graph), printGraph(graph)).toEqual([]);
      const random = new Random(7);
      const most =
        derived.time.max === null
          ? 24
          : Math.min(
              24,
              evaluate(derived.time.max, () => 24),
            );
      for (const length of [most, 13]) {
        const sizes = { B: 2, S: 5, T: length };
        const inputs = randomInputs(entry, sizes, random);
        const over = timeInputs(derived);
        const whole = interpret(entry, {
          inputs,
          weights,
          sizes: Object.fromEntries(entry.sizes.map((each) => [each.name, sizes[each.name as "B"]])),
          precision: "f64",
        }).outputs;
        const session = sessionOf(derived, weights, inputs, sizes);
        let from = 0;
        for (const count of chunks(length, random)) {
          const given = new Map(
            [...over].map(([input, axis]) => [input, rowsOfTensor(inputs.get(input)!, axis, from, from + count)]),
          );
          const found = session.step(given, count);
          for (const [output, tensor] of Object.entries(found))
            expect(
              worst(tensor, rowsOfTensor(whole[output]!, 1, from, from + count)),
              `${output} at ${from} + ${count}`,
            ).toBeLessThan(1e-9);
          from += count;
        }
      }
    });
  }
});
