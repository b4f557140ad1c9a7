/** Bytes that a module carries as text, and what is loaded where a host does not understand them. */

/** The bytes of base64. */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/**
 * Code whose sums of products are computed by relaxed SIMD: `f32x4.relaxed_madd`, and nothing where the product was. The
 * code itself where the host has no relaxed SIMD.
 * @param places of the bytes to change, each counted from the one before
 */
export function relaxedCode(code: Uint8Array<ArrayBuffer>, places: readonly number[]): Uint8Array<ArrayBuffer> {
  const relaxed = code.slice();
  let at = 0;
  for (const step of places) {
    at += step;
    relaxed[at] = relaxedBytes[code[at]!]!;
  }
  return WebAssembly.validate(relaxed) ? relaxed : code;
}

/** The instructions fd e6 01 and fd e4 01, a product and a sum, become 01 01 01 and fd 85 02. */
const relaxedBytes: Readonly<Record<number, number>> = { 253: 0x01, 230: 0x01, 228: 0x85, 1: 0x02 };

/**
 * The model of the module that is there for hosts whose WebAssembly has no vectors. `find` stands in the module itself,
 * as a file is found beside the module that asks for it; bundlers leave it alone.
 * @throws Error where that module is not there.
 */
export async function withoutVectors<Model>(
  find: (file: string) => Promise<unknown>,
  file: string,
  options: unknown,
): Promise<Model> {
  let other: { load(options: unknown): Promise<Model> };
  try {
    other = (await find(file)) as typeof other;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`WebAssembly has no vectors here, and the module for such hosts, ${file}, is not there: ${reason}`);
  }
  return other.load(options);
}
