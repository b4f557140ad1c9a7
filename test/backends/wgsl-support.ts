/** Helps the tests of the WGSL target: devices of Dawn, and modules that are loaded on them. */
import { create } from "webgpu";
import { backends } from "../../src/driver/backends.js";
import { waitPatiently } from "../../src/driver/patience.js";
import type { Graph } from "../../src/ir/graph/graph.js";
import { variantOf } from "../../src/ir/kernel/index.js";
import type { Plan } from "../../src/ir/plan/index.js";
import { lowerGraph } from "../../src/lower/index.js";
import { planGraph } from "../../src/memory/index.js";
import { requestDevice } from "../../src/runtime/host/device.js";
import { scheduledForWgsl, scheduleGraph, spilled, type WgslPolicy, wgslPolicy } from "../../src/schedule/index.js";

/** Dawn's objects must be kept as long as their devices are used. */
const kept: GPU[] = [];

async function deviceOf(flags: readonly string[]): Promise<GPUDevice> {
  const gpu = create([...flags]);
  kept.push(gpu);
  const adapter = await gpu.requestAdapter();
  if (adapter === null) throw new Error(`Dawn has no adapter for ${flags.join(", ")}`);
  waitPatiently();
  return requestDevice(adapter);
}

/** A device that compiles and checks everything, and computes nothing. */
export function nullDevice(): Promise<GPUDevice> {
  return deviceOf(["backend=null"]);
}

/**
 * A device of its own with these limits, as the host code sees them: WebGPU has no device with lower ones than its defaults.
 * Others are the defaults.
 */
export async function limitedDevice(flag: string, limits: Readonly<Record<string, number>> = {}): Promise<GPUDevice> {
  const gpu = create([flag]);
  kept.push(gpu);
  const device = await (await gpu.requestAdapter())!.requestDevice();
  const given: Record<string, number> = {};
  for (const name in device.limits) given[name] = device.limits[name as "maxBufferSize"];
  Object.defineProperty(device, "limits", { value: { ...given, ...limits } });
  return device;
}

/** The drivers of this machine that run on the CPU, as test/support/vulkan-setup.ts has found them. */
export const softwareDrivers = (["lavapipe", "swiftshader"] as const).filter((name) =>
  (process.env.VK_DRIVER_FILES ?? "").includes(name),
);

const adapters = { lavapipe: "llvmpipe", swiftshader: "SwiftShader" } as const;

/** The flag by which Dawn finds the adapter of a driver. */
export const adapterFlag = (name: keyof typeof adapters): string => `adapter=${adapters[name]}`;

const devices = new Map<string, Promise<GPUDevice>>();

/** The device of a driver, made once in a process. */
export function softwareDevice(name: keyof typeof adapters): Promise<GPUDevice> {
  const known = devices.get(name) ?? deviceOf([adapterFlag(name)]);
  devices.set(name, known);
  return known;
}

/** A device of a driver whose shaders are compiled as they are, with no checks of what they access. */
export function uncheckedDevice(name: keyof typeof adapters): Promise<GPUDevice> {
  const key = `${name}, unchecked`;
  const known = devices.get(key) ?? deviceOf([adapterFlag(name), "enable-dawn-features=disable_robustness"]);
  devices.set(key, known);
  return known;
}

/** The plan of a graph as the target has it, or with kernels scheduled by another policy. */
export function wgslPlan(graph: Graph, policy: WgslPolicy = wgslPolicy): Plan {
  const scheduled = scheduleGraph(lowerGraph(graph), (kernel) => scheduledForWgsl(kernel, policy));
  return planGraph(spilled(scheduled), backends.wgsl.planning);
}

/** The plan with the first choice of each kernel alone, and for each word for variants the plan of those. */
export function variantPlans(plan: Plan): ReadonlyMap<string, Plan> {
  const names = new Set(plan.kernels.flatMap(({ variants = [] }) => variants.map(({ name }) => name)));
  const chosen = (name: string | null): Plan => ({
    ...plan,
    kernels: plan.kernels.map((kernel) => {
      const { variants, ...first } = kernel;
      const variant = variants?.find((each) => each.name === name);
      return variant === undefined ? first : variantOf(kernel, variant);
    }),
  });
  return new Map([["first choice", chosen(null)], ...[...names].map((name): [string, Plan] => [name, chosen(name)])]);
}
