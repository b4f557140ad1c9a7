/** Modules as their users have them: the text, the types, the weights, memory, errors, other hosts. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { hostNames } from "../../backends/common/host.js";
import { emitTypeScript } from "../../backends/typescript/index.js";
import { UserError } from "../../src/diagnostics/index.js";
import { interpret } from "../../src/interpreter/graph.js";
import { type Tensor as Evaluated, tensorOf } from "../../src/interpreter/tensor.js";
import type { Graph } from "../../src/ir/graph/graph.js";
import { lowerGraph } from "../../src/lower/index.js";
import { planGraph, planGraphs } from "../../src/memory/index.js";
import { hostFiles } from "../../src/runtime/host/declarations.generated.js";
import { writeSafetensors } from "../../src/runtime/host/safetensors-writer.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { difference } from "../fuzz/lower-comparison.js";
import { program } from "../support/program.js";
import { Random } from "../support/random.js";
import { randomTensor } from "../support/random-graph-run.js";
import { fromTensor, importText, mappedLines, strictDiagnostics, toTensor } from "./typescript-support.js";

const root = fileURLToPath(new URL("../filetests/typescript/", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "trafo-module-"));
afterAll(() => rmSync(folder, { recursive: true }));

function graphsOf(text: string): readonly Graph[] {
  return program(text).program.entries;
}
function emit(name: string, text: string, documentation?: string) {
  const plans = planGraphs(graphsOf(text).map((graph) => lowerGraph(graph)));
  return emitTypeScript({ name, plans, documentation });
}

const source = readFileSync(join(root, "block.trafo"), "utf8");
const emitted = emit(
  "tiny",
  source,
  "A block in small: an embedding, a norm, an attention over what came before, a gated product.",
);
const [graph] = graphsOf(source);
const module = await importText(emitted.javascript);

/** Weights of the block, by name. */
const weights = new Map<string, Tensor>();
for (const node of graph!.nodes) {
  if (node.operator !== "weight") continue;
  const shape = node.attributes.shape.map((size) => size.terms[0]?.coefficient ?? 0);
  weights.set(node.attributes.name, toTensor(randomTensor(new Random(shape.length), "f32", shape)));
}
function expected(ids: number[][], mask?: number[][]): Record<string, Evaluated> {
  const shape = [ids.length, ids[0]?.length ?? 0];
  const inputs = new Map([["ids", tensorOf("i32", shape, ids.flat())]]);
  if (mask) inputs.set("mask", tensorOf("bool", shape, mask.flat()));
  return interpret(graph!, { inputs, weights: (name) => fromTensor(weights.get(name)!), precision: "f32" }).outputs;
}
function evaluated(outputs: Readonly<Record<string, Tensor>>): Record<string, Evaluated> {
  return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, fromTensor(tensor)]));
}

/** A class that tells when something is made of it. */
function counting<Class extends abstract new (...given: never) => object>(target: Class, count: () => void): Class {
  return new Proxy(target, {
    construct: (made, given) => {
      count();
      return Reflect.construct(made, given);
    },
  });
}

