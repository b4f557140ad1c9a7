/** A whole WebAssembly module: what it imports, its functions, and the table of its kernels. */
import type { ValueType } from "./operators.js";
import type { FunctionCode } from "./tree.js";

/** A function that the host gives. */
export interface ImportedFunction {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly result: ValueType | null;
}

export interface ModuleCode {
  /** In the import module `host`, beside the memory `memory`. */
  readonly imports: readonly ImportedFunction[];
  readonly functions: readonly FunctionCode[];
  /** The names of functions in the table, in its order; all have the signature of a kernel. */
  readonly kernels: readonly string[];
  /** What stands there instead on hosts with relaxed SIMD: for names in `kernels`, those of the next functions. */
  readonly relaxed: ReadonlyMap<string, string>;
  /** The names of functions that the host calls. */
  readonly exports: readonly string[];
}

export interface Signature {
  readonly parameters: readonly ValueType[];
  readonly result: ValueType | null;
}

/** A kernel is called with the address of its arguments, which part of the work it does, and of how many. */
export const kernelSignature: Signature = { parameters: ["i32", "i32", "i32"], result: null };

export function signatureKey({ parameters, result }: Signature): string {
  return `${parameters.join()} ${result}`;
}

/** The distinct signatures of a module: the kernels' first, then in the order of imports and functions. */
export function signaturesOf({ imports, functions }: ModuleCode): readonly Signature[] {
  const found = new Map([[signatureKey(kernelSignature), kernelSignature]]);
  for (const { parameters, result } of imports) {
    const signature = { parameters, result };
    if (!found.has(signatureKey(signature))) found.set(signatureKey(signature), signature);
  }
  for (const { parameters, result } of functions) {
    const signature = { parameters: parameters.map(({ type }) => type), result };
    if (!found.has(signatureKey(signature))) found.set(signatureKey(signature), signature);
  }
  return [...found.values()];
}

/** The pages of 64 KiB that memory may have at most: 4 GiB. */
export const mostPages = 65536;
