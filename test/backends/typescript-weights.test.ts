import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WeightsError } from "../../src/runtime/host/byte-sources.js";
import { Preparation, type PreparedSpec } from "../../src/runtime/host/prepared.js";
import { SafetensorsError } from "../../src/runtime/host/safetensors.js";
import { type RawTensor, writeSafetensors } from "../../src/runtime/host/safetensors-writer.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { loadWeights, type NamedTensor, type WeightsSource } from "../../src/runtime/host/weights.js";

const table = {
  "wte.weight": { type: "f32", shape: [2, 3], sources: [["wte.weight"], ["transformer.wte.weight"]] },
  "head.weight": { type: "f32", shape: [2, 3], sources: [["head.weight"], ["wte.weight"], ["transformer.wte.weight"]] },
  "experts.up": { type: "f32", shape: [2, 2], sources: [["experts.0.up", "experts.1.up"]] },
  half: { type: "f16", shape: [2] },
  ids: { type: "i32", shape: [1, 3] },
} as const;

const tensors: [string, Tensor | RawTensor][] = [
  ["unused", { data: new Float32Array(5), shape: [5], type: "f32" }],
  ["experts.1.up", { data: Uint16Array.of(0x4200, 0x4400), shape: [2], type: "f16" }],
  ["odd", { bytes: Uint8Array.of(1), shape: [1], type: "I8" }],
  ["transformer.wte.weight", { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3], type: "f32" }],
  ["experts.0.up", { data: Float32Array.of(1, 2), shape: [2], type: "f32" }],
  ["half", { data: Float32Array.of(1, 0.5), shape: [2], type: "f32" }],
  ["ids", { bytes: new Uint8Array(BigInt64Array.of(7n, -1n, 0n).buffer), shape: [1, 3], type: "I64" }],
];
const file = writeSafetensors(tensors);

const index = "model.safetensors.index.json";
const shardOf = (name: string): string =>
  name === "unused" ? "model-00003.safetensors" : `model-0000${name < "i" ? 1 : 2}-of-00002.safetensors`;
/** The same tensors as a checkpoint in several files, with the index. */
const shards = new Map<string, Uint8Array>(
  [...new Set(tensors.map(([name]) => shardOf(name)))].map((file) => [
    file,
    writeSafetensors(tensors.filter(([name]) => shardOf(name) === file)),
  ]),
);
const weightMap = Object.fromEntries(tensors.map(([name]) => [name, shardOf(name)]));
shards.set(index, new TextEncoder().encode(JSON.stringify({ metadata: { total_size: 1 }, weight_map: weightMap })));

const expected = {
  "wte.weight": Float32Array.of(1, 2, 3, 4, 5, 6),
  "head.weight": Float32Array.of(1, 2, 3, 4, 5, 6),
  "experts.up": Float32Array.of(1, 2, 3, 4),
  half: Uint16Array.of(0x3c00, 0x3800),
  ids: Int32Array.of(7, -1, 0),
};

/** What was asked of the server under /ranges, /whole and /cut, and how many answers it was giving at once. */
const requests: { readonly name: string; readonly query: string | undefined; readonly range: string | undefined }[] =
  [];
const atOnce = { now: 0, most: 0 };

/**
 * Serves the file in small pieces at /file, half of it at /half, and nothing elsewhere; the shards with ranges, without,
 * and cut off.
 */
let server: Server;
let address = "";
const folder = mkdtempSync(join(tmpdir(), "trafo-weights-"));
const path = join(folder, "model.safetensors");

beforeAll(async () => {
  writeFileSync(path, file);
  server = createServer(async (request, response) => {
    if (request.url === "/none") {
      response.writeHead(404).end();
      return;
    }
    const [, way, name, query] = /^\/(ranges|whole|cut)\/([^?]*)\??(.*)$/.exec(request.url ?? "") ?? [];
    const bytes = shards.get(name ?? "") ?? file;
    const { range } = request.headers;
    let start = 0;
    let end = request.url === "/half" ? file.length - 10 : bytes.length;
    if (name !== undefined) requests.push({ name, query, range });
    if (way === "cut" && name !== index) end -= 4;
    if (way !== "whole" && range !== undefined) start = Number(/^bytes=(\d+)-$/.exec(range)?.[1]);
    response.writeHead(start >= end ? 416 : start > 0 ? 206 : 200);
    atOnce.most = Math.max(atOnce.most, ++atOnce.now);
    response.on("close", () => atOnce.now--);
    for (let at = start; at < end && !response.destroyed; at += 37) {
      response.write(bytes.subarray(at, Math.min(at + 37, end)));
      await new Promise((resolve) => setImmediate(resolve));
    }
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true });
});

