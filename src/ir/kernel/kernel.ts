/**
 * The Kernel: how one fused group of operators is computed. A pure expression DAG under a tree of statements.
 *
 * Index arithmetic is the normal form of src/sizes: a loop variable is a SizeVariable with its range, so bounds are
 * proven by the same code that proves sizes equal. A variable's range never changes: a step that changes a loop makes a
 * new variable. Reductions are stores with an operator; a scalar is a private buffer of rank 0.
 */
import type { Location } from "../../diagnostics/index.js";
import type { Size, SizeVariable } from "../../sizes/index.js";

/** The element types of buffers and expressions. */
export const kernelElements = ["f32", "f16", "i32", "bool", "i8", "i16", "bf16", "f16f"] as const;
export type KernelElement = (typeof kernelElements)[number];

/** Global buffers are arguments of the kernel; the others are allocated inside it. */
export const bufferScopes = ["global", "workgroup", "private"] as const;
export type BufferScope = (typeof bufferScopes)[number];

/** An axis of an array in memory: a whole axis of the array, or its part: index / factor (outer), index % factor (inner). */
export interface LayoutPart {
  readonly axis: number;
  readonly part: "all" | "outer" | "inner";
  /** 1 for a whole axis. */
  readonly factor: number;
}

/** How an array lies in memory, outermost first; layout.ts says more. */
export type Layout = readonly LayoutPart[];

/** What is known of an argument besides its type. */
export interface BufferFacts {
  /** Its elements are known when the model is loaded: a weight, or what is computed from weights alone. */
  readonly constant?: boolean;
  /** It holds an array of another shape, laid out anew at load. Its own shape is that in memory. */
  readonly packed?: { readonly from: readonly Size[]; readonly layout: Layout };
}

/** Memory with a shape, row-major. Two buffers of one name are different buffers. */
export class Buffer {
  constructor(
    readonly name: string,
    readonly element: KernelElement,
    readonly shape: readonly Size[],
    readonly scope: BufferScope,
    readonly facts: BufferFacts = {},
  ) {}
}

export type KernelUnary =
  | "neg"
  | "abs"
  | "exp"
  | "log"
  | "log2"
  | "sqrt"
  | "rsqrt"
  | "sin"
  | "cos"
  | "tanh"
  | "erf"
  | "floor"
  | "ceil"
  | "not";

/** As the Graph's binary operators: `floor_div` and `mod` floor, `max` and `min` give NaN if either is, i32 wraps. */
export type KernelBinary =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "floor_div"
  | "mod"
  | "pow"
  | "max"
  | "min"
  | "lt"
  | "le"
  | "eq"
  | "ne"
  | "and"
  | "or";

/** Functions of numbers that cost much more than a load. */
export const slowFunctions = [
  "exp",
  "log",
  "log2",
  "sqrt",
  "rsqrt",
  "sin",
  "cos",
  "tanh",
  "erf",
  "pow",
] as const satisfies readonly (KernelUnary | KernelBinary)[];

/** A pure expression. Made by the functions of expressions.ts, which share equal ones and keep types. */
export type Expression =
  /** A number of f32, f16 or bool (0 and 1), rounded to its element type. An i32 number is an `index`. */
  | { readonly kind: "constant"; readonly value: number; readonly element: KernelElement }
  /** A size or an affine expression of loop variables, as i32. */
  | { readonly kind: "index"; readonly value: Size; readonly element: "i32" }
  | {
      readonly kind: "unary";
      readonly operator: KernelUnary;
      readonly operand: Expression;
      readonly element: KernelElement;
    }
  | {
      readonly kind: "binary";
      readonly operator: KernelBinary;
      readonly left: Expression;
      readonly right: Expression;
      readonly element: KernelElement;
    }
  /** Evaluates both sides: a load that must not happen stands under an `if` statement instead. */
  | {
      readonly kind: "select";
      readonly condition: Expression;
      readonly yes: Expression;
      readonly no: Expression;
      readonly element: KernelElement;
    }
  /** To i32, i16, i8: truncates, saturates, NaN gives 0. To bool: not equal to 0. */
  | { readonly kind: "cast"; readonly operand: Expression; readonly element: KernelElement }
  | {
      readonly kind: "load";
      readonly buffer: Buffer;
      readonly index: readonly Expression[];
      readonly element: KernelElement;
    };

