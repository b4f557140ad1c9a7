/** A model as a device runs it: what a module says of its entries, their buffers and the calls of their shaders. */
import type { Shader } from "./device-shaders.js";
import type { EntrySpec, Sizes } from "./inputs.js";
import type { ElementName } from "./tensors.js";

/**
 * A buffer of an entry: an input by its position, a weight, an output or what a session keeps by name, or bytes of the arena
 * from an offset.
 */
export interface DeviceBuffer {
  readonly type: ElementName;
  /** Whether its elements take two bytes each, not four. */
  readonly half?: boolean;
  readonly shape: readonly number[];
  readonly input?: number;
  readonly weight?: string;
  readonly output?: string;
  readonly state?: string;
  /** The elements that there is room for, where its shape grows from run to run. */
  readonly room?: number;
  readonly offset?: number;
}

/** One run of a shader, on the buffers of these names. */
export interface DeviceCall {
  readonly shader: Shader;
  /** The layer that it belongs to; empty for the model itself. */
  readonly layer: string;
  readonly buffers: readonly string[];
}

/** An entry as a device runs it. */
export interface DeviceEntry {
  readonly spec: EntrySpec;
  readonly arenaBytes: (sizes: Sizes) => number;
  readonly buffers: (sizes: Sizes) => Readonly<Record<string, DeviceBuffer>>;
  readonly calls: readonly DeviceCall[];
}

/** A model as a device runs it. */
export interface DeviceModel {
  readonly name: string;
  /** The names of the run-time sizes, in the order of the uniform. */
  readonly sizes: readonly string[];
  readonly entries: readonly DeviceEntry[];
  /** What is computed of weights once, in an order in which it can be. */
  readonly prepared: readonly DevicePrepared[];
  /** The names of weights, and of what is prepared, that no run reads. */
  readonly passing: readonly string[];
}

/** What a shader computes of weights, and of what was prepared before. */
export interface DevicePrepared {
  readonly name: string;
  readonly type: ElementName;
  readonly half?: boolean;
  readonly shape: readonly number[];
  readonly shader: Shader;
  readonly of: readonly string[];
}
