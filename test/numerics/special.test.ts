/**
 * NaN, infinities and scores of 1e4 through whole programs, as PyTorch has them (make_special_values.py): what the
 * interpreter gives, and what the module gives that all passes and schedules, or none, have made. Where PyTorch has NaN,
 * there is NaN, and nowhere else.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { elaborate } from "../../dsl/index.js";
import { Diagnostics, SourceFile } from "../../src/diagnostics/index.js";
import { fromEvaluated } from "../../src/driver/evaluated.js";
import { checkInputs, givenTensor } from "../../src/driver/inputs.js";
import { Compilation, type How } from "../../src/driver/pipeline.js";
import { type Start, targets } from "../../src/driver/targets.js";
import { passes } from "../../src/passes/index.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { type StoredTensor, tensorFrom } from "../support/stored-tensors.js";

interface Case {
  readonly name: string;
  readonly program: string;
  readonly inputs: Readonly<Record<string, StoredTensor>>;
  readonly expected: { readonly y: StoredTensor };
}

const { cases } = JSON.parse(readFileSync(new URL("../fixtures/torch/special.json", import.meta.url), "utf8")) as {
  readonly cases: readonly Case[];
};

const bare: How = { policy: null, optimize: { without: passes.map(({ name }) => name) } };

/** `nan`, `inf`, or a number within 1e-5 of its magnitude, so that texts can be compared. */
function differences(found: ArrayLike<number>, wanted: ArrayLike<number>): readonly string[] {
  return Array.from({ length: wanted.length }, (_, i) => {
    const [a, b] = [found[i]!, wanted[i]!];
    const isSame = Object.is(a, b) || a === b || Math.abs(a - b) <= 1e-5 * Math.max(1, Math.abs(b));
    return isSame ? "" : `[${i}] is ${a}, and ${b} is expected`;
  }).filter((each) => each !== "");
}

test.each(cases.map((each) => [each.name, each] as const))("%s", async (_, { program, inputs, expected }) => {
  const diagnostics = new Diagnostics();
  const elaborated = elaborate(new SourceFile("special.trafo", program), { readFile: () => null }, diagnostics);
  expect(diagnostics.sorted.map(({ message }) => message)).toEqual([]);
  const { entries, name } = elaborated!.program;
  const given = new Map(
    Object.entries(inputs).map(([of, stored]) => [of, givenTensor(fromEvaluated(tensorFrom(stored)), of)] as const),
  );
  const ready = checkInputs(entries[0]!, given);
  const wanted = tensorFrom(expected.y).data;
  const run = async (start: Start, how: How): Promise<Tensor> => {
    const runner = await start(Compilation.ofGraphs(name, entries, how), new Map());
    const outputs = await runner.run("run", ready);
    runner.dispose();
    return outputs.get("y")!;
  };
  expect(differences((await run(targets.interpreter.start, {})).data, wanted), "interpreter").toEqual([]);
  expect(differences((await run(targets.typescript.start, bare)).data, wanted), "without passes").toEqual([]);
  expect(differences((await run(targets.typescript.start, {})).data, wanted), "typescript").toEqual([]);
});
