/** Entries computed step by step by the targets of `verify`: rows equal the whole entry's, and a wrong step is told. */
import { describe, expect, it } from "vitest";
import { nodeFiles } from "../../src/driver/node-files.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { runEntries } from "../../src/driver/run.js";
import { joined, rowsOf, steppedOutputs } from "../../src/driver/stepping.js";
import { interpreterRunner } from "../../src/driver/targets.js";
import { verify } from "../../src/driver/verify.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { checkpointWeights, readWeights } from "../../src/runtime/weights.js";
import { checkpointCases, decoders } from "../support/decoders.js";

const matrix: Tensor = { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3], type: "f32" };

describe("rows", () => {
  it("are cut and joined along any axis", () => {
    expect(rowsOf(matrix, 1, 1, 3)).toEqual({ data: Float32Array.of(2, 3, 5, 6), shape: [2, 2], type: "f32" });
    for (const axis of [0, 1]) {
      const parts = [rowsOf(matrix, axis, 0, 1), rowsOf(matrix, axis, 1, matrix.shape[axis]!)];
      expect(joined(parts, axis)).toEqual(matrix);
    }
  });
});

function open(name: string) {
  const { program, checkpoint } = decoders.find((each) => each.name === name)!;
  const opened = Checkpoint.open(nodeFiles(), checkpoint);
  const compilation = new Compilation({ files: nodeFiles(), path: program, checkpoint: opened });
  const weights = readWeights(compilation.elaborated.program.entries, checkpointWeights(opened));
  return { compilation, weights, cases: checkpointCases(checkpoint) };
}

describe("verification", () => {
  it.each(["gpt2/checkpoint", "vaswani/checkpoint"])(
    "compares the steps of %s with the whole, and decodes by them",
    async (name) => {
      const { compilation, weights, cases } = open(name);
      const { rows, passed } = await verify({
        compilation,
        weights,
        cases,
        targets: ["interpreter", "typescript"],
        tolerance: 1e-4,
      });
      expect(passed).toBe(true);
      const stepped = rows.filter(({ output }) => output.endsWith(", by steps"));
      expect(stepped).toHaveLength(6);
      expect(rows.filter(({ output }) => output === "greedy").map((row) => row.passed)).toEqual([true, true]);
    },
  );

  it("finds a step that forgets", async () => {
    const { compilation, weights, cases } = open("gpt2/checkpoint");
    const { program, decoders: derived } = compilation;
    const runner = interpreterRunner(program.entries, weights, "f32");
    const [run] = await runEntries(runner, program, cases[0]!.inputs);
    const whole = run!.outputs.get("logits")!;
    const right = await steppedOutputs(runner.open!, derived[0]!, run!);
    expect(right.get("logits")!.data).toEqual(whole.data);
    // Every step begins a sequence of its own.
    const forgetful: NonNullable<typeof runner.open> = async (...given) => {
      const stepper = await runner.open!(...given);
      return { ...stepper, step: async (rows) => (await runner.open!(...given)).step(rows) };
    };
    const wrong = (await steppedOutputs(forgetful, derived[0]!, run!)).get("logits")!;
    expect(wrong.shape).toEqual(whole.shape);
    expect(wrong.data).not.toEqual(whole.data);
  });
});
