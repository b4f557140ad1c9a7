/** GGUF files for tests, byte by byte. */

type Value = number | string | Value[];
export interface Written {
  readonly metadata?: readonly (readonly [key: string, type: number, value: Value | Uint8Array])[];
  readonly tensors?: readonly (readonly [name: string, shape: readonly number[], type: number, start: number])[];
  readonly data?: number | Uint8Array;
  readonly version?: number;
}

/** Writes the bytes of a file as the format has them, wrong ones too. @param data how many zeros, or the bytes */
export function gguf({ metadata = [], tensors = [], data = 0, version = 3 }: Written): Uint8Array {
  const bytes: number[] = [];
  const u32 = (value: number) => bytes.push(...new Uint8Array(Uint32Array.of(value).buffer));
  const u64 = (value: number) => bytes.push(...new Uint8Array(BigUint64Array.of(BigInt(value)).buffer));
  const text = (value: string) => {
    const encoded = new TextEncoder().encode(value);
    u64(encoded.length);
    bytes.push(...encoded);
  };
  bytes.push(...new TextEncoder().encode("GGUF"));
  u32(version);
  u64(tensors.length);
  u64(metadata.length);
  for (const [key, type, value] of metadata) {
    text(key);
    u32(type);
    if (value instanceof Uint8Array) bytes.push(...value);
    else if (typeof value === "string") text(value);
    else if (type === 6) bytes.push(...new Uint8Array(Float32Array.of(Number(value)).buffer));
    else u32(Number(value));
  }
  for (const [name, shape, type, start] of tensors) {
    text(name);
    u32(shape.length);
    for (const size of [...shape].reverse()) u64(size);
    u32(type);
    u64(start);
  }
  while (bytes.length % 32 !== 0) bytes.push(0);
  const rest = typeof data === "number" ? new Uint8Array(data) : data;
  const whole = new Uint8Array(bytes.length + rest.length);
  whole.set(bytes);
  whole.set(rest, bytes.length);
  return whole;
}

/** The bytes of a list in the metadata: of strings, whole numbers (i32) or floats (f32). */
export function ggufList(items: readonly string[] | readonly number[], type: "string" | "i32" | "f32"): Uint8Array {
  const numbers = { string: 8, i32: 5, f32: 6 } as const;
  const parts: Uint8Array[] = [];
  const raw = (array: Uint32Array | BigUint64Array | Int32Array | Float32Array) =>
    parts.push(new Uint8Array(array.buffer));
  raw(Uint32Array.of(numbers[type]));
  raw(BigUint64Array.of(BigInt(items.length)));
  for (const item of items) {
    if (typeof item === "string") {
      const encoded = new TextEncoder().encode(item);
      raw(BigUint64Array.of(BigInt(encoded.length)));
      parts.push(encoded);
    } else raw(type === "i32" ? Int32Array.of(item) : Float32Array.of(item));
  }
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}
