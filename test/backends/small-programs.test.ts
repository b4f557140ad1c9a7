/** Small programs that are unlike published models: every target that needs no device agrees with the interpreter,
 * with its schedules and without. */
import { expect, test } from "vitest";
import { checkInputs, makeInputs } from "../../src/driver/inputs.js";
import { Compilation, type How } from "../../src/driver/pipeline.js";
import { type TargetName, targets } from "../../src/driver/targets.js";
import { memoryFiles } from "../../src/runtime/files.js";
import { randomWeights, readWeights } from "../../src/runtime/weights.js";

async function outputOf(target: TargetName, text: string, sizes: ReadonlyMap<string, number>, how: How) {
  const compilation = new Compilation({ files: memoryFiles(), path: "model.trafo", text, ...how });
  const { entries } = compilation.get("graph");
  const runner = await targets[target].start(compilation, readWeights(entries, randomWeights(1)));
  const outputs = await runner.run("run", checkInputs(entries[0]!, makeInputs(entries[0]!, sizes, 2)));
  runner.dispose();
  return [...outputs.values()].flatMap(({ data }) => Array.from(data));
}

async function agree(text: string, sizes: ReadonlyMap<string, number>): Promise<void> {
  const expected = await outputOf("interpreter", text, sizes, {});
  for (const target of ["typescript", "wasm"] as const) {
    for (const how of [{ policy: null }, {}]) {
      const found = await outputOf(target, text, sizes, how);
      expect(found.length).toBe(expected.length);
      for (const [i, value] of found.entries()) expect(Math.abs(value - expected[i]!)).toBeLessThan(1e-6);
    }
  }
}

test("an address whose part before the constant lies below address 0", async () => {
  const text = `model M() {
  param bias: [49, 3]
  entry run(x: [B, 3, 16, 16]) -> (y: [B, 3, 16, 16]) {
    let table = [h: 3, t: 16, s: 16] => bias[(t // 4 - s // 4 + 3) * 7 + t % 4 - s % 4 + 3, h]
    x + table
  }
}
`;
  await agree(text, new Map([["B", 2]]));
});

test("a long chain in which every value is used twice", async () => {
  const text = `model M() {
  entry run(x: [B, T, 8]) -> (y: [B, T, 8]) {
    let y = x
    for i: 60 { y = y * 0.5 + tanh(y) * 0.1 }
    y
  }
}
`;
  const sizes = new Map([
    ["B", 1],
    ["T", 3],
  ]);
  await agree(text, sizes);
});

test("an output that is known when the model is loaded, and read by what is computed then", async () => {
  const text = `model M() {
  param w: [8, 8]
  entry run(x: [B, 8]) -> (a: [8, 8], twice: [8, 8], y: [B, 8]) {
    let a = exp(w)
    let b = softmax(a)
    (a, a, x @ b + x @ softmax(b))
  }
}
`;
  await agree(text, new Map([["B", 3]]));
});

test("a table that embeds tokens and gives their scores, too large to be kept in two layouts", async () => {
  const text = `model M() {
  param table: [1101, 64]
  entry run(ids: i32[B, T]) -> (x: [B, T, 64], y: [B, T, 1101]) {
    let x = table[ids]
    (x, tanh(x) @ table.T)
  }
}
`;
  for (const [batch, positions] of [
    [1, 1],
    [2, 7],
  ] as const) {
    const sizes = new Map([
      ["B", batch],
      ["T", positions],
    ]);
    await agree(text, sizes);
  }
});
