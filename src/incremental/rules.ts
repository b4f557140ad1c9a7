/** The facts of each operator's result: one exhaustive table. A new operator makes the compiler ask for its rule here. */
import type { OperatorName } from "../ir/graph/index.js";
import type { FactsRule } from "./analysis.js";
import { binaryRules, castRule, unaryRules, whereRule } from "./rules-elementwise.js";
import { constantRule, inputRule, iotaRule, sizeRule, weightRule } from "./rules-leaves.js";
import {
  broadcastRule,
  concatRule,
  elementRule,
  reshapeRule,
  sliceRule,
  takeRule,
  transposeRule,
} from "./rules-movement.js";
import { cumsumRule, einsumRule, reductionRules, softmaxRule, topkRule } from "./rules-reductions.js";

export const rules: { readonly [K in OperatorName]: FactsRule<K> } = {
  ...unaryRules,
  ...binaryRules,
  ...reductionRules,
  input: inputRule,
  weight: weightRule,
  constant: constantRule,
  size: sizeRule,
  iota: iotaRule,
  cast: castRule,
  where: whereRule,
  softmax: softmaxRule,
  cumsum: cumsumRule,
  einsum: einsumRule,
  transpose: transposeRule,
  reshape: reshapeRule,
  broadcast: broadcastRule,
  slice: sliceRule,
  concat: concatRule,
  take: takeRule,
  element: elementRule,
  topk: topkRule,
};
