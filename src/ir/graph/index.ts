/** The Graph: its structure, and what makes, checks, prints and reads it. */
export { type Attention, attentionOf, attentionsOf, contractionOrder } from "./attention.js";
export { GraphBuilder, type Origin } from "./builder.js";
export * from "./graph.js";
export { dropAxis, insertAxis, matmul, reduce, scalar, transposeLast } from "./helpers.js";
export { GraphTypeError, inferType, isOperator, operatorNames } from "./infer.js";
export { loadTimeValues } from "./load-time.js";
export * from "./operators.js";
export { parseGraph, parseProgram } from "./parser.js";
export { printGraph, printProgram } from "./printer.js";
export { emitNode, type Rewrite, rebuild } from "./rebuild.js";
export { halfFromBits, roundTo, roundToHalf } from "./rounding.js";
export { broadcastShapes, broadcastSize } from "./type-rules.js";
export { shapeText, typeText } from "./type-text.js";
export * from "./types.js";
export { usersOf } from "./users.js";
export { assertGraph, equalTypes, verifyGraph } from "./verifier.js";
