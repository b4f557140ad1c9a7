/**
 * Evaluation of einsum: one loop per label, in which every product is added to its place in the output.
 *
 * The sum is right in whatever order the loops run, so that the order is chosen for memory alone: innermost the label
 * along which most tensors are read in steps of 0 or 1. Sums of floats are kept in f64 and rounded at the end; i32
 * wraps.
 */
import { isFloat } from "../ir/graph/types.js";
import type { Evaluation } from "./graph-evaluation.js";
import { elementsOf, rowMajorStrides, type Tensor, type TensorData } from "./tensor.js";

/** One loop: how often it runs, and how far each operand and the output move with it. */
interface Loop {
  readonly extent: number;
  readonly steps: readonly number[];
  readonly outputStep: number;
}

function loopsOf(
  operands: readonly Tensor[],
  inputs: readonly (readonly number[])[],
  output: readonly number[],
  shape: readonly number[],
): Loop[] {
  const operandStrides = operands.map((operand) => rowMajorStrides(operand.shape));
  const outputStrides = rowMajorStrides(shape);
  const labels = [...new Set([...output, ...inputs.flat()])];
  return labels.map((label) => {
    const sizes = inputs.map((own, i) => operands[i]!.shape[own.indexOf(label)] ?? 1);
    const extent = sizes.find((size) => size !== 1) ?? 1;
    // An axis of size 1 repeats along the label.
    const steps = inputs.map((own, i) => (sizes[i] === 1 ? 0 : operandStrides[i]![own.indexOf(label)]!));
    const at = output.indexOf(label);
    return { extent, steps, outputStep: at < 0 ? 0 : outputStrides[at]! };
  });
}

/** The loops with the best one for memory last; among equally good ones the longest. */
function ordered(loops: readonly Loop[]): Loop[] {
  const score = ({ steps, outputStep, extent }: Loop): number =>
    extent === 1 ? -1 : [...steps, outputStep].filter((step) => step <= 1).length;
  let best = 0;
  for (const [i, loop] of loops.entries()) {
    const gain = score(loop) - score(loops[best]!);
    if (gain > 0 || (gain === 0 && loop.extent > loops[best]!.extent)) best = i;
  }
  return [...loops.filter((_, i) => i !== best), ...loops.filter((_, i) => i === best)];
}

/** Runs the innermost loop from the given offsets, adding to `sums`. */
type Inner = (starts: readonly number[], outputStart: number) => void;

function floatInner(data: readonly TensorData[], sums: Float64Array, { extent, steps, outputStep }: Loop): Inner {
  if (data.length !== 2) {
    return (starts, outputStart) => {
      for (let n = 0; n < extent; n++) {
        let product = 1;
        for (let i = 0; i < data.length; i++) product *= data[i]![starts[i]! + n * steps[i]!]!;
        sums[outputStart + n * outputStep]! += product;
      }
    };
  }
  const [a, b, stepA, stepB] = [data[0]!, data[1]!, steps[0]!, steps[1]!];
  if (outputStep === 0) {
    return (starts, outputStart) => {
      let sum = sums[outputStart]!;
      for (let n = 0, i = starts[0]!, j = starts[1]!; n < extent; n++, i += stepA, j += stepB) sum += a[i]! * b[j]!;
      sums[outputStart] = sum;
    };
  }
  return (starts, outputStart) => {
    let o = outputStart;
    for (let n = 0, i = starts[0]!, j = starts[1]!; n < extent; n++, i += stepA, j += stepB, o += outputStep) {
      sums[o]! += a[i]! * b[j]!;
    }
  };
}

function integerInner(data: readonly TensorData[], sums: Int32Array, { extent, steps, outputStep }: Loop): Inner {
  return (starts, outputStart) => {
    for (let n = 0; n < extent; n++) {
      let product = 1;
      for (let i = 0; i < data.length; i++) product = Math.imul(product, data[i]![starts[i]! + n * steps[i]!]!);
      sums[outputStart + n * outputStep]! += product;
    }
  };
}

/** Runs all loops but the last, and `inner` inside of them. */
function nest(loops: readonly Loop[], inner: Inner): void {
  const outer = loops.slice(0, -1);
  if (loops.some((loop) => loop.extent === 0)) return;
  const counters = outer.map(() => 0);
  const starts = (loops[0]?.steps ?? []).map(() => 0);
  let outputStart = 0;
  for (;;) {
    inner(starts, outputStart);
    let depth = outer.length - 1;
    for (; depth >= 0; depth--) {
      const { extent, steps, outputStep } = outer[depth]!;
      const wraps = ++counters[depth]! === extent;
      const moves = wraps ? 1 - extent : 1;
      for (let i = 0; i < starts.length; i++) starts[i]! += moves * steps[i]!;
      outputStart += moves * outputStep;
      if (!wraps) break;
      counters[depth] = 0;
    }
    if (depth < 0) return;
  }
}

export const evaluateEinsum: Evaluation<"einsum"> = ({ operands, attributes, element, shape, allocate }) => {
  const single: Loop = { extent: 1, steps: operands.map(() => 0), outputStep: 0 };
  const loops = ordered([single, ...loopsOf(operands, attributes.inputs, attributes.output, shape)]);
  const data = operands.map((operand) => operand.data);
  const last = loops.at(-1)!;
  if (!isFloat(element)) {
    const sums = new Int32Array(elementsOf(shape));
    nest(loops, integerInner(data, sums, last));
    return sums;
  }
  const sums = new Float64Array(elementsOf(shape));
  nest(loops, floatInner(data, sums, last));
  const to = allocate();
  to.set(sums);
  return to;
};
