/** The TypeScript target: from the plans of a model to an ES module that is meant to be read. */
export type { Module } from "../common/module.js";
export { emitTypeScript } from "./emit.js";
