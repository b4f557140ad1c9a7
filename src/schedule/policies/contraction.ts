/**
 * Recognises contractions by what a kernel does, whatever it is called: loops around a scalar that sums products of two
 * factors, and statements that make of it what is stored. So products with a bias, an activation or a residual added at
 * the store are contractions too.
 */
import {
  type Buffer,
  distinctExpressions,
  type Expression,
  type Kernel,
  type Statement,
} from "../../ir/kernel/index.js";
import { type SizeVariable, variablesOf } from "../../sizes/index.js";
import type { Loop } from "../rewrite.js";

export interface Contraction {
  /** The perfectly nested loops around the sum, outermost first. */
  readonly nest: readonly Loop[];
  /** The loops that are summed over, outermost first. */
  readonly reduction: readonly Loop[];
  readonly factors: readonly [Expression, Expression];
}

/** What the kernel contracts, or null if it does something else. */
export function contractionOf(kernel: Kernel): Contraction | null {
  const nest: Loop[] = [];
  let block = kernel.body;
  for (let only = soleLoop(block); only !== null; only = soleLoop(block)) {
    nest.push(only);
    block = only.body;
  }
  const loops = block.filter((each) => each.kind === "for");
  const isPlain = block.every((each) => each.kind === "for" || each.kind === "alloc" || each.kind === "store");
  if (!isPlain || loops.length !== 1) return null;
  const reduction = [loops[0]!];
  for (;;) {
    const { body } = reduction.at(-1)!;
    const only = soleLoop(body);
    if (only === null) {
      const factors = factorsOf(body, new Set(block.flatMap((each) => (each.kind === "alloc" ? [each.buffer] : []))));
      return factors === null ? null : { nest, reduction, factors };
    }
    reduction.push(only);
  }
}

function soleLoop(body: readonly Statement[]): Loop | null {
  const [only] = body;
  return body.length === 1 && only?.kind === "for" && only.loop === "serial" ? only : null;
}

/** The factors of the product that the only statement adds to a scalar of the block around. */
function factorsOf(body: readonly Statement[], scalars: ReadonlySet<Buffer>): readonly [Expression, Expression] | null {
  const [only] = body;
  if (body.length !== 1 || only?.kind !== "store" || only.update !== "add") return null;
  if (!scalars.has(only.buffer) || only.buffer.shape.length > 0 || only.buffer.element !== "f32") return null;
  const value = only.value.kind === "cast" ? only.value.operand : only.value;
  if (value.kind !== "binary" || value.operator !== "mul") return null;
  return [value.left, value.right];
}

/** The loop variables and sizes that an expression depends on. */
export function dependenciesOf(expression: Expression): ReadonlySet<SizeVariable> {
  const found = new Set<SizeVariable>();
  for (const each of distinctExpressions([expression])) {
    if (each.kind === "index") for (const variable of variablesOf(each.value)) found.add(variable);
  }
  return found;
}
