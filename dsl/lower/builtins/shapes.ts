/** Joining, cutting and rearranging tensors. */
import {
  add,
  compare,
  constantOf,
  exactDivide,
  floorDiv,
  mul,
  rangeOf,
  render,
  type Size,
  size,
} from "../../../src/sizes/index.js";
import {
  describe,
  type Given,
  shapeText,
  type TensorValue,
  tensor,
  type Value,
  type Wire,
} from "../../check/values.js";
import { type Context, fail } from "../context.js";
import { aligned, axisOf, broadcastShapes, slice, together } from "../operators.js";
import { parsePattern, type Term } from "../patterns.js";
import { countOf, knownWhole, sizeOf } from "../statics.js";
import { axisOption, type Builtin, type BuiltinCall, signature, stringArgument, tensorArgument } from "./builtin.js";

function product(sizes: readonly Size[]): Size {
  return sizes.reduce((a, b) => mul(a, b), size(1));
}

/** The tensors of concat and stack, of one element type; the only option is `axis`. */
function tensors(ctx: Context, call: BuiltinCall): Wire[] {
  if (call.positional.length === 0) fail("E0404", `${call.name} takes at least one tensor`);
  signature({ ...call, positional: [] }, [], ["axis"]);
  const all = call.positional.map((g) => tensorArgument(call, g));
  return together(ctx, all, call.name).wires;
}

const concat: Builtin = {
  signature: "concat(a: [..., N], b: [..., M], …, axis: int = -1) -> [..., N + M]",
  documentation: "Joins tensors along the last axis unless `axis` is named. Their other axes broadcast.",
  example: "# cls: [1, 1, D], x: [B, T, D]\nconcat(cls, x, axis = 1)",
  topic: "Shapes",
  run: (ctx, call) => {
    const wires = tensors(ctx, call);
    const rank = Math.max(...wires.map((w) => w.type.shape.length));
    const widest = wires.find((w) => w.type.shape.length === rank)!;
    const g = call.named.get("axis");
    const axis = axisOf(widest, g ? (knownWhole(ctx, g.value, "concat: axis") ?? -1) : -1, "concat");
    const padded = wires.map((w) => [...Array<Size>(rank - w.type.shape.length).fill(size(1)), ...w.type.shape]);
    const rest = broadcastShapes(
      ctx,
      padded.map((s) => s.map((n, i) => (i === axis ? size(1) : n))),
      "concat (all axes but the one that is joined)",
    );
    const ready = wires.map((w, i) => {
      const shape = rest.map((n, j) => (j === axis ? padded[i]![j]! : n));
      const [fits] = aligned(ctx, [w], shape);
      return ctx.emit("broadcast", [fits!], { shape });
    });
    return tensor(ctx.emit("concat", ready, { axis }));
  },
};

const stack: Builtin = {
  signature: "stack(a: [...], b: [...], …) -> [2, ...]",
  documentation: "Puts tensors of one shape one after another along a new axis 0.",
  example: '# a: [B, T, D], b: [B, T, D]\nrearrange(stack(a, b), "c b t d -> b t (d c)")',
  topic: "Shapes",
  run: (ctx, call) => {
    if (call.named.size) signature({ ...call, positional: [] }, []);
    const wires = tensors(ctx, call);
    const shape = wires[0]!.type.shape;
    const odd = wires.find((w) => !ctx.sameShape(w.type.shape, shape));
    if (odd) fail("E0312", `stack: the shapes ${shapeText(shape)} and ${shapeText(odd.type.shape)} differ`);
    const rows = aligned(ctx, wires, shape).map((w) => ctx.emit("reshape", [w], { shape: [size(1), ...shape] }));
    return tensor(ctx.emit("concat", rows, { axis: 0 }));
  },
};

const split: Builtin = {
  signature: "split(x: [..., N], parts: int | int[], axis: int = -1) -> ([..., N / parts], …)",
  documentation:
    "Cuts the last axis (or `axis`) into that many equal parts, or into parts of the sizes in a list. Gives a tuple.",
  example: "# x: [B, T, 3 * D], y: [B, T, D + 2 * K]\nlet (q, k, v) = split(x, 3)\nlet (a, b, c) = split(y, [D, K, K])",
  topic: "Shapes",
  run: (ctx, call) => {
    const given = signature(call, ["x", "parts"], ["axis"]);
    const x = tensorArgument(call, given.get("x")!);
    const axis = axisOption(ctx, call, x, given);
    const n = x.type.shape[axis]!;
    const parts = partSizes(ctx, given.get("parts")!, n);
    if (parts === null) return { kind: "unknown" };
    let at = size(0);
    const items: Value[] = [];
    for (const length of parts) {
      items.push(tensor(slice(ctx, x, axis, at, length), x.fill));
      at = add(at, length);
    }
    return { kind: "tuple", items };
  },
};

function partSizes(ctx: Context, g: Given, n: Size): Size[] | null {
  if (g.value.kind === "list") {
    const sizes = g.value.items.map((v, i) => sizeOf(v, `part ${i} of split`));
    if (sizes.some((s) => s === null)) return null;
    const negative = sizes.find((s) => (constantOf(s!) ?? 0) < 0);
    if (negative) fail("E0312", `split: a part of ${render(negative)}`, { at: g.span });
    const total = (sizes as Size[]).reduce((a, b) => add(a, b), size(0));
    if (!ctx.agrees(total, n))
      fail(
        "E0312",
        `split: the parts ${sizes.map((s) => render(s!)).join(" + ")} make ${render(total)}; the axis has ${render(n)}`,
        { at: g.span, help: ctx.unproven(total, n) },
      );
    return sizes as Size[];
  }
  const count = countOf(ctx, g.value, "the number of parts of split");
  if (count === null) return null;
  const each = count > 0 ? (exactDivide(n, size(count)) ?? (ctx.abstract ? floorDiv(n, count) : null)) : null;
  if (!each)
    fail("E0312", `split: an axis of ${render(n)} has no ${count} equal parts`, {
      at: g.span,
      help: [...ctx.undivided(n, size(count)), "a list gives the size of each part"],
    });
  return Array.from({ length: count }, () => each);
}

