/** Weights in few bits: what a target computes is compared with what f32 gives of the very numbers that they are rounded to. */
import { afterEach, describe, expect, it, vi } from "vitest";
import { backends } from "../../src/driver/backends.js";
import type { Case } from "../../src/driver/cases.js";
import { givenTensor } from "../../src/driver/inputs.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { type TargetName, targets } from "../../src/driver/targets.js";
import { type Verification, verify } from "../../src/driver/verify.js";
import { failureDiagnostics } from "../../src/driver/verify-report.js";
import type { WeightsFormat } from "../../src/passes/index.js";
import { memoryFiles } from "../../src/runtime/files.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { randomWeights, readWeights } from "../../src/runtime/weights.js";

const text = `import std: gelu

model Layers() {
  param rows: [40, 64]
  param up: [64, 96]
  param down: [48, 96]
  entry forward(ids: i32[T]) -> (y: [T, 48], best: i32[T, 1]) {
    let y = gelu(50 * rows[ids] @ up) @ down.T
    (y, argmax(y, axis = 1))
  }
}
`;

function compilationOf(weights: WeightsFormat): Compilation {
  return new Compilation({ files: memoryFiles(), path: "layers.trafo", text, weights });
}

const plain = compilationOf("f32");
const weights = readWeights(plain.program.entries, randomWeights(3));
const ids: Tensor = { data: Int32Array.of(3, 39, 0, 17, 8), shape: [5], type: "i32" };
const given = new Map([["ids", givenTensor(ids, "ids")]]);

/** Verified with what f32 gives as what is expected. */
async function verified(format: WeightsFormat, names: readonly TargetName[]): Promise<Verification> {
  const runner = await targets.typescript.start(plain, weights);
  const { entries } = plain.program;
  const outputs = await runner.run("forward", { inputs: new Map([["ids", ids]]), sizes: new Map() });
  runner.dispose();
  expect([...outputs.keys()]).toEqual(entries[0]!.outputs.map(({ name }) => name));
  const each: Case = { name: "case0", inputs: given, outputs };
  return verify({ compilation: compilationOf(format), weights, cases: [each], targets: names });
}

const deviations = ({ rows }: Verification, of: string): readonly number[] =>
  rows.filter(({ against, rounded }) => against === of && rounded !== null).map(({ rounded }) => rounded!.deviation);

afterEach(() => void vi.restoreAllMocks());

describe("weights in few bits", () => {
  it.each(["int8", "int4", "f16", "bf16"] as const)("are held as loops of their own round them: %s", async (format) => {
    const found = await verified(format, ["interpreter", "typescript", "wasm"]);
    expect([found.passed, found.failures]).toEqual([true, []]);
    const [interpreter, typescript, wasm] = deviations(found, "rounded");
    expect(Math.max(interpreter!, typescript!)).toBeLessThan(2e-6);
    // Rows that numbers of few bits are multiplied with are rounded there, to 15 bits.
    const areRows = format === "int8" || format === "int4";
    expect(found.tolerances.typescript).toBe(1e-4);
    expect(found.tolerances.wasm).toBe(areRows ? 32 / (2 ** 15 - 1) : 1e-4);
    expect(wasm).toBeLessThan(areRows ? 2e-4 : 2e-6);
    // What rounding itself does is far more.
    for (const each of deviations(found, "f32")) expect(each).toBeGreaterThan(1e-4);
  });

  /** One number of a matrix, neither the largest of its group nor of its column, moved by two of its units of 4 bits. */
  function moved(): ReadonlyMap<string, Tensor> {
    const up = weights.get("up")!;
    const data = Float32Array.from(up.data);
    const [at, unit] = [5 * 96 + 7, Math.max(...data.map(Math.abs)) / 8];
    data[at] = data[at]! > 0 ? data[at]! - 2 * unit : data[at]! + 2 * unit;
    return new Map([...weights, ["up", { ...up, data }]]);
  }

  it.each([
    ["int4", "typescript"],
    ["int4", "wasm"],
    ["int8", "wasm"],
    ["bf16", "typescript"],
  ] as const)("fail where a target holds another number: %s on %s", async (format, name) => {
    const { start } = targets[name];
    vi.spyOn(targets[name], "start").mockImplementation((compilation, all) =>
      start(compilation, compilation.request.weights === format ? moved() : all),
    );
    const found = await verified(format, [name]);
    expect(found.failures).toMatchObject([
      { target: name, against: "rounded", outputs: [expect.stringMatching(/^y,/)] },
    ]);
    // By far not what would show beside what rounding does.
    const wrong = found.rows.filter(({ passed }) => !passed).map(({ against }) => against);
    expect(wrong).toEqual(expect.arrayContaining(["rounded"]));
    expect(wrong).not.toContain("f32");
    const [diagnostic] = failureDiagnostics(found, plain.get("source"));
    expect(diagnostic!.message).toContain("from what f32 gives of the same rounded weights");
  });

  it.each([
    ["the zero of one column in four", / difference3 = (.*& 15\)) - 8;/g, " difference3 = $1 - 7;"],
    ["numbers rounded down", /Math\.floor\((\w+)\), 0\), 15\)/g, "Math.floor($1 - 0.5), 0), 15)"],
  ] as const)("fail where a kernel is wrong: %s", async (_, right, wrong) => {
    const { emit } = backends.typescript;
    vi.spyOn(backends.typescript, "emit").mockImplementation(async (module) => {
      const emitted = await emit(module);
      if (!emitted.javascript.includes("& 15")) return emitted;
      expect(emitted.javascript).toMatch(right);
      return { ...emitted, javascript: emitted.javascript.replace(right, wrong) };
    });
    const found = await verified("int4", ["typescript"]);
    expect(found.failures).toMatchObject([{ target: "typescript", against: "rounded" }]);
  });
});
