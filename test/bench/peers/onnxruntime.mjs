/** onnxruntime on the models that Trafo exports: its WebAssembly build and its native one. */
import { pathToFileURL } from "node:url";
import { modelParts, onnxModel } from "../../../dist/backends/onnx/index.js";
import { joined } from "../../../dist/src/runtime/files.js";
import { folderOf, load } from "./packages.mjs";

const typeNames = { f32: "float32", i32: "int32", bool: "bool" };

/** The model of one entry, its weights within. */
export function onnxBytes({ graph, weights }) {
  return joined(modelParts(onnxModel({ graph, name: "bench", weight: (name) => weights.get(name) })));
}

let webThreads = null;

/** The runtime; its WebAssembly build takes the number of threads when it is first used, and keeps it. */
export async function runtime(kind, threads) {
  const module = await load(kind === "web" ? "onnxruntime-web" : "onnxruntime-node");
  if (module === null || kind !== "web") return module;
  if (webThreads !== null && webThreads !== threads) return null;
  webThreads = threads;
  module.env.wasm.numThreads = threads;
  module.env.wasm.wasmPaths = pathToFileURL(`${folderOf("onnxruntime-web")}/`).href;
  module.env.logLevel = "error";
  return module;
}

export const sessionOptions = (kind, threads) => ({
  executionProviders: [kind === "web" ? "wasm" : "cpu"],
  intraOpNumThreads: threads,
  interOpNumThreads: 1,
  logSeverityLevel: 3,
});

/** Loads a task; null where the runtime is not installed. */
export async function onnxruntime(kind, task, { threads = 1, bytes = onnxBytes(task) } = {}) {
  const ort = await runtime(kind, threads);
  if (ort === null) return null;
  const session = await ort.InferenceSession.create(bytes, sessionOptions(kind, threads));
  const feeds = Object.fromEntries(
    [...task.inputs].map(([name, { data, shape, type }]) => [name, new ort.Tensor(typeNames[type], data, shape)]),
  );
  return {
    name: `onnxruntime-${kind}`,
    run: async () => (await session.run(feeds))[task.output].data,
    dispose: () => session.release(),
  };
}