function load(weights: WeightsSource | readonly WeightsSource[]) {
  return loadWeights(table, {}, { weights });
}

/** The tensors by name, but for some; all as the kinds of arrays that callers have. */
function named(without: readonly string[] = []): Record<string, NamedTensor> {
  const all: Record<string, NamedTensor> = {
    "wte.weight": { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] },
    "experts.0.up": { data: [1, 2], shape: [2] },
    "experts.1.up": { data: Float64Array.of(3, 4), shape: [2] },
    half: { data: Uint16Array.of(0x3c00, 0x3800), shape: [2] },
    ids: { data: BigInt64Array.of(7n, -1n, 0n), shape: [1, 3] },
  };
  for (const name of without) delete all[name];
  return all;
}

describe("weights come from", () => {
  test("bytes", async () => {
    expect(await load(file)).toEqual(expected);
    expect(await load(file.buffer)).toEqual(expected);
    const shifted = new Uint8Array(file.length + 3);
    shifted.set(file, 3);
    expect(await load(shifted.subarray(3))).toEqual(expected);
  });
  test("a Blob", async () => expect(await load(new Blob([file]))).toEqual(expected));
  test("a path", async () => expect(await load(path)).toEqual(expected));
  test("a URL of a file", async () => {
    expect(await load(pathToFileURL(path))).toEqual(expected);
    expect(await load(pathToFileURL(path).href)).toEqual(expected);
  });
  test("the web", async () => {
    expect(await load(`${address}/file`)).toEqual(expected);
    expect(await load(new URL(`${address}/file`))).toEqual(expected);
  });
  test("a data: URL", async () => {
    expect(await load(`data:application/octet-stream;base64,${Buffer.from(file).toString("base64")}`)).toEqual(
      expected,
    );
  });
  test("tensors by name", async () => {
    expect(await load(named())).toEqual(expected);
    expect(await load(new Map(Object.entries(named())))).toEqual(expected);
  });
  test("several sources together", async () => {
    const parts = [
      writeSafetensors(tensors.filter(([name]) => name < "i")),
      writeSafetensors(tensors.filter(([name]) => name >= "i")),
    ];
    expect(await load(parts)).toEqual(expected);
    expect(await load([new Blob([parts[0]!]), named(["experts.0.up", "experts.1.up", "half"])])).toEqual(expected);
  });
});

