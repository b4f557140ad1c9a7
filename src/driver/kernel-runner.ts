/**
 * Runs graphs by interpreting their kernels in the memory of their plan, with every index checked: between the
 * interpreter of Graphs and the backends, it tells a wrong kernel or plan from a wrong printer.
 */
import { InternalError } from "../diagnostics/index.js";
import { interpretPlan } from "../interpreter/kernel-plan.js";
import type { Plan } from "../ir/plan/plan.js";
import type { Tensor } from "../runtime/host/tensors.js";
import { fromEvaluated, toEvaluated } from "./evaluated.js";
import type { Compilation } from "./pipeline.js";
import type { Runner } from "./targets.js";

/** The plan with its inputs, weights and outputs under the names that callers use, not those of their values. */
function named(plan: Plan): Plan {
  const buffers = plan.buffers.map((buffer) =>
    buffer.place.kind === "arena" ? buffer : { ...buffer, name: buffer.place.name },
  );
  return { ...plan, buffers };
}

/** Lowers and plans graphs, and runs them kernel by kernel. */
export async function kernelRunner(compilation: Compilation, weights: ReadonlyMap<string, Tensor>): Promise<Runner> {
  const plans = compilation.get("plan").map(named);
  const weight = (of: string) => {
    const tensor = weights.get(of);
    if (!tensor) throw new InternalError(`the weight ${of} was not read`);
    return toEvaluated(tensor);
  };
  return {
    run: async (entry, { inputs }) => {
      const plan = plans.find((each) => each.name === entry);
      if (!plan) throw new InternalError(`there is no entry ${entry}`);
      const given = new Map([...inputs].map(([of, tensor]) => [of, toEvaluated(tensor)]));
      const outputs = interpretPlan(plan, { inputs: given, weights: weight, precision: "f32" });
      return new Map(Object.entries(outputs).map(([of, value]) => [of, fromEvaluated(value)]));
    },
    dispose: () => {},
  };
}
