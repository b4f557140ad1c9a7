/** Writes safetensors files. */
import { type SafetensorsType, safetensorsBytes } from "./safetensors.js";
import { elementCount, showShape, type Tensor } from "./tensors.js";

/** The format's name of each element type, as it is written. */
const writtenTypes = { f32: "F32", f16: "F16", i32: "I32", bool: "BOOL" } as const;

/** A tensor in the bytes of one of the format's types, for what Tensor does not have, such as BF16. */
export interface RawTensor {
  readonly bytes: Uint8Array;
  readonly shape: readonly number[];
  readonly type: SafetensorsType;
}

/**
 * The bytes of a file with the given tensors, in their order. The header is padded so that each tensor starts at a
 * multiple of 8 bytes if those before it do.
 */
export function writeSafetensors(
  tensors: Iterable<readonly [string, Tensor | RawTensor]>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array<ArrayBuffer> {
  // A map, not an object: `__proto__` is a name as any other.
  const fields: string[] = [];
  const parts: Uint8Array[] = [];
  const names = new Set(["__metadata__"]);
  let offset = 0;
  if (Object.keys(metadata).length > 0) fields.push(`"__metadata__":${JSON.stringify(metadata)}`);
  for (const [name, tensor] of tensors) {
    const data = "bytes" in tensor ? tensor.bytes : tensor.data;
    const type = "bytes" in tensor ? tensor.type : writtenTypes[tensor.type];
    if (names.has(name)) throw new RangeError(`two tensors are named "${name}"`);
    names.add(name);
    if (elementCount(tensor.shape) * safetensorsBytes[type] !== data.byteLength) {
      throw new RangeError(`tensor "${name}" is ${type} ${showShape(tensor.shape)}, but has ${data.byteLength} bytes`);
    }
    const end = offset + data.byteLength;
    const entry = { dtype: type, shape: tensor.shape, data_offsets: [offset, end] };
    fields.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    offset = end;
  }
  let header = new TextEncoder().encode(`{${fields.join(",")}}`);
  const padding = (8 - (header.length % 8)) % 8;
  if (padding > 0) header = new TextEncoder().encode(`{${fields.join(",")}}${" ".repeat(padding)}`);

  const file = new Uint8Array(8 + header.length + offset);
  new DataView(file.buffer).setUint32(0, header.length, true);
  file.set(header, 8);
  let at = 8 + header.length;
  for (const part of parts) {
    file.set(part, at);
    at += part.length;
  }
  return file;
}
