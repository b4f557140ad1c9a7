/**
 * What a model that is loaded on a device holds: pipelines, weights, one arena for all that lives within a run, and for
 * the latest bindings of sizes the buffers, bind groups and numbers of workgroups, so that a repeated run allocates
 * nothing but what its outputs are read through.
 *
 * A run writes its inputs and submits once. Runs may be started while others are under way: the device takes them in
 * their order.
 */

import { DeviceError, reporting, requestDevice } from "./device.js";
import { type Bound, type BoundOutput, type DeviceKept, forgetBound, type StepOptions } from "./device-binding.js";
import { requireBytes, wayOut } from "./device-limits.js";
import type { DeviceEntry, DeviceModel } from "./device-model.js";
import { makePipeline, type Pipeline, type Shader, shaderFor, shadersFor } from "./device-shaders.js";
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
  readonly #pipelines = new Map<Shader, Promise<Pipeline>>();
  readonly #made = new Map<Shader, Pipeline>();
  /** The entries of sessions whose pipelines are made, or being made. */
  readonly #ready = new Map<DeviceEntry, Promise<unknown>>();
  #arena: GPUBuffer | null = null;
  #bound = new Map<string, Bound>();
  #disposed = false;
  #lost: string | null = null;

  private constructor(model: DeviceModel, device: GPUDevice, isOwn: boolean) {
    this.model = model;
    this.device = device;
    this.isOwn = isOwn;
    this.#weights = new DeviceWeights(device);
    void device.lost.then(({ reason, message }) => {
      this.#lost = `the device was lost${reason === "destroyed" ? ": it was destroyed" : ""}${message ? `: ${message}` : ""}`;
    });
  }

  /** Makes all pipelines and gives the device its weights. @throws DeviceError */
  static async create(
    model: DeviceModel,
    types: Readonly<Record<string, { readonly type: ElementName }>>,
    weights: Readonly<Record<string, ArrayOf[ElementName]>>,
    options: DeviceOptions,
  ): Promise<DeviceInstance> {
    const device = options.device ?? (await requestDevice());
    const instance = new DeviceInstance(model, device, options.device === undefined);
    try {
      const calls = [...model.prepared, ...model.entries.flatMap((entry) => entry.calls)];
      const shaders = new Set(calls.map(({ shader }) => shader));
      const made = instance.#makePipelines([...shaders]);
      // It is awaited last; until then nobody hears of what it rejects with.
      made.catch(() => {});
      for (const [name, data] of Object.entries(weights)) {
        await instance.#weights.give(name, toDeviceArray(types[name]!.type, data));
      }
      await made;
      await instance.#prepare();
      if (instance.#lost !== null) throw new DeviceError(instance.#lost);
      return instance;
    } catch (error) {
      instance.dispose();
      throw instance.#lost === null ? error : new DeviceError(instance.#lost);
    }
  }

  /** Makes the pipelines of shaders, or of those that the device may run for them, each once. */
  #makePipelines(shaders: readonly Shader[]): Promise<unknown> {
    const all = shaders.flatMap((shader) => shadersFor(this.device, shader));
    return Promise.all(
      all.map((shader) => {
        const known = this.#pipelines.get(shader);
        if (known !== undefined) return known;
        const making = makePipeline(this.device, shader).then((pipeline) => {
          this.#made.set(shader, pipeline);
          return pipeline;
        });
        this.#pipelines.set(shader, making);
        return making;
      }),
    );
  }

  /** The pipeline of a shader, which is made. */
  pipelineOf(shader: Shader): Pipeline {
    return this.#made.get(shader)!;
  }

  /** Computes what is made of weights alone, and lets go of what only that reads. */
  async #prepare(): Promise<void> {
    const { device, model } = this;
    await reporting(device, `preparing the weights of ${model.name}`, () => {
      const uniform = this.makeBuffer("no sizes", 4 * model.sizes.length, bufferUsage.uniform);
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      for (const { name, shape, of, ...prepared } of model.prepared) {
        const shader = shaderFor(device, prepared.shader, {});
        this.#weights.reserve(name, 4 * elementCount(shape));
        const workgroups = this.#workgroups(shader, {});
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

  /** @throws DeviceError that names the limit. */
  makeBuffer(what: string, bytes: number, usage: number): GPUBuffer {
    requireBytes(what, bytes, this.device.limits);
    const size = deviceBytes(Math.ceil(bytes / 4));
    return this.device.createBuffer({ label: what, size, usage });
  }

  /** Makes the arena at least as large as this. */
  reserve(bytes: number): void {
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
  forget(all: Map<string, Bound>): void {
    for (const bound of all.values()) forgetBound(bound);
    all.clear();
  }

  #forgetAll(kept?: DeviceKept): void {
    if (kept !== undefined) this.forget(kept.bound);
    this.forget(this.#bound);
    this.#arena?.destroy();
    this.#arena = null;
  }

  /** Runs an entry on checked inputs. @throws DeviceError that names the kernel or the limit. */
  async run<Result = Record<string, Tensor | DeviceTensor>>(
    entry: DeviceEntry,
    { sizes, arrays }: CheckedInputs,
    options: RunOptions & StepOptions<Result> = {},
  ): Promise<Result> {
    if (this.#disposed) throw new Error("the model was disposed of: load it again to run it");
    if (this.#lost !== null) throw new DeviceError(this.#lost);
    const { kept, given, shaders = [], collect } = options;
    // The pipelines of steps are made with the first of them. All wait, so that none overtakes another.
    if (kept !== undefined) {
      const own = this.#ready.get(entry) ?? this.#makePipelines(entry.calls.map(({ shader }) => shader));
      this.#ready.set(entry, own);
      await Promise.all([own, this.#makePipelines(shaders)]);
    }
    const { device } = this;
    const what = `${this.model.name}.${entry.spec.name}`;
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
        const take = collect ?? (options.keepOnDevice ? this.#keep : this.#read).bind(this);
        const taken = take(encoder, bound.outputs);
        const told = times === null ? null : times.report(options.onTimes!);
        return Promise.all([taken, told]).then(([results]) => results as Result);
      });
    } catch (error) {
      // What was made for these sizes may be what the device refused; another time it may have room.
      if (error instanceof DeviceError) this.#forgetAll(kept);
      // What fails because the device is gone says so in many ways.
      await Promise.resolve();
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

  async #keep(encoder: GPUCommandEncoder, outputs: readonly BoundOutput[]): Promise<Record<string, DeviceTensor>> {
    const usage = bufferUsage.storage | bufferUsage.copySource | bufferUsage.copyTarget;
    const kept = outputs.map(({ name, spec: { type }, shape, buffer }): [string, DeviceTensor] => {
      const copy = this.makeBuffer(`the output ${name}`, 4 * elementCount(shape), usage);
      encoder.copyBufferToBuffer(buffer, 0, copy, 0, copy.size);
      return [name, deviceTensor(this.device, copy, type, shape)];
    });
    this.device.queue.submit([encoder.finish()]);
    return Object.fromEntries(kept);
  }

  /** The entry for its sizes, made unless it is kept; what grows from run to run is set anew. */
  #bind(entry: DeviceEntry, sizes: Sizes, kept?: DeviceKept): Bound {
    this.reserve(entry.arenaBytes(sizes));
    const all = kept?.bound ?? this.#bound;
    const grows = entry.spec.sizes.some((size) => size.grows);
    const key = [entry.spec.name, ...entry.spec.sizes.map((size) => (size.grows ? "" : sizes[size.name]))].join(" ");
    let bound = all.get(key);
    if (bound !== undefined && bound.arena !== this.#arena) forgetBound(bound);
    if (bound === undefined || bound.arena !== this.#arena) bound = this.#make(entry, sizes, kept?.states ?? {});
    else if (grows) bound = this.#grown(entry, sizes, bound);
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
    const calls = bound.calls.map((each) => ({ ...each, workgroups: this.#workgroups(each.call.shader, sizes) }));
    return { ...bound, outputs, calls };
  }

  #make(entry: DeviceEntry, sizes: Sizes, states: DeviceKept["states"]): Bound {
    const own: GPUBuffer[] = [];
    const make = (what: string, bytes: number, usage: number): GPUBuffer => {
      const buffer = this.makeBuffer(what, bytes, usage);
      own.push(buffer);
      return buffer;
    };
    const bytes = 16 * Math.ceil(this.model.sizes.length / 4);
    const uniform = make("the sizes", bytes, bufferUsage.uniform | bufferUsage.copyTarget);
    this.#writeSizes(uniform, sizes);
    const inputs = new Map<number, GPUBuffer>();
    const outputs: BoundOutput[] = [];
    const resources = new Map<string, readonly GPUBufferBinding[]>();
    for (const [name, spec] of Object.entries(entry.buffers(sizes))) {
      const elements = spec.room ?? elementCount(spec.shape);
      const bytes = deviceBytes(elements);
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
      return { call, pipeline, group, workgroups: this.#workgroups(call.shader, sizes) };
    });
    return { arena: this.#arena!, uniform, own, inputs, outputs, calls };
  }

  /** How many workgroups run along each dimension; null for none. */
  #workgroups(shader: Shader, sizes: Sizes): [number, number] | null {
    const count = shader.workgroups(sizes);
    if (count <= 0) return null;
    const most = this.device.limits.maxComputeWorkgroupsPerDimension;
    const rows = Math.ceil(count / most);
    if (rows > most) {
      throw new DeviceError(
        `the kernel ${shader.name} needs ${count} workgroups, and the device allows ${most} by ${most} (maxComputeWorkgroupsPerDimension): run it with smaller sizes`,
      );
    }
    return [Math.ceil(count / rows), rows];
  }

  /** Frees all memory of the device that the model holds, and the device if nobody else has it. */
  dispose(): void {
    this.#disposed = true;
    this.#forgetAll();
    this.#weights.free();
    if (this.isOwn) this.device.destroy();
  }
}
