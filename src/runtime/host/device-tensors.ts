/** Tensors in the memory of a device, where every element takes four bytes: f16 is held as f32, bool as 0 and 1 in u32. */
import { DeviceError, reporting } from "./device.js";
import { halfValues, toHalf } from "./half.js";
import { type ArrayOf, arrayOf, type ElementName, elementCount, type Tensor } from "./tensors.js";

/** An output that stays on the device. */
export interface DeviceTensor<Type extends ElementName = ElementName> {
  /** Its elements in row-major order, four bytes each. It can be bound as storage and copied from. */
  readonly buffer: GPUBuffer;
  readonly shape: readonly number[];
  readonly type: Type;
  /** Copies the elements to the host. */
  read(): Promise<Tensor<Type>>;
  /** Frees the memory. */
  destroy(): void;
}

/** Outputs by name, each on the device. */
export type OnDevice<Outputs> = {
  readonly [Name in keyof Outputs]: Outputs[Name] extends Tensor<infer Type> ? DeviceTensor<Type> : never;
};

/** The flags of GPUBufferUsage, which not every host has as a global. */
export const bufferUsage = {
  mapRead: 0x1,
  copySource: 0x4,
  copyTarget: 0x8,
  uniform: 0x40,
  storage: 0x80,
  queryResolve: 0x200,
} as const;

/** Bytes of a number of elements on the device: what is bound must not be empty. */
export function deviceBytes(elements: number): number {
  return Math.max(16, elements * 4);
}

/** Elements as they lie on the device. */
export function toDeviceArray(type: ElementName, data: ArrayOf[ElementName]): Float32Array | Int32Array | Uint32Array {
  if (type === "bool") return Uint32Array.from(data);
  if (type !== "f16") return data as Float32Array | Int32Array;
  const values = halfValues();
  return Float32Array.from(data, (bits) => values[bits]!);
}

/** Elements from the bytes of a device, which are not kept. */
export function fromDeviceArray<Type extends ElementName>(
  type: Type,
  bytes: ArrayBuffer,
  offset: number,
  elements: number,
): ArrayOf[Type] {
  const result = arrayOf(type, elements) as ArrayOf[ElementName];
  if (type === "bool") result.set(new Uint32Array(bytes, offset, elements));
  else if (type === "i32") result.set(new Int32Array(bytes, offset, elements));
  else {
    const values = new Float32Array(bytes, offset, elements);
    if (type === "f32") result.set(values);
    else for (const [at, value] of values.entries()) result[at] = toHalf(value);
  }
  return result as ArrayOf[Type];
}

/** Copies bytes of buffers to the host, in one submission that `before` may add to. */
export async function readBuffers(
  device: GPUDevice,
  parts: readonly { readonly buffer: GPUBuffer; readonly bytes: number }[],
  encoder: GPUCommandEncoder = device.createCommandEncoder(),
): Promise<{ readonly bytes: ArrayBuffer; readonly offsets: readonly number[] }> {
  const offsets: number[] = [];
  let total = 0;
  for (const { bytes } of parts) {
    offsets.push(total);
    total += 8 * Math.ceil(bytes / 8);
  }
  if (total === 0) {
    device.queue.submit([encoder.finish()]);
    return { bytes: new ArrayBuffer(0), offsets };
  }
  const staging = device.createBuffer({
    label: "read back",
    size: total,
    usage: bufferUsage.mapRead | bufferUsage.copyTarget,
  });
  for (const [at, { buffer, bytes }] of parts.entries()) {
    if (bytes > 0) encoder.copyBufferToBuffer(buffer, 0, staging, offsets[at]!, bytes);
  }
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(1);
  const bytes = staging.getMappedRange().slice(0);
  staging.unmap();
  staging.destroy();
  return { bytes, offsets };
}

/** A tensor on the device, in a buffer of its own. */
export function deviceTensor<Type extends ElementName>(
  device: GPUDevice,
  buffer: GPUBuffer,
  type: Type,
  shape: readonly number[],
): DeviceTensor<Type> {
  const elements = elementCount(shape);
  return {
    buffer,
    shape,
    type,
    read: async () => {
      try {
        const parts = [{ buffer, bytes: elements * 4 }];
        const { bytes } = await reporting(device, buffer.label, () => readBuffers(device, parts));
        return { data: fromDeviceArray(type, bytes, 0, elements), shape, type };
      } catch (error) {
        throw new DeviceError(`the tensor could not be read: ${String(error)}`);
      }
    },
    destroy: () => buffer.destroy(),
  };
}
