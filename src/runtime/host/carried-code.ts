/** Bytes that a module carries as text, and what is loaded where a host does not understand them. */

/**
 * The bytes that a text carries: each character is a byte, those that WebAssembly has most are ASCII. Compressed, as it is
 * sent, such a text is little longer than the bytes themselves; base64 would be half as long again.
 */
export function bytesOfText(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // The least byte has the 4th place of 95 printable characters of ASCII, and others follow from U+0100 on.
    bytes[i] = code < 127 ? code - 35 : code - 164;
  }
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
    // Of a kernel in two versions the one for these hosts is the next function.
    relaxed[at] = relaxedBytes[code[at]!] ?? code[at]! + 1;
  }
  return WebAssembly.validate(relaxed) ? relaxed : code;
}

/** The instructions fd e6 01 and fd e4 01, a product and a sum, become 01 01 01 and fd 85 02. */
const relaxedBytes: Readonly<Record<number, number>> = { 253: 0x01, 230: 0x01, 228: 0x85, 1: 0x02 };

/** Whether the host runs the code: it has WebAssembly with vectors, and no policy of a page forbids it. */
export async function runsCode(code: Uint8Array<ArrayBuffer>): Promise<boolean> {
  try {
    // Policies are not asked where code is only validated. The header is a module by itself.
    await WebAssembly.compile(code.subarray(0, 8));
    return WebAssembly.validate(code);
  } catch {
    return false;
  }
}

/**
 * The model of the module that is there for hosts that do not run WebAssembly with vectors. `find` stands in the module itself,
 * as a file is found beside the module that asks for it; bundlers leave it alone.
 * @throws Error where that module is not there.
 */
export async function withoutCode<Model>(
  find: (file: string) => Promise<unknown>,
  file: string,
  options: unknown,
): Promise<Model> {
  let other: { load(options: unknown): Promise<Model> };
  try {
    other = (await find(file)) as typeof other;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `WebAssembly with vectors does not run here, and the module for such hosts, ${file}, is not there: ${reason}`,
    );
  }
  return other.load(options);
}
