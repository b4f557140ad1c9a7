/** What is computed once, at load: which values, by which plan, checked, interpreted and in a module. */
import { describe, expect, test } from "vitest";
import { emitTypeScript } from "../../backends/typescript/index.js";
import { interpret } from "../../src/interpreter/graph.js";
import { interpretPlan } from "../../src/interpreter/kernel-plan.js";
import { type Tensor, tensorOf } from "../../src/interpreter/tensor.js";
import { type Graph, GraphBuilder, scalar, type ValueId } from "../../src/ir/graph/index.js";
import { assertKernel, type Kernel, type Layout } from "../../src/ir/kernel/index.js";
import { type BufferId, type Plan, printPlan } from "../../src/ir/plan/index.js";
import { type LoweredGraph, lowerGraph } from "../../src/lower/index.js";
import { checkPlan, planGraph, planGraphs } from "../../src/memory/index.js";
import { optimizeGraph, passes } from "../../src/passes/index.js";
import { applyStep, packingKernel, ScheduleError, scheduleGraph } from "../../src/schedule/index.js";
import { SizeVariable, size } from "../../src/sizes/index.js";
import { importText, strictDiagnostics } from "../backends/typescript-support.js";
import { Random } from "../support/random.js";
import { randomTensor } from "../support/random-graph-run.js";

const T = new SizeVariable("T", 0, 64);

const weightShapes: Readonly<Record<string, readonly number[]>> = {
  down: [6, 2],
  up: [2, 70],
  table: [70, 6],
  large: [12000, 6],
  bias: [70],
};
const weights = new Map(
  Object.entries(weightShapes).map(([name, shape], i) => [name, randomTensor(new Random(i), "f32", shape)]),
);
const weightOf = (name: string): Tensor => weights.get(name)!;

function builder(): {
  g: GraphBuilder;
  weight: (name: string) => ValueId;
  product: (x: ValueId, w: ValueId) => ValueId;
} {
  const g = new GraphBuilder("forward", [T]);
  return {
    g,
    weight: (name) =>
      g.emit("weight", [], { name, element: "f32", shape: weightShapes[name]!.map((n) => size(n)), sources: [[name]] }),
    product: (x, w) =>
      g.emit("einsum", [x, w], {
        inputs: [
          [0, 1],
          [1, 2],
        ],
        output: [0, 2],
      }),
  };
}

/** x @ (down @ up) + 2 * bias, with a matrix that is made of two weights. */
function adapted(name = "forward"): Graph {
  const { g, weight, product } = builder();
  const x = g.emit("input", [], { name: "x", element: "f32", shape: [size(T), size(6)], fill: null });
  const matrix = product(weight("down"), weight("up"));
  const bias = g.emit("mul", [weight("bias"), scalar(g, 2, "f32")], {});
  const y = g.emit("add", [product(x, matrix), bias], {});
  return { ...g.finish([{ name: "y", value: y }]), name };
}

/** The logits of tokens, by the table that embeds them. */
function tied(table = "table"): Graph {
  const { g, weight } = builder();
  const ids = g.emit("input", [], { name: "ids", element: "i32", shape: [size(T)], fill: null });
  const x = g.emit("take", [weight(table), ids], { axis: 0 });
  const y = g.emit("einsum", [x, weight(table)], {
    inputs: [
      [0, 1],
      [2, 1],
    ],
    output: [0, 2],
  });
  return g.finish([{ name: "y", value: y }]);
}

const fused = (graph: Graph): LoweredGraph => lowerGraph(optimizeGraph(graph, passes, { verify: true }).graph);
const sizesOf = (): number => 3;
const given = new Map([
  ["x", randomTensor(new Random(9), "f32", [3, 6])],
  ["ids", tensorOf("i32", [3], [69, 0, 41])],
]);

/** The inputs of a graph. */
function inputsOf({ nodes }: Graph): Map<string, Tensor> {
  const names = new Set(nodes.flatMap(({ operator, attributes }) => (operator === "input" ? [attributes.name] : [])));
  return new Map([...given].filter(([name]) => names.has(name)));
}

