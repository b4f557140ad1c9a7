/** Rounding to f16, against every one of its encodings and every tie between two of them. */
import { expect, test } from "vitest";
import { halfFromBits, largestHalf, roundTo, roundToHalf } from "../../src/ir/graph/rounding.js";

const encodings = Array.from({ length: 65536 }, (_, bits) => bits);

test("each f16 is its own rounding", () => {
  for (const bits of encodings) {
    const value = halfFromBits(bits);
    if (!Object.is(roundToHalf(value), value))
      expect.fail(`${bits.toString(16)} is ${value}, rounded ${roundToHalf(value)}`);
  }
});

test("encodings are those of IEEE 754", () => {
  const known: [number, number][] = [
    [0x0000, 0],
    [0x8000, -0],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3c00, 1],
    [0xc000, -2],
    [0x3555, 0.333251953125],
    [0x7bff, 65504],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
    [0x7e00, Number.NaN],
  ];
  for (const [bits, value] of known) expect(halfFromBits(bits)).toBe(value);
});

test("between neighbours the nearer wins, and of two equally near ones the even", () => {
  for (let bits = 0; bits < 0x7bff; bits++) {
    const [low, high] = [halfFromBits(bits), halfFromBits(bits + 1)];
    const middle = (low + high) / 2;
    const even = bits % 2 === 0 ? low : high;
    const nudge = (high - low) * 2 ** -20;
    const results = [middle, middle - nudge, middle + nudge, -middle].map(roundToHalf);
    const expected = [even, low, high, -even];
    if (!results.every((each, i) => Object.is(each, expected[i]))) expect.fail(`${low} and ${high}: ${results}`);
  }
});

test("beyond the largest finite number lies infinity", () => {
  expect(largestHalf).toBe(65504);
  expect([65519.999, 65520, -65519.999, -65520, 1e300].map(roundToHalf)).toEqual([
    65504,
    Infinity,
    -65504,
    -Infinity,
    Infinity,
  ]);
});

test("far below the smallest lies a zero of the same sign", () => {
  expect(roundToHalf(2 ** -25)).toBe(0);
  expect(roundToHalf(2 ** -25 * 1.0001)).toBe(2 ** -24);
  expect(roundToHalf(-1e-300)).toBe(-0);
  expect(roundToHalf(5e-324)).toBe(0);
});

test("f64 is rounded once, not by way of f32", () => {
  // f32 has no room for the last bit, which lifts this number above the tie of 1 and 1 + 2^-10.
  const above = 1 + 2 ** -11 + 2 ** -40;
  expect(roundToHalf(above)).toBe(1 + 2 ** -10);
  expect(roundToHalf(Math.fround(above))).toBe(1);
});

test("each element type rounds in its way", () => {
  expect(roundTo("f32", 0.1)).toBe(Math.fround(0.1));
  expect(roundTo("f16", 0.1)).toBe(0.0999755859375);
  expect(roundTo("i32", -0)).toBe(0);
});
