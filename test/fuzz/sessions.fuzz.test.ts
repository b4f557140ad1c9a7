/**
 * Sessions of random incremental graphs on every target: steps of random lengths, a fork, and bytes that go on elsewhere
 * give what the whole graph gives on the interpreter.
 *
 * FUZZ_GRAPHS sets how many graphs are tried, FUZZ_SEED the first seed; a failure names its seed.
 */
import { expect, test } from "vitest";
import { type Derived, derive, NotIncremental } from "../../src/incremental/index.js";
import { interpret } from "../../src/interpreter/graph.js";
import type { Tensor } from "../../src/interpreter/tensor.js";
import type { Graph } from "../../src/ir/graph/index.js";
import type { StepOutputs } from "../../src/runtime/host/session.js";
import { constantOf } from "../../src/sizes/index.js";
import { decodingTargets, loadGraphs, sessionOf } from "../support/decoding-module.js";
import { rowsOfTensor, type Weights } from "../support/incremental.js";
import { Random } from "../support/random.js";
import { randomCausalGraph } from "../support/random-causal-graph.js";
import { randomTensor } from "../support/random-graph-run.js";

const first = Number(process.env.FUZZ_SEED ?? 1);
const count = Number(process.env.FUZZ_GRAPHS ?? 16);
const length = 9;
const targets = decodingTargets.slice(0, 3);

interface Case {
  readonly seed: number;
  readonly graph: Graph;
  readonly derived: Derived;
  readonly x: Tensor;
  readonly whole: Tensor;
  readonly weights: Weights;
}

/** The graph of a seed with what it gives, or null where it has no steps, or numbers too large to compare. */
function caseOf(seed: number): Case | null {
  const graph = randomCausalGraph(seed);
  let derived: Derived;
  try {
    derived = derive(graph, "T");
  } catch (error) {
    if (error instanceof NotIncremental) return null;
    throw error;
  }
  if (derived.states.length === 0 || derived.assumptions.length > 0) return null;
  const weights: Weights = (name, { element, shape }) =>
    randomTensor(
      new Random(seed + Number(name.slice(1))),
      element,
      shape.map((each) => constantOf(each)!),
    );
  const x = randomTensor(new Random(seed), "f32", [2, length, 3]);
  let isSane = true;
  const trace = (_: unknown, value: Tensor): void => {
    if (value.element !== "f32") return;
    isSane &&= value.data.every((each: number) => each === -Infinity || each === -1e9 || Math.abs(each) < 1e4);
  };
  const whole = interpret(graph, { inputs: { x }, weights, precision: "f32", trace }).outputs.y!;
  return isSane ? { seed, graph, derived, x, whole, weights } : null;
}

const given = ({ data, shape, element }: Tensor) => ({ data: Float32Array.from(data), shape, type: element });

function expectRows({ seed, whole }: Case, { y }: StepOutputs, from: number, to: number, what: string): void {
  const expected = rowsOfTensor(whole, 1, from, to);
  expect(y!.shape, `seed ${seed}, ${what}`).toEqual(expected.shape);
  for (const [i, each] of Array.from(y!.data).entries()) {
    const difference = Math.abs(each - expected.data[i]!);
    expect(difference, `seed ${seed}, ${what}, element ${i} after ${from}`).toBeLessThan(
      1e-3 * (1 + Math.abs(expected.data[i]!)),
    );
  }
}

test("sessions give what the whole graph gives", { timeout: 600_000 + 4000 * count }, async () => {
  let compared = 0;
  const kinds = new Set<string>();
  for (let seed = first; seed < first + count; seed++) {
    const found = caseOf(seed);
    if (found === null) continue;
    const { graph, derived, x, weights } = found;
    const named: Record<string, object> = {};
    for (const node of graph.nodes)
      if (node.operator === "weight")
        named[node.attributes.name] = given(weights(node.attributes.name, node.attributes));
    let elsewhere: Uint8Array | null = null;
    for (const target of targets) {
      const model = await loadGraphs([{ ...graph, incremental: "T" }], named, target);
      const open = sessionOf(model, graph.name);
      const rows = (from: number, to: number) => ({ x: given(rowsOfTensor(x, 1, from, to)) });
      const random = new Random(seed);
      const middle = 1 + random.below(length - 2);
      const session = await open({ capacity: length });
      while (session.past < middle) {
        const from = session.past;
        const to = Math.min(middle, from + 1 + random.below(4));
        expectRows(found, await session.step(rows(from, to)), from, to, target);
      }
      const saved = await session.save();
      const others = [session.fork(), await open({ saved, capacity: length })];
      if (elsewhere !== null) others.push(await open({ saved: elsewhere }));
      elsewhere = saved;
      const end = Math.min(length - 1, middle + 1 + random.below(3));
      for (const each of [session, ...others]) {
        expectRows(found, await each.next(rows(middle, end)), end - 1, end, `${target}, the next`);
        expectRows(found, await each.step(rows(end, length)), end, length, `${target}, the rest`);
        each.dispose();
      }
      // A prompt, of which only the last position is wanted.
      const prompt = await open({ capacity: length });
      expectRows(found, await prompt.next(rows(0, middle)), middle - 1, middle, `${target}, a prompt`);
      prompt.dispose();
      model.dispose();
    }
    for (const { kind } of derived.states) kinds.add(kind);
    compared++;
  }
  if (process.env.FUZZ_GRAPHS) console.log(`${compared} graphs compared, with ${[...kinds].join(", ")}`);
  expect(compared).toBeGreaterThan(count / 40);
});
