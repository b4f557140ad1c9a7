/** Lowering of Graphs to kernels. */
export { lowerGraph } from "./graph.js";
export { type Call, type Home, type LoweredBuffer, type LoweredGraph, withoutUnused } from "./lowered.js";
export type { ElementPlace } from "./scatter.js";
export type { StepMemory } from "./states.js";
export { loweredWord, printLowered, readLowered } from "./text.js";
