/**
 * What a model that is loaded on a device holds: pipelines, weights, one arena for all that lives within a run, and for
 * the latest bindings of sizes the buffers, bind groups and numbers of workgroups, so that a repeated run allocates
 * nothing but what its outputs are read through.
 *
 * A run writes its inputs and submits once. Runs may be started while others are under way: the device takes them in
 * their order.
 */
import { DeviceError, reporting, requestDevice, requireDevice, whenIdle } from "./device.js";
import { type Bound, type BoundOutput, type DeviceKept, forgetBound, type StepOptions } from "./device-binding.js";
import { requireBytes, wayOut, workgroupsOf } from "./device-limits.js";
import type { DeviceEntry, DeviceModel } from "./device-model.js";
import { DevicePipelines, type Pipeline, type Shader, shaderFor } from "./device-shaders.js";
import {
  bufferUsage,
  type DeviceTensor,
  deviceBytes,
  deviceTensor,
  fromDeviceArray,
  readBuffers,
  toDeviceArray,
} from "./device-tensors.js";
import { type DeviceTimes, type KernelTime, timesOf } from "./device-times.js";
import { DeviceWeights } from "./device-weights.js";
import { type CheckedInputs, filledInput, type Sizes } from "./inputs.js";
import { type ArrayOf, type ElementName, elementCount, type Tensor } from "./tensors.js";

export interface DeviceOptions {
  readonly device?: GPUDevice | undefined;
}

export interface RunOptions {
  /** Leaves the outputs on the device, in buffers of their own. */
  readonly keepOnDevice?: boolean | undefined;
  /** Told how long the device took for each kernel, in the order of the run. Needs the feature timestamp-query. */
  readonly onTimes?: ((times: readonly KernelTime[]) => void) | undefined;
}

/** For how many bindings of sizes the bind groups are kept. */
const keptOnDevice = 8;

export class DeviceInstance {
  readonly model: DeviceModel;
  readonly device: GPUDevice;
  /** Whether nobody else has the device. */
  readonly isOwn: boolean;
  readonly #weights: DeviceWeights;
  #pipelines: DevicePipelines;
  readonly #sessions = new Set<DeviceKept>();
  #arena: GPUBuffer | null = null;
  #bound = new Map<string, Bound>();
  #disposed = false;
  #lost: string | null = null;

  private constructor(model: DeviceModel, device: GPUDevice, isOwn: boolean) {
    this.model = model;
    this.device = device;
    this.isOwn = isOwn;
    this.#weights = new DeviceWeights(device);
    this.#pipelines = new DevicePipelines(device);
    void device.lost.then(({ reason, message }) => {
      this.#lost = `the device was lost${reason === "destroyed" ? ": it was destroyed" : ""}${message ? `: ${message}` : ""}`;
    });
  }

