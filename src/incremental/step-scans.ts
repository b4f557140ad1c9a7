/** Running sums in a step: what was summed before is carried in one row. */
import { add, size } from "../sizes/index.js";
import { identityMap } from "./facts.js";
import { refuse, type StepRule, viewsThrough } from "./step-context.js";

export const cumsumStep: StepRule<"cumsum"> = {
  operands: ({ operands, type, views }) => [viewsThrough(operands[0]!, identityMap(type.shape.length), views)],
  emit: (wanted, emitter, [operand]) => {
    const { axis } = wanted.attributes;
    const { builder, sizes } = emitter;
    const sum = builder.emit("cumsum", [operand!], { axis });
    const view = wanted.views[axis] ?? null;
    if (view === null || view === "all") return sum;
    if (view !== "new" || wanted.views.some((each, at) => at !== axis && each !== null)) {
      refuse(wanted.id, "square", "a running sum over queries would be carried for every key");
    }
    const { element, shape } = builder.typeOf(sum);
    const row = shape.with(axis, size(1));
    const state = emitter.state({ kind: "carry", element, shape: row, axis, window: null, value: wanted.id });
    const total = builder.emit("add", [state.before, sum], {});
    state.keep(builder.emit("slice", [total], { axis, start: add(size(sizes.count), -1), length: size(1) }));
    return total;
  },
};
