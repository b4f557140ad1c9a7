/** The commands that run programs, on files in memory. */
import { describe, expect, it } from "vitest";
import { targetsOf } from "../../src/driver/targets.js";
import { parseSafetensors } from "../../src/runtime/host/safetensors.js";
import { writeSafetensors } from "../../src/runtime/host/safetensors-writer.js";
import { f32, i32, tinyFiles, trafo } from "./support/cli.js";

const M = ["--checkpoint", "m"];

describe("trafo run", () => {
  const input = ["--input", "ids=[[0,1,2]]"];
  it("runs on inputs of the command line", async () => {
    const { status, out, err } = await trafo(["run", "tiny.trafo", ...M, ...input]);
    expect([status, err]).toEqual([0, ""]);
    expect(out).toContain("forward  logits  f32[1, 3, 3]    0    8     2  1, 0, 2, 0, 1, …");
    const both = await trafo(["run", "tiny.trafo", ...M, ...input, "--target", "interpreter", "--json"]);
    expect(JSON.parse(both.out).outputs[0]).toMatchObject({
      name: "logits",
      shape: [1, 3, 3],
      min: 0,
      max: 8,
      mean: 2,
    });
  });
  it("reads inputs from a file and writes outputs to one", async () => {
    const files = {
      ...tinyFiles,
      "in.safetensors": writeSafetensors([
        ["ids", i32([1, 1], [2])],
        ["mask", i32([1, 1], [0])],
      ]),
    };
    const {
      status,
      files: after,
      out,
    } = await trafo(["run", "tiny.trafo", ...M, "--inputs", "in.safetensors", "--outputs", "o/out.safetensors"], files);
    expect(status).toBe(0);
    expect(out).toContain("wrote o/out.safetensors");
    expect(parseSafetensors(after.get("o/out.safetensors")!, "o").tensors.get("logits")?.shape).toEqual([1, 1, 3]);
  });
  it("makes inputs and weights up", async () => {
    const words = ["run", "tiny.trafo", "--random-weights", "--size", "B=2,T=4", "--json"];
    const [first, again] = [await trafo(words), await trafo(words)];
    expect(first.status).toBe(0);
    expect(JSON.parse(first.out).outputs[0].shape).toEqual([2, 4, 8]);
    expect(again.out).toBe(first.out);
    expect((await trafo([...words, "--random-weights=1"])).out).not.toBe(first.out);
  });
  const failures: [string, string[], string, string][] = [
    ["no weights", input, "E0610", "running needs weights"],
    ["both weights", [...M, "--random-weights", ...input], "E0610", "exclude each other"],
    ["no inputs", M, "E0610", "running needs inputs"],
    ["an unknown input", [...M, "--input", "idz=[[1]]"], "E0710", "the nearest is ids"],
    ["a missing input", [...M, "--input", "mask=[[1]]"], "E0710", "needs the input ids: i32[B, T]"],
    ["a wrong rank", [...M, "--input", "ids=[1,2]"], "E0711", "of 2 axes, but is given as [2]"],
    ["sizes that differ", [...M, ...input, "--input", "mask=[[1,1]]"], "E0711", "T is 3 from input ids"],
    [
      "a size out of bounds",
      [...M, "--input", `ids=[[${"1,".repeat(16)}1]]`],
      "E0711",
      "T is 17, and must be from 0 to 16",
    ],
    [
      "a token out of the vocabulary",
      [...M, "--input", "ids=[[0,3]]"],
      "E0712",
      "holds 3 at [0, 1], and must lie between 0 and 2",
    ],
    ["a fraction", [...M, "--input", "ids=[[0.5]]"], "E0712", "holds 0.5"],
    ["ragged lists", [...M, "--input", "ids=[[0],[1,2]]"], "E0712", "ragged"],
    ["words", [...M, "--input", 'ids=[["a"]]'], "E0712", 'holds "a"'],
    ["no JSON", [...M, "--input", "ids=[[0"], "E0704", "--input ids"],
    ["no name", [...M, "--input", "[[0]]"], "E0607", "NAME=VALUE"],
    ["an unknown size", ["--random-weights", "--size", "Q=1"], "E0611", "the program has no size Q"],
    ["a missing size", ["--random-weights", "--size", "B=1"], "E0611", "the size T of input ids is not given"],
    ["a large size", ["--random-weights", "--size", "B=1,T=17"], "E0611", "T is 17"],
    ["a wrong seed", ["--random-weights=x", "--size", "B=1,T=1"], "E0607", "--random-weights takes a whole number"],
    ["a missing checkpoint", ["--checkpoint", "mm", ...input], "E0701", "there is no checkpoint at mm"],
  ];
  it.each(failures)("refuses %s", async (_what, words, code, text) => {
    const { status, err, out } = await trafo(["run", "tiny.trafo", ...words]);
    expect(err).toContain(`error[${code}]`);
    expect(err).toContain(text);
    expect([status, out]).toEqual([1, ""]);
  });
});

