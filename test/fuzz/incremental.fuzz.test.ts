/**
 * Random graphs: an accepted one equals its step, run in random chunks; a refused one is run on a prefix and on the whole, to
 * count refusals that this run did not need.
 *
 * FUZZ_GRAPHS sets how many, FUZZ_SEED the first seed; a failure names its seeds.
 */
import { expect, test } from "vitest";
import * as incremental from "../../src/incremental/index.js";
import { checkSeed, type Outcome } from "../support/incremental-check.js";

const first = Number(process.env.FUZZ_SEED ?? 1);
const count = Number(process.env.FUZZ_GRAPHS ?? 400);

test("a step gives what the whole entry gives", { timeout: 600_000 + 100 * count }, () => {
  const seeds = new Map<Outcome, number[]>();
  for (let seed = first; seed < first + count; seed++) {
    const outcome = checkSeed(incremental, seed);
    seeds.set(outcome, [...(seeds.get(outcome) ?? []), seed]);
  }
  if (process.env.FUZZ_GRAPHS) for (const [outcome, of] of seeds) console.log(of.length, outcome, of.slice(0, 8));
  expect(seeds.get("WRONG") ?? []).toEqual([]);
  const share = (outcome: Outcome): number => (seeds.get(outcome)?.length ?? 0) / count;
  expect(share("equal, with states")).toBeGreaterThan(0.1);
  expect(share("refused, rightly")).toBeGreaterThan(0.1);
  expect(share("refused, though this run is causal")).toBeLessThan(0.1);
});
