import { describe, expect, test } from "vitest";
import { InputError } from "../../src/runtime/host/elements.js";
import { checkInputs, type EntrySpec, filledInput } from "../../src/runtime/host/inputs.js";
import { Instance, reserveSizes } from "../../src/runtime/host/instance.js";

const forward: EntrySpec = {
  name: "forward",
  sizes: [
    { name: "B", min: 0, max: null },
    { name: "T", min: 1, max: 64 },
  ],
  inputs: [
    { name: "input_ids", type: "i32", shape: ["B", "T"], limit: 99 },
    { name: "attention_mask", type: "bool", shape: ["B", "T"], fill: 1 },
    { name: "scale", type: "f32", shape: [], fill: 0.5 },
    { name: "bias", type: "f16", shape: [3], fill: 1 },
    { name: "shifted", type: "f32", shape: [{ text: "T + 1", value: ({ T }) => T! + 1 }, 2], fill: 0 },
  ],
};

function check(inputs: unknown) {
  return checkInputs(forward, inputs);
}

/** The message of the InputError that the inputs give. */
function message(inputs: unknown): string {
  try {
    check(inputs);
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
  return expect.fail("nothing was wrong");
}

describe("inputs are taken", () => {
  const ids = Int32Array.of(1, 2, 3, 4, 5, 6);
  test.each([
    [
      "nested arrays",
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ],
    ["typed arrays in an array", [Int32Array.of(1, 2, 3), BigInt64Array.of(4n, 5n, 6n)]],
    ["data and a shape", { data: [1, 2, 3, 4, 5, 6], shape: [2, 3] }],
    ["a tensor", { data: ids, shape: [2, 3], type: "i32" }],
    ["floats that are whole", { data: Float32Array.of(1, 2, 3, 4, 5, 6), shape: [2, 3] }],
  ])("%s", (_, input_ids) => {
    expect(check({ input_ids })).toEqual({ sizes: { B: 2, T: 3 }, arrays: [ids, null, null, null, null] });
  });

  test("arrays of the right type as they are", () => {
    expect(check({ input_ids: { data: ids, shape: [6, 1] } }).arrays[0]).toBe(ids);
  });
  test("booleans and numbers", () => {
    const input_ids = [[1, 2]];
    const shifted = [
      [1, 2],
      [3, 4],
      [Number.NaN, Infinity],
    ];
    const all = { input_ids, attention_mask: [[true, 0]], scale: 3, bias: new Uint16Array(3), shifted };
    expect(check(all).arrays).toEqual([
      Int32Array.of(1, 2),
      Uint8Array.of(1, 0),
      Float32Array.of(3),
      new Uint16Array(3),
      Float32Array.of(1, 2, 3, 4, Number.NaN, Infinity),
    ]);
    expect(check({ input_ids, bias: [1, 2, 0.5] }).arrays[3]).toEqual(Uint16Array.of(0x3c00, 0x4000, 0x3800));
  });
  test("an empty batch", () => {
    const mask = { attention_mask: { data: [], shape: [0, 4] } };
    expect(check({ input_ids: { data: [], shape: [0, 4] }, ...mask }).sizes).toEqual({ B: 0, T: 4 });
    expect(message({ input_ids: [], ...mask })).toBe(
      "attention_mask is bool[B, T] with B = 0 (from input_ids), T = 0 (from input_ids), but has the shape [0, 4]",
    );
  });
  test("defaults", () => {
    const sizes = { B: 1, T: 2 };
    expect(filledInput(forward.inputs[1]!, sizes)).toEqual(Uint8Array.of(1, 1));
    expect(filledInput(forward.inputs[3]!, sizes)).toEqual(Uint16Array.of(0x3c00, 0x3c00, 0x3c00));
    expect(filledInput(forward.inputs[4]!, sizes)).toEqual(new Float32Array(6));
  });
});

test.each<[string, unknown, string]>([
  ["nothing", undefined, "forward takes an object of inputs: { input_ids, attention_mask, scale, bias, shifted }"],
  ["a missing input", { scale: 1 }, 'forward needs the input "input_ids": i32[B, T]'],
  ["an unknown input", { input_id: [[1]] }, 'forward has no input "input_id" (the nearest name is "input_ids")'],
  ["too few axes", { input_ids: [1, 2] }, "input_ids is i32[B, T], but has the shape [2]"],
  ["too many axes", { input_ids: [[[1]]] }, "input_ids is i32[B, T], but has the shape [1, 1, 1]"],
  [
    "a flat array",
    { input_ids: Int32Array.of(1) },
    "input_ids has 2 axes: give nested arrays or { data, shape } and not a flat Int32Array",
  ],
  ["a number for an array", { input_ids: 3 }, "input_ids is i32[B, T], but has the shape []"],
  ["a constant size", { input_ids: [[1]], bias: [1, 2] }, "bias is f16[3], but has the shape [2]"],
  [
    "sizes that disagree",
    { input_ids: [[1, 2]], attention_mask: [[1]] },
    "attention_mask is bool[B, T] with B = 1 (from input_ids), T = 2 (from input_ids), but has the shape [1, 1]",
  ],
  [
    "a formula that disagrees",
    { input_ids: [[1, 2]], shifted: [[1, 1]] },
    "shifted is f32[T + 1, 2], but has the shape [1, 2]",
  ],
  ["a size that is too large", { input_ids: [new Int32Array(65)] }, "T is 65, but at most 64"],
  ["a size that is too small", { input_ids: [[]] }, "T is 0, but at least 1"],
  [
    "ragged lists",
    { input_ids: [[1, 2], [3]] },
    "input_ids[1] has 1 elements, but those before it at its level have 2",
  ],
  [
    "a number among lists",
    { input_ids: [[1], 2] },
    "input_ids[1] is 2, but elements before it at its level are arrays",
  ],
  [
    "a list among numbers",
    { input_ids: [[1, [2]]] },
    "input_ids[0][1] is an array, but elements before it at its level are not",
  ],
  ["a fraction", { input_ids: [[1, 1.5]] }, "input_ids[0][1] is 1.5, which is no whole number that i32 holds"],
  [
    "NaN",
    { input_ids: { data: Float32Array.of(1, Number.NaN), shape: [2, 1] } },
    "input_ids[1][0] is NaN, which is no whole number that i32 holds",
  ],
  [
    "too large a number",
    { input_ids: [[2 ** 31]] },
    "input_ids[0][0] is 2147483648, which is no whole number that i32 holds",
  ],
  ["a text", { input_ids: [["1"]] }, 'input_ids[0][0] is "1", which is no whole number that i32 holds'],
  ["null", { input_ids: [[1]], scale: null }, "scale is null, which is no number"],
  ["a hole", { input_ids: [[1]], bias: [1, undefined, 3] }, "bias[1] is undefined, which is no number"],
  [
    "no boolean",
    { input_ids: [[1]], attention_mask: { data: Uint8Array.of(2), shape: [1, 1] } },
    "attention_mask[0][0] is 2, which is neither a boolean nor 0 or 1",
  ],
  [
    "an index past its axis",
    { input_ids: [[1, 2, 3, 99]] },
    "input_ids[0][3] is 99: its elements are indices from 0 to 98",
  ],
  ["a negative index", { input_ids: [[1], [-1]] }, "input_ids[1][0] is -1: its elements are indices from 0 to 98"],
  [
    "another element type",
    { input_ids: { data: new Float32Array(1), shape: [1, 1], type: "f32" } },
    "input_ids is i32, but a tensor of f32 is given",
  ],
  [
    "a shape that does not fit",
    { input_ids: { data: [1, 2], shape: [1, 3] } },
    "input_ids is given with the shape [1, 3], but 2 elements",
  ],
  [
    "a shape of fractions",
    { input_ids: { data: [1], shape: [0.5, 2] } },
    "input_ids is neither nested arrays nor { data, shape } with a list of whole numbers as its shape",
  ],
  [
    "data that is no array",
    { input_ids: { data: "12", shape: [1, 2] } },
    "the data of input_ids is no array of numbers",
  ],
])("%s is refused", (_, inputs, expected) => {
  expect(message(inputs)).toBe(expected);
});

test("a size that only defaults have is asked for", () => {
  const entry: EntrySpec = { ...forward, inputs: [{ name: "mask", type: "bool", shape: ["B", "T"], fill: 1 }] };
  expect(() => checkInputs(entry, {})).toThrow('nothing says what B is: forward needs the input "mask"');
});

describe("memory", () => {
  const arenaBytes = ({ B, T }: Readonly<Record<string, number>>): number => B! * T! * 16;

  test("grows, keeps its arrays, and is let go", () => {
    const memory = new Instance({});
    const make = (arena: ArrayBuffer) => ({ x: new Float32Array(arena) });
    const small = memory.arrays(forward, { B: 1, T: 2 }, 32, make);
    expect(memory.arrays(forward, { B: 1, T: 2 }, 32, make)).toBe(small);
    const large = memory.arrays(forward, { B: 2, T: 2 }, 64, make);
    expect(memory.bytes).toBe(64);
    expect(memory.arrays(forward, { B: 1, T: 2 }, 32, make).x.buffer).toBe(large.x.buffer);
    for (let T = 1; T <= 64; T++) memory.arrays(forward, { B: 1, T }, 16, make);
    expect(memory.arrays(forward, { B: 1, T: 64 }, 16, make)).toBe(memory.arrays(forward, { B: 1, T: 64 }, 16, make));
    memory.dispose();
    expect(memory.bytes).toBe(0);
    expect(() => memory.weights).toThrow("the model was disposed of");
    expect(() => new Instance({}).reserve(2 ** 52)).toThrow(
      "a run of these sizes needs 4503599627370496 bytes of memory",
    );
  });

  test("is reserved for the sizes of an entry, or the model is disposed of", async () => {
    const memory = new Instance({});
    const entries = [{ spec: forward, arenaBytes }];
    await reserveSizes(memory, undefined, entries);
    await reserveSizes(memory, { B: 4 }, entries);
    expect(memory.bytes).toBe(0);
    await reserveSizes(memory, { B: 4, T: 8 }, entries);
    expect(memory.bytes).toBe(512);
    for (const [sizes, message] of [
      [{ B: 4, T: 65 }, "T is 65, but at most 64"],
      [{ B: 4, t: 65 }, 'the model has no size "t" (the nearest name is "T")'],
      [{ B: 0.5, T: 1 }, "the size B is 0.5, which is no whole number from 0"],
    ] as const) {
      const refused = new Instance({});
      await expect(reserveSizes(refused, sizes, entries)).rejects.toThrow(message);
      expect(() => refused.weights).toThrow("the model was disposed of");
    }
  });
});
