/** What an entry asserts of its run-time sizes: in any order, and joined to classes of equal sizes with their bounds. */
import { describe, expect, test } from "vitest";
import { interpret } from "../../src/interpreter/graph.js";
import { tensorOf } from "../../src/interpreter/tensor.js";
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
    expect(check(sum('assert S == T, ""')).codes).toEqual(["E0215:3", "E0305:5", "E0315:5"]);
  });
});
