/** How each operator is lowered. A new operator makes the compiler ask for its rule here. */
import type { OperatorName } from "../ir/graph/index.js";
import { einsumBody } from "./einsum.js";
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
  elementBody,
  reshapeElement,
  sliceElement,
  takeBody,
  transposeElement,
} from "./movement.js";
import { argmaxBody, cumsumBody, reductionBody, softmaxBody, topkBody } from "./rows.js";
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
  concat: { kind: "body", body: concatBody },
  take: { kind: "body", body: takeBody },
  element: { kind: "body", body: elementBody },
  sum: { kind: "body", body: reductionBody("sum") },
  mean: { kind: "body", body: reductionBody("mean") },
  max: { kind: "body", body: reductionBody("max") },
  min: { kind: "body", body: reductionBody("min") },
  any: { kind: "body", body: reductionBody("any") },
  all: { kind: "body", body: reductionBody("all") },
  argmax: { kind: "body", body: argmaxBody },
  softmax: { kind: "body", body: softmaxBody },
  cumsum: { kind: "body", body: cumsumBody },
  topk: { kind: "body", body: topkBody },
  einsum: { kind: "body", body: einsumBody },
};
