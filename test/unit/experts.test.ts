/** Mixtures of experts read the matrices of the chosen experts where they are: no plan holds them for every token. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { nodeFiles } from "../../src/driver/node-files.js";
import { Compilation } from "../../src/driver/pipeline.js";
import type { Plan, PlanBuffer } from "../../src/ir/plan/index.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { constantOf, evaluate, type Size } from "../../src/sizes/index.js";

const folder = fileURLToPath(new URL("../fixtures/families/", import.meta.url));
const files = nodeFiles();

function plansOf(family: string): readonly Plan[] {
  const checkpoint = Checkpoint.open(files, join(folder, family, "checkpoint"));
  return new Compilation({ files, path: join(folder, family, `${family}.trafo`), checkpoint }).get("plan");
}

/** The sizes of the matrices of experts: the last two axes of weights of three axes or more, whatever their order. */
function matricesOf({ buffers, weights }: Plan): ReadonlySet<string> {
  return new Set(weights.flatMap((id) => matrixOf(buffers[id]!.shape)));
}

function matrixOf(shape: readonly Size[]): string[] {
  const sizes = shape.slice(-2).map((each) => constantOf(each));
  return shape.length < 3 || sizes.includes(null) ? [] : [[...sizes].sort().join(" by ")];
}

const elements = ({ shape }: PlanBuffer, T: number): number =>
  shape.reduce((product, extent) => product * evaluate(extent, ({ name }) => (name === "T" ? T : 1)), 1);

describe.each(["mixtral", "gpt_oss", "deepseek_v2", "deepseek_v3", "qwen3_moe"])("%s", (family) => {
  const plans = plansOf(family);

  test("keeps no matrix for each token", () => {
    for (const plan of plans) {
      const matrices = matricesOf(plan);
      expect(matrices.size).toBeGreaterThan(0);
      const [least] = [...matrices]
        .map((each) => each.split(" by ").reduce((a, b) => a * Number(b), 1))
        .sort((a, b) => a - b);
      for (const buffer of plan.buffers) {
        const { kind } = buffer.place;
        if (kind === "weight" || kind === "prepared") continue;
        expect(
          matrixOf(buffer.shape).filter((each) => matrices.has(each)),
          buffer.name,
        ).toEqual([]);
        // Nor in another shape: a token more takes less memory than a matrix, but for what all tokens share.
        if (kind === "arena") expect(elements(buffer, 2) - elements(buffer, 1), buffer.name).toBeLessThan(least! * 2);
      }
    }
  });

  test("tiles the products with the chosen matrices", () => {
    const chosen = plans.flatMap(({ kernels }) =>
      kernels.filter(({ name, reads }) => name.startsWith("einsum") && reads.some(({ element }) => element === "i32")),
    );
    expect(chosen.length).toBeGreaterThanOrEqual(2);
    for (const kernel of chosen) expect(kernel.schedule ?? "", kernel.name).toContain("sink");
  });
});

/** As many experts as published models have, of which so few are chosen that steps choose fewer than there are. */
describe("a step of one position", () => {
  const many: Readonly<Record<string, Readonly<Record<string, number>>>> = {
    mixtral: { num_local_experts: 64 },
    qwen3_moe: { num_experts: 128, num_local_experts: 128 },
    gpt_oss: { num_local_experts: 128 },
    deepseek_v3: { n_routed_experts: 64 },
  };
  test.each(Object.keys(many))("reads the chosen matrices of many experts where they are: %s", (family) => {
    const { config } = Checkpoint.open(files, join(folder, family, "checkpoint"));
    const value = { ...config!.value, ...many[family] };
    const path = join(folder, family, `${family}.trafo`);
    for (const target of ["typescript", "wgsl"] as const) {
      const compilation = new Compilation({ files, path, config: { value, path }, target });
      compilation.get("plan");
      const [{ step, last, one }] = compilation.decoded as readonly [(typeof compilation.decoded)[number]];
      for (const plan of [step, last, ...(one === null ? [] : [one.plan, one.apart])]) {
        const matrices = matricesOf(plan);
        expect(matrices.size).toBeGreaterThan(0);
        for (const { name, shape, place } of plan.buffers) {
          if (place.kind !== "arena") continue;
          expect(
            matrixOf(shape).filter((each) => matrices.has(each)),
            name,
          ).toEqual([]);
        }
      }
    }
  });
});
