/**
 * What a program computes of the very numbers that its weights are rounded to: a module of TypeScript, of f32, that is given
 * them. So a target that computes of few bits is told from what rounding itself does, which is far more than 1e-4.
 *
 * The numbers are rounded here by loops of their own, not by the operators that targets run.
 */
import { InternalError } from "../diagnostics/index.js";
import { interpret } from "../interpreter/graph.js";
import { emitNode, type Graph, GraphBuilder, type ValueId } from "../ir/graph/index.js";
import { optimizeGraph, passes, quantization, withRoundedWeights } from "../passes/index.js";
import type { Tensor } from "../runtime/host/tensors.js";
import { fromEvaluated, toEvaluated } from "./evaluated.js";
import { moduleRunner } from "./module-runner.js";
import type { Compilation } from "./pipeline.js";
import { roundedValues } from "./rounded-values.js";
import type { Runner } from "./targets.js";

export interface RoundedReference {
  readonly runner: Runner;
  /** The least of the whole numbers that the target rounds rows to, which it multiplies with weights; null where it rounds none. */
  readonly rows: number | null;
}

/** @param compilation for the target that is compared, which decides what is held in how many bits */
export async function roundedReference(
  compilation: Compilation,
  weights: ReadonlyMap<string, Tensor>,
): Promise<RoundedReference> {
  const { optimizing } = compilation;
  const { without = [], mostBuffers = Number.POSITIVE_INFINITY, weights: held = null } = optimizing;
  const before = passes.slice(0, passes.indexOf(quantization));
  const rounded = new Map(weights);
  let most = Number.POSITIVE_INFINITY;
  const graphs = compilation.get("graph").entries.map((entry): Graph => {
    const graph = optimizeGraph(entry, before, optimizing).graph;
    if (without.includes(quantization.name)) return graph;
    const made = withRoundedWeights(graph, { weights: held, mostBuffers, fewRows: null, remark: () => {} });
    for (const { name, value, holding, rows } of made.held) {
      most = Math.min(most, rows ?? most);
      const { data, shape, type } = loaded(graph, value, weights);
      rounded.set(name, { data: roundedValues(data as Float32Array, shape, holding), shape, type });
    }
    return made.graph;
  });
  const again = compilation.again({ weights: "f32", precision: "f32", target: "typescript", optimize: {} }, graphs);
  const runner = await moduleRunner("typescript", again, rounded);
  return { runner, rows: Number.isFinite(most) ? most : null };
}

/** A value that is made of weights alone. */
function loaded(graph: Graph, value: ValueId, weights: ReadonlyMap<string, Tensor>): Tensor {
  const read = (name: string): Tensor => {
    const tensor = weights.get(name);
    if (!tensor) throw new InternalError(`the weight ${name} was not read`);
    return tensor;
  };
  const node = graph.nodes[value]!;
  if (node.operator === "weight") return read(node.attributes.name);
  const needed = new Set<ValueId>([value]);
  for (const each of needed) for (const operand of graph.nodes[each]!.operands) needed.add(operand);
  const builder = new GraphBuilder(graph.name, graph.sizes);
  const made = new Map<ValueId, ValueId>();
  for (const each of [...needed].sort((a, b) => a - b)) {
    const own = graph.nodes[each]!;
    const operands = own.operands.map((operand) => made.get(operand)!);
    made.set(each, emitNode(builder, own, operands));
  }
  const alone = builder.finish([{ name: "value", value: made.get(value)! }]);
  const { outputs } = interpret(alone, {
    inputs: {},
    weights: (name) => toEvaluated(read(name)),
    precision: "f32",
  });
  return fromEvaluated(outputs.value!);
}
