/**
 * Weights: paths in the checkpoint, and which of several alternatives it holds.
 *
 * With a checkpoint at hand names, shapes and types are checked against its header while elaborating. Without one every
 * alternative stays open, and the generated module chooses when it loads.
 */
import { nearest, type Span } from "../../src/diagnostics/index.js";
import type { ElementType } from "../../src/ir/graph/index.js";
import { constantOf, type Size } from "../../src/sizes/index.js";
import { shapeText, type Wire } from "../check/values.js";
import { type Context, fail } from "./context.js";

/** What the header of a checkpoint says of a tensor. */
export interface TensorHeader {
  readonly shape: readonly number[];
  readonly dtype: string;
  /** The name of the same tensor in the file, where this is another. */
  readonly stored?: string;
}
export type Checkpoint = ReadonlyMap<string, TensorHeader>;

/** Floats of a checkpoint: those of safetensors, and the quantized ones of GGUF. */
const floats = ["F64", "F32", "F16", "BF16", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"];

/** The types of a checkpoint that convert to a declared element type. */
const convertible: Partial<Record<ElementType, ReadonlySet<string>>> = {
  f32: new Set(floats),
  f16: new Set(floats),
  i32: new Set(["I64", "I32", "I16", "I8", "U8"]),
  bool: new Set(["BOOL", "U8", "I8"]),
};

export class WeightTable {
  readonly #prefixes = new Set<string>();
  /** The tensors that params read, by name. */
  readonly read = new Set<string>();
  readonly #declared = new Map<
    string,
    { readonly shape: readonly Size[]; readonly element: ElementType; readonly span: Span }
  >();

  constructor(readonly checkpoint: Checkpoint | null) {
    for (const name of checkpoint?.keys() ?? [])
      for (let at = name.indexOf("."); at >= 0; at = name.indexOf(".", at + 1)) this.#prefixes.add(name.slice(0, at));
  }

  /** The alternatives of a layer's path: with a checkpoint, the first under which it holds anything, else the first. */
  layerPaths(owner: readonly string[], names: readonly string[]): string[] {
    const all = owner.flatMap((o) => names.map((n) => joinPath(o, n)));
    if (!this.checkpoint) return all;
    return [all.find((p) => this.#prefixes.has(p)) ?? all[0]!];
  }

  /**
   * The value of a param. Each source is a list of tensor names: of one, or of those that are stacked.
   * Fails where the checkpoint lacks it, or holds it with another shape or type.
   */
  weight(
    ctx: Context,
    sources: readonly (readonly string[])[],
    element: ElementType,
    shape: readonly Size[],
    span: Span,
  ): Wire {
    const chosen = this.#choose(sources, span);
    const name = chosen[0]![0] ?? "";
    const before = this.#declared.get(name);
    if (before && (before.element !== element || !ctx.sameShape(before.shape, shape)))
      fail(
        "E0720",
        `${name} is ${element}${shapeText(shape)} here and ${before.element}${shapeText(before.shape)} elsewhere`,
        {
          at: span,
          labels: [{ span: before.span, text: "elsewhere" }],
        },
      );
    this.#declared.set(name, { shape, element, span });
    if (this.checkpoint) this.#compare(chosen[0]!, element, shape, span);
    return ctx.emit("weight", [], { name, element, shape, sources: chosen });
  }

  #choose(sources: readonly (readonly string[])[], span: Span): readonly (readonly string[])[] {
    const { checkpoint } = this;
    if (!checkpoint) return sources;
    const held = sources.find((parts) => parts.every((p) => checkpoint.has(p)));
    if (held) return [held];
    const lacking = sources.map((parts) => parts.find((p) => !checkpoint.has(p)) ?? parts[0]!);
    const near = nearest(lacking[0] ?? "", checkpoint.keys());
    return fail("E0706", `the checkpoint has no ${[...new Set(lacking)].join(" and no ")}`, {
      at: span,
      help: near ? [`it holds ${near}`] : [],
    });
  }

  #compare(parts: readonly string[], element: ElementType, shape: readonly Size[], span: Span): void {
    const known = shape.map(constantOf);
    const wanted =
      parts.length === 1 && known.length === (this.checkpoint!.get(parts[0]!)?.shape.length ?? -1)
        ? known
        : parts.length > 1
          ? known.slice(1)
          : known;
    for (const part of parts) {
      this.read.add(part);
      const header = this.checkpoint!.get(part)!;
      if (header.shape.length !== wanted.length || header.shape.some((n, i) => n !== wanted[i]))
        fail(
          "E0707",
          `${part} is [${header.shape.join(", ")}] in the checkpoint and [${wanted.join(", ")}] in the program`,
          { at: span },
        );
      if (!convertible[element]?.has(header.dtype))
        fail("E0708", `${part} is ${header.dtype} in the checkpoint, which does not convert to ${element}`, {
          at: span,
        });
    }
  }

  /** The tensors of the checkpoint that no param has read. */
  unread(): string[] {
    const stored = (name: string) => this.checkpoint?.get(name)?.stored ?? name;
    const read = new Set([...this.read].map(stored));
    return [...(this.checkpoint?.keys() ?? [])].filter((name) => stored(name) === name && !read.has(name)).sort();
  }
}

export function joinPath(a: string, b: string): string {
  return a && b ? `${a}.${b}` : a || b;
}