/**
 * How the iterations of a loop are run. Those of `subgroup` and `quad` are run one after another by each lane for itself, or
 * shared by lanes that run together, of a quad four: all of them would compute the same.
 */
export const loopKinds = [
  "serial",
  "parallel",
  "unroll",
  "vector",
  "grid.x",
  "grid.y",
  "grid.z",
  "lane.x",
  "lane.y",
  "lane.z",
  "subgroup",
  "quad",
] as const;
export type LoopKind = (typeof loopKinds)[number];

/** Whether an iteration of a loop finds what the one before has left. */
export function isInOrder(kind: LoopKind): boolean {
  return kind === "serial" || kind === "unroll" || isShared(kind);
}

/** Whether lanes that would compute the same may share a loop. */
export function isShared(kind: LoopKind): kind is "subgroup" | "quad" {
  return kind === "subgroup" || kind === "quad";
}

/** How a store of f32, f16 or i32 meets what is there; null replaces it. `max` and `min` give NaN if either is NaN. */
export const updateOperators = ["add", "max", "min"] as const;
export type UpdateOperator = (typeof updateOperators)[number];

export type Statement =
  /** The variable runs from 0 to `extent` - 1; its range says the same. */
  | {
      readonly kind: "for";
      readonly variable: SizeVariable;
      readonly extent: Size;
      readonly loop: LoopKind;
      readonly body: readonly Statement[];
    }
  | {
      readonly kind: "store";
      readonly buffer: Buffer;
      readonly index: readonly Expression[];
      readonly value: Expression;
      readonly update: UpdateOperator | null;
    }
  | { readonly kind: "if"; readonly condition: Expression; readonly body: readonly Statement[] }
  /** The buffer exists in the rest of the enclosing block. */
  | { readonly kind: "alloc"; readonly buffer: Buffer }
  | { readonly kind: "barrier" }
  /** Lanes meet, as at a barrier: a private scalar of each becomes what those of all are combined to. */
  | { readonly kind: "meet"; readonly buffer: Buffer; readonly update: UpdateOperator };

export interface Kernel {
  /** A word for what it computes, such as `einsum` or `softmax`; names need not be unique. */
  readonly name: string;
  /** Global buffers in the order of the arguments: what is read, then what is written. */
  readonly reads: readonly Buffer[];
  readonly writes: readonly Buffer[];
  /** The run-time sizes that it mentions. */
  readonly sizes: readonly SizeVariable[];
  readonly body: readonly Statement[];
  /** The first source line that it comes from. */
  readonly location: Location | null;
  /** The steps that made it from the kernel that lowering gave, as text; not there if it is that kernel. */
  readonly schedule?: string;
  /** Other bodies that compute the same from the same arguments, in the order in which a device is to consider them. */
  readonly variants?: readonly KernelVariant[];
}

/** What a device must be: one that computes on a CPU, or one where an instruction multiplies and adds (relaxed SIMD). */
export const kernelDevices = ["software", "relaxed"] as const;
export type KernelDevice = (typeof kernelDevices)[number];

/** What suits some devices or some sizes better. */
export interface KernelVariant {
  /** A word for it that tells it from the others. */
  readonly name: string;
  /** What a device must be; null for any. What the body needs of it, it must have in any case. */
  readonly device: KernelDevice | null;
  /** A size that must be small; null for any sizes. */
  readonly few: { readonly size: Size; readonly most: number } | null;
  readonly body: readonly Statement[];
  readonly schedule: string;
}
