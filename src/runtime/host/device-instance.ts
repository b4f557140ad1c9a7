/**
 * What a model that is loaded on a device holds: pipelines, weights, one arena for all that lives within a run, and for
 * the latest bindings of sizes the buffers, bind groups and numbers of workgroups, so that a repeated run allocates
 * nothing but what its outputs are read through.
 *
 * A run writes its inputs and submits once. Runs may be started while others are under way: the device takes them in
 * their order.
 */
import { DeviceError, reporting, requestDevice } from "./device.js";
import type { DeviceBuffer, DeviceCall, DeviceEntry, DeviceModel } from "./device-model.js";
import { makePipeline, type Pipeline, type Shader } from "./device-shaders.js";
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

/** An entry with all that its sizes decide. */
interface Bound {
  readonly uniform: GPUBuffer;
  /** The buffers that belong to this binding only, to be freed with it. */
  readonly own: readonly GPUBuffer[];
  readonly inputs: ReadonlyMap<number, GPUBuffer>;
  readonly outputs: readonly { readonly name: string; readonly spec: DeviceBuffer; readonly buffer: GPUBuffer }[];
  readonly calls: readonly {
    readonly call: DeviceCall;
    readonly pipeline: GPUComputePipeline;
    readonly group: GPUBindGroup;
    readonly workgroups: readonly [number, number];
  }[];
}

/** For how many bindings of sizes the bind groups are kept. */
const keptOnDevice = 8;

export class DeviceInstance {
  readonly model: DeviceModel;
  readonly device: GPUDevice;
  /** Whether nobody else has the device. */
  readonly isOwn: boolean;
  readonly #weights = new Map<string, GPUBuffer>();
  readonly #pipelines = new Map<Shader, Pipeline>();
  #arena: GPUBuffer | null = null;
  #bound = new Map<string, Bound>();
  #disposed = false;
  #lost: string | null = null;

