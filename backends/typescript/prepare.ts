/** How a module prepares: a function per kernel that calls it with the arrays that the host code gives. */
import type { Kernel } from "../../src/ir/kernel/index.js";
import { constantOf, type Size } from "../../src/sizes/index.js";
import type { Item, ModuleParts } from "../common/emit.js";
import { heldTables } from "../common/held.js";
import type { Module } from "../common/module.js";
import { identifier, type Names, upperFirst } from "../common/names.js";
import type { KernelFunctions } from "./functions.js";
import { globalArrays, privateArrays, scratchOf } from "./kernels.js";

export function preparation(
  module: Module,
  functions: KernelFunctions,
  names: Names,
): NonNullable<ModuleParts["prepare"]> {
  /** By the name of the kernel's function. */
  const made = new Map<string, string>();
  const statements: Item[] = [];
  for (const { kernel } of heldTables(module).prepared) {
    const called = functions.of(kernel).name;
    if (made.has(called)) continue;
    const name = names.claim(`prepare${upperFirst(identifier(called))}`);
    made.set(called, name);
    statements.push(functionText(name, called, kernel));
  }
  return { statements, compute: ({ kernel }) => made.get(functions.of(kernel).name)! };
}

/** The function that runs a kernel on arrays in the order of its arguments. */
function functionText(name: string, called: string, kernel: Kernel): string {
  const operands = [
    ...kernel.reads.map(({ element }, position) => `of[${position}] as ${globalArrays[element]}`),
    ...kernel.writes.map(({ element }) => `result as ${globalArrays[element]}`),
    ...scratchOf(kernel).map(({ element, shape }) => `new ${privateArrays[element]}(${countOf(shape)})`),
  ];
  const parameter = kernel.reads.length === 0 ? "_of" : "of";
  return `const ${name}: PreparedSpec["compute"] = (${parameter}, result) =>\n  ${called}(${operands.join(", ")});\n`;
}

function countOf(shape: readonly Size[]): number {
  return shape.reduce((product, extent) => product * constantOf(extent)!, 1);
}
