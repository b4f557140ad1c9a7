/**
 * How fast the entries of a program run on a target: a run with its inputs checked and its outputs in arrays, round after
 * round; on WebGPU also with outputs left on the device, and the time of each kernel by the device's own timestamps.
 */
import type { Graph, Program } from "../ir/graph/index.js";
import type { KernelTime } from "../runtime/host/device-times.js";
import type { Tensor } from "../runtime/host/tensors.js";
import { evaluate } from "../sizes/index.js";
import { flopsOf } from "./cost/flops.js";
import type { Given, Ready } from "./inputs.js";
import { type GeneratedModel, loadedModel, runnerOf } from "./module-runner.js";
import type { Compilation } from "./pipeline.js";
import { runEntries } from "./run.js";
import { type Runner, type TargetName, targets } from "./targets.js";
import { sharedDevice } from "./webgpu.js";

/** A kernel's part of a run. */
export interface KernelFigure {
  readonly kernel: string;
  /** Where it comes from in the source, and what it computes. */
  readonly about: string;
  /** How often it runs. */
  readonly runs: number;
  /** On the device, in all its runs; the median of the rounds. */
  readonly milliseconds: number;
}

/** Times are milliseconds, sorted. */
export interface EntryFigures {
  readonly entry: string;
  readonly flops: number;
  /** The first run, in which engines compile and memory is allocated. */
  readonly first: number;
  readonly times: readonly number[];
  /** Until the device is done, with outputs left there; null for targets without a device. */
  readonly left: readonly number[] | null;
  readonly dispatches: number | null;
  /** The costliest first; null where the device writes no timestamps. */
  readonly kernels: readonly KernelFigure[] | null;
}

export interface BenchFigures {
  readonly target: TargetName;
  /** The device, where there is one. */
  readonly device: string | null;
  /** Compiling, for targets that emit modules. */
  readonly compile: number | null;
  /** Giving it the weights, pipelines included. */
  readonly load: number;
  readonly pipelines: { readonly count: number; readonly milliseconds: number } | null;
  readonly entries: readonly EntryFigures[];
}

export const median = (sorted: readonly number[]): number => sorted[sorted.length >> 1]!;

async function timed<T>(act: () => Promise<T>): Promise<[number, T]> {
  const start = performance.now();
  const result = await act();
  return [performance.now() - start, result];
}

async function timesOf(rounds: number, act: () => Promise<unknown>): Promise<number[]> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) times.push((await timed(act))[0]);
  return times.sort((a, b) => a - b);
}

const runnable = ["typescript", "wasm", "wgsl"] as const;
type Module = (typeof runnable)[number];
const isModule = (target: TargetName): target is Module => (runnable as readonly string[]).includes(target);

/** Measures all entries. @param rounds of each entry, after the first run. @throws UserError as running does. */
export async function bench(
  target: TargetName,
  compilation: Compilation,
  weights: ReadonlyMap<string, Tensor>,
  given: ReadonlyMap<string, Given>,
  rounds: number,
): Promise<BenchFigures> {
  if (!isModule(target)) {
    const [load, runner] = await timed(() => targets[target].start(compilation, weights));
    const entries = await entriesOf(runner, compilation.program, given, rounds);
    runner.dispose();
    return { target, device: null, compile: null, load, pipelines: null, entries };
  }
  const [compile] = await timed(() => compilation.compiledFor(target).get("emit"));
  const device = target === "wgsl" ? await sharedDevice() : null;
  const pipelines = device === null ? null : countPipelines(device);
  const [load, { model, decoded }] = await timed(() => loadedModel(target, compilation, weights));
  pipelines?.stop();
  const runner = runnerOf(model, decoded);
  try {
    const onDevice = device === null ? null : { device, model };
    const entries = await entriesOf(runner, compilation.program, given, rounds, onDevice);
    const info = device?.adapterInfo;
    const name = info === undefined ? null : info.description || info.device || info.vendor;
    return { target, device: name, compile, load, pipelines: pipelines?.counted ?? null, entries };
  } finally {
    runner.dispose();
  }
}

interface OnDevice {
  readonly device: GPUDevice;
  readonly model: GeneratedModel;
}

