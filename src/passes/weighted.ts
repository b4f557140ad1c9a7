/**
 * Contractions of three factors, of which one only weighs another, as the shares of experts do what those have computed:
 * what it weighs is multiplied ahead, once for each of its elements, and a product of two factors is left.
 */
import { size } from "../sizes/index.js";
import { classOf } from "./fusion/classes.js";
import type { Match, Rule } from "./rewrite.js";

/** einsum("a f, a d f, a -> d", x, w, share) as einsum("a f, a d f -> d", x * share, w). */
const weighedFactor: Rule = {
  name: "a factor that weighs another is multiplied ahead",
  operators: ["einsum"],
  apply: (match) => {
    const { builder, node } = match;
    if (node.operator !== "einsum" || node.operands.length < 3) return null;
    const { inputs, output } = node.attributes;
    for (const weight of inputs.keys()) {
      const weighed = inputs.findIndex((_, other) => weighs(match, weight, other));
      if (weighed < 0) continue;
      const { shape } = match.operandType(weight);
      // In the order of the axes of what it weighs, those that it does not have repeated.
      const order = inputs[weighed]!.flatMap((label) => {
        const axis = inputs[weight]!.indexOf(label);
        return axis < 0 ? [] : [axis];
      });
      const ordered = builder.emit("transpose", [node.operands[weight]!], { permutation: order });
      const spread = builder.emit("reshape", [ordered], {
        shape: inputs[weighed]!.map((label) => {
          const axis = inputs[weight]!.indexOf(label);
          return axis < 0 ? size(1) : shape[axis]!;
        }),
      });
      const product = builder.emit("mul", [node.operands[weighed]!, spread], {});
      const isKept = (_: unknown, at: number): boolean => at !== weight;
      return builder.emit("einsum", node.operands.with(weighed, product).filter(isKept), {
        inputs: inputs.filter(isKept),
        output,
      });
    }
    return null;
  },
};

/**
 * Whether a factor has no axes but some of another's, which is computed element by element for this contraction alone: only
 * then the other takes no pass over memory of its own. Axes are as long in both.
 */
function weighs({ builder, node, uses }: Match, weight: number, other: number): boolean {
  if (node.operator !== "einsum" || weight === other || uses[other]! > 1) return false;
  const operand = node.operands[other]!;
  if (classOf(builder.nodeOf(operand).operator) !== "map") return false;
  const [labels, around] = [node.attributes.inputs[weight]!, node.attributes.inputs[other]!];
  const [small, large] = [builder.typeOf(node.operands[weight]!), builder.typeOf(operand)];
  // Halves would be rounded once more.
  if (small.element !== "f32" || large.element !== "f32" || labels.length >= around.length) return false;
  const areOnce = [labels, around].every((each) => new Set(each).size === each.length);
  return areOnce && labels.every((label, axis) => large.shape[around.indexOf(label)] === small.shape[axis]);
}

export const weightedRules: readonly Rule[] = [weighedFactor];
