/** Compute shaders as pipelines of a device, made at once and side by side. */
import { DeviceError, reporting, under } from "./device.js";
import { inParts, type LargeArgument, wayOut } from "./device-limits.js";
import type { Sizes } from "./inputs.js";

/** A compute shader, and how it is run. */
export interface Shader {
  readonly name: string;
  /** What it computes and where it comes from in the source. */
  readonly about: string;
  readonly code: string;
  /** How each buffer is bound, from binding 1 on; binding 0 is the uniform of the sizes. */
  readonly access: readonly ("read" | "read_write")[];
  /** Invocations of a workgroup, and bytes that they share. */
  readonly lanes: number;
  readonly sharedBytes: number;
  /** Features that the device must have. */
  readonly needs?: readonly string[];
  readonly workgroups: (sizes: Sizes) => number;
  /** Arguments that the device may have to bind in parts, in their order. */
  readonly large?: readonly LargeArgument[];
  /** Others that suit some devices or sizes better: the first that is for them, and fits the device, is taken. */
  readonly variants?: readonly ShaderVariant[];
}

export interface ShaderVariant {
  /** For devices that compute on a CPU; for any if not given. */
  readonly on?: "software";
  readonly when?: (sizes: Sizes) => boolean;
  readonly shader: Shader;
}

/** The shaders that a device may run for one. */
export function shadersFor(device: GPUDevice, shader: Shader): readonly Shader[] {
  const { variants = [] } = shader;
  const own = variants.filter((each) => suits(device, each));
  const last = own.findIndex(({ when }) => when === undefined);
  if (last >= 0) return own.slice(0, last + 1).map((each) => each.shader);
  const others = fits(device, shader) ? [] : variants.filter((each) => fits(device, each.shader));
  const isSpared = others.some(({ when }) => when === undefined);
  return [...new Set([...own, ...others].map((each) => each.shader)), ...(isSpared ? [] : [shader])];
}

/** The shader that a device runs for one. */
export function shaderFor(device: GPUDevice, shader: Shader, sizes: Sizes): Shader {
  const { variants = [] } = shader;
  const suitable = variants.filter(({ when }) => when === undefined || when(sizes));
  const own = suitable.find((each) => suits(device, each));
  if (own !== undefined) return own.shader;
  // What is for others still runs here, where the first choice does not.
  const other = fits(device, shader) ? undefined : suitable.find((each) => fits(device, each.shader));
  return other?.shader ?? shader;
}

function suits(device: GPUDevice, { on, shader }: ShaderVariant): boolean {
  return (on === undefined || isSoftware(device)) && fits(device, shader);
}

/** Whether a device can run a shader, whose arguments are bound as a whole. */
export function fits({ limits, features }: GPUDevice, { access, lanes, sharedBytes, needs = [] }: Shader): boolean {
  const most = Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX);
  const hasAll = needs.every((name) => features.has(name as GPUFeatureName));
  const isBound = access.length <= limits.maxStorageBuffersPerShaderStage;
  return hasAll && isBound && lanes <= most && sharedBytes <= limits.maxComputeWorkgroupStorageSize;
}