/** Runs a plan and compares it with its graph. */
function expectSame(graph: Graph, plan: Plan): void {
  expect(checkPlan(plan, sizesOf)).toEqual([]);
  for (const kernel of plan.kernels) assertKernel(kernel);
  const run = { inputs: inputsOf(graph), weights: weightOf, precision: "f64" } as const;
  const expected = interpret(graph, run).outputs.y!;
  const actual = interpretPlan(plan, run).y!;
  expect(actual.shape).toEqual(expected.shape);
  for (const [i, value] of expected.data.entries()) expect(actual.data[i]).toBeCloseTo(value, 5);
}

const panels: Layout = [
  { axis: 0, part: "outer", factor: 16 },
  { axis: 1, part: "all", factor: 1 },
  { axis: 0, part: "inner", factor: 16 },
];

/** Packs the table where a product reads it. */
function packed(kernel: Kernel): Kernel {
  if (kernel.name !== "matmul") return kernel;
  return applyStep(kernel, { step: "packWeight", buffer: kernel.reads[1]!.name, layout: panels });
}

describe("what is made of weights alone", () => {
  test("is computed by dispatches of its own, in memory of its own", () => {
    const plan = planGraph(fused(adapted()));
    expect(printPlan(plan, { kernels: false })).toBe(`plan forward
  sizes    T: 0..64
  input    x %0: f32[T, 6]
  weight   down %1: f32[6, 2] from "down"
  weight   up %2: f32[2, 70] from "up"
  weight   bias %3: f32[70] from "bias"
  prepared einsum %4: f32[6, 70]
  prepared mul %5: f32[70]
  output   y %6: f32[T, 70]
  bytes    0
  prepare  matmul#0 %1, %2 -> %4
  prepare  mul#1 %3 -> %5
  run      matmul_bias#2 %0, %4, %5 -> %6
`);
    expectSame(adapted(), plan);
  });

  test("is computed in place where it takes more memory than what it is made of", () => {
    const { g, weight } = builder();
    const x = g.emit("input", [], { name: "x", element: "f32", shape: [size(300), size(300), size(70)], fill: null });
    const far = g.emit("broadcast", [weight("bias")], { shape: [size(300), size(300), size(70)] });
    const y = g.emit("mul", [x, g.emit("exp", [far], {})], {});
    const lowered = fused(g.finish([{ name: "y", value: y }]));
    expect(lowered.prepare).toEqual([]);
  });

  test("is shared by the entries of a module", () => {
    const [a, b] = planGraphs([fused(adapted("a")), fused(adapted("b"))]);
    const names = (plan: Plan) => plan.buffers.flatMap(({ place }) => (place.kind === "prepared" ? [place.name] : []));
    expect(names(a!)).toEqual(["einsum", "mul"]);
    expect(names(b!)).toEqual(names(a!));
  });

  test("is not shared where it is another", () => {
    const other = adapted("b");
    const nodes = other.nodes.map((node) =>
      node.operator === "constant" ? { ...node, attributes: { ...node.attributes, value: 3 } } : node,
    );
    const [a, b] = planGraphs([fused(adapted("a")), fused({ ...other, nodes })]);
    expect(printPlan(b!)).toContain("prepared mul %5: f32[70] as mul2");
    expect(printPlan(a!)).not.toContain("mul2");
  });
});

describe("the checker finds in what is prepared", () => {
  const plan = planGraph(fused(adapted()));
  const of = (change: Partial<Plan>): string => checkPlan({ ...plan, ...change }, sizesOf).join("; ");
  const id = (value: number): BufferId => value as BufferId;
  const [first, second] = [plan.prepare[0]!, plan.prepare[1]!];

  test("nothing in a correct plan", () => expect(of({})).toBe(""));
  test("what is not prepared", () =>
    expect(of({ prepare: [second] })).toContain("reads einsum (4) before it is written"));
  test("what a run writes", () => {
    expect(of({ prepare: [], dispatches: [first, second, ...plan.dispatches] })).toContain("which is prepared");
  });
  test("what only a run has", () => {
    expect(of({ prepare: [first, { ...second, reads: [id(0)] }] })).toContain("reads x (0), which only a run has");
    expect(of({ prepare: [first, second, ...plan.dispatches] })).toContain("mentions the size T");
  });
});

