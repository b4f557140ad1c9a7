/** Weights in the memory of a device: each in one buffer, or in as many as the device can bind. */
import { reporting } from "./device.js";
import { partBytes, partCount, requireBytes } from "./device-limits.js";
import { bufferUsage, deviceBytes } from "./device-tensors.js";

export class DeviceWeights {
  readonly #device: GPUDevice;
  readonly #parts = new Map<string, readonly GPUBuffer[]>();

  constructor(device: GPUDevice) {
    this.#device = device;
  }

  /** Copies a weight to the device. @throws DeviceError */
  async give(name: string, data: Float32Array | Int32Array | Uint32Array): Promise<void> {
    await reporting(this.#device, `the weight ${name}`, () => {
      const { limits, queue } = this.#device;
      const count = partCount(data.byteLength, limits);
      const most = count === 1 ? data.byteLength : partBytes(limits);
      const parts: GPUBuffer[] = [];
      this.#parts.set(name, parts);
      for (let part = 0; part < count; part++) {
        const from = part * most;
        const bytes = Math.min(most, data.byteLength - from);
        const buffer = this.#make(`the weight ${name}`, bytes, bufferUsage.storage | bufferUsage.copyTarget);
        parts.push(buffer);
        queue.writeBuffer(buffer, 0, data.buffer as ArrayBuffer, data.byteOffset + from, bytes);
      }
    });
  }

  /** Makes room for what is computed of weights. @throws DeviceError where it is too large to be written to. */
  reserve(name: string, bytes: number): void {
    const other = "hold weights in fewer bits, or as f32, which are bound in parts";
    requireBytes(`${name}, which is made of weights,`, bytes, this.#device.limits, other);
    this.#parts.set(name, [this.#make(name, bytes, bufferUsage.storage)]);
  }

  #make(label: string, bytes: number, usage: number): GPUBuffer {
    return this.#device.createBuffer({ label, size: deviceBytes(Math.ceil(bytes / 4)), usage });
  }

  /** How a weight is bound. */
  bindingsOf(name: string): readonly GPUBufferBinding[] {
    return this.#parts.get(name)!.map((buffer) => ({ buffer }));
  }

  /** Frees a weight, or all. */
  free(...names: readonly string[]): void {
    for (const name of names.length === 0 ? [...this.#parts.keys()] : names) {
      for (const buffer of this.#parts.get(name) ?? []) buffer.destroy();
      this.#parts.delete(name);
    }
  }
}
