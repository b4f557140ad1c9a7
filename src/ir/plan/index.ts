/** The Plan: its structure and its text. */
export { parsePlan, readPlan, readSheet } from "./parser.js";
export * from "./plan.js";
export { printPlan } from "./printer.js";
export { type Sheet, type SheetBuffer, type SheetPlace, sheetText } from "./sheet.js";
