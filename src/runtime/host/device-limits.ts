/** What a device can bind: sizes that it refuses, and arguments of shaders that it takes in parts. */
import { DeviceError } from "./device.js";
import type { Shader } from "./device-shaders.js";
import type { Sizes } from "./inputs.js";

/** An argument that some devices do not bind as a whole: it is read by a function alone, which then looks into parts. */
export interface LargeArgument {
  /** Its position among the arguments. */
  readonly at: number;
  readonly name: string;
  /** The type of its elements and how many there are. */
  readonly type: string;
  readonly elements: number;
}

/** The bytes of elements that do not take four. */
const strides: { readonly [type: string]: number } = { vec4f: 16, vec4h: 8, "vec2<u32>": 8, f16: 2 };

/** The least of the two limits on what is bound, and its name. */
function largestBinding({ maxBufferSize, maxStorageBufferBindingSize }: GPUSupportedLimits): [number, string] {
  return maxBufferSize < maxStorageBufferBindingSize
    ? [maxBufferSize, "maxBufferSize"]
    : [maxStorageBufferBindingSize, "maxStorageBufferBindingSize"];
}

/** The bytes of each part but the last of what is too large to be bound as a whole. */
export function partBytes(limits: GPUSupportedLimits): number {
  return Math.floor(largestBinding(limits)[0] / 256) * 256;
}

/** How many buffers hold so many bytes. */
export function partCount(bytes: number, limits: GPUSupportedLimits): number {
  return bytes <= largestBinding(limits)[0] ? 1 : Math.ceil(bytes / partBytes(limits));
}

/** What a user can do about a limit. */
export function wayOut(
  limit: string,
  other = limit === "maxStorageBuffersPerShaderStage" ? "compile with --no-fuse" : "take smaller sizes",
): string {
  return `give load a device whose ${limit} is higher, as requestDevice takes it in requiredLimits, or ${other}`;
}

/** @throws DeviceError where a buffer is too large to be bound, with the limit. @param other what can be done besides */
export function requireBytes(what: string, bytes: number, limits: GPUSupportedLimits, other?: string): void {
  const [limit, name] = largestBinding(limits);
  if (bytes <= limit) return;
  throw new DeviceError(
    `${what} needs ${bytes} bytes, and the device allows ${limit} (${name}): ${wayOut(name, other)}`,
  );
}

/** How many workgroups run along each dimension; null for none. @throws DeviceError where they are too many. */
export function workgroupsOf(shader: Shader, sizes: Sizes, { limits }: GPUDevice): [number, number] | null {
  const count = shader.workgroups(sizes);
  if (count <= 0) return null;
  const most = limits.maxComputeWorkgroupsPerDimension;
  const rows = Math.ceil(count / most);
  if (rows > most) {
    throw new DeviceError(
      `the kernel ${shader.name} needs ${count} workgroups, and the device allows ${most} by ${most} (maxComputeWorkgroupsPerDimension): run it with smaller sizes`,
    );
  }
  return [Math.ceil(count / rows), rows];
}

/** A shader as a device with these limits runs it: how many buffers each argument is bound as, and the code for it. */
export function inParts(
  { code, access, large = [] }: Shader,
  limits: GPUSupportedLimits,
): { readonly code: string; readonly parts: readonly number[] } {
  const parts = access.map(() => 1);
  let [text, binding] = [code, access.length + 1];
  for (const { at, name, type, elements } of large) {
    const stride = strides[type] ?? 4;
    const count = partCount(stride * elements, limits);
    if (count === 1) continue;
    parts[at] = count;
    const each = partBytes(limits) / stride;
    const lines: string[] = [];
    const declared: string[] = [];
    for (let part = 0; part < count; part++) {
      const own = part === 0 ? name : `${name}_part_${part}`;
      const from = part === 0 ? "at" : `at - ${part * each}`;
      const test = part === count - 1 ? "" : `if (at < ${(part + 1) * each}) { `;
      lines.push(`${test}return ${own}[${from}];${test === "" ? "" : " }"}`);
      if (part > 0) declared.push(`@group(0) @binding(${binding++}) var<storage, read> ${own}: array<${type}>;`);
    }
    text = [text.replace(`return ${name}[at];`, lines.join("\n  ")), ...declared].join("\n");
  }
  return { code: text, parts };
}
