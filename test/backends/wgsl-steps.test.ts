/**
 * Steps of one position as a graphics card runs them, where products compute the norms of their rows themselves: position by
 * position they give what the interpreter gives for the whole entry. On drivers that run on the CPU, as if they were cards.
 */
import { describe, expect, it } from "vitest";
import { type Given, givenTensor } from "../../src/driver/inputs.js";
import { type GeneratedModel, namedTensors, runnerOf } from "../../src/driver/module-runner.js";
import { nodeFiles } from "../../src/driver/node-files.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { runEntries } from "../../src/driver/run.js";
import { steppedOutputs } from "../../src/driver/stepping.js";
import { interpreterRunner } from "../../src/driver/targets.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { memoryFiles } from "../../src/runtime/files.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { checkpointWeights, randomWeights, readWeights } from "../../src/runtime/weights.js";
import { checkpointCases, decoders } from "../support/decoders.js";
import { Random } from "../support/random.js";
import { importText } from "./typescript-support.js";
import { disguisedDevice, softwareDevice, softwareDrivers } from "./wgsl-support.js";

type Weights = ReadonlyMap<string, Tensor>;

/** Where two tensors differ by more than is allowed, NaN and infinities included; null where they do not. */
function firstDifference(found: Tensor, expected: Tensor, allowed: number): string | null {
  expect(found.shape).toEqual(expected.shape);
  for (const [at, each] of found.data.entries()) {
    const other = expected.data[at]!;
    if (Object.is(each, other) || Math.abs(each - other) <= allowed * Math.max(1, Math.abs(other))) continue;
    return `${each} at ${at}, not ${other}`;
  }
  return null;
}

/** Loads a compiled model on a device, and tells the names of the pipelines that are made from then on. */
async function loadedOn(device: GPUDevice, compilation: Compilation, weights: Weights) {
  const pipelines: string[] = [];
  const make = device.createComputePipelineAsync;
  device.createComputePipelineAsync = (descriptor) => {
    pipelines.push(descriptor.label ?? "");
    return make.call(device, descriptor);
  };
  const { load } = (await importText((await compilation.get("emit")).javascript)) as unknown as {
    load(options: object): Promise<GeneratedModel>;
  };
  const model = await load({ weights: namedTensors(compilation.program.entries, weights), device });
  return { runner: runnerOf(model, compilation.decoded), pipelines };
}

/**
 * The outputs of steps that are others than those of a reference: the interpreter's of the whole entry, or what the driver
 * gives where products read norms from memory. The latter knows what WGSL leaves open about numbers that are none.
 */
async function compared(
  driver: (typeof softwareDrivers)[number],
  compilation: Compilation,
  weights: Weights,
  cases: readonly ReadonlyMap<string, Given>[],
  isBesideItself = false,
): Promise<{ readonly wrong: readonly string[]; readonly count: number; readonly folded: number }> {
  const card = await disguisedDevice(driver);
  const { runner, pipelines } = await loadedOn(card, compilation, weights);
  const { program } = compilation;
  const reference = interpreterRunner(program.entries.map(compilation.interpreted), weights, "f32");
  const unfolded = new Compilation({ ...compilation.request, optimize: { without: ["prologues"] } });
  const own = await softwareDevice(driver);
  const plain = isBesideItself ? (await loadedOn(own, unfolded, weights)).runner : null;
  const apart = (await loadedOn(own, compilation, weights)).runner;
  const wrong: string[] = [];
  let count = 0;
  for (const [at, inputs] of cases.entries()) {
    for (const run of await runEntries(reference, program, inputs)) {
      const derived = compilation.decoders.find(({ entry }) => entry.name === run.entry.name);
      if (derived === undefined) continue;
      const expected = plain === null ? run.outputs : await steppedOutputs(plain.open!, derived, run);
      const asOn = { "a card": runner, "a processor": apart };
      for (const [device, { open }] of Object.entries(asOn)) {
        for (const [name, found] of await steppedOutputs(open!, derived, run)) {
          count++;
          const difference = firstDifference(found, expected.get(name)!, plain === null ? 1e-4 : 1e-2);
          if (difference !== null) wrong.push(`${name} of case ${at}, as on ${device}: ${difference}`);
        }
      }
    }
  }
  runner.dispose();
  plain?.dispose();
  apart.dispose();
  card.destroy();
  return { wrong, count, folded: pipelines.filter((each) => /normalise\w*matmul/i.test(each)).length };
}

