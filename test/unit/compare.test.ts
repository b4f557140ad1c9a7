import { describe, expect, it } from "vitest";
import { compareTensors, compareValues, numbersOf, sameShape } from "../../src/driver/compare.js";
import { toHalf } from "../../src/runtime/host/half.js";

describe("comparing values", () => {
  const tolerance = 1e-4;
  it("passes rounding and refuses more", () => {
    const expected = [1, -2, 300];
    expect(compareValues([1 + 1e-6, -2, 300.0002], expected, tolerance).passed).toBe(true);
    const off = compareValues([1, -2.001, 300], expected, tolerance);
    expect(off.passed).toBe(false);
    expect(off.worst).toBe(1);
    expect(off.absolute).toBeCloseTo(0.001, 9);
    expect(off.relative).toBeCloseTo(0.001 / 300, 12);
  });
  it("is absolute for ordinary magnitudes", () => {
    expect(compareValues([50 + 9e-5, 1], [50, 1], tolerance).passed).toBe(true);
    expect(compareValues([50 + 2e-4, 1], [50, 1], tolerance).passed).toBe(false);
  });
  it("measures small values by their own scale", () => {
    expect(compareValues([0.001 + 5e-5, 0.002], [0.001, 0.002], tolerance).passed).toBe(false);
    expect(compareValues([0.001 + 1e-8, 0.002], [0.001, 0.002], tolerance).passed).toBe(true);
    expect(compareValues([1e-6], [0], tolerance).passed).toBe(true);
  });
  it("never passes NaN", () => {
    for (const [found, expected] of [
      [Number.NaN, 1],
      [1, Number.NaN],
      [Number.NaN, Number.NaN],
    ] as const) {
      const result = compareValues([found, 5], [expected, 5], Number.MAX_VALUE);
      expect(result.passed).toBe(false);
      expect(result.absolute).toBeNaN();
      expect(result.worst).toBe(0);
    }
  });
  it("takes an infinity only for itself", () => {
    const { POSITIVE_INFINITY: inf } = Number;
    expect(compareValues([inf, -inf, 1], [inf, -inf, 1], tolerance)).toMatchObject({ passed: true, absolute: 0 });
    expect(compareValues([inf], [-inf], tolerance)).toMatchObject({ passed: false, absolute: inf });
    expect(compareValues([1e30], [inf], tolerance).passed).toBe(false);
    expect(compareValues([inf], [1], tolerance).passed).toBe(false);
  });
  it("takes integers only when equal", () => {
    const i32 = (...values: number[]) =>
      ({ data: Int32Array.from(values), shape: [values.length], type: "i32" }) as const;
    expect(compareTensors(i32(1, 2), i32(1, 2), 10).passed).toBe(true);
    expect(compareTensors(i32(1, 3), i32(1, 2), 10).passed).toBe(false);
  });
  it("reads f16 from its bits, and empty tensors", () => {
    const half = { data: Uint16Array.of(toHalf(1.5)), shape: [1], type: "f16" } as const;
    expect([...Array.from(numbersOf(half))]).toEqual([1.5]);
    expect(compareValues([], [], tolerance)).toMatchObject({ passed: true, absolute: 0 });
    expect(sameShape([1, 2], [1, 2])).toBe(true);
    expect(sameShape([2], [1, 2])).toBe(false);
  });
});
