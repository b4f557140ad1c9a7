/** Sums of products over named axes, and reading by computed indices. */
import { constantOf, isAtMost, render, type Size, size, sub } from "../../../src/sizes/index.js";
import { describe, type TensorValue, tensor, typeText, type Value, type Wire } from "../../check/values.js";
import { type Context, fail } from "../context.js";
import { settled } from "../indexing.js";
import { aligned, broadcastShapes, together } from "../operators.js";
import { parsePattern } from "../patterns.js";
import { knownWhole } from "../statics.js";
import { type Builtin, type BuiltinCall, signature, stringArgument, tensorArgument } from "./builtin.js";

const einsum: Builtin = {
  signature: 'einsum("b h t k, b h s k -> b h t s", q, k) -> [...]',
  documentation:
    "Multiplies tensors along named axes, and sums over the names that the result does not have. `...` stands for leading axes, which broadcast.",
  example: '# q: [B, H, T, K], k: [B, H, S, K]\neinsum("b h t k, b h s k -> b h t s", q, k)',
  topic: "Products",
  run: (ctx, call) => {
    const [first, ...rest] = call.positional;
    if (!first || rest.length === 0) fail("E0404", "einsum takes a pattern and at least one tensor");
    if (call.named.size) signature({ ...call, positional: [] }, []);
    const { inputs, output } = parsePattern(stringArgument(call, first, "the pattern"), "einsum", first.span);
    const xs = rest.map((g) => tensorArgument(call, g));
    if (inputs.length !== xs.length)
      fail("E0311", `einsum: the pattern names ${inputs.length} tensors; ${xs.length} are given`, { at: first.span });
    for (const side of [...inputs, output])
      for (const t of side)
        if (typeof t !== "string" || t === "1")
          fail("E0311", "einsum: a pattern holds names and ...", {
            at: first.span,
            help: ["rearrange makes and splits axes"],
          });
    return contraction(ctx, inputs as string[][], output as string[], together(ctx, xs, "einsum").wires, xs, call);
  },
};

function contraction(
  ctx: Context,
  inputs: readonly string[][],
  output: readonly string[],
  wires: readonly Wire[],
  xs: readonly TensorValue[],
  call: BuiltinCall,
): Value {
  const at = call.positional[0]!.span;
  const leads: (readonly Size[])[] = [];
  const spread = inputs.map((names, i) => {
    const x = xs[i]!;
    const rank = x.type.shape.length;
    const free = rank - names.filter((n) => n !== "...").length;
    if (free < 0 || (free > 0 && !names.includes("...")))
      fail(
        "E0311",
        `einsum: "${names.join(" ")}" stands for ${describe(x)}, which has ${rank} ${rank === 1 ? "axis" : "axes"}`,
        { at },
      );
    const place = names.indexOf("...");
    if (place >= 0) leads.push(x.type.shape.slice(place, place + free));
    // The axes of `...` are numbered from the right, so that they broadcast as in NumPy.
    return names.flatMap((n) => (n === "..." ? Array.from({ length: free }, (_, j) => `.${free - 1 - j}`) : [n]));
  });
  const lead = broadcastShapes(ctx, leads, "einsum: the axes of ...");
  const result = output.flatMap((n) => (n === "..." ? lead.map((_, j) => `.${lead.length - 1 - j}`) : [n]));
  const sizes = new Map<string, Size>(lead.map((n, j) => [`.${lead.length - 1 - j}`, n]));
  spread.forEach((names, i) => {
    names.forEach((n, axis) => {
      const s = xs[i]!.type.shape[axis]!;
      const before = sizes.get(n);
      if (n.startsWith(".")) return;
      if (before === undefined) sizes.set(n, s);
      else if (!ctx.agrees(before, s))
        fail("E0311", `einsum: ${n} is ${render(before)} and ${render(s)}`, {
          at,
          notes: xs.map((x, j) => `"${inputs[j]!.join(" ")}" is ${typeText(x.type)}`),
          help: ctx.unproven(before, s),
        });
    });
  });
  const unbound = result.find((n) => !sizes.has(n));
  if (unbound) fail("E0311", `einsum: ${unbound} is not on the left`, { at });
  const summed = [...sizes.keys()].find((n) => n.startsWith(".") && !result.includes(n));
  if (summed) fail("E0311", "einsum: ... stands on the left and not on the right", { at });
  const labels = [...sizes.keys()];
  const numbers = (names: readonly string[]) => names.map((n) => labels.indexOf(n));
  const ready = ctx.abstract
    ? wires.map((w, i) => {
        const shape = w.type.shape.map((s, axis) => (constantOf(s) === 1 ? s : sizes.get(spread[i]![axis]!)!));
        return aligned(ctx, [w], shape)[0]!;
      })
    : wires;
  return tensor(ctx.emit("einsum", ready, { inputs: spread.map(numbers), output: numbers(result) }));
}