  private constructor(model: DeviceModel, device: GPUDevice, isOwn: boolean) {
    this.model = model;
    this.device = device;
    this.isOwn = isOwn;
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
      const shaders = new Set([
        ...model.prepared.map(({ shader }) => shader),
        ...model.entries.flatMap(({ calls }) => calls.map(({ shader }) => shader)),
      ]);
      const made = Promise.all(
        [...shaders].map(async (shader) => {
          instance.#pipelines.set(shader, await makePipeline(device, shader));
        }),
      );
      // It is awaited last; until then nobody hears of what it rejects with.
      made.catch(() => {});
      for (const [name, data] of Object.entries(weights)) {
        await instance.#giveWeight(name, toDeviceArray(types[name]!.type, data));
      }
      await made;
      await instance.#prepare();
      return instance;
    } catch (error) {
      instance.dispose();
      throw error;
    }
  }

  async #giveWeight(name: string, data: Float32Array | Int32Array | Uint32Array): Promise<void> {
    const buffer = await reporting(this.device, `the weight ${name}`, () => {
      const buffer = this.#makeBuffer(
        `the weight ${name}`,
        data.byteLength,
        bufferUsage.storage | bufferUsage.copyTarget,
      );
      this.device.queue.writeBuffer(buffer, 0, data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
      return buffer;
    });
    this.#weights.set(name, buffer);
  }

  /** Computes what is made of weights alone, and lets go of what only that reads. */
  async #prepare(): Promise<void> {
    const { device, model } = this;
    await reporting(device, `preparing the weights of ${model.name}`, () => {
      const uniform = this.#makeBuffer("no sizes", 4 * model.sizes.length, bufferUsage.uniform);
      const encoder = device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      for (const { name, shape, shader, of } of model.prepared) {
        const buffer = this.#makeBuffer(name, 4 * elementCount(shape), bufferUsage.storage);
        this.#weights.set(name, buffer);
        const workgroups = this.#workgroups(shader, {});
        if (workgroups === null) continue;
        const { pipeline, layout } = this.#pipelines.get(shader)!;
        pass.setPipeline(pipeline);
        pass.setBindGroup(
          0,
          this.#group(
            shader,
            layout,
            uniform,
            [...of, name].map((each) => this.#weight(each)),
          ),
        );
        pass.dispatchWorkgroups(...workgroups);
      }
      pass.end();
      device.queue.submit([encoder.finish()]);
      uniform.destroy();
    });
    for (const name of model.passing) {
      this.#weights.get(name)?.destroy();
      this.#weights.delete(name);
    }
  }

  #weight(name: string): GPUBufferBinding {
    return { buffer: this.#weights.get(name)! };
  }

  #group(
    { name }: Shader,
    layout: GPUBindGroupLayout,
    uniform: GPUBuffer,
    buffers: readonly GPUBufferBinding[],
  ): GPUBindGroup {
    const bindings = buffers.map((resource, at) => ({ binding: at + 1, resource }));
    const entries = [{ binding: 0, resource: { buffer: uniform } }, ...bindings];
    return this.device.createBindGroup({ label: name, layout, entries });
  }

  /** @throws DeviceError that names the limit. */
  #makeBuffer(what: string, bytes: number, usage: number): GPUBuffer {
    this.#requireBytes(what, bytes);
    const size = deviceBytes(Math.ceil(bytes / 4));
    return this.device.createBuffer({ label: what, size, usage });
  }

  #requireBytes(what: string, bytes: number): void {
    const { maxBufferSize, maxStorageBufferBindingSize } = this.device.limits;
    const [limit, name] =
      maxBufferSize < maxStorageBufferBindingSize
        ? [maxBufferSize, "maxBufferSize"]
        : [maxStorageBufferBindingSize, "maxStorageBufferBindingSize"];
    if (bytes > limit) throw new DeviceError(`${what} has ${bytes} bytes, and the device allows ${limit} (${name})`);
  }

  /** Makes the arena at least as large as this. */
  reserve(bytes: number): void {
    if (this.#arena !== null && bytes <= this.#arena.size) return;
    const { maxBufferSize } = this.device.limits;
    if (bytes > maxBufferSize) {
      throw new DeviceError(
        `a run of these sizes needs ${bytes} bytes, and the device allows ${maxBufferSize} (maxBufferSize)`,
      );
    }
    this.#forgetAll();
    this.#arena?.destroy();
    const size = Math.max(256, 4 * Math.ceil(bytes / 4));
    this.#arena = this.device.createBuffer({ label: "the arena", size, usage: bufferUsage.storage });
  }

  #forgetAll(): void {
    for (const bound of this.#bound.values()) forget(bound);
    this.#bound.clear();
  }

  /** Runs an entry on checked inputs. @throws DeviceError that names the kernel or the limit. */
  async run(
    entry: DeviceEntry,
    { sizes, arrays }: CheckedInputs,
    options: RunOptions = {},
  ): Promise<Record<string, Tensor | DeviceTensor>> {
    if (this.#disposed) throw new Error("the model was disposed of: load it again to run it");
    if (this.#lost !== null) throw new DeviceError(this.#lost);
    const { device } = this;
    const what = `${this.model.name}.${entry.spec.name}`;
    try {
      return await reporting(device, what, () => {
        const bound = this.#bind(entry, sizes);
        for (const [position, buffer] of bound.inputs) {
          const spec = entry.spec.inputs[position]!;
          const data = toDeviceArray(spec.type, arrays[position] ?? filledInput(spec, sizes));
          device.queue.writeBuffer(buffer, 0, data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
        }
        const encoder = device.createCommandEncoder({ label: what });
        const times = options.onTimes === undefined ? null : timesOf(device, bound.calls);
        this.#encode(encoder, bound, times);
        const outputs = options.keepOnDevice ? this.#keep(bound, encoder) : this.#read(bound, encoder);
        const told = times === null ? null : times.report(options.onTimes!);
        return Promise.all([outputs, told]).then(([results]) => results);
      });
    } catch (error) {
      // What fails because the device is gone says so in many ways.
      await Promise.resolve();
      throw this.#lost === null || error instanceof DeviceError ? error : new DeviceError(this.#lost);
    }
  }

  #encode(encoder: GPUCommandEncoder, bound: Bound, times: DeviceTimes | null): void {
    let pass = times === null ? encoder.beginComputePass() : null;
    for (const [at, { pipeline, group, workgroups }] of bound.calls.entries()) {
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

  async #read({ outputs }: Bound, encoder: GPUCommandEncoder): Promise<Record<string, Tensor>> {
    const parts = outputs.map(({ spec, buffer }) => ({ buffer, bytes: 4 * elementCount(spec.shape) }));
    const { bytes, offsets } = await readBuffers(this.device, parts, encoder);
    return Object.fromEntries(
      outputs.map(({ name, spec: { type, shape } }, at) => [
        name,
        { data: fromDeviceArray(type, bytes, offsets[at]!, elementCount(shape)), shape, type },
      ]),
    );
  }

  async #keep({ outputs }: Bound, encoder: GPUCommandEncoder): Promise<Record<string, DeviceTensor>> {
    const usage = bufferUsage.storage | bufferUsage.copySource | bufferUsage.copyTarget;
    const kept = outputs.map(({ name, spec: { type, shape }, buffer }): [string, DeviceTensor] => {
      const copy = this.#makeBuffer(`the output ${name}`, 4 * elementCount(shape), usage);
      encoder.copyBufferToBuffer(buffer, 0, copy, 0, copy.size);
      return [name, deviceTensor(this.device, copy, type, shape)];
    });
    this.device.queue.submit([encoder.finish()]);
    return Object.fromEntries(kept);
  }

  /** The entry for its sizes, made unless it is kept. */
  #bind(entry: DeviceEntry, sizes: Sizes): Bound {
    this.reserve(entry.arenaBytes(sizes));
    const key = [entry.spec.name, ...entry.spec.sizes.map(({ name }) => sizes[name])].join(" ");
    const bound = this.#bound.get(key) ?? this.#make(entry, sizes);
    // A Map lists its keys in the order of insertion, so that the first is the one that was not used for longest.
    this.#bound.delete(key);
    this.#bound.set(key, bound);
    if (this.#bound.size > keptOnDevice) {
      const [oldest] = this.#bound.keys();
      forget(this.#bound.get(oldest!)!);
      this.#bound.delete(oldest!);
    }
    return bound;
  }

  #make(entry: DeviceEntry, sizes: Sizes): Bound {
    const { device } = this;
    const own: GPUBuffer[] = [];
    const make = (what: string, bytes: number, usage: number): GPUBuffer => {
      const buffer = this.#makeBuffer(what, bytes, usage);
      own.push(buffer);
      return buffer;
    };
    const values = Int32Array.from(this.model.sizes, (name) => sizes[name] ?? 0);
    const uniform = make("the sizes", 16 * Math.ceil(values.length / 4), bufferUsage.uniform | bufferUsage.copyTarget);
    device.queue.writeBuffer(uniform, 0, values);
    const inputs = new Map<number, GPUBuffer>();
    const outputs: { name: string; spec: DeviceBuffer; buffer: GPUBuffer }[] = [];
    const resources = new Map<string, GPUBufferBinding>();
    for (const [name, spec] of Object.entries(entry.buffers(sizes))) {
      const bytes = deviceBytes(elementCount(spec.shape));
      if (spec.input !== undefined) {
        const buffer = make(`the input ${name}`, bytes, bufferUsage.storage | bufferUsage.copyTarget);
        inputs.set(spec.input, buffer);
        resources.set(name, { buffer });
      } else if (spec.output !== undefined) {
        const usage = bufferUsage.storage | bufferUsage.copySource;
        const buffer = make(`the output ${name}`, bytes, usage);
        outputs.push({ name: spec.output, spec, buffer });
        resources.set(name, { buffer });
      } else if (spec.weight !== undefined) resources.set(name, this.#weight(spec.weight));
      else {
        this.#requireBytes(`${name} of ${entry.spec.name}`, bytes);
        resources.set(name, { buffer: this.#arena!, offset: spec.offset!, size: bytes });
      }
    }
    const calls = entry.calls.flatMap((call) => {
      const workgroups = this.#workgroups(call.shader, sizes);
      if (workgroups === null) return [];
      const { pipeline, layout } = this.#pipelines.get(call.shader)!;
      const buffers = call.buffers.map((name) => resources.get(name)!);
      const group = this.#group(call.shader, layout, uniform, buffers);
      return [{ call, pipeline, group, workgroups }];
    });
    return { uniform, own, inputs, outputs, calls };
  }

  /** How many workgroups run along each dimension; null for none. */
  #workgroups(shader: Shader, sizes: Sizes): [number, number] | null {
    const count = shader.workgroups(sizes);
    if (count <= 0) return null;
    const most = this.device.limits.maxComputeWorkgroupsPerDimension;
    const rows = Math.ceil(count / most);
    if (rows > most) {
      throw new DeviceError(
        `the kernel ${shader.name} needs ${count} workgroups, and the device allows ${most} by ${most} (maxComputeWorkgroupsPerDimension)`,
      );
    }
    return [Math.ceil(count / rows), rows];
  }

  /** Frees all memory of the device that the model holds, and the device if nobody else has it. */
  dispose(): void {
    this.#disposed = true;
    this.#forgetAll();
    for (const buffer of this.#weights.values()) buffer.destroy();
    this.#weights.clear();
    this.#arena?.destroy();
    this.#arena = null;
    if (this.isOwn) this.device.destroy();
  }
}

function forget({ own }: Bound): void {
  for (const buffer of own) buffer.destroy();
}