describe("trafo verify", () => {
  it("passes, and says what it did not compare", async () => {
    const { status, out, err } = await trafo(["verify", "tiny.trafo", ...M]);
    expect([status, err]).toEqual([0, ""]);
    const { chosen, left } = await targetsOf("all");
    expect(chosen.slice(0, 2)).toEqual(["interpreter", "typescript"]);
    expect(out.replace(/ +/g, " ")).toBe(
      [
        "target case output largest error relative",
        ...chosen.flatMap((target) => [`${target} case0 logits 0 0`, `${target} case1 greedy equal`]),
        "not compared, as no entry returns them: hidden.0 (case0)",
        ...left.map(({ name, reason }) => `not run: ${name}: ${reason}`),
        "",
      ].join("\n"),
    );
    expect(out).toContain("not run: kernels: it is slow, and runs only where it is named");
    const answer = JSON.parse((await trafo(["verify", "tiny.trafo", ...M, "--json", "--target", "typescript"])).out);
    expect(answer).toMatchObject({ passed: true, tolerance: 1e-4, notCompared: ["case0.out.hidden.0"] });
    expect(answer.rows).toHaveLength(2);
    const named = JSON.parse(
      (await trafo(["verify", "tiny.trafo", ...M, "--json", "--target", "kernels,interpreter"])).out,
    );
    expect(named.rows.map((row: { target: string }) => row.target)).toEqual([
      "kernels",
      "kernels",
      "interpreter",
      "interpreter",
    ]);
  });
  it("fails with status 1 and says where", async () => {
    const wrong = writeSafetensors([
      ["case0.in.ids", i32([1, 3], [0, 1, 2])],
      ["case0.in.mask", i32([1, 3], [1, 1, 1])],
      ["case0.in.odd", i32([1], [1])],
      ["case0.out.logits", f32([1, 3, 3], [1, 0, 2, 0, 1, 2, 2, 2, 9])],
      ["case1.in.ids", i32([1, 1], [0])],
      ["case1.out.logits", f32([1, 3], [1, 0, 2])],
      ["case2.in.ids", i32([1, 1], [0])],
      ["case2.out.greedy", i32([1, 3], [0, 2, 1])],
      ["case3.in.ids", i32([1, 1], [0])],
      ["case3.out.logits", f32([1, 1, 3], [1, 0, Number.NaN])],
      ["case4.out.logits", f32([1, 1, 3], [1, 0, 2])],
    ]);
    const { status, out, err } = await trafo(["verify", "tiny.trafo", ...M, "--target", "typescript"], {
      ...tinyFiles,
      "m/io.safetensors": wrong,
    });
    expect(status).toBe(1);
    expect(out.match(/FAILS/g)).toHaveLength(5);
    expect(out).toMatch(/case2 +greedy +1 differ/);
    expect(out).toMatch(/case3 +logits +NaN/);
    expect(out).toContain("not used, as no entry takes them: odd (case0)");
    expect(err).toContain("error[E0714]: on the target typescript, logits, greedy depart from the expected values");
    expect(err).toContain("case0: logits[0, 2, 2] is 8, and 9 is expected");
    expect(err).toContain("case1: logits is [1, 1, 3], and [1, 3] is expected");
    expect(err).toContain("every operator gives what the interpreter gives in f64");
  });
  it("needs something to compare", async () => {
    const none = { ...tinyFiles, "io.safetensors": writeSafetensors([["x", f32([1], [1])]]) };
    const words = ["verify", "tiny.trafo", ...M, "--expect", "io.safetensors"];
    expect((await trafo(words, none)).err).toContain("E0713");
    const other = {
      ...tinyFiles,
      "io.safetensors": writeSafetensors([
        ["case0.in.ids", i32([1, 1], [0])],
        ["case0.out.x", f32([1], [1])],
      ]),
    };
    const { status, err } = await trafo(words, other);
    expect(status).toBe(1);
    expect(err).toContain("expected: case0.out.x");
    expect((await trafo([...words, "--tolerance", "x"])).err).toContain("E0607");
    expect((await trafo(["verify", "tiny.trafo"])).err).toContain("E0610");
  });
  it("reports an output of another shape alone as such", async () => {
    const shape = {
      ...tinyFiles,
      "m/io.safetensors": writeSafetensors([
        ["case0.in.ids", i32([1, 1], [0])],
        ["case0.out.logits", f32([3], [1, 0, 2])],
      ]),
    };
    expect((await trafo(["verify", "tiny.trafo", ...M], shape)).err).toContain("E0715");
  });
});

describe("memory", () => {
  it("that the machine does not give is the user's to mend", async () => {
    const words = ["run", "tiny.trafo", "--random-weights", "--size", "B=1000000000000000,T=16"];
    const { status, err } = await trafo(words);
    expect(status).toBe(1);
    expect(err).toContain("error[E0615]");
  });
});

