/** Naive kernels for tests of schedules, as lowering writes them, and how to run them. */
import { interpretKernel, Memory } from "../../src/interpreter/kernel.js";
import type { Tensor } from "../../src/interpreter/tensor.js";
import {
  Buffer,
  binary,
  constant,
  type Expression,
  index,
  type Kernel,
  load,
  mentionedSizes,
  type Statement,
} from "../../src/ir/kernel/index.js";
import { evaluate, type Size, SizeVariable, size, sub } from "../../src/sizes/index.js";
import { Random } from "./random.js";
import { randomTensor } from "./random-graph-run.js";

export function loop(name: string, extent: Size, body: (at: Size) => readonly Statement[]): Statement {
  const variable = new SizeVariable(name, 0, sub(extent, 1));
  return { kind: "for", variable, extent, loop: "serial", body: body(size(variable)) };
}

export function store(
  buffer: Buffer,
  at: readonly Size[],
  value: Expression,
  update: "add" | "max" | null = null,
): Statement {
  return { kind: "store", buffer, index: at.map((each) => index(each)), value, update };
}

export function at(buffer: Buffer, ...place: readonly Size[]): Expression {
  return load(
    buffer,
    place.map((each) => index(each)),
  );
}

export function kernelOf(
  name: string,
  reads: readonly Buffer[],
  writes: readonly Buffer[],
  body: readonly Statement[],
): Kernel {
  return { name, reads, writes, body, sizes: mentionedSizes(body, [...reads, ...writes]), location: null };
}

export interface ProductOptions {
  /** Whether the weights lie as [N, K]. */
  readonly transposed?: boolean;
  /** Whether a bias is added, and what is negative made 0, at the store. */
  readonly epilogue?: boolean;
  /** Whether the result is multiplied by the product with other weights. */
  readonly gated?: boolean;
}

/** y[m, n] = sum of x[m, k] * w[k, n]. Axes of one element have no loop. */
export function product(M: Size, N: Size, K: Size, { transposed, epilogue, gated }: ProductOptions = {}): Kernel {
  const x = new Buffer("x", "f32", [M, K], "global");
  const w = new Buffer("w", "f32", transposed ? [N, K] : [K, N], "global");
  const v = new Buffer("v", "f32", w.shape, "global");
  const bias = new Buffer("bias", "f32", [N], "global");
  const y = new Buffer("y", "f32", [M, N], "global");
  const sum = new Buffer("sum", "f32", [], "private");
  const gate = new Buffer("gate", "f32", [], "private");
  const around = (name: string, extent: Size, body: (at: Size) => readonly Statement[]): readonly Statement[] =>
    extent === size(1) ? body(size(0)) : [loop(name, extent, body)];
  const body = around("i", M, (i) =>
    around("j", N, (j) => {
      const value = load(sum, []);
      const activated = epilogue ? binary("max", binary("add", value, at(bias, j)), constant(0, "f32")) : value;
      const add = (name: string, scalar: Buffer, weights: Buffer): readonly Statement[] => [
        { kind: "alloc", buffer: scalar },
        store(scalar, [], constant(0, "f32")),
        ...around(name, K, (k) => [
          store(scalar, [], binary("mul", at(x, i, k), transposed ? at(weights, j, k) : at(weights, k, j)), "add"),
        ]),
      ];
      return [
        ...add("k", sum, w),
        ...(gated ? add("k2", gate, v) : []),
        store(y, [i, j], gated ? binary("mul", activated, load(gate, [])) : activated),
      ];
    }),
  );
  return kernelOf("product", [x, w, ...(epilogue ? [bias] : []), ...(gated ? [v] : [])], [y], body);
}

/** As a product, of rows that are first divided by the sum of their squares. */
export function scaledProduct(M: Size, N: Size, K: Size): Kernel {
  const x = new Buffer("x", "f32", [M, K], "global");
  const w = new Buffer("w", "f32", [K, N], "global");
  const y = new Buffer("y", "f32", [M, N], "global");
  const sum = new Buffer("sum", "f32", [], "private");
  const squares = new Buffer("squares", "f32", [], "private");
  const start = (scalar: Buffer): readonly Statement[] => [
    { kind: "alloc", buffer: scalar },
    store(scalar, [], constant(0, "f32")),
  ];
  const body = [
    loop("i", M, (i) => [
      ...start(squares),
      loop("l", K, (l) => [store(squares, [], binary("mul", at(x, i, l), at(x, i, l)), "add")]),
      loop("j", N, (j) => [
        ...start(sum),
        loop("k", K, (k) => [store(sum, [], binary("mul", at(x, i, k), at(w, k, j)), "add")]),
        store(y, [i, j], binary("div", load(sum, []), load(squares, []))),
      ]),
    ]),
  ];
  return kernelOf("scaled", [x, w], [y], body);
}

/** The arguments of a kernel for some sizes: random numbers to read. */
export function randomArguments(
  kernel: Kernel,
  sizeOf: (variable: SizeVariable) => number,
  seed: number,
): ReadonlyMap<Buffer, Tensor> {
  const random = new Random(seed);
  const shapeOf = (buffer: Buffer): number[] => buffer.shape.map((each) => evaluate(each, sizeOf));
  return new Map(kernel.reads.map((buffer) => [buffer, randomTensor(random, buffer.element, shapeOf(buffer))]));
}

/** What a kernel writes, in f64. @throws KernelError where it does something that it must not do. */
export function resultOf(
  kernel: Kernel,
  sizeOf: (variable: SizeVariable) => number,
  given: ReadonlyMap<Buffer, Tensor>,
): readonly number[] {
  const memories = new Map([...given].map(([buffer, tensor]) => [buffer, Memory.of(tensor, true)]));
  for (const buffer of kernel.writes) {
    const shape = buffer.shape.map((each) => evaluate(each, sizeOf));
    memories.set(buffer, new Memory(buffer.element, shape, true));
  }
  interpretKernel(kernel, { sizeOf, memories, precision: "f64" });
  return kernel.writes.flatMap((buffer) => [...memories.get(buffer)!.tensor().data]);
}
