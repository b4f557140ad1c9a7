/** Tensors between callers, who have f16 as bits, and the interpreters, who have it as floats. */
import { InternalError } from "../diagnostics/index.js";
import type { Tensor as Evaluated, TensorData } from "../interpreter/tensor.js";
import { halfValues, toHalf } from "../runtime/host/half.js";
import type { Tensor } from "../runtime/host/tensors.js";

export type { Evaluated };

/** A tensor of a caller as the interpreters hold it. */
export function toEvaluated(tensor: Tensor): Evaluated {
  const { shape, type: element } = tensor;
  if (element !== "f16") return { element, shape, data: tensor.data as TensorData };
  const table = halfValues();
  return { element, shape, data: Float32Array.from(tensor.data as Uint16Array, (bits) => table[bits] ?? Number.NaN) };
}

/** A tensor of the interpreters as callers see it; rounds what is held in f64. */
export function fromEvaluated({ element, shape, data }: Evaluated): Tensor {
  switch (element) {
    case "f32":
      return { data: data instanceof Float32Array ? data : Float32Array.from(data), shape, type: "f32" };
    case "f16":
      return { data: Uint16Array.from(data, toHalf), shape, type: "f16" };
    case "i32":
      return { data: Int32Array.from(data), shape, type: "i32" };
    case "bool":
      return { data: Uint8Array.from(data), shape, type: "bool" };
    case "i8":
    case "i16":
    case "bf16":
    case "f16f":
      throw new InternalError(`no tensors of callers are of type ${element}`);
    default:
      throw new InternalError(`no tensors of type ${element satisfies never}`);
  }
}
