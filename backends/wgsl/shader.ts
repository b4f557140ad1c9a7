/** What a printed shader is. */
import type { Buffer, Kernel } from "../../src/ir/kernel/index.js";
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
