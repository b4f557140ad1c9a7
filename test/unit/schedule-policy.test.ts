/** What the policy of the TypeScript target makes of the kernels of programs, by their text. */
import { describe, expect, test } from "vitest";
import { type Kernel, kernelKey, printKernel, verifyKernel } from "../../src/ir/kernel/index.js";
import { type LoweredGraph, lowerGraph } from "../../src/lower/index.js";
import { planGraph } from "../../src/memory/index.js";
import { optimizeGraph, passes } from "../../src/passes/index.js";
import { graphScheduler, scheduledForTypeScript, scheduleGraph, typeScriptPolicy } from "../../src/schedule/index.js";
import { size } from "../../src/sizes/index.js";
import { product, randomArguments, resultOf, scaledProduct } from "../support/naive-kernels.js";
import { program } from "../support/program.js";

const eager = { ...typeScriptPolicy, leastWork: 0 };

function kernelsOf(text: string): Kernel[] {
  const lowered = program(text).program.entries.map((graph) => lowerGraph(graph));
  return lowered.flatMap(({ calls }) => calls.map(({ kernel }) => kernel));
}

/** The schedule of the only contraction of an entry; undefined if it stays naive. */
function scheduleOf(signature: string, body: string, policy = eager): string | undefined {
  const kernels = kernelsOf(`model M() {\n  entry e${signature} { ${body} }\n}\n`);
  const made = kernels.map((kernel) => scheduledForTypeScript(kernel, policy));
  for (const kernel of made) expect(verifyKernel(kernel), printKernel(kernel)).toEqual([]);
  return made.find((_, i) => kernels[i]!.name === "einsum")!.schedule;
}

describe("contractions", () => {
  test("have the panel of columns outside and the rows of all batches inside", () => {
    expect(scheduleOf("(x: [B, T, 8], w: [8, 12]) -> (y: [B, T, 12])", "x @ w")).toBe(
      "reorder i b t; split i 4 exact into io ii; reorder b t ii; split t 3 peel into to ti tr copies ii2 j2; " +
        "sink ii into j; sink ti into j; mark ti unroll; mark ii unroll; sink ii2 into j2; mark ii2 unroll",
    );
  });

  test("keep what both factors depend on outside", () => {
    const scores = scheduleOf(
      "(q: [H, T, 8], k: [H, S, 8]) -> (y: [H, T, S])",
      'einsum("h t d, h s d -> h t s", q, k)',
    );
    expect(scores).toMatch(/^reorder s t; split s 4 peel/);
  });

  test("are tiled where views are read, with quotients taken out of the loop", () => {
    const merged = scheduleOf(
      "(x: [B, 4, T, 16], w: [64, 12]) -> (y: [B, T, 12])",
      'rearrange(x, "b h t k -> b t (h k)") @ w',
    );
    expect(merged).toMatch(/^split j 16 exact into jo ji; /);
    expect(merged).toContain("into jo ji; sink ti into jo ji");
  });

  test("of one row have a tile of one row", () => {
    expect(scheduleOf("(x: [8], w: [8, 12]) -> (y: [12])", 'einsum("k, k n -> n", x, w)')).toBe(
      "split i 4 exact into io ii; sink ii into j; mark ii unroll",
    );
  });

  test("are known by what they do, not by their names", () => {
    const fused = { ...product(size(6), size(8), size(5), { epilogue: true }), name: "linear" };
    const made = scheduledForTypeScript(fused, eager);
    expect(made.schedule).toBe(
      "reorder j i; split j 4 exact into jo ji; reorder i ji; split i 3 exact into io ii; sink ji into k; " +
        "sink ii into k; mark ii unroll; mark ji unroll",
    );
    expect(verifyKernel(made)).toEqual([]);
  });
});

test("a contraction is tiled within what else a kernel does", () => {
  // Rows are scaled before they meet the weights, as by a norm.
  const kernel = scaledProduct(size(5), size(9), size(6));
  const made = scheduledForTypeScript(kernel, eager);
  expect(verifyKernel(made)).toEqual([]);
  expect(made.schedule).toBe(
    "split j 4 peel into jo ji jr copies k2; sink ji into k; mark ji unroll; sink jr into k2; mark jr unroll",
  );
  const sizeOf = () => 0;
  const given = randomArguments(kernel, sizeOf, 3);
  expect(resultOf(made, sizeOf, given)).toEqual(resultOf(kernel, sizeOf, given));
});

