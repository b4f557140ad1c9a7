/**
 * A session as bytes, to go on from in another process or on another target: a safetensors file with what is kept of the
 * positions so far, and the sizes as its metadata. The room for positions to come is not written.
 */
import { InputError } from "./elements.js";
import { dimensionValue, type Sizes } from "./inputs.js";
import { convertSafetensor, parseSafetensors } from "./safetensors.js";
import { writeSafetensors } from "./safetensors-writer.js";
import type { DecodingSpec, KeptArrays, StateSpec } from "./session.js";
import { type ArrayOf, arrayOf, type ElementName, elementCount, showShape, type Tensor } from "./tensors.js";

/** How errors call it. */
const file = "the saved session";

/** The shape of a state with room for so many positions. */
function shapeWith({ shape }: StateSpec, { capacity }: DecodingSpec, sizes: Sizes, room: number): number[] {
  return shape.map((dimension) => dimensionValue(dimension, { ...sizes, [capacity]: room }));
}

/** The first rows of an array of one shape in one of another, which differ along the axis of positions. */
function withRows<Type extends ElementName>(
  type: Type,
  from: ArrayOf[ElementName],
  before: readonly number[],
  after: readonly number[],
): ArrayOf[ElementName] {
  const axis = before.findIndex((extent, at) => extent !== after[at]);
  if (axis < 0) return from.slice();
  const to: ArrayOf[ElementName] = arrayOf(type, elementCount(after));
  const inner = elementCount(after.slice(axis + 1));
  const [given, taken] = [before[axis]! * inner, after[axis]! * inner];
  const common = Math.min(given, taken);
  for (let i = 0; i < elementCount(after.slice(0, axis)); i++) {
    to.set(from.subarray(i * given, i * given + common), i * taken);
  }
  return to;
}

/** The names of the sizes that outlive a step. */
function keptSizes({ step, past, count, capacity }: DecodingSpec): ReadonlySet<string> {
  return new Set([capacity, ...step.sizes.map(({ name }) => name).filter((name) => name !== past && name !== count)]);
}

/** @param arrays null where nothing is kept yet */
export function sessionBytes(
  spec: DecodingSpec,
  sizes: Sizes,
  past: number,
  arrays: KeptArrays | null,
): Uint8Array<ArrayBuffer> {
  const tensors = (arrays === null ? [] : spec.states).map((state): [string, Tensor] => {
    const [before, shape] = [sizes[spec.capacity]!, past].map((room) => shapeWith(state, spec, sizes, room));
    return [
      state.name,
      { data: withRows(state.type, arrays![state.name]!, before!, shape!), shape: shape!, type: state.type },
    ];
  });
  const names = keptSizes(spec);
  const written = Object.fromEntries(Object.entries(sizes).filter(([name]) => names.has(name)));
  return writeSafetensors(tensors, { session: spec.entry, past: String(past), sizes: JSON.stringify(written) });
}

/** @param capacity the positions to have room for; as before if not given. @throws InputError, SafetensorsError */
export function readSession(
  spec: DecodingSpec,
  bytes: Uint8Array,
  capacity: number | undefined,
): { readonly sizes: Sizes; readonly past: number; readonly arrays: KeptArrays | null } {
  if (!(bytes instanceof Uint8Array)) throw new InputError("saved is not the bytes that a session's save gives");
  const { tensors, metadata } = parseSafetensors(bytes, file);
  const entry = metadata.get("session");
  if (entry === undefined) throw new InputError(`${file} is another kind of safetensors file: it names no entry`);
  if (entry !== spec.entry) throw new InputError(`${file} is of the entry ${entry}, and not of ${spec.entry}`);
  const past = Number(metadata.get("past"));
  const sizes = sizesOf(spec, metadata.get("sizes") ?? "");
  const room = capacity ?? sizes[spec.capacity]!;
  if (!Number.isInteger(past) || past < 0 || past > sizes[spec.capacity]!)
    throw new InputError(`${file} is damaged: it has ${past} positions`);
  if (past > room) throw new InputError(`${file} has ${past} positions, and the capacity is ${room}`);
  if (spec.most !== null && room > spec.most)
    throw new InputError(`${file} has a capacity of ${room}, and ${spec.entry} takes at most ${spec.most} positions`);
  const after = { ...sizes, [spec.capacity]: room };
  if (tensors.size === 0 && past === 0 && spec.begin === null) return { sizes: after, past, arrays: null };
  const other = `${file} is of another model: `;
  for (const name of tensors.keys()) {
    if (!spec.states.some((state) => state.name === name))
      throw new InputError(`${other}${name} is not kept by this one`);
  }
  const arrays: Record<string, ArrayOf[ElementName]> = {};
  for (const state of spec.states) {
    const saved = tensors.get(state.name);
    if (saved === undefined) throw new InputError(`${other}it has no ${state.name}`);
    const [shape, wanted] = [past, room].map((rows) => shapeWith(state, spec, sizes, rows)) as [number[], number[]];
    if (showShape(saved.shape) !== showShape(shape))
      throw new InputError(`${other}its ${state.name} is ${showShape(saved.shape)}, and not ${showShape(shape)}`);
    const array = convertSafetensor(saved, bytes.subarray(saved.start, saved.end), state.type, file);
    arrays[state.name] = withRows(state.type, array, shape, wanted);
  }
  return { sizes: after, past, arrays };
}

/** The sizes of a saved session: whole numbers, by the names of those of a step. @throws InputError */
function sizesOf(spec: DecodingSpec, text: string): Sizes {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    given = null;
  }
  const names = keptSizes(spec);
  const entries = Object.entries(given ?? {});
  const isSound = entries.every(([name, value]) => names.has(name) && Number.isSafeInteger(value) && value >= 0);
  const sizes: Sizes = Object.fromEntries(entries);
  if (isSound && sizes[spec.capacity] !== undefined) return sizes;
  throw new InputError(`${file} is of another model or damaged: its sizes are ${text}`);
}
