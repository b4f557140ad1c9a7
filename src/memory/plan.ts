/**
 * Plans memory: gives every buffer of a lowered Graph its place, and shares equal kernels.
 *
 * Values that only live between kernels lie in one arena. Their offsets are formulas in the run-time sizes, since a
 * length is known only when running. Three questions are answered in turn: which buffers share bytes because one takes the other's place
 * within a call (blocks.ts, in-place.ts), which blocks live at one time and in which order they lie (order.ts), and where
 * each begins in that order (offsets.ts).
 *
 * What must stay true (check.ts asserts it for given sizes): no two buffers that live at one time share a byte, but those
 * of which one takes the place of the other in a kernel that is proven to allow it.
 */
import { InternalError } from "../diagnostics/index.js";
import { type Kernel, kernelKey } from "../ir/kernel/index.js";
import type { BufferId, Dispatch, Place, Plan } from "../ir/plan/plan.js";
import type { Call, LoweredBuffer, LoweredGraph } from "../lower/index.js";
import type { Size } from "../sizes/index.js";
import { blocksOf } from "./blocks.js";
import { arenaBytesOf, hostMemory, type MemoryUnits, roomOf } from "./bytes.js";
import { Replacements } from "./in-place.js";
import { layoutOf } from "./offsets.js";
import { PreparedNames } from "./prepared.js";

export interface PlanOptions {
  /** Whether a kernel may write its result over what it reads for the last time; true unless given. */
  readonly inPlace?: boolean;
  /** How the memory is divided; that of a host unless given. */
  readonly memory?: MemoryUnits;
}

/** Plans the entries of one module, which share what is prepared. */
export function planGraphs(entries: readonly LoweredGraph[], options: PlanOptions = {}): readonly Plan[] {
  const shared: Shared = { names: new PreparedNames(entries), replacements: new Replacements() };
  return entries.map((lowered) => planEntry(lowered, options, shared));
}

/** Plans a module of one entry. */
export function planGraph(lowered: LoweredGraph, options: PlanOptions = {}): Plan {
  return planGraphs([lowered], options)[0]!;
}

/** What the entries of a module have in common. */
interface Shared {
  readonly names: PreparedNames;
  readonly replacements: Replacements;
}

function planEntry(
  lowered: LoweredGraph,
  { inPlace = true, memory = hostMemory }: PlanOptions,
  { names, replacements }: Shared,
): Plan {
  const { places, bytes, calls } = placeBuffers(lowered, inPlace ? replacements : null, names, memory);
  const { kernels, dispatches: all } = shareKernels([...lowered.prepare, ...calls]);
  return {
    name: lowered.name,
    sizes: lowered.sizes,
    buffers: lowered.buffers.map(({ name, element, shape }, id) => ({ name, element, shape, place: places[id]! })),
    kernels,
    prepare: all.slice(0, lowered.prepare.length),
    dispatches: all.slice(lowered.prepare.length),
    inputs: lowered.inputs,
    weights: lowered.weights,
    outputs: lowered.outputs,
    indexChecks: lowered.indexChecks,
    arenaBytes: bytes,
    ...(lowered.grows ? { grows: lowered.grows } : {}),
  };
}

function shareKernels(calls: readonly Call[]): { kernels: readonly Kernel[]; dispatches: readonly Dispatch[] } {
  const kernels: Kernel[] = [];
  const numbers = new Map<string, number>();
  const dispatches = calls.map(({ kernel, places: _, ...call }): Dispatch => {
    const key = kernelKey(kernel);
    let number = numbers.get(key);
    if (number === undefined) {
      number = kernels.push(kernel) - 1;
      numbers.set(key, number);
    }
    return { ...call, kernel: number };
  });
  return { kernels, dispatches };
}

function placeBuffers(
  lowered: LoweredGraph,
  replacements: Replacements | null,
  names: PreparedNames,
  memory: MemoryUnits,
): { places: readonly Place[]; bytes: Size; calls: readonly Call[] } {
  const { blocks, calls } = blocksOf(lowered, replacements, memory);
  const inArena = blocks.filter(({ output }) => output === null);
  const { offsets, bytes } = layoutOf(inArena, lowered.sizes);
  const places = new Map<BufferId, Place>();
  const place = (id: BufferId, at: Place): unknown => places.set(id, at);
  for (const [at, { members }] of inArena.entries()) {
    for (const id of members) {
      place(id, {
        kind: "arena",
        offset: offsets[at]!,
        bytes: roomOf(lowered, arenaBytesOf(lowered.buffers[id]!, memory)),
      });
    }
  }
  for (const { members, output, holds } of blocks) {
    if (output === null) continue;
    const { name } = lowered.buffers[output]!;
    for (const id of members) place(id, { kind: "output", name });
    if (holds !== null) place(output, { kind: "output", name, holds });
  }
  for (const [id, name] of names.of(lowered)) place(id, { kind: "prepared", name });
  return {
    places: lowered.buffers.map((buffer, id) => places.get(id as BufferId) ?? fixedPlace(buffer)),
    bytes,
    calls,
  };
}

/** Where the caller has a buffer that no call writes. */
function fixedPlace({ name, home }: LoweredBuffer): Place {
  if (home.kind === "temporary" || home.kind === "prepared")
    throw new InternalError(`the buffer ${name} is never written`);
  return home;
}
