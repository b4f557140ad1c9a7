/** What kernels are called in generated code: names that come from the model. */
import { isOperator } from "../../src/ir/graph/index.js";
import type { Buffer, Kernel } from "../../src/ir/kernel/index.js";
import type { Dispatch, Plan } from "../../src/ir/plan/plan.js";
import { camelCase } from "./names.js";

/**
 * The layer that runs it and what it does, as `attnAttention`: of the layer's path its last name without its number, where
 * all runs have one. What stands in no layer is called after its result, as `matmulLogits`.
 */
export function functionName(kernel: Kernel, dispatches: readonly Dispatch[], plan: Plan): string {
  const layers = dispatches.map(
    ({ scope }) =>
      scope
        .split(".")
        .filter((part) => !/^\d+$/.test(part))
        .at(-1) ?? "",
  );
  const layer = commonStem(layers);
  if (layer !== "") return camelCase(layer, kernel.name);
  const results = new Set(dispatches.flatMap(({ writes }) => writes.map((id) => plan.buffers[id]!.name)));
  const [result = ""] = results.size === 1 ? results : [];
  return camelCase(kernel.name, isOperator(withoutNumber(result)) ? "" : result);
}

/** What an argument is called: a result that has no name of its own, but that of an operator, is `out`. */
export function argumentName({ name, writes }: Kernel, buffer: Buffer): string {
  const stem = withoutNumber(buffer.name);
  return writes.includes(buffer) && (isOperator(stem) || stem === name) ? "out" : buffer.name;
}

function withoutNumber(name: string): string {
  return name.replace(/\d+$/, "");
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

/** A text in lines of at most this length, broken at spaces. */
export function filled(text: string, length: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= length) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
