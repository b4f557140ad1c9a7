/** The library's functions, on files in memory, as a browser would use them. */
import { describe, expect, it } from "vitest";
import { targetsOf } from "../../src/driver/targets.js";
import {
  Checkpoint,
  check,
  compile,
  explain,
  graph,
  graphs,
  memoryFiles,
  onnx,
  parse,
  readCases,
  render,
  run,
  stageNames,
  UserError,
  verify,
} from "../../src/index.js";
import { tinyFiles, tinyProgram } from "./support/cli.js";

const files = memoryFiles(Object.entries(tinyFiles));
const tiny = { path: "tiny.trafo", files, checkpoint: "m" };

describe("the library", () => {
  it("parses, with what is wrong beside the tree", () => {
    expect(parse("tiny.trafo", tinyProgram)).toMatchObject({ diagnostics: [], file: { kind: "file" } });
    expect(parse("wrong.trafo", "model M( {").diagnostics.length).toBeGreaterThan(0);
  });
  it("checks", () => {
    expect(check(tiny).program).toMatchObject({ model: "Tiny", parameters: 6, weights: 1 });
    expect(check({ path: "tiny.trafo", text: tinyProgram, config: { vocab: 5 } }).program!.parameters).toBe(10);
    expect(check({ path: "a.trafo", text: "fn one() -> int = 1\n" }).program).toBeNull();
    expect(() => check({ path: "none.trafo" })).toThrow(UserError);
  });
  it("compiles", async () => {
    const compiled = await compile(tiny);
    expect(compiled.kernels).toBeGreaterThan(1);
    expect(compiled.declarations).toContain("forward(");
    expect([...compiled.milliseconds.keys()]).toEqual([...stageNames]);
    await expect(compile({ path: "x.trafo", text: "" })).rejects.toThrow("E0603");
  });
  it("explains", () => {
    const { program, entries } = explain(tiny, { B: 1, T: 10 });
    expect(program.parameters).toBe(6);
    expect(entries.map(({ name, layers }) => [name, render(layers.total.flops)])).toEqual([["forward", "140"]]);
    expect(render(explain(tiny).entries[0]!.layers.total.flops)).toBe("14*B*T");
    expect(() => explain(tiny, { T: 99 })).toThrow("E0611");
  });
  it("writes ONNX models", async () => {
    const [[name, { length, parts }]] = (await onnx(tiny)) as [Awaited<ReturnType<typeof onnx>>[0]];
    expect([name, [...parts()].reduce((sum, part) => sum + part.length, 0)]).toEqual(["tiny-forward.onnx", length]);
    const beside = await onnx({ path: "tiny.trafo", text: tinyProgram, randomWeights: 1, weightsBeside: true });
    expect(beside.map(([file]) => file)).toEqual(["tiny.onnx.data", "tiny-forward.onnx"]);
  });
  it("draws", () => {
    expect(graphs(tiny).map(({ name }) => name)).toEqual(["forward"]);
    expect(graph(tiny, { expand: true })[0]).toMatchObject({ entry: "forward" });
  });
  it("runs", async () => {
    const open = { ...tiny, checkpoint: Checkpoint.open(files, "m") };
    const { logits } = await run({ ...open, inputs: { ids: [[2]] } });
    expect([...logits!.data]).toEqual([2, 2, 8]);
    const tensor = { data: Int32Array.of(2), shape: [1, 1], type: "i32" } as const;
    const made = { path: "tiny.trafo", files, randomWeights: 3, target: "interpreter" } as const;
    expect((await run({ ...made, inputs: { ids: tensor } })).logits!.shape).toEqual([1, 1, 8]);
    await expect(run({ ...tiny, inputs: { idz: [[2]] } })).rejects.toThrow("E0710");
    await expect(
      run({ ...tiny, inputs: { ids: { ...tensor, type: "bool", data: Uint8Array.of(1) } } }),
    ).rejects.toThrow("E0712");
  });
  it("verifies", async () => {
    const result = await verify({ ...tiny, expect: "m/io.safetensors" });
    expect(result).toMatchObject({ passed: true, failures: [], notCompared: ["case0.out.hidden.0"] });
    expect(new Set(result.rows.map(({ target }) => target))).toEqual(new Set((await targetsOf("all")).chosen));
    const cases = readCases(files, "m/io.safetensors").slice(0, 1);
    expect((await verify({ ...tiny, expect: cases, targets: ["interpreter"] })).rows).toHaveLength(1);
  });
});
