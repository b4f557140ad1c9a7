/**
 * Runs graphs by way of their ONNX models on onnxruntime, where the user has installed it: a witness that shares nothing
 * with Trafo's passes, kernels and emitters.
 */
import { InternalError, UserError } from "../diagnostics/index.js";
import { givenElement } from "../ir/graph/index.js";
import type { WeightsFormat } from "../passes/index.js";
import { joined } from "../runtime/files.js";
import { toHalf } from "../runtime/host/half.js";
import { arrayOf, type ElementName, elementCount, type Tensor, viewOf } from "../runtime/host/tensors.js";
import { evaluate, type Size } from "../sizes/index.js";
import { backendNames } from "./backends.js";
import { inputsOf, type Ready } from "./inputs.js";
import type { Compilation } from "./pipeline.js";
import type { Runner } from "./targets.js";

/** What is used of onnxruntime's interface for JavaScript. */
interface Runtime {
  readonly Tensor: new (type: string, data: Tensor["data"], dims: readonly number[]) => RuntimeTensor;
  readonly InferenceSession: {
    create(model: Uint8Array, options: Readonly<Record<string, unknown>>): Promise<Session>;
  };
}
interface RuntimeTensor {
  readonly type: string;
  readonly data: ArrayBufferView & { readonly length: number };
  readonly dims: readonly number[];
}
interface Session {
  run(feeds: Readonly<Record<string, RuntimeTensor>>): Promise<Readonly<Record<string, RuntimeTensor>>>;
  release?(): Promise<void>;
}

const packageName = "onnxruntime-node";

/** @throws UserError E0610 where weights are asked for in another form than a model of ONNX holds */
export function requireWeightsAsTheyAre(format: WeightsFormat | undefined): void {
  if (format === undefined || format === "f32") return;
  throw UserError.of("E0610", `the target onnx holds weights as they are: --weights ${format} is of other targets`, {
    help: [`leave out --weights, or compile for ${backendNames.join(", ")}`],
  });
}

/** What onnxruntime calls the element types. */
const typeNames = { f32: "float32", f16: "float16", i32: "int32", bool: "bool" } as const satisfies Record<
  ElementName,
  string
>;

/** The path of the package, or null where it is not installed, as in a browser. */
function packagePath(): string | null {
  try {
    const { createRequire } = globalThis.process.getBuiltinModule("node:module");
    return createRequire(import.meta.url).resolve(packageName);
  } catch {
    return null;
  }
}

/** Why models cannot be run here, or null. */
export function onnxUnavailable(): string | null {
  return packagePath() === null ? `${packageName} is not installed` : null;
}

async function loadRuntime(): Promise<Runtime> {
  const path = packagePath();
  if (path === null) {
    throw UserError.of("E0606", `running the target onnx needs ${packageName}, which is not installed`, {
      help: [`npm install ${packageName}`],
    });
  }
  try {
    const module = (await import(/* @vite-ignore */ path)) as Runtime & { readonly default?: Runtime };
    return module.default ?? module;
  } catch (error) {
    // Its library may not be made for this system.
    throw UserError.of("E0606", `${packageName} cannot be loaded: ${error instanceof Error ? error.message : error}`);
  }
}

/** Writes the models of a program, and runs them. @throws UserError E0606 where onnxruntime is not installed, E0616. */
export async function onnxRunner(compilation: Compilation, weights: ReadonlyMap<string, Tensor>): Promise<Runner> {
  requireWeightsAsTheyAre(compilation.request.weights);
  const { name, entries: graphs } = compilation.get("graph");
  const runtime = await loadRuntime();
  const { modelParts, onnxModel } = await import("../../backends/onnx/index.js");
  const weight = (of: string): Tensor => {
    const tensor = weights.get(of);
    if (!tensor) throw new InternalError(`the weight ${of} was not read`);
    return tensor;
  };
  const sessions = new Map<string, Session>();
  for (const graph of graphs) {
    const bytes = joined(modelParts(onnxModel({ graph, name, weight })));
    // Warnings about shapes that only a run shows are of no use to the user.
    sessions.set(graph.name, await runtime.InferenceSession.create(bytes, { logSeverityLevel: 3 }));
  }
  return {
    run: async (entry, ready) => {
      const graph = graphs.find((each) => each.name === entry);
      const session = sessions.get(entry);
      if (!graph || !session) throw new InternalError(`there is no entry ${entry}`);
      const feeds = Object.fromEntries(
        inputsOf(graph).map((input) => {
          const { data, shape, type } = ready.inputs.get(input.name) ?? filled(input, ready);
          return [input.name, new runtime.Tensor(typeNames[type], data, shape)];
        }),
      );
      const outputs = await session.run(feeds);
      return new Map(graph.outputs.map(({ name: output }) => [output, tensorOf(outputs[output]!)]));
    },
    dispose: () => {
      for (const session of sessions.values()) void session.release?.();
    },
  };
}

/** What stands in for an input that is not given: its fill, everywhere. */
function filled(input: ReturnType<typeof inputsOf>[number], { sizes }: Ready): Tensor {
  const { fill } = input;
  const type = givenElement(input.element);
  const shape = input.shape.map((size: Size) => evaluate(size, (variable) => sizes.get(variable) ?? 0));
  const data = arrayOf(type, elementCount(shape));
  data.fill(type === "f16" ? toHalf(fill ?? 0) : (fill ?? 0));
  return { data, shape, type };
}

/** A tensor of onnxruntime with the bits of its elements as they are; f16 may have an array of its own. */
function tensorOf({ type, data, dims }: RuntimeTensor): Tensor {
  const elements = Object.keys(typeNames) as ElementName[];
  const element = elements.find((each) => typeNames[each] === type);
  if (element === undefined) throw new InternalError(`onnxruntime gives a tensor of type ${type}`);
  return { data: viewOf(element, data.buffer, data.byteOffset, data.length), shape: dims.map(Number), type: element };
}