describe("--weights", () => {
  const files = {
    "layer.trafo": "model M() {\n  param w: [64, 32]\n  entry forward(x: [T, 64]) -> (y: [T, 32]) { x @ w }\n}\n",
  };
  const layer = async (...words: string[]) => trafo(words, files);

  it("holds weights in few bits, and says how far that is from f32", async () => {
    const x = Float32Array.from({ length: 64 }, (_, at) => Math.sin(at));
    const w = Float32Array.from({ length: 64 * 32 }, (_, at) => Math.cos(at * at));
    const y = Float32Array.from({ length: 32 }, (_, column) => {
      return x.reduce((sum, value, k) => sum + value * w[k * 32 + column]!, 0);
    });
    const checkpoint = {
      ...files,
      "q/model.safetensors": writeSafetensors([["w", f32([64, 32], [...w])]]),
      "q/io.safetensors": writeSafetensors([
        ["case0.in.x", f32([1, 64], [...x])],
        ["case0.out.y", f32([1, 32], [...y])],
      ]),
    };
    const words = ["verify", "layer.trafo", "--checkpoint", "q", "--target", "interpreter,typescript,wasm"];
    for (const [format, least, most] of [
      ["f16", 1e-6, 1e-3],
      ["bf16", 1e-5, 1e-2],
      ["int8", 1e-4, 0.02],
      ["int4", 5e-3, 0.3],
    ] as const) {
      const { status, out, err } = await trafo([...words, "--weights", format, "--json"], checkpoint);
      expect([status, err]).toEqual([0, ""]);
      const { rows, weights } = JSON.parse(out);
      expect(weights).toBe(format);
      expect(rows.map(({ output }: { output: string }) => output)).toEqual(
        Array(3).fill(["y", "y, from f32", "y, from the same rounded weights"]).flat(),
      );
      for (const { rounded } of rows.filter((row: { against: string }) => row.against !== "rounded")) {
        expect(rounded.deviation).toBeGreaterThan(least);
        expect(rounded.deviation).toBeLessThan(most);
        expect(rounded.agreement).toBe(1);
      }
    }
    const shown = await trafo([...words, "--weights", "int8"], checkpoint);
    expect(shown.out).toContain("deviation");
    expect(shown.out).toContain("weights are held as int8: what deviates by up to 0.1");
    const strict = await trafo([...words, "--weights", "int8", "--tolerance", "1e-6"], checkpoint);
    expect(strict.status).toBe(1);
    expect(strict.err).toContain("error[E0714]: on the target wasm, ");
    expect(strict.err).toContain("from what it gives with weights of f32");
    expect(strict.err).toContain("hold its weights in more");
  });

  it("tells where nothing is large enough", async () => {
    const text = "model M() {\n  param s: [8]\n  entry forward(x: [T, 8]) -> (y: [T, 8]) { x * s }\n}\n";
    const words = ["compile", "small.trafo", "--target", "wasm", "-o", "o"];
    const { status, out } = await trafo([...words, "--weights", "int8"], { "small.trafo": text });
    expect([status, out.includes("weights stay f32")]).toEqual([0, true]);
    expect((await trafo(words, { "small.trafo": text })).out).not.toContain("weights stay");
  });

  it("is refused where it means nothing", async () => {
    const wrong = await layer("run", "layer.trafo", "--random-weights", "--size", "T=1", "--weights", "int3");
    expect(wrong.err).toContain("--weights takes f32, f16, bf16, int8, int4, but is int3");
    const onnx = await layer(
      "compile",
      "layer.trafo",
      "--target",
      "onnx",
      "--random-weights",
      "-o",
      "o",
      "--weights",
      "int8",
    );
    expect(onnx.err).toContain("error[E0610]: the target onnx holds weights as they are");
    expect((await targetsOf("all", "int8")).left.map(({ name }) => name)).toContain("onnx");
  });
});

describe("--precision", () => {
  const source = (body: string) => ({
    "layer.trafo": `model M() {\n  param w: [64, 96]\n  entry forward(x: [T, 64]) -> (y: [T, 96]) { ${body} }\n}\n`,
  });
  const compile = ["compile", "layer.trafo", "-o", "out"];

  it("compiles for f16 of WebGPU", async () => {
    const { status, err, files } = await trafo([...compile, "--target", "wgsl", "--precision", "f16"], source("x @ w"));
    expect([status, err]).toEqual([0, ""]);
    const texts = [...files.values()].map((bytes) => new TextDecoder().decode(bytes));
    expect(texts.some((text) => text.includes("enable f16;"))).toBe(true);
  });

  it("is refused where it means nothing", async () => {
    const wrong = await trafo([...compile, "--target", "wgsl", "--precision", "f8"], source("x @ w"));
    expect(wrong.err).toContain("error[E0607]: --precision takes f32, f16, but is f8");
    const other = await trafo([...compile, "--target", "wasm", "--precision", "f16"], source("x @ w"));
    expect(other.err).toContain("error[E0504]: the target wasm does not compute in f16");
    const own = await trafo([...compile, "--target", "wgsl", "--precision", "f16"], source("f32(f16(x @ w))"));
    expect(own.err).toContain("error[E0504]: the entry forward has values of f16 itself");
  });
});
