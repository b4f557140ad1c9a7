/**
 * The device that trafo itself runs WGSL on: the host's own WebGPU in browsers, else Dawn through the package webgpu,
 * which is an optional peer.
 */
import { UserError } from "../diagnostics/index.js";
import { requestDevice } from "../runtime/host/device.js";
import { waitPatiently } from "./patience.js";
import type { PrecisionName } from "./precision.js";

/** What the package webgpu exports, as far as it is used here. */
interface WebGpuPackage {
  create(flags: readonly string[]): GPU;
}

/** Dawn's object must be kept: its adapters and devices do not keep it themselves. */
let kept: GPU | null = null;
let device: Promise<GPUDevice> | null = null;

async function findGpu(): Promise<GPU | null> {
  const own = (globalThis.navigator as Navigator | undefined)?.gpu;
  if (own !== undefined) return own;
  if (kept !== null) return kept;
  // The name is not known to compilers and bundlers, for which the package need not be there.
  const name = "webgpu";
  try {
    const { create } = (await import(/* @vite-ignore */ name)) as WebGpuPackage;
    kept = create([]);
    return kept;
  } catch {
    return null;
  }
}

async function findAdapter(): Promise<GPUAdapter | string> {
  const gpu = await findGpu();
  if (gpu === null) return "there is no WebGPU here: install Dawn for Node with `npm install webgpu`";
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" }).catch(() => null);
  return (
    adapter ??
    "WebGPU has no adapter here: it needs a GPU with a driver for Vulkan, Metal or D3D12, or a Vulkan driver that runs on the CPU, such as Mesa's lavapipe or SwiftShader, named by VK_DRIVER_FILES"
  );
}

/** Why there is no device, or null. */
export async function lacksDevice(): Promise<string | null> {
  const adapter = await findAdapter();
  return typeof adapter === "string" ? adapter : null;
}

/** One device for all models of this process. @throws UserError E0503 that says how to get an adapter. */
export async function sharedDevice(precision: PrecisionName = "f32"): Promise<GPUDevice> {
  device ??= makeDevice();
  const made = await device;
  if (precision === "f32" || made.features.has("shader-f16")) return made;
  throw UserError.of(
    "E0503",
    `the adapter ${made.adapterInfo.description} has no shader-f16, which --precision f16 needs`,
    {
      help: ["leave --precision out, or hold the weights alone in f16: --weights f16"],
    },
  );
}

async function makeDevice(): Promise<GPUDevice> {
  const adapter = await findAdapter();
  if (typeof adapter === "string") throw UserError.of("E0503", adapter);
  if (adapter.info.isFallbackAdapter && kept !== null) waitPatiently();
  const made = await requestDevice(adapter);
  void made.lost.then(() => {
    device = null;
  });
  return made;
}
