/** Kernels as functions of a module: their names, which come from the model, and the comments above them. */
import { type Kernel, KernelMemo } from "../../src/ir/kernel/index.js";
import type { Dispatch } from "../../src/ir/plan/plan.js";
import { filled, functionName } from "../common/kernel-names.js";
import { allPlans, lineText, locationText, type Module, typeText } from "../common/module.js";
import type { Names } from "../common/names.js";
import { type PrintedKernel, printKernel } from "./kernels.js";

export interface KernelFunction {
  readonly name: string;
  readonly printed: PrintedKernel;
  /** The comment's text. */
  readonly comment: string;
}

/**
 * The functions of all kernels of some plans. Kernels of one text share a function, also those of two entries; so do those
 * that are equal up to the names of their sizes, which are arguments.
 */
export class KernelFunctions {
  readonly all: KernelFunction[] = [];
  readonly #byKernel = new Map<Kernel, KernelFunction>();
  readonly #byText = new Map<string, KernelFunction>();

  constructor(module: Module, names: Names) {
    const { sourceLine } = module;
    const known = new KernelMemo<KernelFunction>();
    for (const plan of allPlans(module)) {
      for (const [number, kernel] of plan.kernels.entries()) {
        if (this.#byKernel.has(kernel)) continue;
        const make = (): KernelFunction => {
          const printed = printKernel(kernel);
          const parameters = printed.parameters.map(({ name, type }) => `${name}: ${type}`);
          const text = [...parameters, ...printed.lines].join("\n");
          let made = this.#byText.get(text);
          if (!made) {
            const dispatches = [...plan.prepare, ...plan.dispatches].filter((dispatch) => dispatch.kernel === number);
            const name = names.claim(functionName(kernel, dispatches, plan));
            made = { name, printed, comment: comment(kernel, dispatches, printed, sourceLine) };
            this.#byText.set(text, made);
            this.all.push(made);
          }
          return made;
        };
        const made = known.of(kernel, make);
        this.#byKernel.set(kernel, made);
      }
    }
  }

  of(kernel: Kernel): KernelFunction {
    return this.#byKernel.get(kernel)!;
  }
}

/** Where it comes from in the source, what it computes, and the types of its arrays. */
function comment(
  kernel: Kernel,
  dispatches: readonly Dispatch[],
  { parameters }: PrintedKernel,
  sourceLine: Module["sourceLine"],
): string {
  const place = locationText(kernel.location);
  const layers = new Set(dispatches.map(({ scope }) => scope));
  const times = layers.size > 1 ? `, in ${layers.size} layers` : "";
  const lines = [`${place === null ? "" : `${place}: `}${kernel.name}${times}`];
  const source = kernel.location && sourceLine?.(kernel.location)?.trim();
  if (source) lines.push("", `    ${source}`);
  lines.push("");
  for (const { name, buffer } of parameters) {
    if (buffer === null) continue;
    const role = kernel.writes.includes(buffer) ? " (written)" : buffer.scope === "global" ? "" : " (scratch)";
    lines.push(`@param ${name} ${typeText(buffer.element, buffer.shape)}${role}`);
  }
  if (kernel.schedule !== undefined) lines.splice(1, 0, ...filled(`Schedule: ${kernel.schedule}`, 100));
  return lines.map(lineText).join("\n");
}
