/**
 * Random graphs, lowered, planned and interpreted by kernels, against the graph's interpreter; their kernels verified,
 * their plans checked, and broken plans caught.
 *
 * FUZZ_GRAPHS sets how many, FUZZ_SEED the first seed; a failure names its seed.
 */
import { describe, expect, test } from "vitest";
import { verifyKernel } from "../../src/ir/kernel/index.js";
import type { Plan } from "../../src/ir/plan/index.js";
import { lowerGraph } from "../../src/lower/index.js";
import { checkPlan, planGraph } from "../../src/memory/index.js";
import { rowsAsOne } from "../../src/schedule/index.js";
import { evaluate, type Size, type SizeVariable } from "../../src/sizes/index.js";
import { Random } from "../support/random.js";
import { randomGraph } from "../support/random-graph.js";
import { randomRun } from "../support/random-graph-run.js";
import { loweredAgain, planAgain } from "../support/round-trip.js";
import { randomPlanDifference } from "./lower-comparison.js";

const first = Number(process.env.FUZZ_SEED ?? 1);
const count = Number(process.env.FUZZ_GRAPHS ?? 120);
const seeds = Array.from({ length: count }, (_, i) => first + i);
const timeout = 600_000 + 100 * count;

type Sizes = (variable: SizeVariable) => number;

/** A plan in which some arena buffers have other offsets. */
function withOffsets(plan: Plan, offsets: ReadonlyMap<number, Size>): Plan {
  const buffers = plan.buffers.map((buffer, id) => {
    const offset = offsets.get(id);
    return offset !== undefined && buffer.place.kind === "arena"
      ? { ...buffer, place: { ...buffer.place, offset } }
      : buffer;
  });
  return { ...plan, buffers };
}

/** Arena buffers in pairs of different offsets. */
function pairsOf(plan: Plan, sizeOf: Sizes) {
  const places = plan.buffers.flatMap(({ place }, id) => (place.kind === "arena" ? [{ id, place }] : []));
  const value = (at: number): number => evaluate(places[at]!.place.offset, sizeOf);
  return places.flatMap((_, a) =>
    places.flatMap((_, b) => (a < b && value(a) !== value(b) ? [[places[a]!, places[b]!] as const] : [])),
  );
}

/** A plan in which two arena buffers of different offsets have exchanged them; null if there are none. */
function withSwappedOffsets(plan: Plan, random: Random, sizeOf: Sizes): Plan | null {
  const pairs = pairsOf(plan, sizeOf);
  if (pairs.length === 0) return null;
  const [a, b] = random.of(pairs);
  return withOffsets(
    plan,
    new Map([
      [a.id, b.place.offset],
      [b.id, a.place.offset],
    ]),
  );
}

/** A plan in which an arena buffer begins where another does, if possible one that the same dispatch reads. */
function withSharedOffset(plan: Plan, random: Random, sizeOf: Sizes): Plan | null {
  const pairs = pairsOf(plan, sizeOf);
  const isReplaced = (read: number, written: number): boolean =>
    plan.dispatches.some(({ reads, writes }) => reads.some((id) => id === read) && writes.some((id) => id === written));
  const near = pairs.filter(([a, b]) => isReplaced(a.id, b.id));
  if (pairs.length === 0) return null;
  const [a, b] = random.of(near.length > 0 ? near : pairs);
  return withOffsets(plan, new Map([[b.id, a.place.offset]]));
}

describe.each([
  { smooth: true, step: 1 },
  { smooth: false, step: 1 },
  { smooth: true, step: 2 },
  { smooth: false, step: 3 },
])("random graphs: %j", ({ smooth, step }) => {
  test("are computed by their plan as by the graph's interpreter", { timeout }, () => {
    let overRows = 0;
    for (const seed of seeds) {
      const graph = randomGraph(seed, { smooth, step, nodes: 6 + (seed % 30) });
      // Every other graph has kernels over all rows as one, where it can.
      const made = seed % 2 === 0 ? lowerGraph(graph) : rowsAsOne()(lowerGraph(graph));
      const lowered = loweredAgain(made, `seed ${seed}`);
      overRows += lowered.calls.filter(({ sizes }) => sizes !== undefined).length;
      // What is run is what was read from the texts.
      const plan = planAgain(planGraph(lowered), `seed ${seed}`);
      for (const kernel of plan.kernels) expect(verifyKernel(kernel), `seed ${seed}`).toEqual([]);
      for (const variant of [0, 1]) {
        const run = randomRun(graph, seed + variant, { special: !smooth && variant === 1 });
        const where = `seed ${seed}, run ${variant}, ${JSON.stringify(run.sizes)}`;
        expect(
          checkPlan(plan, (variable) => run.sizes[variable.name]!),
          where,
        ).toEqual([]);
        expect(randomPlanDifference(graph, plan, run), where).toBeNull();
      }
    }
    expect(overRows).toBeGreaterThan(seeds.length / 10);
  });
});

test.each([
  ["exchanges places", true, withSwappedOffsets],
  ["shares a place", true, withSharedOffset],
  ["takes the place of what is read", false, withSharedOffset],
] as const)(
  "a plan in which a buffer %s and that computes something else is refused",
  { timeout },
  (_, inPlace, change) => {
    let [refused, accepted] = [0, 0];
    for (const seed of seeds) {
      const graph = randomGraph(seed, { smooth: true, nodes: 40 });
      const plan = planGraph(lowerGraph(graph), { inPlace });
      const run = randomRun(graph, seed, { sizes: { B: 2, T: 3 } });
      const sizeOf: Sizes = (variable) => run.sizes[variable.name]!;
      const broken = change(plan, new Random(seed), sizeOf);
      if (broken === null) continue;
      if (checkPlan(broken, sizeOf).length > 0) {
        refused++;
        continue;
      }
      // Some changes do no harm: then the results are the same.
      accepted++;
      expect(randomPlanDifference(graph, broken, run), `seed ${seed}`).toBeNull();
    }
    expect(refused).toBeGreaterThan(seeds.length / 5);
    expect(accepted).toBeGreaterThan(0);
  },
);
