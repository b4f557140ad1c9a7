import { describe, expect, it } from "vitest";
import { UserError } from "../../src/diagnostics/index.js";
import { renderDiagnostic } from "../../src/diagnostics/render.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { folderOf, joinPath, memoryFiles, readText } from "../../src/runtime/files.js";
import { writeSafetensors } from "../../src/runtime/host/safetensors-writer.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { parseJson } from "../../src/runtime/json.js";
import { TensorFile } from "../../src/runtime/tensor-file.js";
import { checkpointWeights, randomFloats, randomWeights } from "../../src/runtime/weights.js";

const f32 = (shape: number[], values: number[]): Tensor => ({ data: Float32Array.from(values), shape, type: "f32" });
const tensors: [string, Tensor][] = [
  ["a.weight", f32([2, 2], [1, 2, 3, 4])],
  ["b.weight", f32([2], [5, 6])],
  ["ids", { data: Int32Array.of(7), shape: [1], type: "i32" }],
];
const bytes = writeSafetensors(tensors);

/** The code and whole text of the user error that something throws. */
function failure(run: () => unknown): { code: string; text: string } {
  try {
    run();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const text = error.diagnostics.map((d) => renderDiagnostic(d)).join("\n");
    return { code: error.diagnostics[0]?.code ?? "", text };
  }
  throw new Error("nothing was thrown");
}

describe("files", () => {
  it("joins paths from a folder", () => {
    expect(joinPath("a/b", "./c.trafo")).toBe("a/b/c.trafo");
    expect(joinPath("a/b", "../c.trafo")).toBe("a/c.trafo");
    expect(joinPath("a", "../../c.trafo")).toBe("../c.trafo");
    expect(joinPath(".", "c.trafo")).toBe("c.trafo");
    expect(joinPath("a", "/c")).toBe("/c");
    expect(folderOf("a/b.trafo")).toBe("a");
    expect(folderOf("b.trafo")).toBe(".");
    expect(folderOf("/b.trafo")).toBe("/");
  });
  it("says what is missing and what is near", () => {
    const files = memoryFiles([["models/gpt2.trafo", "x"]]);
    expect(failure(() => readText(files, "models/gtp2.trafo"))).toEqual({
      code: "E0601",
      text: "error[E0601]: cannot read models/gtp2.trafo: there is no such file\n = help: models has gpt2.trafo",
    });
    expect(failure(() => readText(files, "models/bert.trafo")).text).not.toContain("help");
    expect(failure(() => readText(files, "models/gpt2")).text).toContain("models has gpt2.trafo");
    expect(failure(() => readText(files, "nowhere/x")).text).toContain("the folder nowhere does not exist either");
    expect(failure(() => readText(files, "models")).code).toBe("E0602");
    expect(readText(memoryFiles([["a", "\ufeffmodel"]]), "a")).toBe("model");
  });
});

describe("JSON", () => {
  it("is shown at the line that is wrong", () => {
    const { code, text } = failure(() => parseJson("config.json", '{\n  "n_layer": 2,\n}\n'));
    expect(code).toBe("E0704");
    expect(text).toContain("┌─ config.json:3:1");
    expect(text).toContain("take out the comma after the last item");
    const place = (json: string) => /┌─ c.json:(\d+:\d+)/.exec(failure(() => parseJson("c.json", json)).text)?.[1];
    const wrong = ['{"a": 1', '{"a": NaN}', "{a: 1}", '{"a" 1}', "[1 2]", '["\n"]', "[01]", "[tru]", "{} x", '["\\x"]'];
    expect(wrong.map(place)).toEqual(["1:8", "1:7", "1:2", "1:6", "1:4", "1:2", "1:2", "1:2", "1:4", "1:2"]);
    expect(failure(() => parseJson("c.json", '{"a": NaN}')).text).toContain("JSON has no NaN");
    expect(place("[".repeat(100_000))).toBe("1:502");
    expect(failure(() => parseJson("c.json", " ")).text).toContain("c.json is empty");
  });
});

