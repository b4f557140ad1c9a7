/** The fuzzer of derived steps is a witness only if it notices when a rule is broken. */
import { expect, test } from "vitest";
import { checkSeed, type Incremental } from "../support/incremental-check.js";
import { loadMutant, mutants } from "../support/incremental-mutants.js";

const most = Number(process.env.FUZZ_GRAPHS ?? 12_000);

/** What the first graph that the mutant gets wrong shows, or null. */
function caughtBy(incremental: Incremental): string | null {
  for (let seed = 1; seed <= most; seed++) {
    try {
      if (checkSeed(incremental, seed) === "WRONG") return `seed ${seed} is wrong`;
    } catch (error) {
      return `seed ${seed} throws ${String(error).slice(0, 100)}`;
    }
  }
  return null;
}

test.each(mutants)("$name is noticed", async (mutant) => {
  const caught = caughtBy(await loadMutant(mutant));
  expect(caught).not.toBeNull();
});
