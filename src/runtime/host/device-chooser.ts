/**
 * Chooses tokens on the device, of the scores that a step leaves there: one number a row is read back. The next step takes the
 * tokens from the device, so that it can be begun before they are read.
 *
 * Does what sampling.ts does, with a workgroup for each row; sums are those of 256 parts, each of tokens in their order.
 */
import type { Chooser, ChosenRow } from "./chooser.js";
import type { DeviceKept } from "./device-binding.js";
import type { DeviceInstance } from "./device-instance.js";
import type { DeviceEntry } from "./device-model.js";
import type { Shader } from "./device-shaders.js";
import { bufferUsage } from "./device-tensors.js";
import type { Sizes } from "./inputs.js";
import { checkSampling, type SamplingOptions, ScoreError, temperatureOf } from "./sampling.js";
import type { DecodingSpec, Session } from "./session.js";

export const choosing: Shader = {
  name: "choose",
  about: "chooses a token of each row by its scores",
  access: ["read", "read_write", "read_write", "read", "read_write"],
  lanes: 256,
  sharedBytes: 2048,
  workgroups: () => 0,
  code: `
struct Options {
  vocabulary: u32, most: u32, areProbabilities: u32, isGreedy: u32,
  temperature: f32, share: f32, penalty: f32, inverse: f32,
}
@group(0) @binding(0) var<uniform> options: Options;
@group(0) @binding(1) var<storage, read> scores: array<u32>;
// For each token a number that is ordered as its logit is, then the bits of its weight.
@group(0) @binding(2) var<storage, read_write> kept: array<u32>;
@group(0) @binding(3) var<storage, read_write> occurred: array<u32>;
@group(0) @binding(4) var<storage, read> random: array<f32>;
@group(0) @binding(5) var<storage, read_write> chosen: array<i32>;
var<workgroup> numbers: array<f32, 256>;
var<workgroup> counts: array<u32, 256>;

fn sum(lane: u32, value: f32) -> f32 {
  workgroupBarrier();
  numbers[lane] = value;
  for (var half = 128u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { numbers[lane] += numbers[lane + half]; }
  }
  return workgroupUniformLoad(&numbers[0]);
}
fn largest(lane: u32, value: u32) -> u32 {
  workgroupBarrier();
  counts[lane] = value;
  for (var half = 128u; half > 0u; half /= 2u) {
    workgroupBarrier();
    if (lane < half) { counts[lane] = max(counts[lane], counts[lane + half]); }
  }
  return workgroupUniformLoad(&counts[0]);
}
// The sum of what the lanes before this one have.
fn before(lane: u32, value: f32) -> f32 {
  workgroupBarrier();
  numbers[lane] = value;
  workgroupBarrier();
  var all = 0.0;
  for (var at = 0u; at < lane; at++) { all += numbers[at]; }
  return all;
}
fn logit(key: u32) -> f32 {
  return bitcast<f32>(select(~key, key ^ 0x80000000u, key >= 0x80000000u));
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) workgroup: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = workgroup.x;
  let n = options.vocabulary;
  let base = row * n;
  let weights = (row + 1u) * n + base;
  let keys = row * n + base;
  let part = (n + 255u) / 256u;
  let start = min(lane * part, n);
  let end = min(start + part, n);
  var best = 0u;
  var at = 0u;
  var wrong = 0u;
  for (var i = start; i < end; i++) {
    var bits = scores[base + i];
    if ((bits & 0x7fffffffu) > 0x7f800000u) { wrong = max(wrong, n - i); bits = 0u; }
    if (options.areProbabilities != 0u) {
      if (bits == 0u) { bits = 0xff800000u; } else { bits = bitcast<u32>(log(bitcast<f32>(bits))); }
    }
    if (options.penalty != 1.0 && (bits & 0x7f800000u) != 0x7f800000u) {
      if (occurred[base + i] != 0u) {
        let value = bitcast<f32>(bits);
        bits = bitcast<u32>(value * select(options.penalty, options.inverse, value > 0.0));
      }
    }
    if (bits == 0x80000000u) { bits = 0u; }
    let key = select(bits | 0x80000000u, ~bits, (bits & 0x80000000u) != 0u);
    kept[keys + i] = key;
    if (key > best) { best = key; at = i; }
  }
  wrong = largest(lane, wrong);
  let most = largest(lane, best);
  var token = n - largest(lane, select(0u, n - at, best == most));
  if (wrong == 0u && options.isGreedy == 0u) {
    // Kept are the tokens with a key above least, and those with it before \`last\`.
    var least = 0u;
    var last = n;
    let top = logit(most);
    var all = 0.0;
    for (var i = start; i < end; i++) {
      let key = kept[keys + i];
      var weight = 1.0;
      if (key != most) {
        weight = exp(max((logit(key) - top) / options.temperature, -200.0));
        if (key <= 0x007fffffu || most >= 0xff800000u) { weight = 0.0; }
      }
      kept[weights + i] = bitcast<u32>(weight);
      all += weight;
    }
    var total = sum(lane, all);
    for (var round = 0u; round < 2u; round++) {
      let isCount = round == 0u;
      let wanted = select(options.share * total, f32(options.most), isCount);
      if (select(options.share >= 1.0, options.most >= n, isCount)) { continue; }
      var found = 0u;
      var above = 0.0;
      for (var step = 0u; step <= 32u; step++) {
        // At the end, what is above the number that was found.
        let key = select(found + 1u, found | (0x80000000u >> min(step, 31u)), step < 32u);
        var mass = 0.0;
        for (var i = start; i < end; i++) {
          let own = kept[keys + i];
          if (own < key || own < least || (own == least && i >= last)) { continue; }
          mass += select(bitcast<f32>(kept[weights + i]), 1.0, isCount);
        }
        mass = sum(lane, mass);
        if (step == 32u) { above = mass; } else if (mass >= wanted) { found = key; }
      }
      let limit = select(n, last, found == least);
      var same = 0.0;
      for (var i = start; i < min(end, limit); i++) {
        if (kept[keys + i] == found) { same += select(bitcast<f32>(kept[weights + i]), 1.0, isCount); }
      }
      var missing = wanted - above - before(lane, same);
      var cut = 0u;
      if (missing > 0.0) {
        for (var i = start; i < min(end, limit); i++) {
          if (kept[keys + i] != found) { continue; }
          missing -= select(bitcast<f32>(kept[weights + i]), 1.0, isCount);
          if (missing <= 0.0) { cut = i + 1u; break; }
        }
      }
      cut = largest(lane, cut);
      least = found;
      last = select(cut, limit, cut == 0u);
      all = 0.0;
      for (var i = start; i < end; i++) {
        let own = kept[keys + i];
        if (own > least || (own == least && i < last)) { all += bitcast<f32>(kept[weights + i]); }
      }
      total = sum(lane, all);
    }
    var rest = random[row] * total - before(lane, all);
    let isMine = rest >= 0.0 && rest < all;
    var seen = 0u;
    var drawn = 0u;
    for (var i = start; i < end; i++) {
      let own = kept[keys + i];
      if (own < least || (own == least && i >= last)) { continue; }
      seen = i + 1u;
      rest -= bitcast<f32>(kept[weights + i]);
      if (isMine && rest < 0.0 && drawn == 0u) { drawn = i + 1u; }
    }
    if (isMine && drawn == 0u) { drawn = seen; }
    drawn = largest(lane, drawn);
    // Where rounding leaves nobody, the last that is kept.
    seen = largest(lane, seen);
    token = select(drawn, seen, drawn == 0u) - 1u;
  }
  if (lane == 0u) {
    // A score that is not a number is told by its token.
    chosen[row] = select(i32(token), -1 - i32(n - wrong), wrong != 0u);
    if (options.penalty != 1.0 && wrong == 0u) { occurred[base + token] = 1u; }
  }
}
`,
};

