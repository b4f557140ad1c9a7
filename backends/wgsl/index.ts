/** The WGSL target: from the plans of a model to an ES module that runs on WebGPU. */
export type { Module } from "../common/module.js";
export { emitWgsl } from "./emit.js";
