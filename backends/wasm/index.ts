/** The WebAssembly target. */
export type { Module } from "../common/module.js";
export { encodeModule } from "./code/binary.js";
export type { ModuleCode } from "./code/module.js";
export { moduleText } from "./code/text.js";
export { type EmittedWasm, emitWasm } from "./emit.js";
export { functionOf, hostFunctions } from "./functions/index.js";
export { kernelCode } from "./kernels/kernels.js";
