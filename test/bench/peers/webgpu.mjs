/**
 * WebGPU in Node for peers that were written for browsers: `navigator.gpu` and the globals, by Dawn. What all of them make
 * and run is counted, as they share one implementation.
 */
import { waitPatiently } from "../../../dist/src/driver/patience.js";
import { requestDevice } from "../../../dist/src/runtime/host/device.js";
import { load } from "./packages.mjs";

/** What was counted since `reset`: dispatches, pipelines, and the milliseconds that pipelines took. */
export const counted = { dispatches: 0, pipelines: 0, pipelineMilliseconds: 0 };
export const reset = () => Object.assign(counted, { dispatches: 0, pipelines: 0, pipelineMilliseconds: 0 });

let found = null;

/** The one adapter and device of this process; null where there is none. */
export function webgpu() {
  found ??= find();
  return found;
}

async function find() {
  const dawn = await load("webgpu");
  if (dawn === null) return null;
  Object.assign(globalThis, dawn.globals);
  // Kept by the global, which it must be as long as devices are used.
  const gpu = dawn.create([]);
  const { navigator = {} } = globalThis;
  Object.defineProperty(navigator, "gpu", { value: gpu, configurable: true });
  if (!navigator.userAgent) Object.defineProperty(navigator, "userAgent", { value: "Node.js", configurable: true });
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
  adapt(dawn.globals);
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (!adapter) return null;
  const isSoftware = adapter.info.isFallbackAdapter;
  if (isSoftware) waitPatiently();
  return { adapter, isSoftware, device: await requestDevice(adapter) };
}

function adapt({ GPUDevice, GPUQueue, GPUComputePassEncoder }) {
  const wrap = ({ prototype }, name, around) => {
    const before = prototype[name];
    prototype[name] = function (...args) {
      return around.call(this, (...given) => before.apply(this, given), args);
    };
  };
  for (const name of ["dispatchWorkgroups", "dispatchWorkgroupsIndirect"])
    wrap(GPUComputePassEncoder, name, (call, args) => {
      counted.dispatches++;
      return call(...args);
    });
  // Pipelines that are made side by side count once: from the first that is asked for to the last that is there.
  let [open, since] = [0, 0];
  const opened = () => {
    if (open++ === 0) since = performance.now();
    counted.pipelines++;
  };
  const closed = () => {
    if (--open === 0) counted.pipelineMilliseconds += performance.now() - since;
  };
  wrap(GPUDevice, "createComputePipeline", (call, args) => {
    opened();
    try {
      return call(...args);
    } finally {
      closed();
    }
  });
  wrap(GPUDevice, "createComputePipelineAsync", (call, args) => {
    opened();
    const made = call(...args);
    made.then(closed, closed);
    return made;
  });
  // Dawn refuses memory that is shared among threads, which that of WebAssembly with threads is; browsers take it.
  wrap(GPUQueue, "writeBuffer", (call, [buffer, offset, data, ...rest]) => {
    const isShared = ArrayBuffer.isView(data) && data.buffer instanceof SharedArrayBuffer;
    return call(buffer, offset, isShared ? data.slice() : data, ...rest);
  });
}
