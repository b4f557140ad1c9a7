import { describe, expect, test } from "vitest";
import { halfValues, roundToHalf, toHalf } from "../../src/runtime/host/half.js";
import {
  convertSafetensor,
  parseSafetensors,
  SafetensorsError,
  type SafetensorsType,
} from "../../src/runtime/host/safetensors.js";
import { type RawTensor, writeSafetensors } from "../../src/runtime/host/safetensors-writer.js";
import type { ElementName } from "../../src/runtime/host/tensors.js";

/** A file of a given header text and a number of data bytes. */
function file(header: string | Uint8Array, dataBytes = 0): Uint8Array {
  const text = typeof header === "string" ? new TextEncoder().encode(header) : header;
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setUint32(0, text.length, true);
  bytes.set(text, 8);
  return bytes;
}

/** One tensor, written to a file and read back as another type. */
function convert(tensor: RawTensor, to: ElementName, unaligned = false): ArrayLike<number> {
  let bytes = writeSafetensors([["x", tensor]]);
  if (unaligned) {
    const shifted = new Uint8Array(bytes.length + 1);
    shifted.set(bytes, 1);
    bytes = shifted.subarray(1);
  }
  const entry = parseSafetensors(bytes, "f.safetensors").tensors.get("x")!;
  return convertSafetensor(entry, bytes.subarray(entry.start, entry.end), to, "f.safetensors");
}

function raw(type: SafetensorsType, data: ArrayBufferView): RawTensor {
  const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  return { bytes, shape: [(data as unknown as { length: number }).length], type };
}

describe("a file that is written", () => {
  test("is read back", () => {
    const bytes = writeSafetensors(
      [
        ["b", { data: Uint8Array.of(1, 0, 1), shape: [3], type: "bool" }],
        ["__proto__", { data: Float32Array.of(1.5, -2), shape: [2, 1], type: "f32" }],
        ["ids", { data: Int32Array.of(7), shape: [], type: "i32" }],
        ["none", { data: Float32Array.of(), shape: [0, 4], type: "f32" }],
        ["h", { data: Uint16Array.of(0x3c00), shape: [1], type: "f16" }],
      ],
      { format: "pt" },
    );
    const header = parseSafetensors(bytes, "f");
    expect([...header.tensors.keys()]).toEqual(["b", "__proto__", "none", "ids", "h"].sort(byStart));
    expect(header.metadata.get("format")).toBe("pt");
    expect(header.fileBytes).toBe(bytes.length);
    const entry = header.tensors.get("__proto__")!;
    expect(entry).toMatchObject({ type: "F32", shape: [2, 1] });
    expect(convertSafetensor(entry, bytes.subarray(entry.start, entry.end), "f32", "f")).toEqual(
      Float32Array.of(1.5, -2),
    );

    function byStart(a: string, b: string): number {
      const [x, y] = [header.tensors.get(a)!, header.tensors.get(b)!];
      return x.start - y.start || x.end - y.end;
    }
  });

  test("has no two tensors of one name and no wrong sizes", () => {
    const x = { data: Float32Array.of(1), shape: [1], type: "f32" } as const;
    expect(() =>
      writeSafetensors([
        ["x", x],
        ["x", x],
      ]),
    ).toThrow('two tensors are named "x"');
    expect(() => writeSafetensors([["x", { ...x, shape: [2] }]])).toThrow('tensor "x" is F32 [2], but has 4 bytes');
  });
});

