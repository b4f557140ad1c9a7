/** Helps the tests of the WGSL target: devices of Dawn, and modules that are loaded on them. */
import { expect } from "vitest";
import { create } from "webgpu";
import { backends } from "../../src/driver/backends.js";
import { waitPatiently } from "../../src/driver/patience.js";
import type { Compilation } from "../../src/driver/pipeline.js";
import type { Graph } from "../../src/ir/graph/graph.js";
import { variantOf } from "../../src/ir/kernel/index.js";
import type { Plan } from "../../src/ir/plan/index.js";
import { lowerGraph } from "../../src/lower/index.js";
import { planGraph } from "../../src/memory/index.js";
import { requestDevice } from "../../src/runtime/host/device.js";
import { makePipeline, type Shader } from "../../src/runtime/host/device-shaders.js";
import { scheduledForWgsl, scheduleGraph, spilled, type WgslPolicy, wgslPolicy } from "../../src/schedule/index.js";
import { importText, type LoadedModel } from "./typescript-support.js";

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

/** A device of a driver that passes for one that is no CPU, so that what is made for those runs on it. */
export async function disguisedDevice(name: keyof typeof adapters): Promise<GPUDevice> {
  const device = await deviceOf([adapterFlag(name)]);
  Object.defineProperty(device, "adapterInfo", { value: { description: "a card" } });
  return device;
}

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

/** The text of a module that gives its shaders as well. */
function withShaders(javascript: string): string {
  const names = [...javascript.matchAll(/^const (\w+) = \{\n {2}name: "\1",\n {2}about: /gm)].map(([, name]) => name);
  return `${javascript}\nexport const everyShader = [${names.join(", ")}];\n`;
}

/** The module of a compilation, every shader of which Dawn takes. */
export async function withValidShaders(
  compilation: Compilation,
  device: GPUDevice,
): Promise<{ load(options: object): Promise<LoadedModel> }> {
  const { javascript } = await compilation.get("emit");
  const module = (await importText(withShaders(javascript))) as unknown as {
    readonly everyShader: readonly Shader[];
    load(options: object): Promise<LoadedModel>;
  };
  const shaders = new Set(module.everyShader.flatMap((each) => [each, ...(each.variants ?? []).map((v) => v.shader)]));
  expect(shaders.size).toBe(module.everyShader.length);
  await Promise.all(
    [...shaders].map(async (shader) => {
      // What needs more than the null device has is text that is valid, if no pipeline of it.
      const refusal = await makePipeline(device, shader).catch((error: Error) => error.message);
      if (typeof refusal !== "string") return;
      expect(refusal).toMatch(
        /^the kernel \w+ needs \d+ (shared bytes|buffers), and the device allows \d+ \(max\w+\): /,
      );
      const { messages } = await device.createShaderModule({ code: shader.code }).getCompilationInfo();
      expect(messages.map(({ message }) => message)).toEqual([]);
    }),
  );
  return module;
}