const choosingOnly = [{ shader: choosing }];

/** What is kept on the device for choosing, and freed with the session: all but the scores. */
interface Memory {
  readonly uniform: GPUBuffer;
  readonly random: GPUBuffer;
  readonly chosen: GPUBuffer;
  readonly kept: GPUBuffer;
  readonly occurred: GPUBuffer;
  /** Buffers that tokens are read through, while nobody reads. */
  readonly staging: GPUBuffer[];
}

export class DeviceChooser implements Chooser<DeviceKept> {
  readonly isAhead = true;
  readonly #instance: DeviceInstance;
  readonly #programFor: (sizes: Sizes, isLast: boolean) => DeviceEntry;
  readonly #spec: DecodingSpec;
  readonly #options: SamplingOptions;
  readonly #rows: readonly ChosenRow[];
  readonly #tokens: number;
  #memory: Memory | null = null;
  readonly #groups = new WeakMap<GPUBuffer, GPUBindGroup>();

  constructor(
    instance: DeviceInstance,
    programFor: (sizes: Sizes, isLast: boolean) => DeviceEntry,
    spec: DecodingSpec,
    options: SamplingOptions,
    rows: readonly ChosenRow[],
  ) {
    checkSampling(options);
    this.#instance = instance;
    this.#programFor = programFor;
    this.#spec = spec;
    this.#options = options;
    this.#rows = rows;
    this.#tokens = spec.last.inputs.findIndex(({ name }) => name === spec.tokens);
  }

