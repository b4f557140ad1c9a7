/** What sessions keep on a device: a buffer for each state, which steps write in place. */

import type { ChosenRow } from "./chooser.js";
import type { DeviceKept } from "./device-binding.js";
import { choosing, DeviceChooser } from "./device-chooser.js";
import type { DeviceInstance } from "./device-instance.js";
import type { DeviceEntry } from "./device-model.js";
import { fits, isSoftware } from "./device-shaders.js";
import { fromDeviceArray, readBuffers, toDeviceArray } from "./device-tensors.js";
import type { Sizes } from "./inputs.js";
import type { SamplingOptions } from "./sampling.js";
import type { DecodingSpec, KeptArrays, StepOutputs, StepTarget } from "./session.js";
import { stateShape } from "./session-arrays.js";
import { elementCount } from "./tensors.js";

/** The programs that compute an entry step by step. */
export interface DeviceSteps {
  readonly begin: DeviceEntry | null;
  readonly step: DeviceEntry;
  readonly last: DeviceEntry;
  /**
   * What steps of one position run, where the size that counts sequences is small; another if the device is a CPU, where it
   * costs little to begin a kernel, and much that lanes wait for each other.
   */
  readonly one?: {
    readonly entry: DeviceEntry;
    readonly apart: DeviceEntry;
    readonly few?: { readonly batch: string; readonly most: number };
  };
}

/** Runs the steps of an entry on a device. */
export function deviceStepTarget(
  instance: DeviceInstance,
  spec: DecodingSpec,
  { begin, step, last, one }: DeviceSteps,
): StepTarget<DeviceKept> {
  const { device } = instance;
  const programFor = (sizes: Sizes, isLast: boolean): DeviceEntry => {
    if (one !== undefined && sizes[spec.count] === 1) {
      const isFew = one.few === undefined || sizes[one.few.batch]! <= one.few.most;
      if (isFew) return isSoftware(device) ? one.apart : one.entry;
    }
    return isLast ? last : step;
  };
  const create = (sizes: Sizes): DeviceKept => {
    const counts = Object.fromEntries(spec.states.map((state) => [state.name, elementCount(stateShape(state, sizes))]));
    return instance.open(counts);
  };
  return {
    create,
    begin: async (kept, inputs) => {
      if (begin !== null) await instance.run(begin, inputs, { kept });
    },
    step: (kept, inputs, isLast) =>
      instance.run(programFor(inputs.sizes, isLast), inputs, { kept }) as Promise<unknown> as Promise<StepOutputs>,
    select: (kept, sizes, rows) => {
      const made = create(spec.batch === null ? sizes : { ...sizes, [spec.batch]: rows.length });
      const encoder = device.createCommandEncoder();
      for (const state of spec.states) {
        const [from, to] = [kept.states[state.name]!, made.states[state.name]!];
        const shape = stateShape(state, sizes);
        const axis = state.shape.indexOf(spec.batch ?? "");
        const inner = 4 * elementCount(shape.slice(axis + 1));
        if (axis < 0) encoder.copyBufferToBuffer(from, 0, to, 0, to.size);
        for (let i = 0; i < (axis < 0 ? 0 : elementCount(shape.slice(0, axis))); i++) {
          for (const [at, row] of rows.entries()) {
            encoder.copyBufferToBuffer(
              from,
              (i * shape[axis]! + row) * inner,
              to,
              (i * rows.length + at) * inner,
              inner,
            );
          }
        }
      }
      device.queue.submit([encoder.finish()]);
      return made;
    },
    read: async ({ states, counts }) => {
      const parts = spec.states.map(({ name }) => ({ buffer: states[name]!, bytes: 4 * counts[name]! }));
      const { bytes, offsets } = await readBuffers(device, parts);
      return Object.fromEntries(
        spec.states.map(({ name, type }, at) => [name, fromDeviceArray(type, bytes, offsets[at]!, counts[name]!)]),
      );
    },
    write: ({ states }, arrays: KeptArrays) => {
      for (const { name, type } of spec.states) {
        const { buffer, byteOffset, byteLength } = toDeviceArray(type, arrays[name]!);
        device.queue.writeBuffer(states[name]!, 0, buffer as ArrayBuffer, byteOffset, byteLength);
      }
    },
    dispose: (kept) => instance.close(kept),
    requireOpen: () => instance.requireOpen(),
    // Where the device is too small for that, tokens are chosen here.
    ...(fits(device, choosing)
      ? {
          chooser: (of: DecodingSpec, options: SamplingOptions, rows: readonly ChosenRow[]) =>
            new DeviceChooser(instance, programFor, of, options, rows),
        }
      : {}),
  };
}
