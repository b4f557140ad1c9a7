/** Kernels made by hand for tests, as text and as modules that are compared with the interpreter. */
import { afterAll, expect } from "vitest";
import { emitTypeScript } from "../../backends/typescript/index.js";
import { printKernel } from "../../backends/typescript/kernels.js";
import { interpretPlan } from "../../src/interpreter/kernel-plan.js";
import { type Tensor, tensorOf } from "../../src/interpreter/tensor.js";
import {
  Buffer,
  constant,
  type Expression,
  index,
  type Kernel,
  type KernelElement,
  type LoopKind,
  load,
  type Statement,
  type UpdateOperator,
} from "../../src/ir/kernel/index.js";
import type { BufferId, Plan, PlanBuffer } from "../../src/ir/plan/index.js";
import { type Size, SizeVariable, size, sub } from "../../src/sizes/index.js";
import { difference } from "../fuzz/lower-comparison.js";
import { fromTensor, importText, strictDiagnostics, toTensor } from "./typescript-support.js";

export const T = new SizeVariable("T", 0, 1000);
export const N = new SizeVariable("N", 0, 1000);
export const n = size(N);
export const t = size(T);

export function global(name: string, element: KernelElement, ...shape: readonly (Size | number)[]): Buffer {
  return new Buffer(
    name,
    element,
    shape.map((each) => (typeof each === "number" ? size(each) : each)),
    "global",
  );
}
export function local(name: string, element: KernelElement, ...shape: readonly Size[]): Buffer {
  return new Buffer(name, element, shape, "private");
}
export function loop(
  name: string,
  extent: Size | number,
  body: (at: Size) => readonly Statement[],
  kind: LoopKind = "serial",
): Statement {
  const end = typeof extent === "number" ? size(extent) : extent;
  const variable = new SizeVariable(name, 0, sub(end, 1));
  return { kind: "for", variable, extent: end, loop: kind, body: body(size(variable)) };
}
export function at(...positions: readonly (Size | number | Expression)[]): Expression[] {
  return positions.map((each) => (typeof each === "object" && "kind" in each ? each : index(each)));
}
export function get(buffer: Buffer, ...positions: readonly (Size | number | Expression)[]): Expression {
  return load(buffer, at(...positions));
}
export function set(
  buffer: Buffer,
  positions: readonly (Size | number)[],
  value: Expression,
  update: UpdateOperator | null = null,
): Statement {
  return { kind: "store", buffer, index: at(...positions), value, update };
}
export function alloc(buffer: Buffer): Statement {
  return { kind: "alloc", buffer };
}
export function f32(value: number): Expression {
  return constant(Math.fround(value), "f32");
}

export function kernelOf(
  name: string,
  reads: readonly Buffer[],
  writes: readonly Buffer[],
  sizes: readonly SizeVariable[],
  body: readonly Statement[],
): Kernel {
  return { name, reads, writes, sizes, body, location: { file: "hand.trafo", line: 3, column: 5 } };
}

/** An entry that runs one kernel on its inputs. */
export function planOf(kernel: Kernel, name = "run"): Plan {
  const place = (buffer: Buffer): PlanBuffer["place"] =>
    kernel.reads.includes(buffer)
      ? { kind: "input", name: buffer.name, fill: null }
      : { kind: "output", name: buffer.name };
  const buffers = [...kernel.reads, ...kernel.writes].map((buffer): PlanBuffer => {
    return { name: buffer.name, element: buffer.element, shape: buffer.shape, place: place(buffer) };
  });
  const ids = [...buffers.keys()] as BufferId[];
  const reads = ids.slice(0, kernel.reads.length);
  const writes = ids.slice(kernel.reads.length);
  return {
    name,
    sizes: kernel.sizes,
    buffers,
    kernels: [kernel],
    prepare: [],
    dispatches: [{ kernel: 0, reads, writes, location: kernel.location, scope: "" }],
    inputs: reads,
    weights: [],
    outputs: writes,
    indexChecks: [],
    arenaBytes: size(0),
  };
}

/** All modules, to be checked at once. */
const emitted: Record<string, string> = {};

/** Checks, after the tests of a file, all modules that they emitted. */
export function checkEmitted(): void {
  afterAll(() => expect(strictDiagnostics(emitted)).toEqual([]), 120_000);
}

/** The outputs of the emitted kernel. */
export async function run(kernel: Kernel, inputs: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>> {
  const { typescript, javascript } = emitTypeScript({ name: "hand", plans: [planOf(kernel)] });
  emitted[`hand${Object.keys(emitted).length}.ts`] = typescript;
  const model = await (await importText(javascript)).load();
  const given = Object.fromEntries(Object.entries(inputs).map(([name, tensor]) => [name, toTensor(tensor)]));
  const outputs = await model.run!(given);
  return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, fromTensor(tensor)]));
}

/** Runs the kernel here and on the interpreter, which must agree. */
export async function compare(
  kernel: Kernel,
  inputs: Readonly<Record<string, Tensor>>,
  tolerance = 0,
  precision: "f32" | "f64" = "f32",
): Promise<void> {
  const expected = interpretPlan(planOf(kernel), {
    inputs: new Map(Object.entries(inputs)),
    weights: () => expect.fail("no weights"),
    precision,
  });
  expect(difference(await run(kernel, inputs), expected, tolerance)).toBeNull();
}

export function text(kernel: Kernel): string {
  const { parameters, lines } = printKernel(kernel);
  return [`(${parameters.map((each) => `${each.name}: ${each.type}`).join(", ")})`, ...lines].join("\n");
}

export function floats(...values: readonly number[]): Tensor {
  return tensorOf("f32", [values.length], values.map(Math.fround));
}
export function integers(...values: readonly number[]): Tensor {
  return tensorOf("i32", [values.length], values);
}

/** One element of the result for each of some inputs. */
export function elementwise(
  inputs: Readonly<Record<string, KernelElement>>,
  result: KernelElement,
  body: (...values: readonly Expression[]) => Expression,
): Kernel {
  const reads = Object.entries(inputs).map(([name, element]) => global(name, element, n));
  const y = global("y", result, n);
  return kernelOf(
    "map",
    reads,
    [y],
    [N],
    [loop("i", n, (i) => [set(y, [i], body(...reads.map((each) => get(each, i))))])],
  );
}