async function entriesOf(
  runner: Runner,
  program: Program,
  given: ReadonlyMap<string, Given>,
  rounds: number,
  onDevice: OnDevice | null = null,
): Promise<EntryFigures[]> {
  const firsts = new Map<string, number>();
  const watched: Runner = {
    ...runner,
    run: async (entry, ready) => {
      const [first, outputs] = await timed(() => runner.run(entry, ready));
      firsts.set(entry, first);
      return outputs;
    },
  };
  const figures: EntryFigures[] = [];
  for (const { entry, ready } of await runEntries(watched, program, given)) {
    const times = await timesOf(rounds, () => runner.run(entry.name, ready));
    const more = onDevice === null ? null : await deviceFigures(onDevice, entry.name, ready, rounds);
    const { left = null, dispatches = null, kernels = null } = more ?? {};
    const flops = flopsIn(entry, ready);
    figures.push({ entry: entry.name, flops, first: firsts.get(entry.name)!, times, left, dispatches, kernels });
  }
  return figures;
}

function flopsIn(graph: Graph, { sizes }: Ready): number {
  return graph.nodes.reduce(
    (sum, _, id) => sum + evaluate(flopsOf(graph, id), (variable) => sizes.get(variable) ?? 1),
    0,
  );
}

/** How an entry of a WGSL module is run with options. */
type RunOnDevice = (
  inputs: object,
  options: { keepOnDevice?: true; onTimes?: (times: readonly KernelTime[]) => void },
) => Promise<Record<string, { destroy(): void }>>;

async function deviceFigures(
  { device, model }: OnDevice,
  entry: string,
  { inputs }: Ready,
  rounds: number,
): Promise<Pick<EntryFigures, "left" | "dispatches" | "kernels">> {
  const run = (model[entry] as unknown as RunOnDevice).bind(model);
  const given = Object.fromEntries(inputs);
  const left = await timesOf(rounds, async () => {
    const outputs = await run(given, { keepOnDevice: true });
    await device.queue.onSubmittedWorkDone();
    for (const each of Object.values(outputs)) each.destroy();
  });
  const samples: (readonly KernelTime[])[] = [];
  if (!device.features.has("timestamp-query")) return { left, dispatches: null, kernels: null };
  for (let round = 0; round < rounds; round++) await run(given, { onTimes: (times) => samples.push(times) });
  return { left, dispatches: samples[0]!.length, kernels: kernelFigures(samples) };
}

/** The kernels of runs, each with the median over the runs of the sum of its times. */
export function kernelFigures(samples: readonly (readonly KernelTime[])[]): KernelFigure[] {
  const kernels = new Map<string, { about: string; runs: number; sums: number[] }>();
  for (const [round, times] of samples.entries()) {
    for (const { kernel, about, milliseconds } of times) {
      const known = kernels.get(kernel) ?? { about, runs: 0, sums: samples.map(() => 0) };
      if (round === 0) known.runs++;
      known.sums[round]! += milliseconds;
      kernels.set(kernel, known);
    }
  }
  const figures = [...kernels].map(([kernel, { about, runs, sums }]) => {
    return { kernel, about, runs, milliseconds: median(sums.sort((a, b) => a - b)) };
  });
  return figures.sort((a, b) => b.milliseconds - a.milliseconds);
}

/** Counts the pipelines that a device makes, until it is stopped; those that are made side by side take their time once. */
function countPipelines(device: GPUDevice): {
  readonly counted: { count: number; milliseconds: number };
  stop(): void;
} {
  const counted = { count: 0, milliseconds: 0 };
  let [open, since] = [0, 0];
  device.createComputePipelineAsync = (descriptor) => {
    if (open++ === 0) since = performance.now();
    counted.count++;
    const made = Object.getPrototypeOf(device).createComputePipelineAsync.call(device, descriptor);
    const closed = () => {
      if (--open === 0) counted.milliseconds += performance.now() - since;
    };
    made.then(closed, closed);
    return made;
  };
  return { counted, stop: () => void Reflect.deleteProperty(device, "createComputePipelineAsync") };
}