const gather: Builtin = {
  signature: "gather(x: [..., N], i: i32[..., M]) -> [..., M]",
  documentation:
    "The elements of x at the indices i along the last axis; the other axes broadcast. Indices are clamped to the axis.",
  example: "# scores: [B, E], chosen: i32[B, 2]\ngather(scores, chosen)",
  topic: "Search",
  run: (ctx, call) => {
    const given = signature(call, ["x", "i"]);
    const [x, i] = [tensorArgument(call, given.get("x")!), tensorArgument(call, given.get("i")!)];
    if (i.type.element !== "i32")
      fail("E0308", `gather: the indices are i32, not ${i.type.element}`, { at: given.get("i")!.span });
    if (!x.type.shape.length || !i.type.shape.length) fail("E0318", `gather needs an axis on either side`);
    return tensor(gathered(ctx, x, i));
  },
};

function gathered(ctx: Context, x: Wire, i: Wire): Wire {
  const lead = broadcastShapes(
    ctx,
    [x.type.shape.slice(0, -1), i.type.shape.slice(0, -1)],
    "gather (all axes but the last)",
  );
  const space = [...lead, i.type.shape.at(-1)!];
  const offset = lead.length - (x.type.shape.length - 1);
  const indices = x.type.shape.slice(0, -1).map((n, axis) => {
    if (constantOf(n) === 1) return ctx.emit("constant", [], { value: 0, element: "i32" });
    const place = axis + offset;
    return ctx.emit("iota", [], { axis: place, shape: space.map((s, j) => (j === place ? s : size(1))) });
  });
  const last = ctx.emit("broadcast", [aligned(ctx, [i], space)[0]!], { shape: space });
  return ctx.emit("element", [x, ...indices, last], {});
}

const topk: Builtin = {
  signature: "topk(x: [..., N], k: int) -> ([..., k], i32[..., k])",
  documentation:
    "The k largest along the last axis, descending, the lower index first among equals: their values and their indices.",
  example: "# scores: [B, T, E]\nlet (weight, expert) = topk(scores, 2)",
  topic: "Search",
  run: (ctx, call) => {
    const given = signature(call, ["x", "k"]);
    const x = tensorArgument(call, given.get("x")!);
    if (x.type.element === "bool") fail("E0307", `topk takes numbers, not ${describe(x)}`);
    if (!x.type.shape.length) fail("E0318", "topk needs an axis");
    const k = knownWhole(ctx, given.get("k")!.value, "topk: k");
    if (k === null) return { kind: "unknown" };
    const n = x.type.shape.at(-1)!;
    if (k < 0 || (!ctx.abstract && !isAtMost(k, n)))
      fail("E0312", `topk: ${k} of an axis of ${render(n)}`, {
        at: given.get("k")!.span,
        help: constantOf(n) === null ? settled(sub(n, k)) : [],
      });
    const indices = ctx.emit("topk", [x], { k });
    return { kind: "tuple", items: [tensor(gathered(ctx, x, indices)), tensor(indices)] };
  },
};

export const products: Readonly<Record<string, Builtin>> = { einsum, gather, topk };
