/** The Plan: its structure and its text. */
export * from "./plan.js";
export { printPlan } from "./printer.js";