  async choose(session: Session<DeviceKept>, inputs: object | null): Promise<ArrayLike<number>> {
    const { device } = this.#instance;
    const rows = this.#rows.length;
    // What is drawn is decided before anything is waited for.
    const isDrawn = temperatureOf(this.#options) > 0;
    const random = Float32Array.from(this.#rows, (row) => (isDrawn ? row.random() : 0));
    const given = inputs ?? { [this.#spec.tokens!]: { data: new Int32Array(rows), shape: [rows, 1], type: "i32" } };
    const chosen = await session.take(given, true, (kept, checked) =>
      this.#instance.run(this.#programFor(checked.sizes, true), checked, {
        kept,
        more: choosingOnly,
        ...(inputs === null ? { given: [this.#tokens, this.#memory!.chosen] as const } : {}),
        collect: async (encoder, outputs) => {
          const { buffer, shape } = outputs.find(({ name }) => name === this.#spec.scores)!;
          this.#memory ??= this.#makeMemory(kept, shape[2] ?? 0);
          const memory = this.#memory;
          device.queue.writeBuffer(memory.random, 0, random);
          this.#encode(encoder, memory, buffer);
          const usage = bufferUsage.mapRead | bufferUsage.copyTarget;
          const staging = memory.staging.pop() ?? this.#instance.makeBuffer("tokens", 4 * rows, usage, kept.own);
          encoder.copyBufferToBuffer(memory.chosen, 0, staging, 0, 4 * rows);
          device.queue.submit([encoder.finish()]);
          await staging.mapAsync(1);
          const tokens = new Int32Array(staging.getMappedRange().slice(0), 0, rows);
          staging.unmap();
          memory.staging.push(staging);
          return tokens;
        },
      }),
    );
    for (const [row, { occurred }] of this.#rows.entries()) {
      if (chosen[row]! < 0) throw new ScoreError(-1 - chosen[row]!);
      occurred.add(chosen[row]!);
    }
    return chosen;
  }

  #encode(encoder: GPUCommandEncoder, memory: Memory, scores: GPUBuffer): void {
    const { pipeline, layout } = this.#instance.pipelineOf(choosing);
    let group = this.#groups.get(scores);
    if (group === undefined) {
      const { uniform, kept, occurred, random, chosen } = memory;
      const buffers = [uniform, scores, kept, occurred, random, chosen];
      const entries = buffers.map((buffer, binding) => ({ binding, resource: { buffer } }));
      group = this.#instance.device.createBindGroup({ label: choosing.name, layout, entries });
      this.#groups.set(scores, group);
    }
    const pass = encoder.beginComputePass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(this.#rows.length);
    pass.end();
  }

  #makeMemory(session: DeviceKept, vocabulary: number): Memory {
    const { topK = vocabulary, topP = 1, repetitionPenalty = 1 } = this.#options;
    const temperature = temperatureOf(this.#options);
    const instance = this.#instance;
    const { queue } = instance.device;
    const rows = this.#rows.length;
    const { storage, copyTarget, copySource, uniform } = bufferUsage;
    const make = (what: string, elements: number, usage: number): GPUBuffer =>
      instance.makeBuffer(`${what} of tokens`, 4 * elements, usage, session.own);
    const penalizes = repetitionPenalty !== 1;
    const occurred = make("what occurred", penalizes ? rows * vocabulary : 4, storage | copyTarget);
    if (penalizes) {
      const marks = new Uint32Array(rows * vocabulary);
      for (const [row, each] of this.#rows.entries()) {
        for (const token of each.occurred) if (token < vocabulary) marks[row * vocabulary + token] = 1;
      }
      queue.writeBuffer(occurred, 0, marks);
    }
    const options = make("options", 8, uniform | copyTarget);
    const isLog = this.#spec.areProbabilities && (temperature > 0 || penalizes);
    queue.writeBuffer(options, 0, Uint32Array.of(vocabulary, Math.min(topK, vocabulary), +isLog, +(temperature === 0)));
    queue.writeBuffer(options, 16, Float32Array.of(temperature, topP, repetitionPenalty, 1 / repetitionPenalty));
    return {
      uniform: options,
      random: make("random numbers", rows, storage | copyTarget),
      chosen: make("the choice", rows, storage | copySource),
      kept: make("keys", 2 * rows * vocabulary, storage),
      occurred,
      staging: [],
    };
  }
}
