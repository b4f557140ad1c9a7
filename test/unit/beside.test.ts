/** Kernels that do not depend on each other, run as one. */
import { describe, expect, it } from "vitest";
import { interpret } from "../../src/interpreter/graph.js";
import { interpretKernel, Memory } from "../../src/interpreter/kernel.js";
import { interpretPlan } from "../../src/interpreter/kernel-plan.js";
import type { ValueId } from "../../src/ir/graph/index.js";
import {
  assertKernel,
  Buffer,
  binary,
  cast,
  index,
  type Kernel,
  load,
  type Statement,
} from "../../src/ir/kernel/index.js";
import type { BufferId } from "../../src/ir/plan/plan.js";
import { type Call, type LoweredBuffer, type LoweredGraph, lowerGraph } from "../../src/lower/index.js";
import { checkPlan, planGraph } from "../../src/memory/index.js";
import { optimizeGraph, passes } from "../../src/passes/index.js";
import { scheduledForWgsl, scheduleGraph, sideBySide, wgslPolicy } from "../../src/schedule/index.js";
import { loopsIn } from "../../src/schedule/loops.js";
import { loopOver } from "../../src/schedule/rewrite.js";
import { inWorkgroups } from "../../src/schedule/workgroups.js";
import { constantOf, type Size, size } from "../../src/sizes/index.js";
import { variantPlans } from "../backends/wgsl-support.js";
import { program } from "../support/program.js";
import { Random } from "../support/random.js";
import { randomTensor } from "../support/random-graph-run.js";

/** The names of a program's kernels with and without those that are run as one, and whether all give the same. */
function run(body: string, mostArguments = 8) {
  const text = `model M() {
  param w: [70, 40]
  param v: [70, 40]
  entry forward(x: [B <= 4, 70], z: [B, 70]) -> (${[...body.matchAll(/let (\w+)/g)].map(([, name], at) => `${name}: [B, ${body.split("let ")[at + 1]!.includes("@") ? 40 : 70}]`).join(", ")}) {
    ${body}
    (${[...body.matchAll(/let (\w+)/g)].map(([, name]) => name).join(", ")})
  }
}
`;
  const used = text
    .split("\n")
    .filter((line) => !/^ {2}param/.test(line) || body.includes(`@ ${line.trim().split(/[ :]/)[1]}`))
    .join("\n");
  const graph = program(used).program.entries[0]!;
  const lowered = lowerGraph(optimizeGraph(graph, passes).graph);
  const apart = scheduleGraph(lowered, (kernel) => scheduledForWgsl(kernel, wgslPolicy));
  const together = sideBySide(apart, mostArguments);
  for (const { kernel } of together.calls) assertKernel(kernel, "beside");
  const random = new Random(5);
  const inputs = new Map(["x", "z"].map((name) => [name, randomTensor(random, "f32", [3, 70])]));
  const weight = randomTensor(random, "f32", [70, 40]);
  const options = { inputs, weights: () => weight, sizes: { B: 3 }, precision: "f32" } as const;
  const expected = interpret(graph, options).outputs;
  const plan = planGraph(together, { inPlace: false });
  expect(checkPlan(plan, () => 3)).toEqual([]);
  for (const each of variantPlans(plan).values()) {
    const found = interpretPlan(each, options);
    for (const [name, { data }] of Object.entries(expected)) {
      for (const [at, value] of data.entries()) expect(found[name]!.data[at]).toBeCloseTo(Number(value), 4);
    }
  }
  return [apart, together].map(({ calls }) => calls.map(({ kernel }) => kernel.name));
}

