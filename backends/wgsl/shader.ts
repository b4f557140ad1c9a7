/** What a printed shader is. */
import { type Buffer, type Kernel, loadedBuffers, storedBuffers } from "../../src/ir/kernel/index.js";
import type { Size } from "../../src/sizes/index.js";
import type { LargeRead } from "./large.js";

/** An argument of a kernel as its shader names it. */
export interface Binding {
  readonly name: string;
  readonly buffer: Buffer;
}

export interface PrintedShader {
  readonly kernel: Kernel;
  readonly code: string;
  /** What is read, then what is written. */
  readonly bindings: readonly Binding[];
  readonly lanes: number;
  readonly workgroups: Size;
  /** Bytes of memory that a workgroup shares. */
  readonly sharedBytes: number;
  readonly large: readonly LargeRead[];
  /** Features that a device must have, as WGSL calls them. */
  readonly extensions: readonly string[];
}

export interface ShaderOptions {
  /** The bytes up to which an argument is bound as a whole on every device. */
  readonly whole?: number | undefined;
  /** Whether f16 takes two bytes and is multiplied as such, for which a device needs shader-f16; else it is kept in f32. */
  readonly halves?: boolean | undefined;
}

export function mentionsHalves({ body, reads, writes }: Kernel): boolean {
  return [...reads, ...writes, ...loadedBuffers(body), ...storedBuffers(body)].some(({ element }) => element === "f16");
}
