/** The Graph: its structure, and what makes, checks, prints and reads it. */
export { GraphBuilder, type Origin } from "./builder.js";
export * from "./graph.js";
export { dropAxis, insertAxis, matmul, reduce, scalar, transposeLast } from "./helpers.js";
export { GraphTypeError, inferType } from "./infer.js";
export * from "./operators.js";
export { emitNode, type Rewrite, rebuild } from "./rebuild.js";
export { halfFromBits, roundTo, roundToHalf } from "./rounding.js";
export { broadcastShapes, broadcastSize } from "./type-rules.js";
export { shapeText, typeText } from "./type-text.js";
export * from "./types.js";
