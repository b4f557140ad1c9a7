/** bf16, the upper half of an f32, as functions of four lanes. */
import { type FunctionCode, f32x4, get, i32, i32x4, Local, op } from "../code/tree.js";
import { add, select } from "./vectors.js";

/** f32 lanes rounded to the nearest bf16, ties to even; what is too large is infinite, and NaN stays one. */
export function roundToBrainFloat(): FunctionCode {
  const x = new Local("x", "v128");
  const isOdd = op("v128.and", [op("i32x4.shr_u", [get(x), i32(16)]), i32x4(1)]);
  const rounded = op("i32x4.add", [op("i32x4.add", [get(x), i32x4(0x7fff)]), isOdd]);
  const none = add(get(x), f32x4(Number.NaN));
  return {
    name: "brainFloat4",
    parameters: [x],
    result: "v128",
    comment: "four f32 rounded to bf16",
    body: [op("v128.and", [select(op("f32x4.eq", [get(x), get(x)]), rounded, none), i32x4(0xffff0000 | 0)])],
  };
}

/** The upper halves of lanes, as those have them. */
export function upperBits(): FunctionCode {
  const x = new Local("x", "v128");
  return {
    name: "upper4",
    parameters: [x],
    result: "v128",
    comment: "the bits of four bf16",
    body: [op("i32x4.shr_u", [get(x), i32(16)])],
  };
}
