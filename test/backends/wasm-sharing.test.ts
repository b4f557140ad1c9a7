/** Nests of loops that threads share, few iterations and many: every number of threads agrees with the interpreter. */
import { expect, test } from "vitest";
import { Compilation } from "../../src/driver/pipeline.js";
import { interpret } from "../../src/interpreter/graph.js";
import { memoryFiles } from "../../src/runtime/files.js";
import { importText } from "./typescript-support.js";

const programs: Readonly<Record<string, string>> = {
  // The panels of columns, and then the batch.
  "few columns": "x @ w",
  "two dimensions of rows": "softmax(x)",
  // What is summed first is private to a thread.
  "one sum of all":
    "x / (sum(sum(sum(x, axis = 2, keep = false), axis = 1, keep = false), axis = 0, keep = false) + 100.0)",
  "an element alone": "x * 3.0 + 1.0",
  "steps one after another": "softmax(x @ w) @ w",
};

const widths = 24;
const sizes: readonly (readonly [number, number])[] = [
  [1, 1],
  [3, 7],
  [5, 64],
  [0, 4],
  [2, 0],
  [41, 31],
];

function numbers(count: number, seed: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => Math.sin(i * 12.9898 + seed * 78.233) * 1.5);
}

test.each(Object.entries(programs))("%s", async (_, body) => {
  const weight = body.includes("w") ? `  param w: [${widths}, ${widths}]\n` : "";
  const text = `model Small() {\n${weight}  entry forward(x: [B, T, ${widths}]) -> (y: [B, T, ${widths}]) { ${body} }\n}\n`;
  const compilation = new Compilation({ files: memoryFiles(), path: "small.trafo", text, target: "wasm" });
  const { load } = await importText((await compilation.get("emit")).javascript);
  const w = { data: numbers(widths * widths, 1), shape: [widths, widths], type: "f32" as const };
  const models = await Promise.all(
    [1, 2, 3, 5].map((threads) => load({ threads, ...(weight === "" ? {} : { weights: new Map([["w", w]]) }) })),
  );
  for (const [rows, columns] of sizes) {
    const shape = [rows, columns, widths];
    const data = numbers(rows * columns * widths, 2);
    const { outputs } = interpret(compilation.program.entries[0]!, {
      inputs: new Map([["x", { element: "f32", shape, data: Float64Array.from(data) }]]),
      weights: () => ({ element: "f32", shape: w.shape, data: Float64Array.from(w.data) }),
      precision: "f64",
    });
    const wanted = Object.values(outputs)[0]!.data;
    for (const model of models) {
      // Again, since threads are late for the first runs.
      for (let turn = 0; turn < 3; turn++) {
        const found = (await model.forward!({ x: { data, shape, type: "f32" } })).y!.data;
        expect(found).toHaveLength(wanted.length);
        for (const [i, value] of found.entries())
          if (!(Math.abs(value - wanted[i]!) <= 1e-5 * (1 + Math.abs(wanted[i]!))))
            expect(value, `${rows} by ${columns}, element ${i}`).toBeCloseTo(wanted[i]!, 5);
      }
    }
  }
  for (const model of models) model.dispose();
});
