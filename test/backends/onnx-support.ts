/** Runs Graphs on onnxruntime by way of their ONNX models, where it is installed. */
import { fromEvaluated, toEvaluated } from "../../src/driver/evaluated.js";
import { onnxRunner, onnxUnavailable } from "../../src/driver/onnx-runner.js";
import { Compilation } from "../../src/driver/pipeline.js";
import type { Tensor as Evaluated } from "../../src/interpreter/tensor.js";
import type { Graph } from "../../src/ir/graph/index.js";
import type { Attributes } from "../../src/ir/graph/operators.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";

/** Why the tests that run models are left out, or null. */
export const noRuntime = onnxUnavailable();
if (noRuntime !== null) console.log(`skipped: ONNX models are not run, as ${noRuntime}`);

export interface Given {
  readonly sizes: Readonly<Record<string, number>>;
  readonly inputs: ReadonlyMap<string, Evaluated>;
  readonly weights: (name: string, attributes: Attributes["weight"]) => Evaluated;
}

/** The outputs of a graph's model by name, for each of several runs with the weights of the first. */
export async function runModels(graph: Graph, runs: readonly Given[]): Promise<Record<string, Evaluated>[]> {
  const weights = new Map<string, Tensor>();
  for (const node of graph.nodes) {
    if (node.operator !== "weight") continue;
    const { name } = node.attributes;
    weights.set(name, fromEvaluated(runs[0]!.weights(name, node.attributes)));
  }
  const runner = await onnxRunner(Compilation.ofGraphs("model", [graph]), weights);
  const results: Record<string, Evaluated>[] = [];
  for (const given of runs) {
    const inputs = new Map([...given.inputs].map(([name, tensor]) => [name, fromEvaluated(tensor)]));
    const sizes = new Map(graph.sizes.map((variable) => [variable, given.sizes[variable.name] ?? 0]));
    const outputs = await runner.run(graph.name, { inputs, sizes });
    results.push(Object.fromEntries([...outputs].map(([name, tensor]) => [name, toEvaluated(tensor)])));
  }
  runner.dispose();
  return results;
}

/** The outputs of one run. */
export async function runModel(graph: Graph, given: Given): Promise<Record<string, Evaluated>> {
  return (await runModels(graph, [given]))[0]!;
}
