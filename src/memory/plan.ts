/**
 * Plans memory: gives every buffer of a lowered Graph its place, and shares equal kernels.
 *
 * Values that only live between kernels lie in one arena. Their offsets are formulas in the run-time sizes, since a
 * length is known only when running. A buffer takes the place of one that is no longer needed if both have the same
 * formula of bytes, which holds for most values of a Transformer; otherwise the arena grows.
 *
 * What must stay true (check.ts asserts it for given sizes): no two buffers that live at one time share a byte; a buffer
 * does not take the place of one that the same call reads.
 */
import { type Kernel, type KernelElement, kernelKey } from "../ir/kernel/index.js";
import type { BufferId, Dispatch, Place, Plan, PlanBuffer } from "../ir/plan/plan.js";
import type { LoweredBuffer, LoweredGraph } from "../lower/index.js";
import { add, floorDiv, mul, type Size, size } from "../sizes/index.js";

/** Offsets and lengths in the arena are multiples of this. */
export const alignment = 16;

/** Bytes of one element in memory. f16 lies in four bytes, rounded. */
export function bytesOf(element: KernelElement): number {
  return element === "bool" ? 1 : 4;
}

/** The bytes that a buffer takes in the arena. */
export function arenaBytesOf(buffer: Pick<PlanBuffer, "element" | "shape">): Size {
  const elements = buffer.shape.reduce((product, extent) => mul(product, extent), size(1));
  const bytes = mul(elements, bytesOf(buffer.element));
  return mul(floorDiv(add(bytes, alignment - 1), alignment), alignment);
}

/** Places of freed buffers, to be taken again. */
class Arena {
  bytes: Size = size(0);
  readonly #free = new Map<Size, Size[]>();

  take(bytes: Size): Place {
    const freed = this.#free.get(bytes)?.pop();
    if (freed !== undefined) return { kind: "arena", offset: freed, bytes };
    const offset = this.bytes;
    this.bytes = add(this.bytes, bytes);
    return { kind: "arena", offset, bytes };
  }

  free(place: Place): void {
    if (place.kind !== "arena") return;
    const freed = this.#free.get(place.bytes);
    if (freed === undefined) this.#free.set(place.bytes, [place.offset]);
    else freed.push(place.offset);
  }
}

export function planGraph(lowered: LoweredGraph): Plan {
  const { kernels, dispatches } = shareKernels(lowered);
  const { places, bytes } = placeBuffers(lowered);
  return {
    name: lowered.name,
    sizes: lowered.sizes,
    buffers: lowered.buffers.map(({ name, element, shape }, id) => ({ name, element, shape, place: places[id]! })),
    kernels,
    dispatches,
    inputs: lowered.inputs,
    weights: lowered.weights,
    outputs: lowered.outputs,
    indexChecks: lowered.indexChecks,
    arenaBytes: bytes,
  };
}

function shareKernels({ calls }: LoweredGraph): { kernels: readonly Kernel[]; dispatches: readonly Dispatch[] } {
  const kernels: Kernel[] = [];
  const numbers = new Map<string, number>();
  const dispatches = calls.map(({ kernel, reads, writes, location, scope }): Dispatch => {
    const key = kernelKey(kernel);
    let number = numbers.get(key);
    if (number === undefined) {
      number = kernels.push(kernel) - 1;
      numbers.set(key, number);
    }
    return { kernel: number, reads, writes, location, scope };
  });
  return { kernels, dispatches };
}

function placeBuffers({ buffers, calls }: LoweredGraph): { places: readonly Place[]; bytes: Size } {
  const lastUse = new Map<BufferId, number>();
  for (const [at, { reads, writes }] of calls.entries()) for (const id of [...reads, ...writes]) lastUse.set(id, at);
  const arena = new Arena();
  const places = buffers.map(fixedPlace);
  for (const [at, { reads, writes }] of calls.entries()) {
    for (const id of writes) places[id] ??= arena.take(arenaBytesOf(buffers[id]!));
    for (const id of new Set([...reads, ...writes])) if (lastUse.get(id) === at) arena.free(places[id]!);
  }
  return { places: places.filter((each) => each !== null), bytes: arena.bytes };
}

/** Where the caller has the buffer, or null for one in the arena. */
function fixedPlace({ home }: LoweredBuffer): Place | null {
  return home.kind === "temporary" ? null : home;
}
