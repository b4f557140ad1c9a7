/**
 * packWeight: reads an argument in another layout, such as panels of columns.
 *
 * Needs: an argument that is known when the model is loaded and has no such layout yet, and a layout in which each axis
 * of it lies once. The kernel is called with another buffer after it: ../packing.ts has the kernel that fills it.
 */
import {
  Buffer,
  type Kernel,
  type Layout,
  layoutIndex,
  layoutProblem,
  layoutShape,
  withBodies,
} from "../../ir/kernel/index.js";
import { ScheduleError } from "../errors.js";
import { Rewriter } from "../rewrite.js";
import type { Step } from "../step.js";

export function packWeight(kernel: Kernel, { buffer: name, layout }: Extract<Step, { step: "packWeight" }>): Kernel {
  const [buffer, ...others] = kernel.reads.filter((each) => each.name === name);
  if (buffer === undefined || others.length > 0) {
    const names = kernel.reads.map((each) => each.name).join(", ");
    throw new ScheduleError("packWeight", `${kernel.name} does not read one ${name}; it reads ${names || "nothing"}`);
  }
  return withPacked(kernel, buffer, layout);
}

/** The kernel with one of its arguments in another layout. @throws ScheduleError where it must not have it. */
export function withPacked(kernel: Kernel, buffer: Buffer, layout: Layout): Kernel {
  const { name, element, shape, facts } = buffer;
  if (facts.constant !== true) throw new ScheduleError("packWeight", `${name} is not known when the model is loaded`);
  if (facts.packed !== undefined) throw new ScheduleError("packWeight", `${name} is packed already`);
  const problem = layoutProblem(layout, shape);
  if (problem !== null) throw new ScheduleError("packWeight", `${name}: ${problem}`);
  const packed = new Buffer(name, element, layoutShape(layout, shape), "global", {
    constant: true,
    packed: { from: shape, layout },
  });
  const rewriter = new Rewriter().buffer(buffer, { buffer: packed, index: (at) => layoutIndex(layout, at) });
  const reads = kernel.reads.map((each) => (each === buffer ? packed : each));
  return { ...withBodies(kernel, (body) => rewriter.statements(body)), reads };
}
