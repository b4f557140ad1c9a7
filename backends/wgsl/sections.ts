/**
 * How a kernel's outermost loops become invocations of a shader.
 *
 * Loops marked `parallel` are spread over invocations, one for each iteration of their nest; loops of a grid over
 * workgroups, and the lanes in them over the invocations of each. Several nests one after another are sections: those of
 * a grid follow each other in the numbers of workgroups, parallel ones share invocations. Whoever marks several nests
 * has proven that none depends on another. Everything else is run by one invocation, in its order.
 */
import { InternalError } from "../../src/diagnostics/index.js";
import { allStatements, type Kernel, type Statement } from "../../src/ir/kernel/index.js";
import { add, constantOf, floorDiv, maximum, mul, type Size, type SizeVariable, size } from "../../src/sizes/index.js";
import { type Code, primary, times } from "../common/code.js";
import { type SizeDialect, sizeCode } from "../common/sizes.js";
import { quotient, remainder } from "./expressions.js";

export type Loop = Extract<Statement, { kind: "for" }>;

/** A nest of loops that are not run one after another, and what is in the innermost. */
export interface Nest {
  /** Outermost first. */
  readonly loops: readonly Loop[];
  readonly body: readonly Statement[];
  /** The product of the extents. */
  readonly count: Size;
}

export interface Sections {
  readonly kind: "parallel" | "grid" | "single";
  readonly nests: readonly Nest[];
  /** The invocations of a workgroup. */
  readonly lanes: number;
  /** How many workgroups are needed. */
  readonly workgroups: Size;
}

/** Invocations of a workgroup where a kernel does not say how many it wants. */
const plainLanes = 64;

export function isLane({ loop }: Loop): boolean {
  return loop.startsWith("lane.");
}

export function isGrid({ loop }: Loop): boolean {
  return loop.startsWith("grid.");
}

/** The loops of a kind that are each all that the one around them holds. */
export function nestOf(outermost: Loop, belongs: (loop: Loop) => boolean): Nest {
  const loops = [outermost];
  for (;;) {
    const { body } = loops.at(-1)!;
    const [only, ...others] = body;
    if (only?.kind !== "for" || others.length > 0 || !belongs(only)) {
      return { loops, body, count: loops.reduce((count, { extent }) => mul(count, extent), size(1)) };
    }
    loops.push(only);
  }
}

export function sectionsOf(kernel: Kernel): Sections {
  const nests = (belongs: (loop: Loop) => boolean): readonly Nest[] | null => {
    const found = kernel.body.map((each) => (each.kind === "for" && belongs(each) ? nestOf(each, belongs) : null));
    return found.length === 0 || found.includes(null) ? null : found.filter((each) => each !== null);
  };
  const parallel = nests(({ loop }) => loop === "parallel");
  if (parallel !== null) {
    const total = parallel.map(({ count }) => count).reduce(maximum);
    const workgroups = floorDiv(add(total, plainLanes - 1), plainLanes);
    return { kind: "parallel", nests: parallel, lanes: plainLanes, workgroups };
  }
  const grid = nests(isGrid);
  if (grid !== null) {
    const workgroups = grid.map(({ count }) => count).reduce(add);
    return { kind: "grid", nests: grid, lanes: Math.max(1, ...grid.map(({ body }) => lanesIn(body))), workgroups };
  }
  return {
    kind: "single",
    nests: [{ loops: [], body: kernel.body, count: size(1) }],
    lanes: lanesIn(kernel.body),
    workgroups: size(1),
  };
}

/** The most lanes that any nest of lanes in a body has. */
function lanesIn(body: readonly Statement[]): number {
  let most = 1;
  for (const each of allStatements(body)) {
    if (each.kind === "for" && isLane(each)) most = Math.max(most, laneCount(nestOf(each, isLane)));
  }
  return most;
}

export function laneCount({ count, loops }: Nest): number {
  const lanes = constantOf(count);
  if (lanes === null) throw new InternalError(`the number of lanes of ${loops[0]!.variable.name} is not constant`);
  return lanes;
}

/** The variables of nested loops, from the number of an iteration of all of them. */
export function iterationOf(
  loops: readonly Loop[],
  number: Code,
  sizes: SizeDialect,
): readonly { readonly variable: SizeVariable; readonly code: Code }[] {
  const several = loops.filter(({ extent }) => constantOf(extent) !== 1);
  return loops.map(({ variable, extent }) => {
    let code = primary("0");
    if (constantOf(extent) !== 1) {
      const at = several.findIndex((each) => each.variable === variable);
      const inner = several
        .slice(at + 1)
        .reduce((count, each) => times(count, sizeCode(each.extent, sizes)), primary("1"));
      code = inner.text === "1" ? number : quotient(number, inner);
      if (at > 0) code = remainder(code, sizeCode(extent, sizes));
    }
    return { variable, code };
  });
}
