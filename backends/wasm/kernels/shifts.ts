/**
 * Where a kernel begins to read or write its arguments: as many elements behind their first as all of its accesses are.
 *
 * A call gives the address there, so that kernels that read other parts of a buffer, as the keys of each layer are of what
 * one product gives for all, are one kernel.
 */
import {
  allExpressions,
  allStatements,
  type Buffer,
  type Expression,
  type Kernel,
} from "../../../src/ir/kernel/index.js";
import { add, mul, type Size, size } from "../../../src/sizes/index.js";
import { elementBytes } from "./elements.js";

/** The elements that each argument is shifted by, what is read before what is written. */
export function shiftsOf({ reads, writes, body }: Pick<Kernel, "reads" | "writes" | "body">): readonly number[] {
  const least = new Map<Buffer, number>();
  const access = (buffer: Buffer, index: readonly Expression[]): void => {
    const first = constantTerm(linearIndex(buffer, index).linear);
    least.set(buffer, Math.min(first, least.get(buffer) ?? first));
  };
  for (const each of allExpressions(body)) if (each.kind === "load") access(each.buffer, each.index);
  for (const each of allStatements(body)) if (each.kind === "store") access(each.buffer, each.index);
  // Of what is narrower several elements are read as one.
  return [...reads, ...writes].map((each) => (elementBytes(each) === 4 ? Math.max(least.get(each) ?? 0, 0) : 0));
}

/** Where an element lies behind the first: as a size, and the indices that come from data with what each is times. */
export function linearIndex(
  buffer: Buffer,
  index: readonly Expression[],
): { readonly linear: Size; readonly data: readonly (readonly [Expression, Size])[] } {
  let linear = size(0);
  let stride = size(1);
  const data: [Expression, Size][] = [];
  for (const [axis, each] of [...index.entries()].reverse()) {
    if (each.kind === "index") linear = add(linear, mul(each.value, stride));
    else data.push([each, stride]);
    stride = mul(stride, buffer.shape[axis]!);
  }
  return { linear, data };
}

/** The term of a size that nothing changes. */
export function constantTerm({ terms }: Size): number {
  return terms.find(({ monomial }) => monomial.factors.length === 0)?.coefficient ?? 0;
}
