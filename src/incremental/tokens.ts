/** Which input of an entry are tokens, and which output scores the next one: by their types alone. */
import { type Graph, isFloat } from "../ir/graph/index.js";
import { constantOf, type Size, size } from "../sizes/index.js";
import type { Derived } from "./derive.js";

export interface Tokens {
  /** i32[B, T], without a default; null if there is no such input. */
  readonly tokens: string | null;
  /** Floats of [B, T, vocabulary]; null if there is no such output. */
  readonly scores: string | null;
  /** Whether the scores are probabilities, as they are made by a softmax over the vocabulary. */
  readonly areProbabilities: boolean;
}

export function tokensOf({ entry, time }: Pick<Derived, "entry" | "time">): Tokens {
  const output = entry.outputs.find(({ value }) => {
    const { element, shape } = entry.types[value]!;
    return isFloat(element) && shape.length === 3 && shape[1] === size(time) && constantOf(shape[2]!) !== null;
  });
  return {
    tokens: tokenInput(entry, size(time)),
    scores: output?.name ?? null,
    areProbabilities: output !== undefined && isSoftmax(entry, output.value),
  };
}

function tokenInput({ nodes }: Graph, time: Size): string | null {
  for (const node of nodes) {
    if (node.operator !== "input") continue;
    const { name, element, shape, fill } = node.attributes;
    if (element === "i32" && fill === null && shape.length === 2 && shape[1] === time) return name;
  }
  return null;
}

function isSoftmax({ nodes }: Graph, value: number): boolean {
  const node = nodes[value];
  return node !== undefined && node.operator === "softmax" && node.attributes.axis === 2;
}
