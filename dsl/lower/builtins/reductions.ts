/** Reductions over an axis, and what else works along one. */
import type { ReductionOperator } from "../../../src/ir/graph/index.js";
import { describe, tensor } from "../../check/values.js";
import { fail } from "../context.js";
import { dropAxis } from "../operators.js";
import { axisOption, type Builtin, keepOption, signature, tensorArgument } from "./builtin.js";

const numeric = ["f32", "f16", "i32"];
const floats = ["f32", "f16"];

function reduction(
  name: ReductionOperator,
  wanted: readonly string[],
  gives: string,
  documentation: string,
  example: string,
): Builtin {
  return {
    signature: `${name}(x: ${wanted[0] === "bool" ? "bool" : ""}[...], axis: int = -1, keep: bool = true) -> ${gives}[...]`,
    documentation: `${documentation} Over the last axis unless \`axis\` is named; the axis stays with size 1 unless \`keep = false\`.`,
    example,
    topic: "Reductions",
    run: (ctx, call) => {
      const given = signature(call, ["x"], ["axis", "keep"]);
      const x = tensorArgument(call, given.get("x")!);
      if (!wanted.includes(x.type.element))
        fail("E0307", `${name} takes ${wanted.join(" or ")}, not ${describe(x)}`, {
          help: [wanted[0] === "bool" ? "compare first, as in x != 0" : "convert with f32(…)"],
        });
      const axis = axisOption(ctx, call, x, given);
      const reduced = ctx.emit(name, [x], { axis });
      return tensor(keepOption(call, given) ? reduced : dropAxis(ctx, reduced, axis));
    },
  };
}

function along(name: "softmax" | "cumsum", wanted: readonly string[], documentation: string, example: string): Builtin {
  return {
    signature: `${name}(x: [...], axis: int = -1) -> [...]`,
    documentation: `${documentation} Along the last axis unless \`axis\` is named.`,
    example,
    topic: "Reductions",
    run: (ctx, call) => {
      const given = signature(call, ["x"], ["axis"]);
      const x = tensorArgument(call, given.get("x")!);
      if (!wanted.includes(x.type.element))
        fail("E0307", `${name} takes ${wanted.join(" or ")}, not ${describe(x)}`, { help: ["convert with f32(…)"] });
      return tensor(ctx.emit(name, [x], { axis: axisOption(ctx, call, x, given) }));
    },
  };
}

export const reductions: Readonly<Record<string, Builtin>> = {
  sum: reduction("sum", numeric, "", "The sum.", "# weight: [B, T, A]\nweight / sum(weight)"),
  mean: reduction("mean", floats, "", "The mean.", "# x: [B, T, D]\nmean(x, axis = 1, keep = false)"),
  max: reduction("max", numeric, "", "The largest.", "# x: [B, T]\nexp(x - max(x))"),
  min: reduction("min", numeric, "", "The smallest.", "# x: [B, T]\nmin(x, keep = false)"),
  any: reduction("any", ["bool"], "bool", "Whether any is true.", "# mask: bool[T, S]\nany(mask, keep = false)"),
  all: reduction("all", ["bool"], "bool", "Whether all are true.", "# keep: i32[B, T]\nall(keep != 0)"),
  argmax: reduction(
    "argmax",
    numeric,
    "i32",
    "The index of the largest, the lowest among equals.",
    "# logits: [B, T, V]\nargmax(logits, keep = false)",
  ),
  softmax: along(
    "softmax",
    floats,
    "exp(x) / sum(exp(x)), computed so that nothing overflows; a row of -inf alone gives zeros.",
    "# q: [B, H, T, K], k: [B, H, S, K]\nsoftmax(q @ k.T / sqrt(K))",
  ),
  cumsum: along(
    "cumsum",
    numeric,
    "The running sum, each element included.",
    "# keep: i32[B, T]\n(cumsum(keep) - 1) * keep",
  ),
};
