/** Passes over Graphs: what they are, and the manager that runs them. */
export { passes } from "./list.js";
export { firedRules, type Optimized, type OptimizeOptions, optimizeGraph, type PassReport } from "./manager.js";
export type { FewRows, Pass, Remark } from "./pass.js";
export {
  type Arithmetic,
  type HeldWeights,
  storageOf,
  type WeightsFormat,
  weightsFormats,
} from "./quantization/format.js";
export { type HeldValue, type Holding, quantization, withRoundedWeights } from "./quantization/quantization.js";
