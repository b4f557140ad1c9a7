/** Checks a derived step of a random graph against the whole, and counts what came out. */
import type { derive as Derive, NotIncremental as Refused } from "../../src/incremental/index.js";
import { interpret } from "../../src/interpreter/graph.js";
import type { Tensor } from "../../src/interpreter/tensor.js";
import { verifyGraph } from "../../src/ir/graph/index.js";
import { constantOf } from "../../src/sizes/index.js";
import { joinTensors, rowsOfTensor, sessionOf, type Weights } from "./incremental.js";
import { Random } from "./random.js";
import { randomCausalGraph } from "./random-causal-graph.js";
import { randomTensor } from "./random-graph-run.js";

/** What is under test: the module, or a mutant of it. */
export interface Incremental {
  readonly derive: typeof Derive;
  readonly NotIncremental: typeof Refused;
}

export type Outcome =
  | "refused, rightly"
  | "refused, though this run is causal"
  | "skipped, as the whole run overflows"
  | "equal, with states"
  | "equal"
  | "differs in a row without a visible key, as warned"
  | "WRONG";

const length = 13;
const batch = 2;

/** Whether numbers are equal but for the order of sums. */
function agrees(a: Tensor, b: Tensor): boolean {
  return b.data.every((each: number, i: number) => {
    const other = a.data[i]!;
    return Object.is(each, other) || Math.abs(each - other) <= 1e-8 + 1e-7 * Math.abs(each);
  });
}

/** Random weights that a name decides. */
function weightsOf(seed: number): Weights {
  return (name, { element, shape }) =>
    randomTensor(
      new Random(seed + 31 * Number(name.slice(1))),
      element,
      shape.map((each) => constantOf(each)!),
    );
}

export function checkSeed(incremental: Incremental, seed: number): Outcome {
  const graph = randomCausalGraph(seed);
  const random = new Random(seed + 1);
  const x = randomTensor(random, "f32", [batch, length, 3]);
  for (let i = 0; i < x.data.length; i++) x.data[i]! *= 0.5;
  const weights = weightsOf(seed);
  let sane = true;
  const looks = (value: Tensor): void => {
    if (value.element !== "f32") return;
    if (!value.data.every((each: number) => each === -Infinity || Math.abs(each) < 1e12)) sane = false;
  };
  const run = (input: Tensor, trace?: (value: Tensor) => void): Tensor =>
    interpret(graph, {
      inputs: { x: input },
      weights,
      precision: "f64",
      ...(trace ? { trace: (_, value) => trace(value) } : {}),
    }).outputs.y!;
  const whole = run(x, looks);
  let derived: ReturnType<typeof Derive>;
  try {
    derived = incremental.derive(graph, "T");
  } catch (error) {
    if (!(error instanceof incremental.NotIncremental)) throw error;
    const prefix = run(rowsOfTensor(x, 1, 0, 8));
    return sane && agrees(prefix, rowsOfTensor(whole, 1, 0, 8))
      ? "refused, though this run is causal"
      : "refused, rightly";
  }
  const one = derived.one();
  for (const each of [derived.step, derived.last, one]) {
    const broken = verifyGraph(each);
    if (broken.length > 0) throw new Error(`seed ${seed}: ${broken.join("; ")}`);
  }
  if (!sane) return "skipped, as the whole run overflows";
  for (let attempt = 0; attempt < 4; attempt++) {
    const session = sessionOf(derived, weights, new Map(), { B: batch });
    const parts: Tensor[] = [];
    for (let at = 0; at < length; ) {
      // At last one by one, after chunks of several positions.
      const count = attempt === 3 && at > 3 ? 1 : Math.min(length - at, 1 + random.below(5));
      const several = attempt === 2 ? derived.last : derived.step;
      const graphOf = attempt === 3 && count === 1 ? one : several;
      const { y } = session.step(new Map([["x", rowsOfTensor(x, 1, at, at + count)]]), count, graphOf);
      at += count;
      if (attempt < 2) parts.push(y!);
      else if (!agrees(y!, rowsOfTensor(whole, 1, at - y!.shape[1]!, at))) return outcomeOf(derived);
    }
    if (attempt < 2 && !agrees(joinTensors(parts, 1), whole)) return outcomeOf(derived);
  }
  return derived.states.length > 0 ? "equal, with states" : "equal";
}

function outcomeOf({ assumptions }: ReturnType<typeof Derive>): Outcome {
  return assumptions.some(({ kind }) => kind === "row") ? "differs in a row without a visible key, as warned" : "WRONG";
}
