/**
 * share: computes a factor of what a buffer is updated with once for all lanes that use it, each lane a part of it.
 *
 *   for ry in 0..8 lane.y: for cx in 0..16 lane.x          alloc tile: f32[16, 65] workgroup
 *     for jo in 0..K                                       for ry …: for cx …: for jo in 0..K
 *       for ji in 0..16: for rm in 0..8: for cn in 0..4  →   for f in 0..8: tile[e % 16, e // 16] = x[… e // 16, … e % 16],
 *         sum[rm, cn] += x[8*ry + rm, 16*jo + ji] * …            where e is 128*f + 16*ry + cx
 *                                                            for ji …: sum[rm, cn] += tile[ji, 8*ry + rm] * …
 *
 * An axis of the new buffer is a group of loops, lanes or loops inside of the given one, whose variables make one index:
 * ry and rm make 8*ry + rm. Lanes fill the buffer side by side along its last axis, or `across` along its first, and
 * `width` neighbours each at a time. The last axis is `pad` elements longer, so that elements of one column lie in different banks of memory.
 *
 * Needs: one update of the buffer by a product under the loop, under no condition; a factor made of what nothing under the
 * loop stores, which depends on no lane or inner loop outside of the groups; constant extents. Guarantees: what is computed
 * is what was, once barriers stand between what lanes write and what others read (legalise/barriers.ts).
 */
import {
  allStatements,
  Buffer,
  binary,
  distinctExpressions,
  index,
  type Kernel,
  load,
  type Statement,
} from "../../ir/kernel/index.js";
import { add, constantOf, floorDiv, mod, mul, type Size, type SizeVariable, size } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { loopNamed, requireFree } from "../loops.js";
import { type Loop, loopOver, Rewriter, withStatementParts } from "../rewrite.js";
import type { Step } from "../step.js";
import { axesOf, factorOf } from "./factors.js";

/** A loop, and how far it goes. */
interface Extent {
  readonly variable: SizeVariable;
  readonly extent: number;
}

export function share(kernel: Kernel, step: Extract<Step, { step: "share" }>): Kernel {
  const loop = loopNamed(kernel, step.loop, "share");
  requireFree(kernel, step.names, "share");
  if (step.names.length !== (step.width > 1 ? 2 : 1)) {
    throw new ScheduleError("share", `${step.names.length} names are given to fill ${step.into}`);
  }
  const lanes = lanesAround(kernel.body, loop).map(extentOf);
  if (lanes.length === 0) throw new ScheduleError("share", `${step.loop} stands in no lanes`);
  const { factor, loops } = factorOf(kernel, loop, step);
  if ([...distinctExpressions([factor])].some((each) => each.kind === "load" && each.buffer.scope !== "global")) {
    throw new ScheduleError("share", `a factor of ${step.buffer} reads what is not the same for all lanes`);
  }
  const offered = [...lanes, ...loops.map(extentOf)];
  const groups = step.axes.map((names) =>
    names.map((name) => offered.find(({ variable }) => variable.name === name) ?? unknown(name, step.loop)),
  );
  const grouped = new Set(groups.flat().map(({ variable }) => variable));
  const [missing] = axesOf(factor, [...lanesAround(kernel.body, loop), ...loops]).filter(
    ({ variable }) => !grouped.has(variable),
  );
  if (missing) throw new ScheduleError("share", `the factor of ${step.buffer} depends on ${missing.variable.name} too`);
  const counts = groups.map((group) => group.reduce((product, { extent }) => product * extent, 1));
  const shape = counts.map((count, axis) => size(axis === counts.length - 1 ? count + step.pad : count));
  const buffer = new Buffer(step.into, factor.element, shape, "workgroup");

  const { width } = step;
  if (width > 1 && (step.across || counts.at(-1)! % width !== 0)) {
    throw new ScheduleError("share", `${step.into} is not filled by ${width} neighbours at a time`);
  }
  const pieces = counts.with(-1, counts.at(-1)! / width);
  const total = pieces.reduce((product, count) => product * count, 1);
  const side = lanes.reduce((product, { extent }) => product * extent, 1);
  const write = (place: readonly Size[]): Statement => {
    const rewriter = new Rewriter();
    for (const [axis, group] of groups.entries()) {
      const parts = taken(
        place[axis]!,
        group.map(({ extent }) => extent),
        false,
      );
      for (const [i, { variable }] of group.entries()) rewriter.variable(variable, parts[i]!);
    }
    return { kind: "store", buffer, index: place.map(index), value: rewriter.expression(factor), update: null };
  };
  const fill = loopOver(step.names[0]!, size(Math.ceil(total / side)), "serial", (at) => {
    const piece = add(mul(at, side), joined(lanes));
    const place = taken(piece, pieces, step.across);
    const last = place.at(-1)!;
    const body =
      width === 1
        ? write(place)
        : loopOver(step.names[1]!, size(width), "vector", (one) => [write(place.with(-1, add(mul(last, width), one)))]);
    if (total % side === 0) return [body];
    return [{ kind: "if", condition: binary("lt", index(piece), index(total)), body: [body] }];
  });
  const read = load(
    buffer,
    groups.map((group) => index(joined(group))),
  );
  const body = withStatementParts(loop.body, (part) => (part === factor ? read : null));
  const visit = (statements: readonly Statement[]): readonly Statement[] =>
    statements.flatMap((each): readonly Statement[] => {
      if (each === loop) return [{ ...loop, body: [fill, ...body] }];
      if (each.kind === "if") return [{ ...each, body: visit(each.body) }];
      if (each.kind !== "for") return [each];
      const inner = { ...each, body: visit(each.body) };
      // All lanes have it: it stands before the outermost of them.
      return each.variable === lanes[0]!.variable ? [{ kind: "alloc", buffer }, inner] : [inner];
    });
  return { ...kernel, body: visit(kernel.body) };
}

function unknown(name: string, loop: string): never {
  throw new ScheduleError("share", `${name} is neither a lane around ${loop} nor a loop in it`);
}

function extentOf({ variable, extent }: Loop): Extent {
  const count = constantOf(extent);
  if (count === null) throw new ScheduleError("share", `the extent of ${variable.name} is not constant`);
  return { variable, extent: count };
}

/** The lane loops around a loop, outermost first. */
function lanesAround(body: readonly Statement[], loop: Loop): readonly Loop[] {
  for (const each of body) {
    if (each.kind !== "for" && each.kind !== "if") continue;
    if (each !== loop && !allStatements(each.body).includes(loop)) continue;
    if (each === loop) return [];
    const inner = lanesAround(each.body, loop);
    return each.kind === "for" && each.loop.startsWith("lane.") ? [each, ...inner] : inner;
  }
  return [];
}

/** One index for the iterations of nested loops. */
function joined(group: readonly Extent[]): Size {
  return group.reduce((at, { variable, extent }) => add(mul(at, extent), size(variable)), size(0));
}

/** An index taken apart along axes; the last runs fastest, or `across` the first. */
function taken(at: Size, counts: readonly number[], across: boolean): readonly Size[] {
  const order = across ? counts.map((_, axis) => axis) : counts.map((_, axis) => counts.length - 1 - axis);
  const parts: Size[] = [];
  let rest = at;
  for (const [place, axis] of order.entries()) {
    // What is left is within the last axis of the order.
    parts[axis] = place === order.length - 1 ? rest : mod(rest, size(counts[axis]!));
    rest = floorDiv(rest, counts[axis]!);
  }
  return parts;
}
