import { describe, expect, test } from "vitest";
import { interpretPlan } from "../../src/interpreter/kernel-plan.js";
import { tensorOf } from "../../src/interpreter/tensor.js";
import { GraphBuilder, type ValueId } from "../../src/ir/graph/index.js";
import { kernelKey } from "../../src/ir/kernel/index.js";
import { type BufferId, type Plan, printPlan } from "../../src/ir/plan/index.js";
import { lowerGraph } from "../../src/lower/index.js";
import { checkPlan, planGraph } from "../../src/memory/index.js";
import { add, mul, render, SizeVariable, size } from "../../src/sizes/index.js";

const T = new SizeVariable("T", 0, 64);
const t = size(T);

/** x, then `layers` times exp(x @ w): equal layers with weights of their own. */
function layered(layers: number, inPlace = true): Plan {
  const g = new GraphBuilder("forward", [T]);
  let x: ValueId = g.emit("input", [], { name: "x", element: "f32", shape: [t, size(3)], fill: null });
  for (let i = 0; i < layers; i++) {
    const layer = { parent: null, name: `h.${i}`, block: "Layer", kind: "layer" } as const;
    g.origin = { location: { file: "a.trafo", line: 7, column: 3 }, scope: layer };
    const w = g.emit("weight", [], {
      name: `h.${i}.w`,
      element: "f32",
      shape: [size(3), size(3)],
      sources: [[`w${i}`]],
    });
    x = g.emit(
      "exp",
      [
        g.emit("einsum", [x, w], {
          inputs: [
            [0, 1],
            [1, 2],
          ],
          output: [0, 2],
        }),
      ],
      {},
    );
  }
  return planGraph(lowerGraph(g.finish([{ name: "y", value: x }])), { inPlace });
}

test("equal layers share their kernels", () => {
  const plan = layered(5);
  expect(plan.dispatches).toHaveLength(10);
  expect(plan.kernels.map((each) => each.name)).toEqual(["matmul", "exp"]);
  expect(plan.dispatches.map((each) => each.scope)).toEqual([0, 1, 2, 3, 4].flatMap((i) => [`h.${i}`, `h.${i}`]));
});

test("the key of a kernel depends on what it computes, and on nothing else", () => {
  const kernelOf = (name: string, axis: number, factor: number): string => {
    const g = new GraphBuilder("f", [T]);
    const x = g.emit("input", [], { name, element: "f32", shape: [t, size(2)], fill: null });
    const scaled = g.emit("mul", [x, g.emit("constant", [], { value: factor, element: "f32" })], {});
    const made = g.emit("sum", [scaled], { axis });
    return lowerGraph(g.finish([{ name: "y", value: made }]))
      .calls.map((each) => kernelKey(each.kernel))
      .join();
  };
  expect(kernelOf("a", 0, 2)).toBe(kernelOf("b", 0, 2));
  expect(kernelOf("a", 0, 2)).not.toBe(kernelOf("a", 1, 2));
  expect(kernelOf("a", 0, 2)).not.toBe(kernelOf("a", 0, 3));
  expect(kernelOf("a", 0, 0)).not.toBe(kernelOf("a", 0, -0));
});

test("buffers take the places of those that are no longer needed", () => {
  expect(render(layered(2, false).arenaBytes)).toBe("32*((3*T + 3) // 4)");
  expect(layered(9, false).arenaBytes).toBe(layered(3, false).arenaBytes);
});

test("exp takes the place of what it reads, and the last layer lies in the output", () => {
  expect(render(layered(1).arenaBytes)).toBe("0");
  expect(render(layered(2).arenaBytes)).toBe("16*((3*T + 3) // 4)");
  expect(render(layered(9).arenaBytes)).toBe("32*((3*T + 3) // 4)");
});

test("the text of a plan", () => {
  expect(printPlan(layered(2), { kernels: false })).toBe(`plan forward
  sizes    T: 0..64
  input    x %0: f32[T, 3]
  weight   h.0.w %1: f32[3, 3] as h.0.w from "w0"
  weight   h.1.w %2: f32[3, 3] as h.1.w from "w1"
  arena    einsum %3: f32[T, 3] at 0, 16*((3*T + 3) // 4) bytes
  arena    exp %4: f32[T, 3] at 0, 16*((3*T + 3) // 4) bytes
  within   einsum %5: f32[T, 3] as y
  output   y %6: f32[T, 3]
  bytes    16*((3*T + 3) // 4)
  run      matmul#0 %0, %1 -> %3  ; h.0 a.trafo:7:3
  run      exp#1 %3 -> %4  ; h.0 a.trafo:7:3
  run      matmul#0 %4, %2 -> %5  ; h.1 a.trafo:7:3
  run      exp#1 %5 -> %6  ; h.1 a.trafo:7:3
`);
  expect(printPlan(layered(1))).toContain("\nkernel matmul#0  ; a.trafo:7:3\n  sizes  T: 0..64\n");
});