const rearrange: Builtin = {
  signature: 'rearrange(x: [...], "b t (h k) -> b h t k", h = heads) -> [...]',
  documentation:
    "Names the axes of x and gives them another order. `(a b)` is one axis made of two, the first of them slower; on the left the sizes of all of them but one are given by name. `1` makes or drops an axis of size 1, `...` stands for any number of axes.",
  example: '# heads: int, x: [B, T, D]\nrearrange(x, "b t (h k) -> b h t k", h = heads)',
  topic: "Shapes",
  run: (ctx, call) => {
    const [first, second, ...more] = call.positional;
    if (!first || !second || more.length)
      fail("E0405", "rearrange takes a tensor and a pattern; sizes are given by name");
    const x = tensorArgument(call, first);
    const { inputs, output } = parsePattern(stringArgument(call, second, "the pattern"), "rearrange", second.span);
    if (inputs.length !== 1) fail("E0311", "rearrange: the pattern names one tensor", { at: second.span });
    return rearranged(ctx, x, inputs[0]!, output, call, second);
  },
};

function rearranged(
  ctx: Context,
  x: TensorValue,
  left: readonly Term[],
  right: readonly Term[],
  call: BuiltinCall,
  pattern: Given,
): Value {
  const at = pattern.span;
  const shape = x.type.shape;
  const free = shape.length - left.filter((t) => t !== "...").length;
  if (free < 0 || (free > 0 && !left.includes("...")))
    fail(
      "E0311",
      `rearrange: the pattern names ${left.length} ${left.length === 1 ? "axis" : "axes"}; ${describe(x)} has ${shape.length}`,
      { at },
    );
  const spread = (side: readonly Term[]): string[][] =>
    side.flatMap((t) =>
      t === "..." ? Array.from({ length: free }, (_, i) => [`.${i}`]) : [typeof t === "string" ? [t] : [...t]],
    );
  const [from, to] = [spread(left), spread(right)];
  const sizes = new Map<string, Size>();
  for (const [name, g] of call.named) {
    if (!from.flat().includes(name))
      fail("E0311", `rearrange: the pattern has no ${name} on its left`, { at: g.name.span });
    const s = sizeOf(g.value, `rearrange: ${name}`);
    if (s === null) return { kind: "unknown" };
    if (rangeOf(s).max < 0) fail("E0417", `rearrange: ${name} is ${render(s)}`, { at: g.name.span });
    sizes.set(name, s);
  }
  from.forEach((group, i) => {
    axisSizes(ctx, group, shape[i]!, sizes, at);
  });
  const names = (side: readonly string[][]) => side.flat().filter((n) => n !== "1");
  const [before, after] = [names(from), names(to)];
  const odd = [...before.filter((n) => !after.includes(n)), ...after.filter((n) => !before.includes(n))];
  if (odd.length)
    fail("E0311", `rearrange: ${odd.map((n) => (n.startsWith(".") ? "..." : n)).join(", ")} stands on one side only`, {
      at,
    });
  const sizeOfName = (n: string): Size => (n === "1" ? size(1) : sizes.get(n)!);
  const cut = ctx.emit("reshape", [x], { shape: before.map(sizeOfName) });
  const moved = ctx.emit("transpose", [cut], { permutation: after.map((n) => before.indexOf(n)) });
  return tensor(ctx.emit("reshape", [moved], { shape: to.map((group) => product(group.map(sizeOfName))) }), x.fill);
}

/** Finds the sizes of the names that make up one axis: all but one are given. */
function axisSizes(ctx: Context, group: readonly string[], n: Size, sizes: Map<string, Size>, at: Given["span"]): void {
  const open = group.filter((name) => name !== "1" && !sizes.has(name));
  const given = group.filter((name) => sizes.has(name));
  const known = product(given.map((name) => sizes.get(name)!));
  const told = given.map((name) => `${name} = ${render(sizes.get(name)!)}`).join(", ");
  if (open.length > 1)
    fail("E0311", `rearrange: give the size of ${open.slice(0, -1).join(", ")} or ${open.at(-1)}`, {
      at,
      help: [`rearrange(x, "…", ${open[0]} = …)`],
    });
  if (open.length === 0) {
    if (!ctx.agrees(known, n))
      fail("E0311", `rearrange: an axis of ${render(n)} is not ${given.length ? told : "of size 1"}`, {
        at,
        help: ctx.unproven(known, n),
      });
    return;
  }
  const rest =
    exactDivide(n, known) ?? (ctx.abstract && compare(known, size(0)) !== "equal" ? floorDiv(n, known) : null);
  if (!rest)
    fail("E0311", `rearrange: an axis of ${render(n)} does not divide into ${told}`, {
      at,
      notes:
        constantOf(n) !== null && constantOf(known)
          ? [`${render(n)} / ${render(known)} = ${constantOf(n)! / constantOf(known)!}`, ...ctx.origins(n, known)]
          : [],
      help: ctx.undivided(n, known),
    });
  sizes.set(open[0]!, rest);
}

export const shapes: Readonly<Record<string, Builtin>> = { concat, stack, split, rearrange };
