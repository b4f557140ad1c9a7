/** Entries computed step by step on a target, to be compared with the entry as a whole. */
import { InternalError } from "../diagnostics/index.js";
import { type Derived, InterpretedSession } from "../incremental/index.js";
import type { Graph } from "../ir/graph/index.js";
import { arrayOf, elementCount, type Tensor } from "../runtime/host/tensors.js";
import { type Size, size } from "../sizes/index.js";
import { fromEvaluated, toEvaluated } from "./evaluated.js";
import { inputsOf, type Ready } from "./inputs.js";
import type { EntryRun } from "./run.js";
import type { Runner } from "./targets.js";

/** A sequence that a target computes step by step. */
export interface Stepper {
  /** @param inputs over positions, with the new rows only. @returns the outputs of those rows. */
  step(inputs: ReadonlyMap<string, Tensor>): Promise<ReadonlyMap<string, Tensor>>;
  dispose(): void;
}

/** Elements [from, to) of an axis. */
export function rowsOf({ data, shape, type }: Tensor, axis: number, from: number, to: number): Tensor {
  const inner = elementCount(shape.slice(axis + 1));
  const outer = elementCount(shape.slice(0, axis));
  const rows = arrayOf(type, outer * (to - from) * inner);
  for (let i = 0; i < outer; i++) {
    const start = (i * shape[axis]! + from) * inner;
    rows.set(data.subarray(start, start + (to - from) * inner), i * (to - from) * inner);
  }
  return { data: rows, shape: shape.with(axis, to - from), type };
}

/** Tensors one behind the other along an axis. */
export function joined(parts: readonly Tensor[], axis: number): Tensor {
  const [first] = parts;
  if (first === undefined) throw new InternalError("nothing is joined");
  const total = parts.reduce((sum, { shape }) => sum + shape[axis]!, 0);
  const inner = elementCount(first.shape.slice(axis + 1));
  const outer = elementCount(first.shape.slice(0, axis));
  const data = arrayOf(first.type, outer * total * inner);
  let at = 0;
  for (const { data: rows, shape } of parts) {
    const count = shape[axis]! * inner;
    for (let i = 0; i < outer; i++) data.set(rows.subarray(i * count, (i + 1) * count), (i * total + at) * inner);
    at += shape[axis]!;
  }
  return { data, shape: first.shape.with(axis, total), type: first.type };
}

/** The axis of a shape that is over the positions of an entry, or -1. */
function timeAxis({ time }: Derived, shape: readonly Size[]): number {
  return shape.indexOf(size(time));
}

/** The given inputs of an entry that are over its positions, with their axes; and those that are not. */
export function splitInputs(
  derived: Derived,
  inputs: ReadonlyMap<string, Tensor>,
): { readonly over: ReadonlyMap<string, number>; readonly once: ReadonlyMap<string, Tensor> } {
  const over = new Map<string, number>();
  const once = new Map<string, Tensor>();
  for (const { name, shape } of inputsOf(derived.entry)) {
    const axis = timeAxis(derived, shape);
    const given = inputs.get(name);
    if (axis >= 0 && given !== undefined) over.set(name, axis);
    else if (axis < 0 && given !== undefined) once.set(name, given);
  }
  return { over, once };
}

/** Lengths of steps that sum up to a length: a prompt, single positions, and the rest at once. */
function splitLength(length: number): number[] {
  const steps = [Math.ceil(length / 2)];
  let rest = length - steps[0]!;
  for (; rest > 0 && steps.length < 4; rest--) steps.push(1);
  return rest > 0 ? [...steps, rest] : steps;
}

/**
 * The outputs of an entry that ran, computed anew in several steps and joined. Empty where there are no positions, or where
 * an output has several axes over them.
 */
export async function steppedOutputs(
  open: NonNullable<Runner["open"]>,
  derived: Derived,
  { ready }: EntryRun,
): Promise<ReadonlyMap<string, Tensor>> {
  const { over, once } = splitInputs(derived, ready.inputs);
  const [[first, axis] = [null, 0]] = [...over];
  const length = first === null ? 0 : ready.inputs.get(first)!.shape[axis]!;
  if (length === 0) return new Map();
  const stepper = await open(derived, once, length, ready);
  const parts = new Map<string, Tensor[]>();
  let past = 0;
  for (const count of splitLength(length)) {
    const rows = new Map(
      [...over].map(([name, at]) => [name, rowsOf(ready.inputs.get(name)!, at, past, past + count)]),
    );
    for (const [name, tensor] of await stepper.step(rows)) parts.set(name, [...(parts.get(name) ?? []), tensor]);
    past += count;
  }
  stepper.dispose();
  const found = new Map<string, Tensor>();
  for (const { name, value } of derived.entry.outputs) {
    const { shape } = derived.entry.types[value]!;
    const axes = shape.filter((each) => each === size(derived.time)).length;
    if (axes === 1) found.set(name, joined(parts.get(name)!, timeAxis(derived, shape)));
  }
  return found;
}

/** Opens sessions on the interpreter. @param held gives the graphs of steps as they are evaluated */
export function interpretedStepper(
  weight: (name: string) => Tensor,
  held: (graph: Graph) => Graph,
): NonNullable<Runner["open"]> {
  return async (source, inputs, capacity, { sizes }: Ready) => {
    const { begin, step } = source;
    const derived: Derived = { ...source, begin: begin === null ? null : held(begin), step: held(step) };
    const known: Record<string, number> = { [derived.sizes.capacity.name]: capacity };
    for (const variable of derived.entry.sizes) {
      const value = sizes.get(variable);
      if (value !== undefined && variable !== derived.time) known[variable.name] = value;
    }
    const session = new InterpretedSession(derived, {
      weights: (name) => toEvaluated(weight(name)),
      inputs: new Map([...inputs].map(([name, tensor]) => [name, toEvaluated(tensor)])),
      sizes: known,
      precision: "f32",
    });
    const axes = new Map(inputsOf(derived.entry).map(({ name, shape }) => [name, timeAxis(derived, shape)]));
    return {
      step: async (rows) => {
        const [[name, tensor]] = [...rows] as [[string, Tensor]];
        const count = tensor.shape[axes.get(name)!]!;
        const given = new Map([...rows].map(([each, value]) => [each, toEvaluated(value)]));
        const outputs = session.step(given, count);
        return new Map(Object.entries(outputs).map(([each, value]) => [each, fromEvaluated(value)]));
      },
      dispose: () => {},
    };
  };
}
