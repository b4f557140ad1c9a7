/** What the sizes of an entry decide on a device: buffers, bind groups, numbers of workgroups; and how steps are run on them. */
import type { DeviceBuffer, DeviceCall } from "./device-model.js";
import type { Shader } from "./device-shaders.js";

/** What a session has on the device: what it keeps, with the elements of each, and its steps as they were bound. */
export interface DeviceKept {
  readonly states: Record<string, GPUBuffer>;
  readonly counts: Readonly<Record<string, number>>;
  readonly bound: Map<string, Bound>;
  /** All buffers that are freed with it but those of its steps. */
  readonly own: GPUBuffer[];
  /** Rejects with what the device said of its states. */
  ready: Promise<unknown>;
}

/** An output in the memory of a run. */
export interface BoundOutput {
  readonly name: string;
  /** Its name among the buffers of the entry. */
  readonly key: string;
  readonly spec: DeviceBuffer;
  readonly shape: readonly number[];
  readonly buffer: GPUBuffer;
}

/** How a step of a session is run. */
export interface StepOptions<Result> {
  readonly kept?: DeviceKept;
  /** An input, by its position, that lies on the device. */
  readonly given?: readonly [number, GPUBuffer];
  /** The shaders that `collect` runs. */
  readonly more?: readonly { readonly shader: Shader }[];
  /** Takes the outputs in place of reading them: adds to the commands, and submits them. */
  readonly collect?: (encoder: GPUCommandEncoder, outputs: readonly BoundOutput[]) => Promise<Result>;
}

/** An entry with all that its sizes decide. */
export interface Bound {
  /** The arena that it is bound to. */
  readonly arena: GPUBuffer;
  readonly uniform: GPUBuffer;
  /** The buffers that belong to this binding only, to be freed with it. */
  readonly own: readonly GPUBuffer[];
  readonly inputs: ReadonlyMap<number, GPUBuffer>;
  readonly outputs: readonly BoundOutput[];
  readonly calls: readonly {
    readonly call: DeviceCall;
    readonly pipeline: GPUComputePipeline;
    readonly group: GPUBindGroup;
    readonly workgroups: readonly [number, number] | null;
  }[];
}

/** Frees what belongs to a binding only. */
export function forgetBound({ own }: Bound): void {
  for (const buffer of own) buffer.destroy();
}
