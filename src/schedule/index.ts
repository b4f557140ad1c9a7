/** Schedules: steps that make kernels fast, and the policies that choose them. */
export { applySchedule, applyStep } from "./apply.js";
export { sideBySide } from "./beside.js";
export { ScheduleError } from "./errors.js";
export { type GraphScheduler, graphScheduler, scheduleGraph } from "./graph.js";
export { legaliseForTypeScript } from "./legalise/typescript.js";
export { narrowed } from "./narrow.js";
export { packingKernel } from "./packing.js";
export { schedulesForTypeScript, type Tile, type TypeScriptPolicy, typeScriptPolicy } from "./policies/typescript.js";
export { type WgslPolicy, wgslPolicy } from "./policies/wgsl.js";
export { rowsAsOne } from "./rows-as-one.js";
export { scattered } from "./scatter.js";
export { spilled } from "./spill.js";
export type { Schedule, Split, Step, Tail } from "./step.js";
export { parseSchedule, printSchedule, ScheduleSyntaxError, stepText } from "./text.js";
export { scheduledForTypeScript } from "./typescript.js";
export { vectorsAsOne } from "./vectors-as-one.js";
export { scheduledForWasm } from "./wasm.js";
export { chainedForWgsl, scheduledForWgsl } from "./wgsl.js";
