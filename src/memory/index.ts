/** The memory plan: where buffers lie, and the check of it. */
export { checkPlan } from "./check.js";
export { alignment, arenaBytesOf, bytesOf, planGraph } from "./plan.js";