describe("packed weights", () => {
  test("are laid out once, and small ones are kept in both layouts", () => {
    const graph = tied();
    const plan = planGraph(scheduleGraph(lowerGraph(graph), packed));
    expect(plan.prepare).toHaveLength(1);
    const held = plan.buffers[plan.prepare[0]!.writes[0]!]!;
    expect(held.shape.map((each) => each.terms[0]?.coefficient)).toEqual([5, 6, 16]);
    expectSame(graph, plan);
    expect(plan.dispatches[0]!.reads).toContain(plan.weights[0]);
  });

  test("are read by all if they are large, as a table that embeds tokens and gives logits", () => {
    const graph = tied("large");
    const plan = planGraph(scheduleGraph(lowerGraph(graph), packed));
    expect(plan.prepare).toHaveLength(1);
    expect(plan.dispatches.flatMap(({ reads }) => reads)).not.toContain(plan.weights[0]);
    expectSame(graph, plan);
  });

  test("in layouts of other axes and factors, with panels that are not full", () => {
    const layouts: Layout[] = [
      [
        { axis: 1, part: "all", factor: 1 },
        { axis: 0, part: "all", factor: 1 },
      ],
      [
        { axis: 1, part: "outer", factor: 4 },
        { axis: 0, part: "outer", factor: 9 },
        { axis: 0, part: "inner", factor: 9 },
        { axis: 1, part: "inner", factor: 4 },
      ],
    ];
    for (const layout of layouts) {
      const graph = tied();
      const pack = (kernel: Kernel) =>
        kernel.name === "matmul" ? applyStep(kernel, { step: "packWeight", buffer: "table", layout }) : kernel;
      expectSame(graph, planGraph(scheduleGraph(lowerGraph(graph), pack)));
      assertKernel(packingKernel({ element: "f32", name: "table" }, [size(70), size(6)], layout));
    }
  });

  test("are refused where they must not be", () => {
    const kernel = lowerGraph(tied()).calls[1]!.kernel;
    const refused = (buffer: string, layout: Layout, from = kernel): string => {
      try {
        applyStep(from, { step: "packWeight", buffer, layout });
        return "";
      } catch (error) {
        if (error instanceof ScheduleError) return error.message;
        throw error;
      }
    };
    expect(refused("nothing", panels)).toBe("packWeight: matmul does not read one nothing; it reads take, table");
    expect(refused("take", panels)).toBe("packWeight: take is not known when the model is loaded");
    expect(refused("table", panels.slice(1))).toContain("axis 0 does not lie there once");
    expect(refused("table", [...panels, { axis: 2, part: "all", factor: 1 }])).toContain("there are only 2 axes");
    expect(refused("table", panels, packed(kernel))).toContain("is packed already");
  });
});

test("a module prepares when the weights have come, and lets go of what only that reads", async () => {
  const plans = planGraphs([fused(adapted("a")), fused(adapted("b"))]);
  const { typescript, javascript } = emitTypeScript({ name: "adapted", plans });
  expect(strictDiagnostics({ "adapted.ts": typescript })).toEqual([]);
  expect(typescript.match(/down: \{.*passing: true \}/)).not.toBeNull();
  const module = await importText(javascript);
  const tensors = Object.fromEntries(
    [...weights].map(([name, { data, shape }]) => [name, { data: Float32Array.from(data), shape }]),
  );
  const x = given.get("x")!;
  const model = await module.load({ weights: tensors });
  const expected = interpret(adapted(), { inputs: inputsOf(adapted()), weights: weightOf, precision: "f64" }).outputs
    .y!;
  for (const entry of ["a", "b"]) {
    const { y } = await model[entry]!({ x: { data: Float32Array.from(x.data), shape: x.shape } });
    for (const [i, value] of expected.data.entries()) expect(y!.data[i]).toBeCloseTo(value, 4);
  }
  model.dispose();
  await expect(model.a!({ x: { data: Float32Array.from(x.data), shape: x.shape } })).rejects.toThrow("disposed of");
  const { down: _, ...others } = tensors;
  await expect(module.load({ weights: others })).rejects.toThrow('weight "down" is missing');
});
