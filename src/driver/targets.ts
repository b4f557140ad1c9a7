/**
 * What a program can be compiled for and run on, in one table. A target that makes files has `emit`; every target can
 * run graphs, so that `verify` compares all of them in the same way.
 */
import { InternalError, UserError } from "../diagnostics/index.js";
import { nearest } from "../diagnostics/nearest.js";
import type { Derived } from "../incremental/index.js";
import { InterpreterInputError, interpret, type Precision } from "../interpreter/graph.js";
import type { Graph } from "../ir/graph/index.js";
import type { WeightsFormat } from "../passes/index.js";
import type { Tensor } from "../runtime/host/tensors.js";
import { type Evaluated, fromEvaluated, toEvaluated } from "./evaluated.js";
import type { Ready } from "./inputs.js";
import { kernelRunner } from "./kernel-runner.js";
import { moduleRunner } from "./module-runner.js";
import { onnxRunner, onnxUnavailable } from "./onnx-runner.js";
import type { Compilation } from "./pipeline.js";
import { interpretedStepper, type Stepper } from "./stepping.js";
import { lacksDevice } from "./webgpu.js";

/** Runs the entries of a program with its weights. */
export interface Runner {
  /** @throws UserError where the target refuses the inputs. */
  run(entry: string, ready: Ready): Promise<ReadonlyMap<string, Tensor>>;
  /**
   * Begins a sequence that is computed step by step; not there where the target cannot.
   * @param inputs without positions. @param capacity the positions there shall be room for. @param ready of the whole entry
   */
  open?(derived: Derived, inputs: ReadonlyMap<string, Tensor>, capacity: number, ready: Ready): Promise<Stepper>;
  dispose(): void;
}

/** Starts a target: compiles as far as it needs and gives it the weights, by name. @throws UserError E0616 */
export type Start = (compilation: Compilation, weights: ReadonlyMap<string, Tensor>) => Promise<Runner>;

export interface Target {
  readonly about: string;
  /** The endings of the files that `compile` writes for it; empty if it only runs. */
  readonly emits: readonly string[];
  /** Why this machine cannot run it, or null. */
  readonly unavailable: () => Promise<string | null>;
  /** Why `all` leaves it out although it runs, or null. */
  readonly aside: string | null;
  readonly start: Start;
}

export const targetNames = ["interpreter", "kernels", "typescript", "wasm", "wgsl", "onnx"] as const;
export type TargetName = (typeof targetNames)[number];

const available = async (): Promise<null> => null;

export const targets: { readonly [K in TargetName]: Target } = {
  interpreter: {
    about: "the reference: one operator after the other, rounded to f32",
    emits: [],
    unavailable: available,
    aside: null,
    start: async (compilation, weights) => {
      const { interpreted } = compilation;
      return interpreterRunner(compilation.get("graph").entries.map(interpreted), weights, "f32", interpreted);
    },
  },
  kernels: {
    about: "the kernels, interpreted in the memory of their plan with every index checked; slow",
    emits: [],
    unavailable: available,
    aside: "it is slow, and runs only where it is named",
    start: kernelRunner,
  },
  typescript: {
    about: "an ES module without dependencies, with types",
    emits: ["ts", "js", "dts"],
    unavailable: available,
    aside: null,
    start: (compilation, weights) => moduleRunner("typescript", compilation, weights),
  },
  wasm: {
    about: "an ES module without dependencies whose kernels are WebAssembly with SIMD",
    emits: ["ts", "js", "dts", "fallback", "wasm", "wat"],
    unavailable: available,
    aside: null,
    start: (compilation, weights) => moduleRunner("wasm", compilation, weights),
  },
  wgsl: {
    about: "an ES module without dependencies whose kernels are compute shaders of WebGPU",
    emits: ["ts", "js", "dts", "wgsl"],
    unavailable: lacksDevice,
    aside: null,
    start: (compilation, weights) => moduleRunner("wgsl", compilation, weights),
  },
  onnx: {
    about: "an ONNX model for each entry, with its weights; run by onnxruntime, where it is installed",
    emits: ["onnx"],
    unavailable: async () => onnxUnavailable(),
    aside: null,
    start: onnxRunner,
  },
};

/**
 * The targets that a word on the command line names, several with commas; `all` is every one that this machine can
 * run, but for those that stand aside or do not hold weights as is asked.
 * @throws UserError E0606 for an unknown one.
 */
export async function targetsOf(
  word: string,
  weights: WeightsFormat = "f32",
): Promise<{ chosen: TargetName[]; left: { name: TargetName; reason: string }[] }> {
  if (word !== "all") return { chosen: word.split(",").map(targetOf), left: [] };
  const found = targetNames.map(async (name) => {
    const asTheyAre = name === "onnx" && weights !== "f32" ? "it holds weights as they are" : null;
    return { name, reason: targets[name].aside ?? asTheyAre ?? (await targets[name].unavailable()) };
  });
  const all = await Promise.all(found);
  const left = all.flatMap(({ name, reason }) => (reason === null ? [] : [{ name, reason }]));
  return { chosen: all.flatMap(({ name, reason }) => (reason === null ? [name] : [])), left };
}

/** One target by name. @throws UserError E0606 if there is none, with the list. */
export function targetOf(word: string): TargetName {
  const found = targetNames.find((name) => name === word);
  if (found) return found;
  const near = nearest(word, targetNames);
  throw UserError.of("E0606", `there is no target ${word}`, {
    notes: targetNames.map((name) => `${name}: ${targets[name].about}`),
    help: near === null ? [] : [`the nearest is ${near}`],
  });
}

/** Evaluates one graph. @throws UserError E0711 where the interpreter refuses its inputs. */
export function evaluateGraph(
  graph: Graph,
  ready: Ready,
  weights: ReadonlyMap<string, Tensor>,
  precision: Precision,
  trace?: (id: number, value: Evaluated) => void,
): Map<string, Evaluated> {
  const inputs = new Map([...ready.inputs].map(([name, tensor]) => [name, toEvaluated(tensor)]));
  const weight = (name: string) => {
    const tensor = weights.get(name);
    if (!tensor) throw new InternalError(`the weight ${name} was not read`);
    return toEvaluated(tensor);
  };
  try {
    const options = { inputs, weights: weight, precision, ...(trace ? { trace } : {}) };
    return new Map(Object.entries(interpret(graph, options).outputs));
  } catch (error) {
    if (error instanceof InterpreterInputError) throw UserError.of("E0711", `entry ${graph.name}: ${error.message}`);
    throw error;
  }
}

/**
 * Runs graphs on the interpreter.
 * @param held gives the graphs of steps as they are evaluated; as they are unless given
 */
export function interpreterRunner(
  graphs: readonly Graph[],
  weights: ReadonlyMap<string, Tensor>,
  precision: Precision,
  held: (graph: Graph) => Graph = (graph) => graph,
): Runner {
  return {
    run: async (entry, ready) => {
      const graph = graphs.find(({ name }) => name === entry);
      if (!graph) throw new InternalError(`there is no entry ${entry}`);
      const outputs = evaluateGraph(graph, ready, weights, precision);
      return new Map([...outputs].map(([name, value]) => [name, fromEvaluated(value)]));
    },
    open: interpretedStepper((name) => {
      const tensor = weights.get(name);
      if (!tensor) throw new InternalError(`the weight ${name} was not read`);
      return tensor;
    }, held),
    dispose: () => {},
  };
}