describe("weights in several files come from", () => {
  const sharded = join(folder, "sharded");
  beforeAll(() => {
    mkdirSync(sharded);
    for (const [name, bytes] of shards) writeFileSync(join(sharded, name), bytes);
  });
  test("a folder, or its index", async () => {
    for (const place of [sharded, `${sharded}/`, join(sharded, index)]) {
      expect(await load(place)).toEqual(expected);
      expect(await load(pathToFileURL(place))).toEqual(expected);
      expect(await load(pathToFileURL(place).href)).toEqual(expected);
    }
    expect(await load(folder)).toEqual(expected);
  });
  test("the web, each file at its turn, from where its tensors begin, and no file that is not needed", async () => {
    for (const ranges of ["ranges", "whole"]) {
      requests.length = 0;
      expect(await load(`${address}/${ranges}/${index}?signed=1`)).toEqual(expected);
      expect(new Set(requests.map(({ name }) => name))).toEqual(
        new Set([index, "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]),
      );
      expect(requests.every(({ query }) => query === "signed=1")).toBe(true);
      expect(requests.filter(({ range }) => range !== undefined)).toHaveLength(1);
      expect(atOnce.most).toBeLessThanOrEqual(2);
    }
  });
  test("the web, where a file lacks bytes that its header promises", async () => {
    const error = await load(`${address}/cut/${index}`).catch((thrown: unknown) => String(thrown));
    expect(error).toMatch(/model-0000[12]-of-00002.safetensors is cut off within tensor/);
  });
});

test("weights of one tensor share an array, and arrays of the right type are used in place", async () => {
  for (const source of [file, path, named()]) {
    const weights = await load(source);
    expect(weights["head.weight"]).toBe(weights["wte.weight"]);
  }
  const given = named();
  expect((await load(given))["wte.weight"].buffer).toBe((given["wte.weight"]!.data as Float32Array).buffer);
});

test("a stack of one tensor, and a tensor that serves two types", async () => {
  const more = {
    one: { type: "f32", shape: [1, 2], sources: [["x"]] },
    same: { type: "f32", shape: [2], sources: [["x"]] },
    half: { type: "f16", shape: [2], sources: [["x"]] },
    pair: { type: "f32", shape: [2, 2], sources: [["x", "x"]] },
  } as const;
  const bytes = writeSafetensors([["x", { data: Float32Array.of(1, 2), shape: [2], type: "f32" }]]);
  const url = `data:application/octet-stream;base64,${Buffer.from(bytes).toString("base64")}`;
  for (const source of [bytes, new Blob([bytes]), url]) {
    expect(await loadWeights(more, {}, { weights: source })).toEqual({
      one: Float32Array.of(1, 2),
      same: Float32Array.of(1, 2),
      half: Uint16Array.of(0x3c00, 0x4000),
      pair: Float32Array.of(1, 2, 1, 2),
    });
  }
});

test("progress counts the bytes of the tensors that are needed", async () => {
  for (const source of [file, new Blob([file]), path, `${address}/file`]) {
    const seen: { loaded: number; total: number }[] = [];
    await loadWeights(table, {}, { weights: source, onProgress: (progress) => seen.push(progress) });
    const total = 4 + 24 + 8 + 8 + 24;
    expect(seen.at(-1)).toEqual({ loaded: total, total });
    expect(seen.map((each) => each.loaded)).toEqual([...seen.map((each) => each.loaded)].sort((a, b) => a - b));
  }
});

test("an abort stops the reading", async () => {
  const reason = new Error("enough");
  for (const source of [file, new Blob([file]), path, `${address}/file`]) {
    await expect(loadWeights(table, {}, { weights: source, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const onProgress = () => controller.abort(reason);
    await expect(loadWeights(table, {}, { weights: source, signal: controller.signal, onProgress })).rejects.toBe(
      reason,
    );
  }
});

test("what is prepared is computed as soon as its weights are there, and what only that reads is let go", () => {
  const table = { a: { passing: true }, b: { passing: true }, c: {} };
  const held: string[][] = [];
  const compute: PreparedSpec["compute"] = (of, result) => {
    held.push(Object.keys(preparation?.arrays ?? {}));
    result.set([of.reduce((sum, [value]) => sum + value!, 1)]);
  };
  const spec = { type: "f32", shape: [1], compute } as const;
  let preparation: Preparation | null = null;
  preparation = new Preparation(table, {
    one: { ...spec, of: [] },
    ab: { ...spec, of: ["a", "b"], passing: true },
    bc: { ...spec, of: ["b", "c"] },
    abone: { ...spec, of: ["ab", "one"] },
  });
  expect(preparation.arrays).toEqual({ one: Float32Array.of(1) });
  preparation.take("b", Float32Array.of(20));
  preparation.take("a", Float32Array.of(10));
  // b is still waited for.
  expect(Object.keys(preparation.arrays).sort()).toEqual(["abone", "b", "one"]);
  preparation.take("c", Float32Array.of(30));
  expect(preparation.arrays).toEqual({
    one: Float32Array.of(1),
    abone: Float32Array.of(33),
    bc: Float32Array.of(51),
    c: Float32Array.of(30),
  });
  expect(held).toEqual([[], ["one", "b", "a"], ["one", "b", "ab"], ["one", "b", "abone", "c"]]);
});

test("a model without weights needs none", async () => expect(Object.keys(await loadWeights({}, {}, {}))).toEqual([]));

describe("what is wrong is said", () => {
  async function message(weights: WeightsSource | readonly WeightsSource[] | undefined): Promise<string> {
    const error = await loadWeights(table, {}, { weights }).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(Error);
    return error instanceof WeightsError || error instanceof SafetensorsError ? error.message : `not ours: ${error}`;
  }

  const needed =
    "the model needs weights: bytes, a Blob, a URL or a path of a .safetensors or of an index, or tensors by name";
  test("no weights", async () => {
    expect(await message(undefined)).toBe(needed);
    expect(await message([])).toBe(needed);
  });
  test("what are no weights", async () => {
    for (const [given, kind] of [
      [5, "Number"],
      [null, "Null"],
      [Promise.resolve(new Uint8Array(8)), "Promise"],
      [new Response(), "Response"],
      [() => {}, "Function"],
    ] as const) {
      const told = `${needed}; [object ${kind}] is none of these`;
      expect(await message(given as unknown as WeightsSource)).toBe(told);
      expect(await message([{}, given as unknown as WeightsSource])).toBe(told);
    }
  });
  test("missing weights, with all alternatives and the nearest name", async () => {
    expect(await message({ "model.wte.weight": { data: [1], shape: [1] }, idx: { data: [1], shape: [1] } })).toBe(
      [
        'weight "wte.weight" is missing: the given object has neither "wte.weight" nor "transformer.wte.weight" (the nearest name is "model.wte.weight")',
        'weight "head.weight" is missing: the given object has neither "head.weight" nor "wte.weight" nor "transformer.wte.weight" (the nearest name is "model.wte.weight")',
        'weight "experts.up" is missing: the given object has no "experts.0.up"',
        'weight "half" is missing: the given object has no "half"',
        'weight "ids" is missing: the given object has no "ids" (the nearest name is "idx")',
      ].join("\n"),
    );
    expect(await message(named(["experts.1.up"]))).toBe(
      'weight "experts.up" is missing: the given object has no "experts.1.up" (the nearest name is "experts.0.up")',
    );
  });
  test("misshapen weights", async () => {
    expect(await message({ ...named(), "wte.weight": { data: [1, 2, 3], shape: [3] } })).toBe(
      'weight "wte.weight" has the shape [2, 3], but the given object holds [3]\n' +
        'weight "head.weight" (tensor "wte.weight") has the shape [2, 3], but the given object holds [3]',
    );
    expect(await message({ ...named(), "experts.0.up": { data: [1], shape: [1] } })).toBe(
      'weight "experts.up" (tensor "experts.0.up") has the shape [2], but the given object holds [1]',
    );
  });
  test("weights of another kind", async () => {
    expect(await message({ ...named(), half: { data: Int32Array.of(1, 2), shape: [2] } })).toBe(
      'weight "half" is f16, but the given object holds I32',
    );
  });
  test("tensors that are none", async () => {
    expect(await message({ x: { data: [1, 2], shape: [3] } })).toBe(
      'the given tensor "x" has the shape [3], but 2 elements',
    );
    expect(await message({ x: [1] } as unknown as WeightsSource)).toBe(
      'the given tensor "x" is not { data, shape } with an array of numbers',
    );
    expect(await message([named(), named()])).toBe('the tensor "wte.weight" is given twice');
    expect(await message([file, file])).toMatch("the given bytes and the given bytes both hold a tensor");
  });
  test("indexes that name what is not there", async () => {
    const index = join(folder, "broken.safetensors.index.json");
    const half = "model-00001-of-00002.safetensors";
    const failing = async (text: string): Promise<string> => {
      writeFileSync(index, text);
      return message(index);
    };
    expect(await failing("{")).toMatch(`${index} is not JSON (`);
    expect(await failing('{"weights": {}}')).toBe(`${index} is no index of weights: it has no object "weight_map"`);
    expect(await failing('{"weight_map": {"ids": "../x"}}')).toBe(`${index} gives no name of a file for tensor "ids"`);
    expect(await failing('{"weight_map": {"ids": 3}}')).toBe(`${index} gives no name of a file for tensor "ids"`);
    expect(await failing('{"weight_map": {"ids": "lost"}}')).toMatch(`${join(folder, "lost")} cannot be read: ENOENT`);
    expect(await failing(`{"weight_map": {"ids": "${half}"}}`)).toMatch(`${join(folder, half)} cannot be read: ENOENT`);
    writeFileSync(join(folder, "part.safetensors"), shards.get(half)!);
    expect(await failing('{"weight_map": {"ids": "part.safetensors"}}')).toBe(
      `${index} says that ${join(folder, "part.safetensors")} holds tensor "ids", which it does not`,
    );
    expect(await failing('{"weight_map": {}}')).toMatch('weight "half" is missing:');
    const several = join(folder, "several");
    mkdirSync(several);
    expect(await message(several)).toBe(`the folder ${several} holds no file of weights`);
    for (const name of ["b.safetensors", "a.safetensors"]) writeFileSync(join(several, name), file);
    expect(await message(several)).toBe(
      `the folder ${several} holds several files of weights: a.safetensors, b.safetensors`,
    );
  });
  test("files that are cut off or missing", async () => {
    const lost = `${address}/none`;
    expect(await message(lost)).toBe(`${lost} cannot be fetched: 404 Not Found`);
    expect(await message("http://127.0.0.1:1/x")).toMatch(/^http:\/\/127.0.0.1:1\/x cannot be fetched: /);
    expect(await message(`${address}/half`)).toBe(`${address}/half is cut off within tensor "ids"`);
    expect(await message(join(folder, "none"))).toMatch(`${join(folder, "none")} cannot be read: ENOENT`);
    const half = join(folder, "half.safetensors");
    writeFileSync(half, file.subarray(0, file.length - 10));
    expect(await message(half)).toMatch(`${half}: the file is cut off: tensor "ids" ends at byte`);
    writeFileSync(half, file.subarray(0, 100));
    expect(await message(half)).toMatch(`${half} is cut off: its header takes`);
    expect(await message(new Blob([file.subarray(0, 5)]))).toBe(
      "the Blob is no safetensors file: it has 5 bytes, fewer than 8",
    );
    expect(await message(`data:text/plain,${"version https://git-lfs"}`)).toMatch("it is a pointer of Git LFS");
  });
});