describe("a damaged file", () => {
  const x = '"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}';
  const cases: [string, Uint8Array, string][] = [
    ["too short", new Uint8Array(5), "f is no safetensors file: it has 5 bytes, fewer than 8"],
    [
      "absurd length",
      new Uint8Array(16).fill(255),
      "f is no safetensors file: it declares a header of 18446744073709552000 bytes",
    ],
    [
      "header cut off",
      file(`{${x}}`, 8).subarray(0, 20),
      "f is cut off: its header takes 54 bytes, and it has 12 after the length",
    ],
    ["data cut off", file(`{${x}}`, 7), 'f: the file is cut off: tensor "x" ends at byte 70 of 69'],
    ["no JSON", file("{x}"), "f: the header is not JSON"],
    ["no UTF-8", file(Uint8Array.of(0x22, 0xff, 0x22)), "f: the header is not JSON"],
    ["no object", file("[1]"), "f: the header is not a JSON object"],
    ["a name twice", file(`{${x},${x}}`, 8), 'f: the header has "x" twice'],
    ["an escaped name twice", file(`{${x},"\\u0078" :1}`, 8), 'f: the header has "x" twice'],
    ["no entry", file('{"x":1}'), 'f: tensor "x" is not described by an object'],
    ["an unknown field", file('{"x":{"type":1}}'), 'f: tensor "x" has an unknown field "type"'],
    ["no dtype", file('{"x":{"shape":[]}}'), 'f: tensor "x" has no dtype'],
    [
      "an unknown dtype",
      file(`{${x.replace("F32", "F8_E4M3")}}`),
      'f: tensor "x" has the type F8_E4M3, which is none of F64, F32',
    ],
    ["a name of Object", file(`{${x.replace("F32", "toString")}}`), 'f: tensor "x" has the type toString'],
    [
      "a negative size",
      file(`{${x.replace("[2]", "[-2]")}}`, 8),
      'f: the shape of tensor "x" is not a list of whole numbers from 0',
    ],
    ["a fractional size", file(`{${x.replace("[2]", "[0.5]")}}`, 8), 'f: the shape of tensor "x" is not a list'],
    [
      "texts as offsets",
      file(`{${x.replace("[0,8]", '["0",8]')}}`, 8),
      'f: the data_offsets of tensor "x" are not two whole numbers',
    ],
    [
      "one offset",
      file(`{${x.replace("[0,8]", "[8]")}}`, 8),
      'f: the data_offsets of tensor "x" are not two whole numbers',
    ],
    [
      "offsets out of order",
      file(`{${x.replace("[0,8]", "[8,0]")}}`, 8),
      'f: the data_offsets of tensor "x" are out of order: 8 to 0',
    ],
    [
      "a wrong length",
      file(`{${x.replace("[2]", "[3]")}}`, 8),
      'f: tensor "x" is F32 [3], which takes 12 bytes, but has 8',
    ],
    [
      "an overlap",
      file(`{${x},"y":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8),
      'f: the bytes of tensors "x" and "y" overlap',
    ],
    [
      "a hole",
      file(`{${x},"y":{"dtype":"I8","shape":[1],"data_offsets":[9,10]}}`, 10),
      'f: 1 bytes before tensor "y" belong to no tensor',
    ],
    ["bytes at the end", file(`{${x}}`, 12), "f: 4 bytes at the end belong to no tensor"],
    ["metadata that is no text", file('{"__metadata__":{"a":1}}'), 'f: "a" of __metadata__ is not a text'],
  ];
  test.each(cases)("%s", (_, bytes, message) => {
    expect(() => parseSafetensors(bytes, "f")).toThrow(message);
    expect(() => parseSafetensors(bytes, "f")).toThrow(SafetensorsError);
  });
});

describe("conversion", () => {
  test("of each type to its own kind, aligned and not", () => {
    for (const unaligned of [false, true]) {
      expect(convert(raw("F64", Float64Array.of(1 / 3, 1e300)), "f32", unaligned)).toEqual(
        Float32Array.of(1 / 3, 1e300),
      );
      expect(convert(raw("F32", Float32Array.of(0.1, -0)), "f32", unaligned)).toEqual(Float32Array.of(0.1, -0));
      expect(convert(raw("F16", Uint16Array.of(0x3c00, 1, 0xfc00)), "f32", unaligned)).toEqual(
        Float32Array.of(1, 2 ** -24, Number.NEGATIVE_INFINITY),
      );
      expect(convert(raw("BF16", Uint16Array.of(0x3f80, 0xc000, 0x7f80, 1)), "f32", unaligned)).toEqual(
        Float32Array.of(1, -2, Number.POSITIVE_INFINITY, 2 ** -133),
      );
      expect(convert(raw("BF16", Uint16Array.of(0x7fc0)), "f32", unaligned)).toEqual(Float32Array.of(Number.NaN));
      expect(convert(raw("I64", BigInt64Array.of(-5n, 2147483647n)), "i32", unaligned)).toEqual(
        Int32Array.of(-5, 2147483647),
      );
      expect(convert(raw("I32", Int32Array.of(-5)), "i32", unaligned)).toEqual(Int32Array.of(-5));
      expect(convert(raw("I16", Int16Array.of(-5)), "i32", unaligned)).toEqual(Int32Array.of(-5));
      expect(convert(raw("I8", Int8Array.of(-5)), "i32", unaligned)).toEqual(Int32Array.of(-5));
      expect(convert(raw("U8", Uint8Array.of(200)), "i32", unaligned)).toEqual(Int32Array.of(200));
      expect(convert(raw("BOOL", Uint8Array.of(0, 1, 2)), "bool", unaligned)).toEqual(Uint8Array.of(0, 1, 1));
      expect(convert(raw("I64", BigInt64Array.of(0n, 1n << 40n)), "bool", unaligned)).toEqual(Uint8Array.of(0, 1));
      expect(convert(raw("BOOL", Uint8Array.of(0, 2)), "i32", unaligned)).toEqual(Int32Array.of(0, 1));
      expect(convert(raw("F16", Uint16Array.of(0x1234)), "f16", unaligned)).toEqual(Uint16Array.of(0x1234));
      expect(convert(raw("F32", Float32Array.of(1, 65520, 65519)), "f16", unaligned)).toEqual(
        Uint16Array.of(0x3c00, 0x7c00, 0x7bff),
      );
      // A tie in f32, but not in f64: rounding twice would give 0x3c00.
      expect(convert(raw("F64", Float64Array.of(1 + 2 ** -11 + 2 ** -40)), "f16", unaligned)).toEqual(
        Uint16Array.of(0x3c01),
      );
      expect(convert(raw("BF16", Uint16Array.of(0x3f80)), "f16", unaligned)).toEqual(Uint16Array.of(0x3c00));
    }
  });

  test("refuses another kind and what i32 does not hold", () => {
    expect(() => convert(raw("I32", Int32Array.of(1)), "f32")).toThrow(
      'f.safetensors: tensor "x" is I32, which cannot be read as f32',
    );
    expect(() => convert(raw("F32", Float32Array.of(1)), "i32")).toThrow(
      'tensor "x" is F32, which cannot be read as i32',
    );
    expect(() => convert(raw("I64", BigInt64Array.of(0n, 2147483648n)), "i32")).toThrow(
      'f.safetensors: tensor "x" holds 2147483648 at element 1, which i32 does not',
    );
  });
});

describe("half precision", () => {
  test("every number keeps its bits", () => {
    const values = halfValues();
    for (let bits = 0; bits < 65536; bits++) {
      if (Number.isNaN(values[bits])) expect((bits >> 10) & 31).toBe(31);
      else if (toHalf(values[bits]!) !== bits) expect.fail(`${bits} becomes ${toHalf(values[bits]!)}`);
    }
  });

  test("rounds to nearest, ties to even", () => {
    const values = halfValues();
    for (let bits = 0; bits < 0x7bff; bits++) {
      const [low, high] = [values[bits]!, values[bits + 1]!];
      const middle = (low + high) / 2;
      const even = bits % 2 === 0 ? low : high;
      if (roundToHalf(middle) !== even) expect.fail(`the tie above ${low}`);
      if (roundToHalf(middle - (high - low) / 1024) !== low) expect.fail(`below the tie above ${low}`);
      if (roundToHalf(-middle - (high - low) / 1024) !== -high) expect.fail(`above the tie above ${low}`);
    }
    expect(roundToHalf(65519.99)).toBe(65504);
    expect(roundToHalf(-65520)).toBe(Number.NEGATIVE_INFINITY);
    expect(roundToHalf(Number.NaN)).toBeNaN();
    expect(roundToHalf(5e-324)).toBe(0);
    expect(roundToHalf(-0)).toBe(-0);
  });
});