  /** Makes all pipelines, while the weights are loaded and given to the device. @throws DeviceError */
  static async create(
    model: DeviceModel,
    types: Readonly<Record<string, { readonly type: ElementName }>>,
    loadWeights: () => Promise<Readonly<Record<string, ArrayOf[ElementName]>>>,
    options: DeviceOptions = {},
  ): Promise<DeviceInstance> {
    const device = options.device === undefined ? await requestDevice() : requireDevice(options.device);
    const instance = new DeviceInstance(model, device, options.device === undefined);
    try {
      const calls = [...model.prepared, ...model.entries.flatMap((entry) => entry.calls)];
      const given = loadWeights().then((weights) => instance.#give(types, weights));
      await Promise.all([given, instance.#pipelines.make(calls)]);
      await instance.#prepare();
      if (instance.#lost !== null) throw new DeviceError(instance.#lost);
      return instance;
    } catch (error) {
      instance.dispose();
      throw instance.#lost === null ? error : new DeviceError(instance.#lost);
    }
  }

  async #give(
    types: Readonly<Record<string, { readonly type: ElementName }>>,
    weights: Readonly<Record<string, ArrayOf[ElementName]>>,
  ): Promise<void> {
    for (const [name, data] of Object.entries(weights)) {
      // Loading may have failed meanwhile, by a shader.
      if (this.#disposed) return;
      await this.#weights.give(name, toDeviceArray(types[name]!.type, data));
    }
  }

  /** The pipeline of a shader, which is made. */
  pipelineOf(shader: Shader): Pipeline {
    return this.#pipelines.of(shader);
  }

  /** Computes what is made of weights alone, and lets go of what only that reads. */
  async #prepare(): Promise<void> {
    const { device, model } = this;
    await reporting(device, `preparing the weights of ${model.name}`, () => {
      const freed: GPUBuffer[] = [];
      const uniform = this.makeBuffer("no sizes", 4 * model.sizes.length, bufferUsage.uniform, freed);
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      for (const { name, shape, of, half, ...prepared } of model.prepared) {
        const shader = shaderFor(device, prepared.shader, {});
        this.#weights.reserve(name, (half ? 2 : 4) * elementCount(shape));
        const workgroups = workgroupsOf(shader, {}, device);
        if (workgroups === null) continue;
        pass.setPipeline(this.pipelineOf(shader).pipeline);
        const buffers = [...of, name].map((each) => this.#weights.bindingsOf(each));
        pass.setBindGroup(0, this.#group(shader, uniform, buffers));
        pass.dispatchWorkgroups(...workgroups);
      }
      pass.end();
      device.queue.submit([encoder.finish()]);
      uniform.destroy();
    });
    if (model.passing.length > 0) this.#weights.free(...model.passing);
  }

  /** Binds the arguments of a shader: the first part of each in their order, then the further parts. */
  #group(shader: Shader, uniform: GPUBuffer, buffers: readonly (readonly GPUBufferBinding[])[]): GPUBindGroup {
    const firsts = buffers.map(([first]) => first!);
    const further = buffers.flatMap(([, ...others]) => others);
    const entries = [{ buffer: uniform }, ...firsts, ...further].map((resource, binding) => ({ binding, resource }));
    return this.device.createBindGroup({ label: shader.name, layout: this.pipelineOf(shader).layout, entries });
  }

  /** Makes a buffer, and adds it to those that are freed together. @throws DeviceError that names the limit. */
  makeBuffer(what: string, bytes: number, usage: number, freed: GPUBuffer[]): GPUBuffer {
    requireBytes(what, bytes, this.device.limits);
    const size = deviceBytes(Math.ceil(bytes / 4));
    const buffer = this.device.createBuffer({ label: what, size, usage });
    freed.push(buffer);
    return buffer;
  }

  /** Makes what a session keeps, of so many elements each. */
  open(counts: Readonly<Record<string, number>>): DeviceKept {
    this.requireOpen();
    const kept: DeviceKept = { states: {}, counts, bound: new Map(), own: [], ready: Promise.resolve() };
    const usage = bufferUsage.storage | bufferUsage.copySource | bufferUsage.copyTarget;
    this.#sessions.add(kept);
    kept.ready = reporting(this.device, "what a session keeps", () => {
      for (const name in counts) kept.states[name] = this.makeBuffer(name, 4 * counts[name]!, usage, kept.own);
    });
    // The first step hears of it.
    kept.ready.catch(() => {});
    return kept;
  }

  /** Frees what a session keeps, when what is under way is done. */
  close(kept: DeviceKept): void {
    this.#sessions.delete(kept);
    whenIdle(this.device, () => {
      this.#forget(kept.bound);
      for (const buffer of kept.own) buffer.destroy();
    });
  }

  /** Makes the arena at least as large as this. @throws DeviceError */
  async reserve(bytes: number): Promise<void> {
    try {
      await reporting(this.device, "the arena", () => this.#reserve(bytes));
    } catch (error) {
      this.#forgetAll();
      throw error;
    }
  }

  #reserve(bytes: number): void {
    if (this.#arena !== null && bytes <= this.#arena.size) return;
    const { maxBufferSize } = this.device.limits;
    if (bytes > maxBufferSize) {
      throw new DeviceError(
        `a run of these sizes needs ${bytes} bytes, and the device allows ${maxBufferSize} (maxBufferSize): ${wayOut("maxBufferSize")}`,
      );
    }
    this.#forgetAll();
    const size = Math.max(256, 4 * Math.ceil(bytes / 4));
    this.#arena = this.device.createBuffer({ label: "the arena", size, usage: bufferUsage.storage });
  }

  /** Frees what belongs to bindings of sizes. */
  #forget(all: Map<string, Bound>): void {
    for (const bound of all.values()) forgetBound(bound);
    all.clear();
  }

  #forgetAll(kept?: DeviceKept): void {
    if (kept !== undefined) this.#forget(kept.bound);
    this.#forget(this.#bound);
    this.#arena?.destroy();
    this.#arena = null;
  }

  /** Runs an entry on checked inputs. @throws DeviceError that names the kernel or the limit. */
  async run<Result = Record<string, Tensor | DeviceTensor>>(
    entry: DeviceEntry,
    { sizes, arrays }: CheckedInputs,
    options: RunOptions & StepOptions<Result> = {},
  ): Promise<Result> {
    this.requireOpen();
    if (this.#lost !== null) throw new DeviceError(this.#lost);
    const { kept, given, more = [], collect } = options;
    // The pipelines of steps are made with the first of them. All wait, so that none overtakes another.
    if (kept !== undefined) {
      await Promise.all([this.#pipelines.make(entry.calls), this.#pipelines.make(more), kept.ready]);
      this.requireOpen();
      if (!this.#sessions.has(kept)) throw new Error("the session was disposed of");
    }
    const { device } = this;
    const what = `${this.model.name}.${entry.spec.name}`;
    const made: GPUBuffer[] = [];
    try {
      return await reporting(device, what, () => {
        const bound = this.#bind(entry, sizes, kept);
        for (const [position, buffer] of bound.inputs) {
          if (position === given?.[0]) continue;
          const spec = entry.spec.inputs[position]!;
          const data = toDeviceArray(spec.type, arrays[position] ?? filledInput(spec, sizes));
          device.queue.writeBuffer(buffer, 0, data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
        }
        const encoder = device.createCommandEncoder({ label: what });
        const target = given === undefined ? undefined : bound.inputs.get(given[0]);
        if (target !== undefined) encoder.copyBufferToBuffer(given![1], 0, target, 0, given![1].size);
        const times = options.onTimes === undefined ? null : timesOf(device, bound.calls);
        this.#encode(encoder, bound, times);
        const taken =
          collect?.(encoder, bound.outputs) ??
          (options.keepOnDevice ? this.#keep(encoder, bound.outputs, made) : this.#read(encoder, bound.outputs));
        const told = times === null ? null : times.report(options.onTimes!);
        return Promise.all([taken, told]).then(([results]) => results as Result);
      });
    } catch (error) {
      for (const buffer of made) buffer.destroy();
      // What was made for these sizes may be what the device refused; another time it may have room.
      if (error instanceof DeviceError) this.#forgetAll(kept);
      // What fails because the device is gone says so in many ways.
      await Promise.resolve();
      this.requireOpen();
      throw this.#lost === null || error instanceof DeviceError ? error : new DeviceError(this.#lost);
    }
  }

  #encode(encoder: GPUCommandEncoder, bound: Bound, times: DeviceTimes | null): void {
    let pass = times === null ? encoder.beginComputePass() : null;
    for (const [at, { pipeline, group, workgroups }] of bound.calls.entries()) {
      if (workgroups === null) continue;
      pass ??= encoder.beginComputePass(times!.passOf(at));
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group);
      pass.dispatchWorkgroups(...workgroups);
      if (times === null) continue;
      pass.end();
      pass = null;
    }
    pass?.end();
    times?.resolve(encoder);
  }

  async #read(encoder: GPUCommandEncoder, outputs: readonly BoundOutput[]): Promise<Record<string, Tensor>> {
    const parts = outputs.map(({ shape, buffer }) => ({ buffer, bytes: 4 * elementCount(shape) }));
    const { bytes, offsets } = await readBuffers(this.device, parts, encoder);
    return Object.fromEntries(
      outputs.map(({ name, spec: { type }, shape }, at) => [
        name,
        { data: fromDeviceArray(type, bytes, offsets[at]!, elementCount(shape)), shape, type },
      ]),
    );
  }

  async #keep(
    encoder: GPUCommandEncoder,
    outputs: readonly BoundOutput[],
    made: GPUBuffer[],
  ): Promise<Record<string, DeviceTensor>> {
    const usage = bufferUsage.storage | bufferUsage.copySource | bufferUsage.copyTarget;
    const kept = outputs.map(({ name, spec: { type }, shape, buffer }): [string, DeviceTensor] => {
      const copy = this.makeBuffer(`the output ${name}`, 4 * elementCount(shape), usage, made);
      encoder.copyBufferToBuffer(buffer, 0, copy, 0, copy.size);
      return [name, deviceTensor(this.device, copy, type, shape)];
    });
    this.device.queue.submit([encoder.finish()]);
    return Object.fromEntries(kept);
  }

  /** The entry for its sizes, made unless it is kept; what grows from run to run is set anew. */
  #bind(entry: DeviceEntry, sizes: Sizes, kept?: DeviceKept): Bound {
    this.#reserve(entry.arenaBytes(sizes));
    const all = kept?.bound ?? this.#bound;
    const grows = entry.spec.sizes.some((size) => size.grows);
    const key = [entry.spec.name, ...entry.spec.sizes.map((size) => (size.grows ? "" : sizes[size.name]))].join(" ");
    let bound = all.get(key);
    if (bound !== undefined && bound.arena !== this.#arena) forgetBound(bound);
    if (bound === undefined || bound.arena !== this.#arena) {
      const own: GPUBuffer[] = [];
      try {
        bound = this.#make(entry, sizes, kept?.states ?? {}, own);
      } catch (error) {
        for (const buffer of own) buffer.destroy();
        throw error;
      }
    } else if (grows) bound = this.#grown(entry, sizes, bound);
    // A Map lists its keys in the order of insertion, so that the first is the one that was not used for longest.
    all.delete(key);
    all.set(key, bound);
    if (all.size > keptOnDevice) {
      const [oldest] = all.keys();
      forgetBound(all.get(oldest!)!);
      all.delete(oldest!);
    }
    return bound;
  }

  #writeSizes(uniform: GPUBuffer, sizes: Sizes): void {
    this.device.queue.writeBuffer(
      uniform,
      0,
      Int32Array.from(this.model.sizes, (name) => sizes[name] ?? 0),
    );
  }

  #grown(entry: DeviceEntry, sizes: Sizes, bound: Bound): Bound {
    this.#writeSizes(bound.uniform, sizes);
    const isShaped = bound.outputs.some(({ spec }) => spec.room !== undefined);
    const buffers = isShaped ? entry.buffers(sizes) : {};
    const outputs = bound.outputs.map((each) => ({ ...each, shape: buffers[each.key]?.shape ?? each.shape }));
    const calls = bound.calls.map((each) => ({
      ...each,
      workgroups: workgroupsOf(each.call.shader, sizes, this.device),
    }));
    return { ...bound, outputs, calls };
  }

  #make(entry: DeviceEntry, sizes: Sizes, states: DeviceKept["states"], own: GPUBuffer[]): Bound {
    const make = (what: string, bytes: number, usage: number): GPUBuffer => this.makeBuffer(what, bytes, usage, own);
    const bytes = 16 * Math.ceil(this.model.sizes.length / 4);
    const uniform = make("the sizes", bytes, bufferUsage.uniform | bufferUsage.copyTarget);
    this.#writeSizes(uniform, sizes);
    const inputs = new Map<number, GPUBuffer>();
    const outputs: BoundOutput[] = [];
    const resources = new Map<string, readonly GPUBufferBinding[]>();
    for (const [name, spec] of Object.entries(entry.buffers(sizes))) {
      const elements = spec.room ?? elementCount(spec.shape);
      const bytes = deviceBytes(spec.half ? Math.ceil(elements / 2) : elements);
      if (spec.input !== undefined) {
        const buffer = make(`the input ${name}`, bytes, bufferUsage.storage | bufferUsage.copyTarget);
        inputs.set(spec.input, buffer);
        resources.set(name, [{ buffer }]);
      } else if (spec.output !== undefined) {
        const usage = bufferUsage.storage | bufferUsage.copySource;
        const buffer = make(`the output ${name}`, bytes, usage);
        outputs.push({ name: spec.output, key: name, spec, shape: spec.shape, buffer });
        resources.set(name, [{ buffer }]);
      } else if (spec.weight !== undefined) resources.set(name, this.#weights.bindingsOf(spec.weight));
      else if (spec.state !== undefined) resources.set(name, [{ buffer: states[spec.state]! }]);
      // What is empty has no place of its own in the arena, and what is bound is not empty.
      else if (elements === 0) resources.set(name, [{ buffer: make(name, bytes, bufferUsage.storage) }]);
      else {
        requireBytes(`${name} of ${entry.spec.name}`, bytes, this.device.limits);
        resources.set(name, [{ buffer: this.#arena!, offset: spec.offset!, size: bytes }]);
      }
    }
    const calls = entry.calls.map((called) => {
      const call = { ...called, shader: shaderFor(this.device, called.shader, sizes) };
      const { pipeline } = this.pipelineOf(call.shader);
      const buffers = call.buffers.map((name) => resources.get(name)!);
      const group = this.#group(call.shader, uniform, buffers);
      return { call, pipeline, group, workgroups: workgroupsOf(call.shader, sizes, this.device) };
    });
    return { arena: this.#arena!, uniform, own, inputs, outputs, calls };
  }

  /** @throws Error where the model was disposed of. */
  requireOpen(): void {
    if (this.#disposed) throw new Error("the model was disposed of: load it again to run it");
  }

  /** Frees what the model and its sessions hold, and the device if nobody else has it, when what is under way is done. */
  dispose(): void {
    this.#disposed = true;
    for (const kept of this.#sessions) this.close(kept);
    whenIdle(this.device, () => {
      this.#forgetAll();
      this.#weights.free();
      // The device outlives the model, and keeps what listens to its loss.
      this.#pipelines = new DevicePipelines(this.device);
      if (this.isOwn) this.device.destroy();
    });
  }
}
