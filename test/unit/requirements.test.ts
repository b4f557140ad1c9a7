/** What an entry asserts of its run-time sizes: in any order, and joined to classes of equal sizes with their bounds. */
import { describe, expect, test } from "vitest";
import { interpret } from "../../src/interpreter/graph.js";
import { tensorOf } from "../../src/interpreter/tensor.js";
import { render } from "../../src/sizes/index.js";
import { check, program } from "../support/program.js";

const sum = (assertions: string) => `model M(n: int = 16) {
  param pos: [n]
  entry run(a: [T], b: [S], c: [U <= n]) -> (y: [T], last: [], p: [T]) {
    ${assertions}
    (a + b + c, a[-2], pos[0:T])
  }
}`;

describe("assertions on run-time sizes", () => {
  test.each([
    'assert S == T, ""\nassert T == U, ""',
    'assert T == S, ""\nassert U == T, ""',
    'assert U == S, ""\nassert S == T, ""',
    'assert S == U, ""\nassert T == U, ""\nassert S >= 3, ""',
  ])("%s", (assertions) => {
    const graph = program(sum(assertions)).program.entries[0]!;
    expect(graph.sizes.map(({ name }) => name)).toEqual(["T"]);
    const x = tensorOf("f32", [3], [1, 2, 3]);
    const { outputs } = interpret(graph, {
      inputs: { a: x, b: x, c: x },
      weights: () =>
        tensorOf(
          "f32",
          [16],
          Array.from({ length: 16 }, (_, i) => i),
        ),
      precision: "f32",
    });
    expect([...outputs.y!.data]).toEqual([3, 6, 9]);
    expect([...outputs.last!.data]).toEqual([2]);
    expect([...outputs.p!.data]).toEqual([0, 1, 2]);
  });

  test("say too little", () => {
    expect(check(sum('assert S == T, ""')).codes).toEqual(["E0305:5", "E0315:5"]);
  });
});

describe("a number that divides a size", () => {
  const sizes = (bound: string, assertions: string, input = "T") =>
    program(`model M(window: int = 6) {
  fn ends(x: [B, S, D]) -> [B, S / 2, D] {
    assert S % 2 == 0, "pairs"
    rearrange(x, "b (n w) d -> b n w d", w = 2)[:, :, 1]
  }

  entry run(x: [B, ${input}${bound}, 3], m: i32[B, U] = 1) -> (y: [B, ${input} / 2, 3], m: i32[B, U]) {
    ${assertions}
    (ends(x), m)
  }
}`).program.entries[0]!.sizes.map(
      ({ name, min, max, step }) => `${name} ${render(min)}..${max && render(max)} by ${step}`,
    );

  test.each([
    ["", "", "T 0..null by 2"],
    [" <= 21", "", "T 0..20 by 2"],
    [" <= 21", 'assert T % 3 == 0, ""', "T 0..18 by 6"],
    ["", 'assert T % 4 == 0, ""\nassert 0 == T % window, ""', "T 0..null by 12"],
    ["", 'assert T // 4 * 4 == T, ""\nassert (T + 8) % 4 == 0, ""', "T 0..null by 4"],
    ["", 'assert (2 * T) % 8 == 0, ""\nassert T >= 5, ""', "T 8..null by 4"],
    ["", 'assert T // 4 >= 2, ""\nassert T % 4 == 0, ""', "T 8..null by 4"],
    ["", 'assert T % 4 == 0, ""\nassert T == 8, ""', "T 8..8 by 4"],
    ["", 'assert U == T, ""\nassert U % 5 == 0, ""\nassert U < 25, ""', "T 0..20 by 10"],
  ])("T%s with %s: %s", (bound, assertions, expected) => {
    expect(sizes(bound, assertions)[1]).toBe(expected);
  });

  test.each([
    ["3 * N", "", "", "N 0..null by 2"],
    ["N * 3", " <= 20", "", "N 0..6 by 2"],
    ["4 * N", "", "", "N 0..null by 1"],
    ["2 * (window * N)", " <= 40", 'assert N >= 2, ""', "N 2..3 by 1"],
    ["4 * N", "", 'assert (4 * N) % 24 == 0, ""', "N 0..null by 6"],
  ])("an axis of %s%s with %s: %s", (axis, bound, assertions, expected) => {
    expect(sizes(bound, assertions, axis)[1]).toBe(expected);
  });

  test("bounds of an axis whose size is known are required too", () => {
    const text = `model M() {
  entry run(x: [T], y: [2 * T <= 9, T <= 7]) -> (z: [2 * T, T]) { x + y }
}`;
    expect(program(text).program.entries[0]!.sizes.map(({ max }) => max && render(max))).toEqual(["4"]);
  });

  test("is no reason to stop where it is not used", () => {
    expect(
      check(`model M() {
  entry run(x: [B, T]) -> (y: [B, T]) {
    assert T % 4 == 0, "windows"
    x
  }
}`).codes,
    ).toEqual([]);
  });
});
