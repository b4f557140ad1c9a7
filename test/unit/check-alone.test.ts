/** Functions checked by themselves: what takes single numbers may be meant for the elements of comprehensions. */
import { describe, expect, it } from "vitest";
import { check } from "../support/program.js";

/** The codes of a file of functions alone. */
const codes = (...lines: string[]) => check(`${lines.join("\n")}\n`).codes;

describe("a function of single numbers", () => {
  it("may choose by them", () => {
    expect(
      codes("fn f(distance: i32[], n: int) -> i32[] = if abs(distance) <= n then distance else -distance"),
    ).toEqual([]);
  });
  it("may rely on what elements do, such as becoming f32", () => {
    expect(codes("fn f(distance: i32[]) -> [] = distance * 0.5")).toEqual([]);
  });
  it("may index with several", () => {
    expect(codes("fn f(x: [_T, _S], i: i32[], j: i32[]) -> [] = x[i, j]")).toEqual([]);
  });
  it("may stand between tensors", () => {
    expect(codes("fn f(x: [..., D], scale: []) -> [..., D] = x * scale")).toEqual([]);
  });
  it("is wrong if it suits neither", () => {
    expect(codes("fn f(x: [T], i: i32[]) -> [T] = x @ i")).toHaveLength(1);
    expect(codes("fn f(i: i32[]) -> [] = if i then 1.0 else 2.0")).toHaveLength(1);
  });
});
