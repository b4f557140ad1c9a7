/** How long a device takes for each kernel of a run, by the timestamps that it writes itself. */
import { DeviceError } from "./device.js";
import type { DeviceCall } from "./device-model.js";
import { bufferUsage } from "./device-tensors.js";

/** One run of a kernel, in milliseconds. */
export interface KernelTime {
  readonly kernel: string;
  /** What it computes and where it comes from in the source. */
  readonly about: string;
  readonly layer: string;
  readonly milliseconds: number;
}

/** The timestamps of a run that is encoded. */
export interface DeviceTimes {
  readonly passOf: (call: number) => GPUComputePassDescriptor;
  readonly resolve: (encoder: GPUCommandEncoder) => void;
  /** Waits for the run. */
  readonly report: (tell: (times: readonly KernelTime[]) => void) => Promise<void>;
}

/** @throws DeviceError where the device writes no timestamps, or not for so many kernels. */
export function timesOf(device: GPUDevice, calls: readonly { readonly call: DeviceCall }[]): DeviceTimes {
  if (!device.features.has("timestamp-query")) {
    throw new DeviceError("the device writes no timestamps: it lacks the feature timestamp-query");
  }
  const count = 2 * Math.max(1, calls.length);
  if (count > 4096) throw new DeviceError(`timestamps are written for 2048 kernels, and the run has ${calls.length}`);
  const querySet = device.createQuerySet({ type: "timestamp", count });
  const bytes = 8 * count;
  const resolved = device.createBuffer({ size: bytes, usage: bufferUsage.queryResolve | bufferUsage.copySource });
  const staging = device.createBuffer({ size: bytes, usage: bufferUsage.mapRead | bufferUsage.copyTarget });
  return {
    passOf: (call) => ({
      timestampWrites: { querySet, beginningOfPassWriteIndex: 2 * call, endOfPassWriteIndex: 2 * call + 1 },
    }),
    resolve: (encoder) => {
      if (calls.length > 0) encoder.resolveQuerySet(querySet, 0, 2 * calls.length, resolved, 0);
      encoder.copyBufferToBuffer(resolved, 0, staging, 0, bytes);
    },
    report: async (tell) => {
      await staging.mapAsync(1);
      const stamps = new BigUint64Array(staging.getMappedRange().slice(0));
      staging.unmap();
      for (const each of [staging, resolved, querySet]) each.destroy();
      tell(
        calls.map(({ call: { shader, layer } }, at) => ({
          kernel: shader.name,
          about: shader.about,
          layer,
          milliseconds: Number(stamps[2 * at + 1]! - stamps[2 * at]!) / 1e6,
        })),
      );
    },
  };
}
