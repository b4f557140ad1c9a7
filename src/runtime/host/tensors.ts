/** Tensors as callers see them: numbers in a typed array, a shape, and the type of the elements. */

/** The element types: f16 is held as bits in a Uint16Array, bool as 0 and 1 in a Uint8Array. */
export type ElementName = "f32" | "f16" | "i32" | "bool";

/** The element types of what a model makes of its weights, and callers never see: also small whole numbers, and floats as bits. */
export type HeldElement = ElementName | "i8" | "i16" | "bf16" | "f16f";

/** The array that holds elements of each type. */
export interface ArrayOf {
  f32: Float32Array;
  f16: Uint16Array;
  i32: Int32Array;
  bool: Uint8Array;
}

/** As `ArrayOf`, of what a model holds. */
export interface HeldArrayOf extends ArrayOf {
  i8: Int8Array;
  i16: Int16Array;
  bf16: Uint16Array;
  f16f: Uint16Array;
}

/** A tensor: row-major elements, one size per axis. */
export interface Tensor<Type extends ElementName = ElementName> {
  readonly data: ArrayOf[Type];
  readonly shape: readonly number[];
  readonly type: Type;
}

/** The number of bytes of one element. */
export const bytesPerElement: Readonly<Record<HeldElement, number>> = {
  f32: 4,
  f16: 2,
  i32: 4,
  bool: 1,
  i8: 1,
  i16: 2,
  bf16: 2,
  f16f: 2,
};

/** A view of `length` elements on `buffer` from the byte `offset`. */
export function viewOf<Type extends HeldElement>(
  type: Type,
  buffer: ArrayBufferLike,
  offset: number,
  length: number,
): HeldArrayOf[Type];
export function viewOf(
  type: HeldElement,
  buffer: ArrayBufferLike,
  offset: number,
  length: number,
): HeldArrayOf[HeldElement] {
  switch (type) {
    case "f32":
      return new Float32Array(buffer, offset, length);
    case "f16":
    case "bf16":
    case "f16f":
      return new Uint16Array(buffer, offset, length);
    case "i32":
      return new Int32Array(buffer, offset, length);
    case "bool":
      return new Uint8Array(buffer, offset, length);
    case "i8":
      return new Int8Array(buffer, offset, length);
    case "i16":
      return new Int16Array(buffer, offset, length);
  }
}

/** An array of zeros. */
export function arrayOf<Type extends HeldElement>(type: Type, length: number): HeldArrayOf[Type] {
  return viewOf(type, new ArrayBuffer(length * bytesPerElement[type]), 0, length);
}

/** The number of elements of a shape. */
export function elementCount(shape: readonly number[]): number {
  let count = 1;
  for (const size of shape) count *= size;
  return count;
}

/** A shape as people write it: `[2, 3]`. */
export function showShape(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}
