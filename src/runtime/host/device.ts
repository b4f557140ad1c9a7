/** The device that a model runs on: how it is found, what it says is wrong. */

/** What a device refuses or fails at. The message names the kernel, the buffer or the limit. */
export class DeviceError extends Error {
  override name = "DeviceError";
}

/** Limits that are asked for as high as the adapter has them. */
const wantedLimits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
] as const;

const wantedFeatures = ["shader-f16", "subgroups", "timestamp-query"] as const;

/**
 * A device of the adapter, or of the fastest that the host offers, with its limits as high as they go.
 * @throws DeviceError where there is none.
 */
export async function requestDevice(given?: GPUAdapter): Promise<GPUDevice> {
  const gpu = (globalThis.navigator as Navigator | undefined)?.gpu;
  if (given === undefined && gpu === undefined) {
    throw new DeviceError(
      "this host has no WebGPU: in Node, install the package webgpu and give load the device of its adapter; in a browser, the page must come by https or from localhost",
    );
  }
  const adapter = given ?? (await gpu!.requestAdapter({ powerPreference: "high-performance" }));
  if (!adapter)
    throw new DeviceError("WebGPU has no adapter here: there is no GPU, or the host does not allow its use");
  const requiredLimits: Record<string, number> = {};
  for (const name of wantedLimits) requiredLimits[name] = adapter.limits[name];
  const requiredFeatures = wantedFeatures.filter((name) => adapter.features.has(name));
  const asked = { requiredLimits, requiredFeatures: requiredFeatures as GPUFeatureName[] };
  return adapter.requestDevice(asked).catch((error: Error) => {
    throw new DeviceError(`the adapter gives no device: ${error.message}`);
  });
}

/** What a caller gives as a device, which types do not keep from being something else. @throws DeviceError */
export function requireDevice(given: GPUDevice): GPUDevice {
  if (typeof given?.createComputePipelineAsync === "function") return given;
  const isAdapter = typeof (given as unknown as GPUAdapter | null)?.requestDevice === "function";
  const what = isAdapter ? "an adapter: give the device of its requestDevice()" : `no GPUDevice, but ${String(given)}`;
  throw new DeviceError(`the option device is ${what}`);
}

/** What is under way on each device. */
const underWay = new WeakMap<GPUDevice, Set<Promise<unknown>>>();

/** Notes that something is under way on a device. */
export function under<Result>(device: GPUDevice, work: Promise<Result>): Promise<Result> {
  const all = underWay.get(device) ?? new Set();
  underWay.set(device, all);
  all.add(work);
  const done = (): void => void all.delete(work);
  work.then(done, done);
  return work;
}

/**
 * Frees something of a device as soon as nothing is under way that began before. A buffer that goes while it is mapped, or
 * with its device, fails its mapping; and in Node (webgpu 0.6) such a failure may end the process some time later.
 */
export function whenIdle(device: GPUDevice, free: () => void): void {
  const all = underWay.get(device);
  if (all === undefined || all.size === 0) free();
  else void Promise.allSettled(all).then(free);
}

/**
 * Does something with a device, and turns what the device then reports into an error. The device works on while
 * this waits; what `act` starts runs before anything else is started.
 */
export function reporting<Result>(device: GPUDevice, what: string, act: () => Result): Promise<Awaited<Result>> {
  return under(device, reported(device, what, act));
}

async function reported<Result>(device: GPUDevice, what: string, act: () => Result): Promise<Awaited<Result>> {
  device.pushErrorScope("internal");
  device.pushErrorScope("out-of-memory");
  device.pushErrorScope("validation");
  let result: Result;
  let reports: Promise<GPUError | null>[] = [];
  try {
    result = act();
  } finally {
    reports = [device.popErrorScope(), device.popErrorScope(), device.popErrorScope()];
  }
  const [value, ...errors] = await Promise.allSettled([result, ...reports]);
  // What is invalid may be so because there was no memory for it: the first cause was asked for first.
  const [validation, ...causes] = errors;
  for (const error of [...causes, validation!]) {
    if (error.status === "fulfilled" && error.value) throw new DeviceError(`${what}: ${error.value.message}`);
  }
  if (value.status === "rejected") throw value.reason;
  return value.value as Awaited<Result>;
}
