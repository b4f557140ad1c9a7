/** What is compiled to modules, in one table: how kernels are scheduled, how memory is planned, what is emitted. */
import type { EmittedModule } from "../../backends/common/emit.js";
import type { Module } from "../../backends/common/module.js";
import type { Kernel, KernelElement } from "../ir/kernel/index.js";
import type { PlanOptions } from "../memory/index.js";
import type { Arithmetic } from "../passes/index.js";
import {
  chainedForWgsl,
  type GraphScheduler,
  graphScheduler,
  narrowed,
  rowsAsOne,
  scattered,
  scheduledForTypeScript,
  scheduledForWasm,
  scheduledForWgsl,
  sideBySide,
  spilled,
  type TypeScriptPolicy,
  typeScriptPolicy,
  vectorsAsOne,
  wgslPolicy,
} from "../schedule/index.js";

export interface Backend {
  /**
   * What schedules the graphs of one module.
   * @param policy the target's own if not given; null leaves loops in the order of the definition.
   */
  readonly scheduler: (policy: TypeScriptPolicy | null | undefined) => GraphScheduler;
  readonly planning: PlanOptions;
  /** How it keeps in f16 what lies between kernels; not there where it has no f16 of its own. */
  readonly narrow?: { readonly lower: GraphScheduler; readonly planning: PlanOptions };
  /** What it computes of weights that are held as whole numbers of few bits. */
  readonly arithmetic: Arithmetic;
  /** The types of elements that it has no memory for. */
  readonly lacks: readonly KernelElement[];
  /** The code of one scheduled kernel, for people to read; not there where it stands in no function of its own. */
  readonly code?: (kernel: Kernel) => Promise<string>;
  /** The buffers that a kernel can read and write. */
  readonly mostBuffers: number;
  /** Rows that are few: steps of one position of so many sequences have a program of their own. Not there for none. */
  readonly fewRows?: number;
  /** Whether its modules have sessions for entries that are incremental. */
  readonly decodes: boolean;
  /** The emitter is loaded only when it is needed: it carries a TypeScript compiler. */
  readonly emit: (module: Module) => Promise<EmittedModule>;
}

/** The bytes of an element in the memory of a device: of floats of 16 bits, two lie in a word. */
function shaderBytes(element: KernelElement, halves = false): number {
  return element === "bf16" || element === "f16f" || (halves && element === "f16") ? 2 : 4;
}

/** What a shader has on every device. */
const mostShaderBuffers = 8;

const unscheduled: GraphScheduler = (lowered) => lowered;

export const backendNames = ["typescript", "wasm", "wgsl"] as const;
export type BackendName = (typeof backendNames)[number];

export const backends: { readonly [K in BackendName]: Backend } = {
  typescript: {
    scheduler: (policy = typeScriptPolicy) =>
      policy === null ? unscheduled : graphScheduler((kernel) => scheduledForTypeScript(kernel, policy)),
    planning: {},
    arithmetic: { unit: "small", integers: false },
    lacks: [],
    mostBuffers: Number.POSITIVE_INFINITY,
    code: async (kernel) => (await import("../../backends/typescript/index.js")).kernelCode(kernel),
    decodes: true,
    emit: async (module) => (await import("../../backends/typescript/index.js")).emitTypeScript(module),
  },
  wasm: {
    scheduler: (policy) => {
      if (policy === null) return unscheduled;
      const [overRows, schedule] = [rowsAsOne(), graphScheduler((kernel) => scheduledForWasm(kernel))];
      return (lowered) => schedule(overRows(lowered));
    },
    planning: {},
    // Sums of products of 16 bits are one instruction.
    arithmetic: { unit: "small", integers: true },
    lacks: [],
    mostBuffers: Number.POSITIVE_INFINITY,
    decodes: true,
    emit: async (module) => (await import("../../backends/wasm/index.js")).emitWasm(module),
  },
  wgsl: {
    scheduler: (policy) => {
      const schedule = graphScheduler((kernel) => scheduledForWgsl(kernel, policy === null ? null : wgslPolicy));
      return (lowered) => {
        const isChained = policy !== null && lowered.isShort;
        const own = isChained ? chainedForWgsl(lowered, wgslPolicy, mostShaderBuffers) : lowered;
        const bound = vectorsAsOne(own, mostShaderBuffers);
        const made = scattered(spilled(schedule(bound)), mostShaderBuffers);
        return lowered.isShort ? sideBySide(made, mostShaderBuffers) : made;
      };
    },
    // Bindings begin at multiples of 256 bytes on every device, and two bindings of a dispatch never overlap.
    planning: { inPlace: false, memory: { alignment: 256, bytesOf: (element) => shaderBytes(element) } },
    narrow: {
      lower: narrowed,
      planning: { inPlace: false, memory: { alignment: 256, bytesOf: (element) => shaderBytes(element, true) } },
    },
    arithmetic: { unit: "word", integers: false },
    lacks: ["i8", "i16"],
    mostBuffers: mostShaderBuffers,
    fewRows: wgslPolicy.row.most,
    decodes: true,
    emit: async (module) => (await import("../../backends/wgsl/index.js")).emitWgsl(module),
  },
};