describe("what stays as it is", () => {
  test("sums of one factor, products without a sum, dot products, rows", () => {
    const text = (signature: string, body: string) => `model M() {\n  entry e${signature} { ${body} }\n}\n`;
    for (const each of [
      text("(x: [T, 8]) -> (y: [T])", "sum(x, keep = false)"),
      text("(x: [T, 8], w: [T, 8]) -> (y: [T, 8])", "x * w"),
      text("(x: [T, 8], w: [T, 8]) -> (y: [T])", 'einsum("t d, t d -> t", x, w)'),
    ]) {
      for (const kernel of kernelsOf(each)) expect(scheduledForTypeScript(kernel, eager)).toBe(kernel);
    }
  });

  test("small products", () => {
    const small = product(size(4), size(4), size(4));
    expect(scheduledForTypeScript(small, typeScriptPolicy)).toBe(small);
    expect(scheduledForTypeScript(small, eager).schedule).toBeDefined();
  });
});

test("equal kernels are scheduled once and stay shared", () => {
  const text = `model M() {
  param a: [8, 8]
  param b: [8, 8]
  entry e(x: [T, 8]) -> (y: [T, 8]) { (x @ a) @ b }
}
`;
  const lowered = lowerGraph(program(text).program.entries[0]!);
  let count = 0;
  const scheduled = scheduleGraph(lowered, (kernel) => {
    count++;
    return scheduledForTypeScript(kernel, eager);
  });
  expect(count).toBe(1);
  expect(scheduled.calls.map(({ reads }) => reads)).toEqual(lowered.calls.map(({ reads }) => reads));
  expect(planGraph(scheduled).kernels).toHaveLength(1);
  expect(new Set(scheduled.calls.map(({ kernel }) => kernelKey(kernel))).size).toBe(1);
});

describe("kernels that are equal up to the names of sizes", () => {
  const text = (bound: string) => `model M() {
  param a: [8, 8]
  entry whole(x: [B, T <= 64, 8]) -> (y: [B, T, 8]) { softmax(x @ a) }
  entry part(x: [C, N <= ${bound}, 8]) -> (y: [C, N, 8]) { softmax(x @ a) }
}
`;
  const scheduledApart = (bound: string) => {
    const lowered = program(text(bound)).program.entries.map((graph) => lowerGraph(graph));
    let count = 0;
    const schedule = (kernel: Kernel): Kernel => {
      count++;
      return scheduledForTypeScript(kernel, eager);
    };
    const together = lowered.map(graphScheduler(schedule));
    const distinct = count;
    return { distinct, together, apart: lowered.map((each) => scheduleGraph(each, schedule)) };
  };

  test("are scheduled once, each over its own sizes", () => {
    const { distinct, together, apart } = scheduledApart("64");
    expect(distinct).toBe(together[0]!.calls.length);
    for (const [at, { calls }] of together.entries()) {
      for (const { kernel } of calls) expect(verifyKernel(kernel), printKernel(kernel)).toEqual([]);
      const keys = (graph: LoweredGraph) => graph.calls.map(({ kernel }) => kernelKey(kernel));
      expect(keys({ ...apart[at]!, calls })).toEqual(keys(apart[at]!));
      expect(calls.map(({ kernel }) => kernel.schedule)).toEqual(
        together[0]!.calls.map(({ kernel }) => kernel.schedule),
      );
    }
    const [own] = together[1]!.calls;
    expect(own!.kernel.sizes.map(({ name }) => name)).toEqual(["C", "N"]);
  });

  test("are scheduled apart where a size may be larger", () => {
    const { distinct, together } = scheduledApart("65");
    expect(distinct).toBe(2 * together[0]!.calls.length);
  });
});

test("a softmax computes its elements and their exponentials once", () => {
  const text = "model M() {\n  entry e(x: [T, 8]) -> (y: [T, 8]) { softmax(x * 2 + 1) }\n}\n";
  const { graph } = optimizeGraph(program(text).program.entries[0]!, passes);
  const [call, ...others] = lowerGraph(graph).calls;
  expect(others).toEqual([]);
  const made = scheduledForTypeScript(call!.kernel, typeScriptPolicy);
  expect(verifyKernel(made)).toEqual([]);
  expect(made.schedule).toBe("materialise largest j row into j2; materialise total k share into k2");
  expect(printKernel(made).match(/exp\(/g)).toHaveLength(1);
  expect(printKernel(made).match(/\bx\[/g)).toHaveLength(1);
});
