/** onnxruntime on the models that Trafo exports: its WebAssembly build and its native one, on the processor and on WebGPU. */
import { pathToFileURL } from "node:url";
import { modelParts, onnxModel } from "../../../dist/backends/onnx/index.js";
import { joined } from "../../../dist/src/runtime/files.js";
import { folderOf, load } from "./packages.mjs";
import { counted, webgpu } from "./webgpu.mjs";

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

let ofWebgpu = null;

/** The build of onnxruntime-web that runs on WebGPU, by the compiled kernels that onnxruntime-node has as well. */
async function webgpuRuntime() {
  if ((await load("onnxruntime-web")) === null) return null;
  const folder = pathToFileURL(`${folderOf("onnxruntime-web")}/`).href;
  const ort = await import(`${folder}ort.webgpu.min.mjs`);
  ort.env.wasm.numThreads = 1;
  ort.env.wasm.wasmPaths = folder;
  ort.env.logLevel = "error";
  return ort;
}

/**
 * Loads a task on WebGPU: `web` in the process's own Dawn, `node` in the Dawn that is linked into the package, which finds its
 * adapter itself and whose dispatches nobody counts.
 */
export async function onnxruntimeOnWebgpu(kind, task, bytes = onnxBytes(task)) {
  if (kind === "web") ofWebgpu ??= await webgpuRuntime();
  const ort = kind === "web" ? ofWebgpu : await load("onnxruntime-node");
  if (ort === null || (await webgpu()) === null) return null;
  const options = { executionProviders: ["webgpu"], logSeverityLevel: 3 };
  const feeds = Object.fromEntries(
    [...task.inputs].map(([name, { data, shape, type }]) => [name, new ort.Tensor(typeNames[type], data, shape)]),
  );
  const session = await ort.InferenceSession.create(bytes, options);
  const common = {
    name: `onnxruntime-${kind} webgpu`,
    run: async () => (await session.run(feeds))[task.output].data,
  };
  if (kind === "node") return { ...common, isCounted: false, dispose: () => session.release() };
  // Where outputs stay is told when a session is made.
  const before = { ...counted };
  const keeping = await ort.InferenceSession.create(bytes, { ...options, preferredOutputLocation: "gpu-buffer" });
  Object.assign(counted, before);
  return {
    ...common,
    keep: async () => {
      const outputs = await keeping.run(feeds);
      await (await ort.env.webgpu.device).queue.onSubmittedWorkDone();
      for (const tensor of Object.values(outputs)) tensor.dispose();
    },
    dispose: async () => {
      await session.release();
      await keeping.release();
    },
  };
}