describe("the checker finds", () => {
  const plan = layered(3, false);
  const of = (changed: Partial<Plan>): string => checkPlan({ ...plan, ...changed }, () => 5).join("; ");
  const buffers = (
    id: number,
    change: (buffer: Plan["buffers"][number]) => Plan["buffers"][number],
  ): Partial<Plan> => ({
    buffers: plan.buffers.map((each, i) => (i === id ? change(each) : each)),
  });
  const placed = (id: number, change: object): Partial<Plan> =>
    buffers(id, (each) => ({ ...each, place: { ...each.place, ...change } }) as typeof each);
  const dispatches = (at: number, change: Partial<Plan["dispatches"][number]>): Partial<Plan> => ({
    dispatches: plan.dispatches.map((each, i) => (i === at ? { ...each, ...change } : each)),
  });
  const first = plan.dispatches[0]!.writes[0]!;
  const id = (value: number): BufferId => value as BufferId;

  test("nothing in a correct plan", () => expect(of({})).toBe(""));
  test("an unknown kernel", () => expect(of(dispatches(0, { kernel: 9 }))).toContain("kernel 9, which there is not"));
  test("wrong arguments", () => {
    expect(of(dispatches(0, { reads: [id(1), id(0)] }))).toContain("reads h.0.w (1), f32[3, 3], as f32[5, 3]");
    expect(of(dispatches(0, { reads: [id(0)] }))).toContain("dispatch 0 reads 1 buffers, its kernel 2");
    expect(of(buffers(first, (each) => ({ ...each, element: "i32" })))).toContain("i32[5, 3], as f32[5, 3]");
  });
  test("what is read before it is written", () => {
    const [a, b, ...rest] = plan.dispatches;
    expect(of({ dispatches: [b!, a!, ...rest] })).toContain("before it is written");
  });
  test("what must not be written, or is not", () => {
    expect(of(dispatches(1, { writes: [id(0)] }))).toContain("writes x (0), which is the caller's");
    expect(of({ dispatches: [...plan.dispatches, plan.dispatches[0]!] })).toContain("a second time");
    expect(of({ dispatches: plan.dispatches.slice(0, -1) })).toContain("output y (9) is never written");
  });
  test("places that do not fit", () => {
    expect(of(placed(first, { offset: size(8) }))).toContain("is not aligned");
    expect(of(placed(first, { bytes: size(16) }))).toContain("has 16 bytes and needs 60");
    expect(of(placed(first, { offset: plan.arenaBytes }))).toContain("the arena has");
    expect(of({ arenaBytes: size(16) })).toContain("the arena has 16 bytes");
  });
  test("buffers that overlap", () => {
    const written = plan.dispatches[1]!.writes[0]!;
    // At the same place as what it reads it may be: exp reads each element before it writes there. The einsum may not.
    expect(of(placed(written, { offset: size(0) }))).toBe("exp (5) and einsum (6) overlap at dispatch 2");
    expect(of(placed(written, { offset: add(mul(t, 0), 16) }))).toContain("overlap at dispatch 1");
  });
});

test("a plan that overwrites what is still needed fails when it is run", () => {
  const plan = layered(3, false);
  const x = tensorOf("f32", [1, 3], [0, 1, 2]);
  const run = (each: Plan): number[] => {
    const given = { inputs: new Map([["x", x]]), weights: () => tensorOf("f32", [3, 3], new Array(9).fill(0.1)) };
    return [...interpretPlan(each, { ...given, precision: "f64" }).y!.data];
  };
  expect(run(plan)).toHaveLength(3);
  const written = plan.dispatches[2]!.writes[0]!;
  const overwriting = plan.buffers.map((each) =>
    each.place.kind === "arena" ? { ...each, place: { ...each.place, offset: size(0) } } : each,
  );
  expect(plan.buffers[written]!.name).toBe("einsum");
  expect(() => run({ ...plan, buffers: overwriting })).toThrow("before it is written");
});
