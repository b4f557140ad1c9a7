/** The functions that a module carries where its kernels use them, and those that it asks of the host. */
import type { ImportedFunction } from "../code/module.js";
import type { FunctionCode } from "../code/tree.js";
import { roundToBrainFloat, upperBits } from "./brain-floats.js";
import { bitsOfHalf, halfFromBits, roundToFiniteHalf, roundToHalf } from "./halves.js";
import { rowExponentials, rowMaximum, rowSum } from "./rows.js";
import { cos, floorDivide, floorModulo, log, log2, power, sin } from "./scalars.js";
import { erf, exp, tanh } from "./vectors.js";

const made: Readonly<Record<string, () => FunctionCode>> = {
  exp4: exp,
  tanh4: tanh,
  erf4: erf,
  half4: roundToHalf,
  finiteHalf4: roundToFiniteHalf,
  halfBits4: bitsOfHalf,
  fromHalf4: halfFromBits,
  brainFloat4: roundToBrainFloat,
  upper4: upperBits,
  rowMax: rowMaximum,
  rowSum,
  rowExp: rowExponentials,
  log,
  log2,
  sin,
  cos,
  floor_div: floorDivide,
  floor_mod: floorModulo,
  pow_i32: power,
};

/** Waiting, which is the host's; and what is rare and exact: what JavaScript has, called number by number. */
export const hostFunctions: readonly ImportedFunction[] = [
  { name: "pause", parameters: ["i32"], result: null },
  { name: "pow", parameters: ["f32", "f32"], result: "f32" },
  { name: "floorDivide", parameters: ["f32", "f32"], result: "f32" },
  { name: "floorMod", parameters: ["f32", "f32"], result: "f32" },
  { name: "sinOfLarge", parameters: ["f32"], result: "f32" },
  { name: "cosOfLarge", parameters: ["f32"], result: "f32" },
];

export function functionOf(name: string): FunctionCode | null {
  return made[name]?.() ?? null;
}
