/** Kernels: their structure, and what makes, walks, prints and checks them. */

export { KernelMemo, kernelKey } from "./canonical.js";
export { type Meeting, meetings } from "./disjoint.js";
export { expressionText, numberText } from "./expression-text.js";
export {
  binary,
  binaryElement,
  cast,
  constant,
  falsehood,
  index,
  load,
  select,
  truth,
  unary,
  unaryElement,
} from "./expressions.js";
export { type Bounds, boundsOf, factsOf, isInBounds } from "./facts.js";
export * from "./kernel.js";
export { Knowledge, nothingKnown } from "./knowledge.js";
export { layoutIndex, layoutProblem, layoutShape, layoutText, parseLayoutPart } from "./layout.js";
export { parseKernel, readKernel, readLayout } from "./parser.js";
export { annotatedKernel, bufferType, printKernel, statementText } from "./printer.js";
export { sharedLoopProblem } from "./shared-loops.js";
export * from "./traversal.js";
export { kernelsOf, variantOf, withBodies } from "./variants.js";
export { assertKernel, kernelViolations, verifyKernel } from "./verifier.js";
