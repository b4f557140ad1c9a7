/** TensorFlow.js with its plain JavaScript, WebAssembly and WebGPU backends. Its models are written by hand, in transformer.mjs. */
import { folderOf, load, pathOf } from "./packages.mjs";

/** Whether the WebAssembly backend knows where its files are. */
let found = false;

/** TensorFlow.js with this backend, or null where it is not installed. */
async function tensorflow(backend) {
  if (pathOf("@tensorflow/tfjs-core") === null || pathOf(`@tensorflow/tfjs-backend-${backend}`) === null) return null;
  const { log, warn } = console;
  // It greets whoever runs it in Node.
  console.log = () => {};
  console.warn = () => {};
  try {
    const tf = await load("@tensorflow/tfjs-core");
    const own = await load(`@tensorflow/tfjs-backend-${backend}`);
    if (backend === "wasm" && !found) {
      own.setWasmPaths(`${folderOf("@tensorflow/tfjs-backend-wasm")}/`);
      own.setThreadsCount(1);
      found = true;
    }
    await tf.setBackend(backend);
    await tf.ready();
    return tf;
  } finally {
    Object.assign(console, { log, warn });
  }
}

/** A contestant that computes with one backend; `build` makes the tensors that it keeps and gives what to run. */
export async function tfjs(backend, build) {
  const tf = await tensorflow(backend);
  if (tf === null) return null;
  const compute = build(tf);
  return {
    name: `tfjs-${backend}`,
    run: async () => {
      // Contestants take turns, and the backend is the package's own state.
      if (tf.getBackend() !== backend) await tf.setBackend(backend);
      // What a tidy block gives is searched for tensors, number by number: only the tensor leaves it.
      const result = tf.tidy(compute);
      const data = backend === "webgpu" ? await result.data() : result.dataSync();
      result.dispose();
      return data;
    },
    ...(backend === "webgpu" ? { keep: () => keep(tf, compute) } : {}),
    dispose: () => {},
  };
}

/** Computes on the device, and leaves the result there. */
async function keep(tf, compute) {
  if (tf.getBackend() !== "webgpu") await tf.setBackend("webgpu");
  const result = tf.tidy(compute);
  const backend = tf.backend();
  backend.endComputePassEncoder();
  backend.submitQueue();
  await backend.queue.onSubmittedWorkDone();
  result.dispose();
}