/** Whether a device computes on the CPU. */
export function isSoftware({ adapterInfo }: GPUDevice): boolean {
  const { isFallbackAdapter = false, architecture = "", device = "", description = "" } = adapterInfo ?? {};
  return (
    isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test([architecture, device, description].join())
  );
}

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** @throws DeviceError that names the kernel and the limit, or what the device says of its shader. */
export async function makePipeline(device: GPUDevice, shader: Shader): Promise<Pipeline> {
  const { limits } = device;
  const { code, parts } = inParts(shader, limits);
  const bound = parts.reduce((sum, count) => sum + count, 0);
  const needs = [
    [bound, limits.maxStorageBuffersPerShaderStage, "buffers", "maxStorageBuffersPerShaderStage"],
    [shader.lanes, limits.maxComputeInvocationsPerWorkgroup, "invocations", "maxComputeInvocationsPerWorkgroup"],
    [shader.lanes, limits.maxComputeWorkgroupSizeX, "invocations in a row", "maxComputeWorkgroupSizeX"],
    [shader.sharedBytes, limits.maxComputeWorkgroupStorageSize, "shared bytes", "maxComputeWorkgroupStorageSize"],
  ] as const;
  for (const [needed, limit, what, name] of needs) {
    if (needed <= limit) continue;
    const refusal = `${nameOf(shader)} needs ${needed} ${what}, and the device allows ${limit} (${name})`;
    throw new DeviceError(`${refusal}: ${wayOut(name)}\n${shader.about}`);
  }
  for (const name of shader.needs ?? []) {
    if (device.features.has(name as GPUFeatureName)) continue;
    const refusal = `${nameOf(shader)} needs the feature ${name}, which the device does not have`;
    throw new DeviceError(
      `${refusal}: give load a device that was asked for it in requiredFeatures, or compile without what needs it\n${shader.about}`,
    );
  }
  const { module, layout, pipeline } = await reporting(device, nameOf(shader), () => {
    const module = device.createShaderModule({ label: shader.name, code });
    const storage = Array.from({ length: bound }, (_, at): GPUBindGroupLayoutEntry => {
      const type = shader.access[at] === "read_write" ? "storage" : "read-only-storage";
      return { binding: at + 1, visibility: 4, buffer: { type } };
    });
    const layout = device.createBindGroupLayout({
      label: shader.name,
      entries: [{ binding: 0, visibility: 4, buffer: { type: "uniform" } }, ...storage],
    });
    const pipeline = device
      .createComputePipelineAsync({
        label: shader.name,
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint: "main" },
      })
      .catch((error: unknown) => error);
    return { module, layout, pipeline };
  }).catch((error: Error) => {
    throw new DeviceError(`${error.message}\n${shader.about}`);
  });
  const made = await pipeline;
  if (made instanceof Error) throw new DeviceError(await complaint(shader, code, module, made));
  return { pipeline: made as GPUComputePipeline, layout };
}

/** The pipelines of a model's shaders, each made once. */
export class DevicePipelines {
  readonly #device: GPUDevice;
  /** By the list that was asked for: steps ask for the same again and again. */
  readonly #asked = new WeakMap<readonly unknown[], Promise<unknown>>();
  readonly #making = new Map<Shader, Promise<unknown>>();
  readonly #made = new Map<Shader, Pipeline>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Makes those of calls, or of what the device may run for them, side by side. @throws DeviceError */
  make(calls: readonly { readonly shader: Shader }[]): Promise<unknown> {
    const asked =
      this.#asked.get(calls) ??
      Promise.all(calls.flatMap(({ shader }) => shadersFor(this.#device, shader)).map((shader) => this.#make(shader)));
    this.#asked.set(calls, asked);
    return asked;
  }

  #make(shader: Shader): Promise<unknown> {
    const making =
      this.#making.get(shader) ??
      under(this.#device, makePipeline(this.#device, shader)).then((pipeline) => {
        this.#made.set(shader, pipeline);
      });
    this.#making.set(shader, making);
    return making;
  }

  /** That of a shader, which is made. */
  of(shader: Shader): Pipeline {
    return this.#made.get(shader)!;
  }
}

function nameOf({ name }: Shader): string {
  return `the kernel ${name}`;
}

async function complaint(shader: Shader, code: string, module: GPUShaderModule, error: Error): Promise<string> {
  const { messages } = await module.getCompilationInfo();
  const lines = code.split("\n");
  const texts = messages
    .filter(({ type }) => type === "error")
    .map(({ lineNum, linePos, message }) => `${lineNum}:${linePos}: ${message}\n  ${lines[lineNum - 1] ?? ""}`);
  return [`${nameOf(shader)}: ${error.message}`, ...texts].join("\n");
}