describe("the text", () => {
  const own = emitted.typescript.slice(0, emitted.typescript.indexOf("// ---- The host code"));

  test("reads like this", async () => {
    await expect(own).toMatchFileSnapshot(join(root, "block.ts.txt"));
    await expect(emitted.declarations).toMatchFileSnapshot(join(root, "block.d.ts.txt"));
  });
  test("has lines that fit, and no blank space at their ends", () => {
    for (const line of own.split("\n")) {
      expect(line.length, line).toBeLessThanOrEqual(120);
      expect(line).toBe(line.trimEnd());
    }
  });
  test("imports and evaluates nothing, and is strict for users with and without its text", () => {
    expect(emitted.javascript).not.toMatch(/^import |\beval\b|new Function/m);
    const use = [
      'import { load, InputError, type ForwardOutputs, type Model, type Tensor } from "./tiny.js";',
      "const model: Model = await load({ weights: new Uint8Array(0), sizes: { B: 1 }, onProgress: ({ loaded }) => loaded });",
      "const outputs: ForwardOutputs = await model.forward({ ids: [[1, 2]], mask: undefined });",
      'const logits: Tensor<"f32"> = outputs.logits;',
      "const data: Float32Array = logits.data;",
      "export const failed: boolean = data.length === 0 && new InputError() instanceof Error;",
      "// @ts-expect-error an input is missing",
      "await model.forward({ mask: [[true]] });",
      "// @ts-expect-error weights are missing",
      "await load({});",
    ].join("\n");
    expect(strictDiagnostics({ "/tiny.ts": emitted.typescript, "/use.ts": use })).toEqual([]);
    expect(strictDiagnostics({ "/tiny.d.ts": emitted.declarations, "/use.ts": use })).toEqual([]);
  });
  test("is mapped to from the JavaScript", () => {
    const map = JSON.parse(emitted.sourceMap);
    expect(map.sources).toEqual(["tiny.ts"]);
    expect(map.sourcesContent[0]).toBe(emitted.typescript);
    const [typescript, javascript] = [emitted.typescript.split("\n"), emitted.javascript.split("\n")];
    const lines = mappedLines(map.mappings);
    expect(lines).toHaveLength(javascript.length - 1);
    for (const [i, line] of lines.entries()) {
      // A line that lost a type over several lines goes on up to where the next begins.
      const text = typescript.slice(line, Math.max(line + 1, lines[i + 1] ?? 0)).join(" ");
      for (const word of javascript[i]!.match(/\w+/g) ?? []) expect(text, `line ${i + 1}`).toContain(word);
    }
    expect(emitted.javascript).toMatch(/\/\/# sourceMappingURL=tiny\.js\.map$/);
  });
  test("is the same every time", () => {
    const again = emit(
      "tiny",
      source,
      "A block in small: an embedding, a norm, an attention over what came before, a gated product.",
    );
    expect(again.typescript).toBe(emitted.typescript);
  });
});

describe("host code", () => {
  test("declares every name once", () => {
    const names = Object.values(hostFiles).flatMap(({ declarations }) => [
      ...new Set(declarations.flatMap((each) => each.names)),
    ]);
    expect(new Set(names).size).toBe(names.length);
    expect(new Set(names)).toEqual(hostNames());
  });
  test("is embedded as it is: otherwise run .ci/embed.mjs", () => {
    for (const [file, { declarations }] of Object.entries(hostFiles)) {
      const text = readFileSync(fileURLToPath(new URL(`../../src/runtime/host/${file}`, import.meta.url)), "utf8");
      for (const declaration of declarations)
        expect(text.replaceAll(/^export /gm, ""), file).toContain(declaration.text);
    }
  });
  test("is carried as far as it is used", () => {
    expect(emitted.typescript).not.toMatch(/\b(erf|floorMod|powerOfIntegers)\b/);
    const withErf = emit("e", "model E() { entry f(x: [N]) -> (y: [N]) { erf(x) } }");
    expect(withErf.typescript).toMatch(/function erf\(/);
    expect(withErf.typescript).not.toMatch(/loadWeights|Safetensors/);
  });
});

describe("a model", () => {
  const ids = [
    [1, 2, 3, 0, 6],
    [5, 5, 4, 2, 1],
  ];
  const mask = [
    [1, 0, 1, 1, 0],
    [0, 1, 1, 1, 1],
  ];

  test("gives what the interpreter gives, from every source of weights", async () => {
    const file = writeSafetensors(
      [...weights].map(([name, tensor]) => [name === "wte" ? "embedding.weight" : name, tensor]),
    );
    const path = join(folder, "tiny.safetensors");
    writeFileSync(path, file);
    for (const given of [weights, Object.fromEntries(weights), file, file.buffer, new Blob([file]), path]) {
      const model = await module.load({ weights: given });
      expect(difference(evaluated(await model.forward!({ ids, mask })), expected(ids, mask), 1e-5)).toBeNull();
      model.dispose();
    }
  });

  test("takes sizes as they come, down to nothing", async () => {
    const model = await module.load({ weights });
    for (const given of [
      ids,
      [[3]],
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      ids,
      [Array.from({ length: 16 }, (_, i) => i % 7)],
    ]) {
      expect(difference(evaluated(await model.forward!({ ids: given })), expected(given), 1e-5)).toBeNull();
    }
    const empty = await model.forward!({ ids: { data: [], shape: [0, 3] } });
    expect(empty.logits).toEqual({ data: new Float32Array(0), shape: [0, 3, 7], type: "f32" });
    expect((await model.forward!({ ids: { data: [], shape: [2, 0] } })).hidden!.shape).toEqual([2, 0, 4]);
  });

  test("takes turns", async () => {
    const model = await module.load({ weights });
    const runs = [ids, [[3]], [[1, 2]], ids].map((given) => model.forward!({ ids: given }));
    const [first, second, third, fourth] = (await Promise.all(runs)).map(evaluated);
    expect(difference(first!, expected(ids), 1e-5)).toBeNull();
    expect(difference(second!, expected([[3]]), 1e-5)).toBeNull();
    expect(difference(third!, expected([[1, 2]]), 1e-5)).toBeNull();
    expect(fourth).toEqual(first);
  });

  test("allocates nothing but its outputs when it is run again", async () => {
    const arena = ArrayBuffer;
    const floats = Float32Array;
    const counts = { arenas: 0, floats: 0 };
    globalThis.ArrayBuffer = counting(arena, () => counts.arenas++);
    globalThis.Float32Array = counting(floats, () => counts.floats++);
    try {
      const model = await module.load({ weights, sizes: { B: 2, T: 5 } });
      const given = { ids: { data: Int32Array.from(ids.flat()), shape: [2, 5] } };
      const start = { ...counts };
      await model.forward!(given);
      // Memory was reserved; its views were not made yet.
      expect(counts.arenas - start.arenas).toBe(1);
      const made = { ...counts };
      await model.forward!(given);
      await model.forward!(given);
      expect(counts.arenas).toBe(made.arenas);
      expect(counts.floats - made.floats).toBe(2 * 2);
      // A smaller run fits in the memory that is there.
      await model.forward!({
        ids: { data: Int32Array.of(1, 2), shape: [2, 1] },
        mask: { data: Uint8Array.of(1, 1), shape: [2, 1] },
      });
      expect(counts.arenas - made.arenas).toBeLessThanOrEqual(1);
    } finally {
      globalThis.ArrayBuffer = arena;
      globalThis.Float32Array = floats;
    }
  });

  test("says what is wrong", async () => {
    const model = await module.load({ weights });
    await expect(model.forward!({ ids: [[1, 7]] })).rejects.toThrow(
      "ids[0][1] is 7: its elements are indices from 0 to 6",
    );
    await expect(model.forward!({ ids: [new Int32Array(17)] })).rejects.toThrow("T is 17, but at most 16");
    await expect(model.forward!({ id: [[1]] })).rejects.toThrow(
      'forward has no input "id" (the nearest name is "ids")',
    );
    await expect(model.forward!({ ids: [[1, 2]], mask: [[1]] })).rejects.toThrow(
      "mask is bool[B, T] with B = 1 (from ids), T = 2 (from ids)",
    );
    await expect(model.forward!({ id: 1 })).rejects.toBeInstanceOf(module.InputError);
    await expect(module.load({ weights: { wte: weights.get("wte")! } })).rejects.toThrow('weight "scale" is missing');
    await expect(module.load({ weights: {} })).rejects.toBeInstanceOf(module.WeightsError);
    await expect(module.load({ weights, sizes: { T: 99, B: 1 } })).rejects.toThrow("T is 99, but at most 16");
    model.dispose();
    await expect(model.forward!({ ids })).rejects.toThrow("the model was disposed of: load it again to run it");
    model.dispose();
  });

  test("runs under a strict content security policy, from files", () => {
    writeFileSync(join(folder, "tiny.mjs"), emitted.javascript);
    writeFileSync(join(folder, "weights.safetensors"), writeSafetensors(weights));
    const script = [
      'import { load } from "./tiny.mjs";',
      'const model = await load({ weights: "weights.safetensors" });',
      "const { logits } = await model.forward({ ids: [[1, 2]] });",
      "console.log(JSON.stringify([logits.shape, [...logits.data]]));",
    ].join("\n");
    writeFileSync(join(folder, "run.mjs"), script);
    const result = spawnSync(process.execPath, ["--disallow-code-generation-from-strings", "run.mjs"], {
      cwd: folder,
      encoding: "utf8",
    });
    expect(result.stderr).toBe("");
    const [shape, data] = JSON.parse(result.stdout);
    expect(
      difference({ logits: tensorOf("f32", shape, data) }, { logits: expected([[1, 2]]).logits! }, 1e-5),
    ).toBeNull();
  });
});

describe("names", () => {
  test("of entries, inputs, outputs and weights may be anything that the language allows", async () => {
    const text = [
      "model load(constructor: int = 3) {",
      "  param weights: [constructor]",
      "  param do: [constructor]",
      "  entry load(sizes: [arrays, constructor], instance: [arrays, constructor]) -> (inputs: [arrays, constructor], Math: [arrays, constructor]) {",
      "    (sizes * weights + instance, instance * do)",
      "  }",
      "  entry checkInputs(arrays: [load, constructor]) -> (arrays: [load, constructor]) { arrays + do }",
      "}",
    ].join("\n");
    const { typescript, javascript } = emit("2 odd-names", text);
    expect(strictDiagnostics({ "odd.ts": typescript })).toEqual([]);
    const odd = await importText(javascript);
    const model = await odd.load({
      weights: { weights: { data: [1, 2, 3], shape: [3] }, do: { data: [10, 20, 30], shape: [3] } },
    });
    const outputs = await model.load!({ sizes: [[1, 1, 1]], instance: [[1, 2, 3]] });
    expect(outputs.inputs!.data).toEqual(Float32Array.of(2, 4, 6));
    expect(outputs.Math!.data).toEqual(Float32Array.of(10, 40, 90));
    expect((await model.checkInputs!({ arrays: [[1, 2, 3]] })).arrays!.data).toEqual(Float32Array.of(11, 22, 33));
  });

  test("never end a comment or name a prototype", async () => {
    const name = 'x */ y "\n\u2028';
    const [entry] = graphsOf(
      "model M(width: int = 2) { param w: [width]\n entry f(x: [N, width]) -> (y: [N, width]) { x * w } }",
    );
    const plan = planGraph(lowerGraph(entry!));
    const location = { file: name, line: 1, column: 1 };
    const buffers = plan.buffers.map((buffer) => {
      const { place } = buffer;
      if (place.kind === "weight")
        return { ...buffer, place: { ...place, name: "__proto__", sources: [[name], ["__proto__"]] } };
      return place.kind === "output" ? { ...buffer, place: { ...place, name: "__proto__" } } : buffer;
    });
    const dispatches = plan.dispatches.map((dispatch) => ({ ...dispatch, location, scope: name }));
    const kernels = plan.kernels.map((kernel) => ({ ...kernel, location }));
    const { typescript, javascript, declarations } = emitTypeScript({
      name,
      plans: [{ ...plan, buffers, dispatches, kernels }],
      documentation: name,
    });
    expect(strictDiagnostics({ "odd.ts": typescript })).toEqual([]);
    expect(strictDiagnostics({ "odd.d.ts": declarations })).toEqual([]);
    const model = await (await importText(javascript)).load({
      weights: new Map([["__proto__", { data: [2, 3], shape: [2] }]]),
    });
    const outputs = await model.f!({ x: [[1, 1]] });
    expect(Object.getOwnPropertyDescriptor(outputs, "__proto__")?.value.data).toEqual(Float32Array.of(2, 3));
  });

  test.each(["dispose", "then"])("an entry is not called %s", (name) => {
    const [entry] = graphsOf("model M() { entry f(x: [N]) -> (y: [N]) { x + 1 } }");
    const failed = () => emitTypeScript({ name: "m", plans: [{ ...planGraph(lowerGraph(entry!)), name }] });
    expect(failed).toThrow(UserError);
    expect(failed).toThrow(`E0501: the entry ${name} has the name of a method that`);
  });
});

test("entries share kernels and weights", async () => {
  const text = [
    "model Two(width: int = 3) {",
    "  param w: [width, width]",
    "  entry once(x: [N, width]) -> (y: [N, width]) { x @ w }",
    "  entry twice(x: [M, width]) -> (y: [M, width]) { x @ w @ w }",
    "}",
  ].join("\n");
  const { javascript, typescript } = emit("two", text);
  expect(strictDiagnostics({ "two.ts": typescript })).toEqual([]);
  const two = await importText(javascript);
  const model = await two.load({
    weights: { w: { data: [0, 1, 0, 0, 0, 1, 1, 0, 0], shape: [3, 3] } },
    sizes: { N: 4, M: 5 },
  });
  expect((await model.once!({ x: [[1, 2, 3]] })).y!.data).toEqual(Float32Array.of(3, 1, 2));
  expect((await model.twice!({ x: [[1, 2, 3]] })).y!.data).toEqual(Float32Array.of(2, 3, 1));
});