describe.runIf(softwareDrivers.length > 0).each(softwareDrivers)("on %s", (driver) => {
  // Each a kind of norm, of its place, or of what reads it.
  const models = [
    "gpt2/checkpoint",
    "llama/checkpoint",
    "mistral/checkpoint",
    "vaswani/checkpoint",
    "t5/checkpoint",
    "bart/checkpoint",
    "whisper/checkpoint",
    "gemma2/checkpoint",
    "gpt_neox/checkpoint",
    "qwen3/checkpoint",
    "mixtral/checkpoint",
    "qwen3_moe/checkpoint",
    "gpt_oss/checkpoint",
    "deepseek_v3/checkpoint",
  ];
  // SwiftShader compiles each shader for three times as long: two kinds of norm, a window and experts are enough for what it has of its own.
  const chosen = driver === "swiftshader" ? [...models.slice(0, 3), "mixtral/checkpoint"] : models;
  it.each(chosen)("steps of %s give what the whole entry does", async (name) => {
    const { program, checkpoint } = decoders.find((each) => each.name === name)!;
    const opened = Checkpoint.open(nodeFiles(), checkpoint);
    const compilation = new Compilation({ files: nodeFiles(), path: program, checkpoint: opened, target: "wgsl" });
    const weights = readWeights(compilation.program.entries, checkpointWeights(opened));
    const cases = checkpointCases(checkpoint).map(({ inputs }) => inputs);
    const { wrong, count, folded } = await compared(driver, compilation, weights, cases);
    expect(wrong).toEqual([]);
    expect(count).toBeGreaterThan(0);
    expect(folded).toBeGreaterThan(0);
  });

  it.each([
    ["gpt2", "int4"],
    ["llama", "int8"],
    ["mixtral", "int8"],
    ["gpt_oss", "int4"],
  ] as const)("steps of %s with weights of %s give what those of many rows do", async (name, format) => {
    const { program, checkpoint } = decoders.find((each) => each.name === `${name}/checkpoint`)!;
    const opened = Checkpoint.open(nodeFiles(), checkpoint);
    const how = { target: "wgsl", weights: format } as const;
    const compilation = new Compilation({ files: nodeFiles(), path: program, checkpoint: opened, ...how });
    const weights = readWeights(compilation.program.entries, checkpointWeights(opened));
    const [first] = checkpointCases(checkpoint).map(({ inputs }) => inputs);
    const { wrong, count } = await compared(driver, compilation, weights, [first!], true);
    expect(wrong).toEqual([]);
    expect(count).toBe(2);
  });

  // What turns the key stands beside the product of the queries, of fewer and of more numbers than there are lanes.
  const keys = [
    [140, "int4"],
    [8, "int8"],
  ] as const;
  it.each(keys.slice(0, driver === "swiftshader" ? 1 : keys.length))(
    "latent attention that turns %i numbers of a key, with weights of %s",
    async (turned, format) => {
      const { program, checkpoint } = decoders.find((each) => each.name === "deepseek_v3/checkpoint")!;
      const own = Checkpoint.open(nodeFiles(), checkpoint).config!.value;
      const latent = {
        q_lora_rank: 96,
        kv_lora_rank: 64,
        qk_nope_head_dim: 32,
        qk_rope_head_dim: turned,
        v_head_dim: 32,
      };
      const value = { ...own, hidden_size: 64, num_attention_heads: 6, num_hidden_layers: 1, ...latent };
      const config = { value, path: "config.json" };
      const how = { target: "wgsl", weights: format } as const;
      const compilation = new Compilation({ files: nodeFiles(), path: program, config, ...how });
      compilation.get("plan");
      const { one } = compilation.decoded[0]!;
      for (const { kernels } of [one!.plan, one!.apart])
        expect(kernels.map(({ name }) => name).join()).toContain("_and_turn");
      const weights = readWeights(compilation.program.entries, randomWeights(turned));
      for (const { data } of weights.values()) for (const at of data.keys()) data[at]! *= 15;
      const random = new Random(turned);
      const cases = [
        [1, 4],
        [5, 3],
      ].map(([B, T]) => {
        const data = Int32Array.from({ length: B! * T! }, () => random.below(50));
        return new Map([["input_ids", givenTensor({ data, shape: [B!, T!], type: "i32" }, "the test")]]);
      });
      const { wrong, count } = await compared(driver, compilation, weights, cases);
      expect(wrong).toEqual([]);
      expect(count).toBe(2 * cases.length);
    },
  );

  // Scores that are equal, of one expert, of more than lanes share at once; shares of all and of the best. Of so many scales that
  // no kernel has them beside other vectors in one buffer.
  const routed = [
    [5, 2, 7, 6, "f32"],
    [1, 1, 12, 6, "f32"],
    [67, 1, 33, 6, "f32"],
    [130, 9, 8, 6, "f32"],
    [80, 2, 16, 832, "int8"],
  ] as const;
  it.each(routed.slice(0, driver === "swiftshader" ? 1 : routed.length))(
    "the best of %i experts, %i of them, of %i numbers and %i within, in %s",
    async (E, k, D, F, format) => {
      const text = `import std: gated_experts
model M() {
  param gate: [${E}, ${D}]
  param correction: [${E}]
  param scale: [${D}]
  param up: [${E}, ${F}, ${D}]
  param wide: [${E}, ${F}, ${D}]
  param down: [${E}, ${D}, ${F}]
  entry forward(x: [B, T <= 16, ${D}]) incremental T -> (y: [B, T, ${D}]) {
    let n = x / sqrt(mean(x * x) + 1e-5) * scale
    let score = softmax(n @ gate.T)
    let (_, chosen) = topk(score + correction, ${k})
    let share = gather(score, chosen)
    x + gated_experts(n, chosen, share / sum(share), up, wide, down)
  }
}
`;
      const how = { target: "wgsl", weights: format } as const;
      const compilation = new Compilation({ files: memoryFiles(), path: "m.trafo", text, ...how });
      const random = new Random(E);
      const tensor = (shape: readonly number[], scale: number): Tensor => ({
        data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => scale * (2 * random.next() - 1)),
        shape: [...shape],
        type: "f32",
      });
      const weights = new Map([
        ["gate", tensor([E, D], 1)],
        ["correction", { data: new Float32Array(E), shape: [E], type: "f32" as const }],
        ["scale", tensor([D], 1)],
        ["up", tensor([E, F, D], 0.5)],
        ["wide", tensor([E, F, D], 0.5)],
        ["down", tensor([E, D, F], 0.5)],
      ]);
      const strange = tensor([2, 5, D], 1);
      strange.data[3 * D] = Number.NaN;
      strange.data[4 * D] = Number.POSITIVE_INFINITY;
      // Zeros score all experts alike.
      strange.data.fill(0, 5 * D, 8 * D);
      const given = [tensor([1, 4, D], 1), tensor([3, 5, D], 1), tensor([5, 3, D], 1), strange].map(
        (x) => new Map([["x", givenTensor(x, "the test")]]),
      );
      const { wrong, count, folded } = await compared(driver, compilation, weights, given, true);
      expect(wrong).toEqual([]);
      expect(count).toBe(2 * given.length);
      expect(folded).toBeGreaterThan(0);
      if (format !== "f32") return;
      const exact = await compared(driver, compilation, weights, given.slice(0, 3));
      expect(exact.wrong).toEqual([]);
    },
  );

  const bodies: Readonly<Record<string, string>> = {
    "the mean square": "let n = x / sqrt(mean(x * x) + 1e-5)\n    n @ w",
    "mean and variance": "let d = x - mean(x)\n    (d / sqrt(mean(d * d) + 1e-5) * a + b) @ v.T",
    "two products and a residual": `let d = x - mean(x)
    let n = d / sqrt(mean(d * d) + 1e-5) * a + b
    let y = n @ w
    y * (n @ v.T) + y`,
    "a sum of what is normalised, normalised anew": `let h = x @ u
    let z = x + h / sqrt(mean(h * h) + 1e-5)
    (z / sqrt(mean(z * z) + 1e-5) * a) @ w`,
  };
  const sizes = [
    [1, 1],
    [3, 17],
    [67, 33],
    [260, 130],
  ] as const;
  const all = Object.keys(bodies).flatMap((name) => sizes.map(([K, N]) => [name, K, N] as const));

  // And a row that takes more memory than lanes share on every device.
  const samples = [...all, ["mean and variance", 3700, 5] as const];

  it.each(samples)("%s of %i numbers, for %i columns", async (name, K, N) => {
    const text = `model M() {
  param u: [${K}, ${K}] as "u"
  param w: [${K}, ${N}] as "w"
  param v: [${N}, ${K}] as "v"
  param a: [${K}] as "a"
  param b: [${K}] as "b"
  entry forward(x: [B, T <= 16, ${K}]) incremental T -> (y: [B, T, ${N}]) {
    ${bodies[name]!}
  }
}
`;
    const used = Object.fromEntries(
      ["u", "w", "v", "a", "b"].map((each) => [each, bodies[name]!.match(new RegExp(`\\b${each}\\b`)) !== null]),
    );
    const lines = text.split("\n").filter((line) => !/param (\w)/.test(line) || used[line.match(/param (\w)/)![1]!]);
    const compilation = new Compilation({
      files: memoryFiles(),
      path: "m.trafo",
      text: lines.join("\n"),
      target: "wgsl",
    });
    const random = new Random(K + N);
    const tensor = (shape: readonly number[], scale: number, shift = 0): Tensor => ({
      data: Float32Array.from(
        { length: shape.reduce((a, b) => a * b, 1) },
        () => shift + scale * (2 * random.next() - 1),
      ),
      shape: [...shape],
      type: "f32",
    });
    const shapes: Readonly<Record<string, readonly number[]>> = { u: [K, K], w: [K, N], v: [N, K], a: [K], b: [K] };
    const weights = new Map(
      Object.entries(shapes)
        .filter(([each]) => used[each])
        .map(([each, shape]) => [each, tensor(shape, 0.3)]),
    );
    const strange = tensor([2, 5, K], 1);
    // Rows with what is no number, an infinity, the largest numbers, and zeros.
    strange.data[3 * K] = Number.NaN;
    strange.data[4 * K] = Number.POSITIVE_INFINITY;
    strange.data.fill(3e38, 8 * K, 9 * K);
    strange.data.fill(0, 9 * K);
    const cases = [
      tensor([1, 4, K], 1),
      tensor([3, 5, K], 1, 1e4),
      tensor([4, 3, K], 1e4),
      tensor([6, 4, K], 1),
      strange,
    ];
    const given = cases.map((x) => new Map([["x", givenTensor(x, "the test")]]));
    const { wrong, count, folded } = await compared(driver, compilation, weights, given, true);
    expect(wrong).toEqual([]);
    expect(count).toBe(2 * cases.length);
    // Beside one number there is nothing to sum.
    if (K > 1) expect(folded).toBeGreaterThan(0);
  });

  const queries: Readonly<Record<string, string>> = {
    "a product": "x @ w",
    "a norm and no scale": "x / sqrt(mean(x * x) + 1e-5) @ v.T",
    "mean and variance, with a bias": "((x - mean(x)) / sqrt(mean((x - mean(x)) ** 2) + 1e-5) * a + b) @ v.T + c",
  };
  // Keys that are one more, or less, than lanes and tiles have; heads that are longer than lanes are many.
  const attended = [
    { K: 1, H: 1, G: 1, D: 1, format: "f32" },
    { K: 17, H: 2, G: 2, D: 5, format: "f32" },
    { K: 24, H: 6, G: 2, D: 8, format: "f32" },
    { K: 260, H: 2, G: 1, D: 72, format: "f32" },
    { K: 96, H: 2, G: 2, D: 64, format: "int4" },
    { K: 96, H: 3, G: 3, D: 64, format: "int8" },
    { K: 128, H: 4, G: 4, D: 32, format: "f16" },
  ] as const;
  const names = Object.keys(queries);
  const attentions = attended.map((each, at) => ({ name: names[at % names.length]!, ...each }));

  it.each(attentions)("attention with queries of $name, $K numbers, $H heads of $D on $G, $format", async (sample) => {
    const { name, K, H, G, D, format } = sample;
    const own = queries[name]!;
    const isUsed = (each: string): boolean => new RegExp(`\\b${each}\\b`).test(own);
    const given = { w: [K, H * D], v: [H * D, K], a: [K], b: [K], c: [H * D] };
    const shapes = { ...Object.fromEntries(Object.entries(given).filter(([each]) => isUsed(each))), p: [K, 2 * G * D] };
    const text = `import std: attention, merge_heads, padding_mask, repeat_heads, split_heads
model M() {
${Object.entries(shapes)
  .map(([each, shape]) => `  param ${each}: [${shape.join(", ")}] as "${each}"`)
  .join("\n")}
  entry forward(x: [B, T <= 16, ${K}], memory: [B, S, ${K}], mask: i32[B, S] = 1) incremental T -> (y: [B, T, ${H * D}]) {
    let q = split_heads(${own}, ${H})
    let (k, u) = split(memory @ p, 2, axis = 2)
    let keys = repeat_heads(split_heads(k, ${G}), ${H / G})
    merge_heads(attention(q, keys, repeat_heads(split_heads(u, ${G}), ${H / G}), padding_mask(mask, T)))
  }
}
`;
    const held = format === "f32" ? {} : { weights: format };
    const compilation = new Compilation({ files: memoryFiles(), path: "m.trafo", text, target: "wgsl", ...held });
    compilation.get("plan");
    // The attention, and what lays its heads side by side.
    expect(compilation.decoded[0]!.one!.plan.dispatches).toHaveLength(2);
    const random = new Random(K + H + D);
    const tensor = (shape: readonly number[], scale: number): Tensor => ({
      data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => scale * (2 * random.next() - 1)),
      shape: [...shape],
      type: "f32",
    });
    const weights = new Map(Object.entries(shapes).map(([each, shape]) => [each, tensor(shape, 0.5)]));
    const lengths = [
      [1, 1],
      [2, 63],
      [4, 65],
      [3, 257],
      [5, 4],
      [2, 0],
      [1, 520],
    ] as const;
    const cases = lengths.map(([B, S]) => {
      const mask = { data: Int32Array.from({ length: B * S }, () => Number(random.next() < 0.7)), shape: [B, S] };
      // The first sequence has nothing to look at.
      if (B > 1) mask.data.fill(0, 0, S);
      const inputs = { x: tensor([B, 4, K], 2), memory: tensor([B, S, K], 1), mask: { ...mask, type: "i32" as const } };
      return new Map(Object.entries(inputs).map(([each, value]) => [each, givenTensor(value, "the test")]));
    });
    const { wrong, count } = await compared(driver, compilation, weights, cases, format !== "f32");
    expect(wrong).toEqual([]);
    expect(count).toBe(2 * cases.length);
  });
});
