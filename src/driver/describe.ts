/** A program in a few facts, for people and for JSON. */
import type { Elaborated, StaticArgument } from "../../dsl/index.js";
import { type Diagnostic, diagnostic } from "../diagnostics/index.js";
import { type Graph, typeText } from "../ir/graph/index.js";
import { elementCount } from "../runtime/host/tensors.js";
import { requestsOf } from "../runtime/weights.js";
import { constantOf } from "../sizes/index.js";
import { inputsOf } from "./inputs.js";

export interface ProgramFacts {
  readonly model: string;
  readonly statics: readonly StaticArgument[];
  readonly entries: readonly EntryFacts[];
  /** Numbers that the entries read; tied weights count once. */
  readonly parameters: number;
  /** Tensors that they come in. */
  readonly weights: number;
}

export interface EntryFacts {
  readonly name: string;
  /** The sizes that are known only when running. */
  readonly sizes: readonly SizeFacts[];
  readonly inputs: readonly { readonly name: string; readonly type: string; readonly optional: boolean }[];
  readonly outputs: readonly { readonly name: string; readonly type: string }[];
  /** `forward(input_ids: i32[B, T]) -> (logits: f32[B, T, 99])`. */
  readonly signature: string;
}

/** The values that a run-time size has: from `min` to `max`, if there is an end, and multiples of `step`. */
export interface SizeFacts {
  readonly name: string;
  readonly min: number;
  readonly max: number | null;
  readonly step: number;
}

/** What must hold of the sizes of an entry: `T <= 128`, `T % 4 == 0`. Nothing for what holds of any size. */
export function sizeConditions({ sizes }: EntryFacts): string[] {
  return sizes.flatMap(({ name, min, max, step }) => [
    ...(min > 0 ? [`${name} >= ${min}`] : []),
    ...(max === null ? [] : [`${name} <= ${max}`]),
    ...(step > 1 ? [`${name} % ${step} == 0`] : []),
  ]);
}

/** The facts of a checked program. */
export function describeProgram({ program, statics }: Elaborated): ProgramFacts {
  const requests = requestsOf(program.entries);
  return {
    model: program.name,
    statics,
    entries: program.entries.map(describeEntry),
    parameters: requests.reduce((sum, { shape }) => sum + elementCount(shape), 0),
    weights: requests.length,
  };
}

function describeEntry(graph: Graph): EntryFacts {
  const inputs = inputsOf(graph).map(({ name, element, shape, fill }) => ({
    name,
    type: typeText({ element, shape }),
    optional: fill !== null,
  }));
  const outputs = graph.outputs.map(({ name, value }) => ({ name, type: typeText(graph.types[value]!) }));
  const list = (items: readonly { name: string; type: string; optional?: boolean }[]) =>
    items.map(({ name, type, optional }) => `${name}${optional ? "?" : ""}: ${type}`).join(", ");
  const sizes = graph.sizes.map(({ name, min, max, step }): SizeFacts => {
    return { name, min: constantOf(min) ?? 0, max: max && constantOf(max), step };
  });
  return {
    name: graph.name,
    sizes,
    inputs,
    outputs,
    signature: `${graph.name}(${list(inputs)}) -> (${list(outputs)})`,
  };
}

/** A note that lists the tensors of a checkpoint that no param reads, if there are any. */
export function unreadNote({ unread }: Elaborated): Diagnostic[] {
  if (unread.length === 0) return [];
  const shown = unread.slice(0, 8);
  const more = unread.length > shown.length ? `\nand ${unread.length - shown.length} more` : "";
  const count = unread.length === 1 ? "a tensor" : `${unread.length} tensors`;
  const message = `no param reads ${count} of the checkpoint`;
  return [diagnostic("E0716", null, message, { severity: "note", notes: [shown.join("\n") + more] })];
}
