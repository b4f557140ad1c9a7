/** The TypeScript target: from the plans of a model to an ES module that is meant to be read. */
import type { Kernel } from "../../src/ir/kernel/index.js";
import { printKernel } from "./kernels.js";

export type { Module } from "../common/module.js";
export { emitTypeScript } from "./emit.js";

/** The function of one kernel as it stands in a module, for people to read. */
export function kernelCode(kernel: Kernel): string {
  const { parameters, lines } = printKernel(kernel);
  const list = parameters.map(({ name, type }) => `${name}: ${type}`).join(", ");
  return [`function ${kernel.name}(${list}): void {`, ...lines.map((line) => `  ${line}`), "}"].join("\n");
}
