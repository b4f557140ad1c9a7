/**
 * Recognises contractions by what a kernel does, whatever it is called: loops around one or more scalars that each sum
 * products of two factors, and statements that make of them what is stored. So products with a bias, an activation or a
 * residual added at the store are contractions too, and so is a product of two of them, as in gated layers.
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

/** A scalar's sum of products. */
export interface Sum {
  /** The loops that are summed over, outermost first. */
  readonly reduction: readonly Loop[];
  readonly factors: readonly [Expression, Expression];
}

export interface Contraction {
  /** The perfectly nested loops around the sums, outermost first. */
  readonly nest: readonly Loop[];
  /** At least one. */
  readonly sums: readonly Sum[];
}

/** The contractions in a kernel, in their order. A kernel may do other things before, after and around them. */
export function contractionsOf(kernel: Pick<Kernel, "body">): readonly Contraction[] {
  return contractionsIn(kernel.body);
}

/** The product that is all that a kernel does, if it is one. */
export function onlyContraction(kernel: Kernel): Contraction | null {
  const [contraction, ...others] = contractionsOf(kernel);
  const isAll = others.length === 0 && kernel.body.length === 1 && kernel.body[0] === contraction?.nest[0];
  return isAll ? contraction! : null;
}

function contractionsIn(body: readonly Statement[]): readonly Contraction[] {
  return body.flatMap((statement): readonly Contraction[] => {
    if (statement.kind !== "for" || statement.loop !== "serial") return [];
    const nest = perfectNest(statement);
    const block = nest.at(-1)!.body;
    const sums = sumsOf(block);
    return sums === null ? contractionsIn(block) : [{ nest, sums }];
  });
}

/** A loop and those that are each all that the one around them holds. */
export function perfectNest(outermost: Loop): readonly Loop[] {
  const nest = [outermost];
  for (;;) {
    const [only, ...others] = nest.at(-1)!.body;
    if (only?.kind !== "for" || only.loop !== "serial" || others.length > 0) return nest;
    nest.push(only);
  }
}

/** The sums of a block whose loops are all sums; null if there is another loop or a condition, or no loop. */
function sumsOf(block: readonly Statement[]): readonly Sum[] | null {
  const scalars = new Set<Buffer>();
  for (const each of block) if (each.kind === "alloc" && each.buffer.shape.length === 0) scalars.add(each.buffer);
  const sums: Sum[] = [];
  for (const statement of block) {
    if (statement.kind === "alloc" || statement.kind === "store") continue;
    const sum = statement.kind === "for" && statement.loop === "serial" ? sumOf(statement, scalars) : null;
    if (sum === null) return null;
    sums.push(sum);
  }
  return sums.length > 0 ? sums : null;
}

/** The product that is all that a loop adds up. */
function sumOf(loop: Loop, scalars: ReadonlySet<Buffer>): Sum | null {
  const reduction = perfectNest(loop);
  const [only, ...others] = reduction.at(-1)!.body;
  if (only?.kind !== "store" || others.length > 0 || only.update !== "add") return null;
  if (!scalars.has(only.buffer) || only.buffer.element !== "f32") return null;
  const value = only.value.kind === "cast" ? only.value.operand : only.value;
  if (value.kind !== "binary" || value.operator !== "mul") return null;
  return { reduction, factors: [value.left, value.right] };
}

/** The loop variables and sizes that an expression depends on. */
export function dependenciesOf(expression: Expression): ReadonlySet<SizeVariable> {
  const found = new Set<SizeVariable>();
  for (const each of distinctExpressions([expression])) {
    if (each.kind === "index") for (const variable of variablesOf(each.value)) found.add(variable);
  }
  return found;
}
