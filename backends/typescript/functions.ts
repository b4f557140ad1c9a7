/** Kernels as functions of a module: their names, which come from the model, and the comments above them. */
import type { Kernel } from "../../src/ir/kernel/index.js";
import type { Dispatch, Plan } from "../../src/ir/plan/plan.js";
import { lineText, locationText, type Module, typeText } from "../common/module.js";
import { camelCase, type Names } from "../common/names.js";
import { type PrintedKernel, printKernel } from "./kernels.js";

export interface KernelFunction {
  readonly name: string;
  readonly printed: PrintedKernel;
  /** The comment's text. */
  readonly comment: string;
}

/** The functions of all kernels of some plans. Kernels of one text share a function, also those of two entries. */
export class KernelFunctions {
  readonly all: KernelFunction[] = [];
  readonly #byKernel = new Map<Kernel, KernelFunction>();
  readonly #byText = new Map<string, KernelFunction>();

  constructor({ plans, sourceLine }: Module, names: Names) {
    for (const plan of plans) {
      for (const [number, kernel] of plan.kernels.entries()) {
        if (this.#byKernel.has(kernel)) continue;
        const printed = printKernel(kernel);
        const parameters = printed.parameters.map(({ name, type }) => `${name}: ${type}`);
        const text = [...parameters, ...printed.lines].join("\n");
        let made = this.#byText.get(text);
        if (!made) {
          const dispatches = plan.dispatches.filter((dispatch) => dispatch.kernel === number);
          const name = names.claim(functionName(kernel, dispatches, plan));
          made = { name, printed, comment: comment(kernel, dispatches, printed, sourceLine) };
          this.#byText.set(text, made);
          this.all.push(made);
        }
        this.#byKernel.set(kernel, made);
      }
    }
  }

  of(kernel: Kernel): KernelFunction {
    return this.#byKernel.get(kernel)!;
  }
}

/**
 * The layer that runs it, what it does and what it gives: `attnEinsumScores`. Of the layer's path, its last name without
 * its number, where all runs have one; the result only where the user gave it a name.
 */
function functionName(kernel: Kernel, dispatches: readonly Dispatch[], plan: Plan): string {
  const layers = dispatches.map(
    ({ scope }) =>
      scope
        .split(".")
        .filter((part) => !/^\d+$/.test(part))
        .at(-1) ?? "",
  );
  const results = new Set(dispatches.flatMap(({ writes }) => writes.map((id) => plan.buffers[id]!.name)));
  const [result = ""] = results.size === 1 ? results : [];
  return camelCase(commonStem(layers), kernel.name, result === kernel.name ? "" : result);
}

/** The name that all are, or begin with up to an underscore: `ln` of `ln_1` and `ln_2`. */
function commonStem(names: readonly string[]): string {
  const [first = "", ...others] = new Set(names);
  if (others.length === 0) return first;
  const parts = first.split("_");
  for (let length = parts.length - 1; length > 0; length--) {
    const stem = parts.slice(0, length).join("_");
    if (stem.length > 1 && others.every((other) => other.startsWith(`${stem}_`))) return stem;
  }
  return "";
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

/** A text in lines of at most this length, broken at spaces. */
function filled(text: string, length: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= length) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
