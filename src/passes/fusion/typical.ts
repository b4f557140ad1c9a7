/** Sizes that only the run knows, as they may well be. */
import { evaluate, type Size, type SizeVariable } from "../../sizes/index.js";
import type { Sizes } from "./reads.js";

/** A size that only the run knows, where its range leaves it open. */
const typicalSize = 61;

/** Sizes as they may well be: what the range allows, at most a typical one. */
export function typicalSizes(variables: readonly SizeVariable[]): Sizes {
  const values = new Map<SizeVariable, number>();
  const inSteps = (value: number, { step }: SizeVariable): number => Math.ceil(value / step) * step;
  const typicalOf = (size: Size): number =>
    evaluate(size, (variable) => values.get(variable) ?? inSteps(typicalSize, variable));
  for (const variable of variables) {
    const most = variable.max === null ? typicalSize : Math.min(typicalSize, typicalOf(variable.max));
    values.set(variable, inSteps(Math.max(1, typicalOf(variable.min), most), variable));
  }
  return { of: (size) => Math.max(1, typicalOf(size)) };
}
