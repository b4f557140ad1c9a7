/** Compute shaders as pipelines of a device, made at once and side by side. */
import { DeviceError, reporting } from "./device.js";
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
  readonly workgroups: (sizes: Sizes) => number;
}

export interface Pipeline {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** @throws DeviceError that names the kernel and the limit, or what the device says of its shader. */
export async function makePipeline(device: GPUDevice, shader: Shader): Promise<Pipeline> {
  const { limits } = device;
  const needs = [
    [shader.access.length, limits.maxStorageBuffersPerShaderStage, "buffers", "maxStorageBuffersPerShaderStage"],
    [shader.lanes, limits.maxComputeInvocationsPerWorkgroup, "invocations", "maxComputeInvocationsPerWorkgroup"],
    [shader.sharedBytes, limits.maxComputeWorkgroupStorageSize, "shared bytes", "maxComputeWorkgroupStorageSize"],
  ] as const;
  for (const [needed, limit, what, name] of needs) {
    if (needed <= limit) continue;
    throw new DeviceError(`${nameOf(shader)} needs ${needed} ${what}, and the device allows ${limit} (${name})`);
  }
  const { module, layout, pipeline } = await reporting(device, nameOf(shader), () => {
    const module = device.createShaderModule({ label: shader.name, code: shader.code });
    const storage = shader.access.map((access, at): GPUBindGroupLayoutEntry => {
      const type = access === "read" ? "read-only-storage" : "storage";
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
  if (made instanceof Error) throw new DeviceError(await complaint(shader, module, made));
  return { pipeline: made as GPUComputePipeline, layout };
}

function nameOf({ name }: Shader): string {
  return `the kernel ${name}`;
}

async function complaint(shader: Shader, module: GPUShaderModule, error: Error): Promise<string> {
  const { messages } = await module.getCompilationInfo();
  const lines = shader.code.split("\n");
  const texts = messages
    .filter(({ type }) => type === "error")
    .map(({ lineNum, linePos, message }) => `${lineNum}:${linePos}: ${message}\n  ${lines[lineNum - 1] ?? ""}`);
  return [`${nameOf(shader)}: ${error.message}`, ...texts].join("\n");
}