describe("kernels side by side", () => {
  it("are norms of different rows, as of queries and keys", () => {
    const [apart, together] = run("let a = x / sqrt(mean(x * x) + 1e-5)\n    let b = z / sqrt(mean(z * z) + 1e-5)");
    expect([apart!.length, together!.length]).toEqual([2, 1]);
  });

  it("are products of one row", () => {
    const [apart, together] = run("let a = x @ w\n    let b = tanh(x @ v)");
    expect([apart!.length, together!.length]).toEqual([2, 1]);
  });

  it("do not read what another of them writes, at any distance", () => {
    const chain = "let a = x / sqrt(mean(x * x) + 1e-5)\n    let b = a / sqrt(mean(a * x) + 1.5)";
    const [, together] = run(chain);
    expect(together!.length).toBe(2);
    const [, more] = run(`${chain}\n    let c = b + mean(b * z)`);
    expect(more!.length).toBe(3);
  });

  it("have no more buffers than are bound", () => {
    const body = "let a = x @ w\n    let b = tanh(x @ v)";
    expect([4, 5].map((most) => run(body, most)[1]!.length)).toEqual([2, 1]);
  });

  it("are rows that lanes share and what each lane does alone, in either order", () => {
    const norm = "x / sqrt(mean(x * x) + 1e-5)";
    const [, together] = run(`let a = ${norm}\n    let b = tanh(z)`);
    expect(together!.length).toBe(1);
    const [, reversed] = run(`let a = tanh(z)\n    let b = ${norm}`);
    expect(reversed!.length).toBe(1);
  });

  it.each([[[3]], [[64, 2]], [[5, 3, 2]], [[2, 130]], [[2, 128]], [[7, 1]]])(
    "come into workgroups of as many lanes: %j",
    (shape) => {
      const extents = shape.map((each) => size(each));
      const out = new Buffer("out", "f32", extents, "global");
      const from = (axis: number, at: readonly Size[]): Statement =>
        axis < shape.length
          ? loopOver(`i${axis}`, size(shape[axis]!), "parallel", (here) => [from(axis + 1, [...at, here])])
          : { kind: "store", buffer: out, index: at.map(index), value: cast(index(at.at(-1)!), "f32"), update: null };
      const kernel: Kernel = {
        name: "numbers",
        reads: [],
        writes: [out],
        sizes: [],
        body: [from(0, [])],
        location: null,
      };
      const body = inWorkgroups(kernel, 64)!;
      const made = { ...kernel, body };
      assertKernel(made, "workgroups");
      const lanes = loopsIn(body).filter(({ loop }) => loop === "lane.x");
      expect(lanes.reduce((product, { extent }) => product * constantOf(extent)!, 1)).toBeLessThanOrEqual(64);
      expect(loopsIn(body)[0]!.loop).toBe("grid.x");
      const count = shape.reduce<number>((product, each) => product * each, 1);
      const found = new Memory("f32", shape, false);
      interpretKernel(made, { sizeOf: () => 0, memories: new Map([[out, found]]), precision: "f32" });
      expect([...found.written].every((each) => each === 1)).toBe(true);
      expect([...found.data]).toEqual(Array.from({ length: count }, (_, at) => at % shape.at(-1)!));
    },
  );

  it("count each part of an argument that not every device binds as a whole", () => {
    const wide = new Buffer("wide", "f32", [size(3), size(2 ** 25)], "global", { constant: true });
    const call = (reads: readonly Buffer[], id: number): Call => {
      const out = new Buffer("out", "f32", [size(2)], "global");
      const sum = reads
        .map((each) => load(each, [index(size(0)), index(size(0))]))
        .reduce((a, b) => binary("add", a, b));
      const body = [
        loopOver("i", size(2), "parallel", (at) => [
          { kind: "store", buffer: out, index: [index(at)], value: sum, update: null },
        ]),
      ];
      const kernel: Kernel = { name: "numbers", reads, writes: [out], sizes: [], body, location: null };
      return { kernel, reads: [0 as BufferId], writes: [id as BufferId], location: null, scope: "" };
    };
    const buffers = [wide.shape, [size(2)], [size(2)]].map((shape, at): LoweredBuffer => {
      return { name: `b${at}`, element: "f32", shape, home: { kind: "temporary" }, value: 0 as ValueId };
    });
    const rest = { prepare: [], inputs: [], weights: [], outputs: [], indexChecks: [] };
    const lowered: LoweredGraph = {
      name: "two",
      sizes: [],
      buffers,
      calls: [call([wide], 1), call([wide], 2)],
      ...rest,
    };
    expect([4, 5].map((most) => sideBySide(lowered, most).calls.length)).toEqual([2, 1]);
  });
});