describe("a checkpoint", () => {
  const config = ["m/config.json", '{"n_layer": 2}'] as const;
  it("is a folder with a configuration", () => {
    const checkpoint = Checkpoint.open(memoryFiles([config, ["m/model.safetensors", bytes]]), "m");
    expect(checkpoint.config).toEqual({ path: "m/config.json", value: { n_layer: 2 } });
    expect(checkpoint.tensors.get("a.weight")).toEqual({ shape: [2, 2], dtype: "F32" });
    expect([...checkpoint.read("b.weight", "f32").data]).toEqual([5, 6]);
  });
  it("is a file, or a folder with one file of another name", () => {
    const files = memoryFiles([config, ["m/other.safetensors", bytes], ["m/io.safetensors", bytes]]);
    expect(Checkpoint.open(files, "m").tensors.size).toBe(3);
    expect(Checkpoint.open(files, "m/other.safetensors").config?.path).toBe("m/config.json");
    expect(Checkpoint.open(memoryFiles([["w.safetensors", bytes]]), "w.safetensors").config).toBeNull();
  });
  it("takes another configuration", () => {
    const files = memoryFiles([
      ["m/model.safetensors", bytes],
      ["c.json", '{"n": 1}'],
    ]);
    expect(Checkpoint.open(files, "m", "c.json").config?.value).toEqual({ n: 1 });
    expect(failure(() => Checkpoint.open(files, "m", "d.json")).code).toBe("E0601");
  });
  it("is made of shards", () => {
    const index = (map: object) => ["m/model.safetensors.index.json", JSON.stringify({ weight_map: map })] as const;
    const shards = [
      ["m/1.safetensors", writeSafetensors(tensors.slice(0, 1))],
      ["m/2.safetensors", writeSafetensors(tensors.slice(1))],
    ] as const;
    const good = { "a.weight": "1.safetensors", "b.weight": "2.safetensors" };
    const checkpoint = Checkpoint.open(memoryFiles([...shards, index(good)]), "m");
    expect(Checkpoint.open(memoryFiles([...shards, index(good)]), "m/model.safetensors.index.json").tensors).toEqual(
      checkpoint.tensors,
    );
    expect([...checkpoint.tensors.keys()]).toEqual(["a.weight", "b.weight"]);
    expect([...checkpoint.read("b.weight", "f32").data]).toEqual([5, 6]);
    const wrong = [{ "a.weight": "3.safetensors" }, { "b.weight": "1.safetensors" }];
    for (const map of wrong)
      expect(failure(() => Checkpoint.open(memoryFiles([...shards, index(map)]), "m")).code).toBe("E0709");
    const outside = { "a.weight": "../1.safetensors" };
    expect(failure(() => Checkpoint.open(memoryFiles([...shards, index(outside)]), "m")).code).toBe("E0704");
    const empty = ["m/model.safetensors.index.json", "{}"] as const;
    expect(failure(() => Checkpoint.open(memoryFiles([empty]), "m")).code).toBe("E0704");
  });
  it("says what is missing", () => {
    const files = memoryFiles([
      config,
      ["m/pytorch_model.bin", "x"],
      ["two/a.safetensors", bytes],
      ["two/b.safetensors", bytes],
    ]);
    expect(failure(() => Checkpoint.open(files, "twoo"))).toEqual({
      code: "E0701",
      text: "error[E0701]: there is no checkpoint at twoo\n = help: . has two",
    });
    const none = failure(() => Checkpoint.open(files, "m"));
    expect(none.code).toBe("E0702");
    expect(none.text).toContain("pytorch_model.bin is in PyTorch's own format");
    expect(failure(() => Checkpoint.open(files, "two")).text).toContain(
      "name the one that is meant: two/a.safetensors",
    );
  });
  it("is never half read", () => {
    for (const length of [0, 4, 100, bytes.length - 1]) {
      const files = memoryFiles([["m/model.safetensors", bytes.subarray(0, length)]]);
      expect(failure(() => Checkpoint.open(files, "m")).code).toBe("E0705");
    }
    const pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n";
    const { code, text } = failure(() => new TensorFile(memoryFiles([["w", pointer]]), "w"));
    expect(code).toBe("E0705");
    expect(text).toContain("git lfs pull");
  });
});

describe("the weights of a checkpoint", () => {
  const files = memoryFiles([["m/model.safetensors", bytes]]);
  const weights = checkpointWeights(Checkpoint.open(files, "m"));
  const request = (sources: string[][], shape: number[], element: "f32" | "i32" | "f16" = "f32") => ({
    name: "w",
    element,
    shape,
    sources,
  });
  it("are the first alternative that there is", () => {
    expect([...weights(request([["x"], ["b.weight"], ["a.weight"]], [2])).data]).toEqual([5, 6]);
    expect([...weights(request([["b.weight"]], [2], "f16")).data]).toEqual([0x4500, 0x4600]);
  });
  it("are stacked from several tensors", () => {
    const stack = weights(request([["b.weight", "b.weight"]], [2, 2]));
    expect([[...stack.data], stack.shape]).toEqual([
      [5, 6, 5, 6],
      [2, 2],
    ]);
    expect(weights(request([["b.weight"]], [1, 2])).shape).toEqual([1, 2]);
  });
  it("say what is missing or misshapen", () => {
    const missing = failure(() => weights(request([["a.weigth"], ["c"]], [2])));
    expect(missing.code).toBe("E0706");
    expect(missing.text).toContain("has no tensor a.weigth, nor c");
    expect(missing.text).toContain("the checkpoint has a.weight");
    const shape = failure(() => weights(request([["b.weight"]], [3])));
    expect(shape.code).toBe("E0707");
    expect(shape.text).toContain("tensor b.weight of the checkpoint is [2], but the program reads it as [3]");
    const type = failure(() => weights(request([["ids"]], [1])));
    expect(type.code).toBe("E0708");
    expect(type.text).toContain("tensor ids of m/model.safetensors is I32, which does not convert to f32");
  });
});

describe("made-up weights", () => {
  const request = { name: "w", element: "f32", shape: [64, 64], sources: [] } as const;
  it("are the same for the same name and seed only", () => {
    const first = randomWeights(1)(request).data;
    expect(randomWeights(1)(request).data).toEqual(first);
    expect(randomWeights(2)(request).data).not.toEqual(first);
    expect(randomWeights(1)({ ...request, name: "v" }).data).not.toEqual(first);
  });
  it("have the scale of untrained weights", () => {
    const values = [...randomFloats("x", 0, 100_000)];
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const deviation = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / values.length);
    expect(Math.abs(mean)).toBeLessThan(0.001);
    expect(deviation).toBeGreaterThan(0.0195);
    expect(deviation).toBeLessThan(0.0205);
  });
  it("keep to their type", () => {
    const all = (element: "f16" | "i32" | "bool") => randomWeights(0)({ ...request, element });
    expect(all("f16").data).toBeInstanceOf(Uint16Array);
    expect(new Set(all("i32").data)).toEqual(new Set([0]));
    expect(new Set(all("bool").data)).toEqual(new Set([1]));
  });
});
