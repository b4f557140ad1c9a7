/** The memory plan: where buffers lie, and the check of it. */
export {
  alignment,
  arenaBytesOf,
  bytesOf,
  dataBytesOf,
  elementsOf,
  hostMemory,
  type MemoryUnits,
  roomOf,
} from "./bytes.js";
export { checkPlan } from "./check.js";
export { largestLiveBytes } from "./live.js";
export { type PlanOptions, planGraph, planGraphs } from "./plan.js";
