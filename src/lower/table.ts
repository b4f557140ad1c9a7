/** How each operator is lowered. A new operator makes the compiler ask for its rule here. */
import type { OperatorName } from "../ir/graph/index.js";
import { einsumElement, einsumOrder } from "./einsum.js";
import {
  binaryRules,
  castElement,
  constantElement,
  iotaElement,
  sizeElement,
  unaryRules,
  whereElement,
} from "./elementwise.js";
import {
  broadcastElement,
  concatBody,
  concatElement,
  elementBody,
  elementElement,
  reshapeElement,
  sliceElement,
  takeBody,
  takeElement,
  transposeElement,
} from "./movement.js";
import { argmaxBody, cumsumBody, reductionElement, softmaxElement, softmaxOrder, topkBody } from "./rows.js";
import type { Rule } from "./rules.js";

export const rules: { readonly [K in OperatorName]: Rule<K> } = {
  ...unaryRules,
  ...binaryRules,
  input: { kind: "stored" },
  weight: { kind: "stored" },
  constant: { kind: "map", element: constantElement },
  size: { kind: "map", element: sizeElement },
  iota: { kind: "map", element: iotaElement },
  cast: { kind: "map", element: castElement },
  where: { kind: "map", element: whereElement },
  transpose: { kind: "inline", element: transposeElement },
  reshape: { kind: "inline", element: reshapeElement },
  broadcast: { kind: "inline", element: broadcastElement },
  slice: { kind: "inline", element: sliceElement },
  concat: { kind: "body", body: concatBody, element: concatElement },
  take: { kind: "body", body: takeBody, element: takeElement },
  element: { kind: "body", body: elementBody, element: elementElement },
  sum: { kind: "staged", element: reductionElement("sum") },
  mean: { kind: "staged", element: reductionElement("mean") },
  max: { kind: "staged", element: reductionElement("max") },
  min: { kind: "staged", element: reductionElement("min") },
  any: { kind: "staged", element: reductionElement("any") },
  all: { kind: "staged", element: reductionElement("all") },
  argmax: { kind: "body", body: argmaxBody },
  softmax: { kind: "staged", element: softmaxElement, order: softmaxOrder },
  cumsum: { kind: "body", body: cumsumBody },
  topk: { kind: "body", body: topkBody },
  einsum: { kind: "staged", element: einsumElement, order: einsumOrder },
};
