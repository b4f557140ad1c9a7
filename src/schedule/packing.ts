/**
 * Gives packed arguments their buffers: what a scheduled kernel reads in another layout is laid out once, at load, by a
 * kernel that copies it, and all who read it in that layout share the copy.
 *
 * A large weight is not kept twice. Where some kernels read it packed and others do not, as an embedding that is also
 * the last projection, the others read the packed one too.
 */
import {
  Buffer,
  binary,
  cast,
  constant,
  type Expression,
  index,
  type Kernel,
  type Layout,
  layoutShape,
  layoutText,
  load,
  type Statement,
  select,
} from "../ir/kernel/index.js";
import type { BufferId } from "../ir/plan/plan.js";
import type { Call, LoweredBuffer, LoweredGraph } from "../lower/index.js";
import { add, constantOf, mul, type Size, size } from "../sizes/index.js";
import { loopOver } from "./rewrite.js";
import { withPacked } from "./steps/pack-weight.js";

/** Weights of at most so many elements may be kept in two layouts. */
const mostKeptTwice = 1 << 16;

/** The lowered Graph whose calls get packed buffers where their kernels read them. */
export function packBuffers(lowered: LoweredGraph): LoweredGraph {
  return new Packing(lowered).run();
}

class Packing {
  readonly #buffers: LoweredBuffer[];
  /** The packed buffer of a buffer in a layout. */
  readonly #packed = new Map<string, BufferId>();
  readonly #copies: Call[] = [];
  /** The layouts that kernels read a buffer in. */
  readonly #layouts = new Map<BufferId, Map<string, Layout>>();
  readonly #rewritten = new Map<Kernel, Map<string, Kernel>>();

  constructor(readonly lowered: LoweredGraph) {
    this.#buffers = [...lowered.buffers];
  }

  run(): LoweredGraph {
    const { calls, prepare } = this.lowered;
    for (const { kernel, reads } of calls) {
      for (const [position, { facts }] of kernel.reads.entries()) {
        if (facts.packed === undefined || this.#isPacked(reads[position]!)) continue;
        const { layout } = facts.packed;
        const known = this.#layouts.get(reads[position]!) ?? new Map<string, Layout>();
        this.#layouts.set(reads[position]!, known.set(layoutText(layout), layout));
      }
    }
    if (this.#layouts.size === 0) return this.lowered;
    const made = calls.map((call) => this.#call(this.#shared(call)));
    return { ...this.lowered, buffers: this.#buffers, prepare: [...prepare, ...this.#copies], calls: made };
  }

  #isPacked(id: BufferId): boolean {
    return this.#buffers[id]!.layout !== undefined;
  }

  /** The call, whose kernel reads large buffers in the layout that others read them in. */
  #shared(call: Call): Call {
    let { kernel } = call;
    for (const [position, id] of call.reads.entries()) {
      const buffer = kernel.reads[position]!;
      const [layout] = this.#layouts.get(id)?.values() ?? [];
      if (layout === undefined || buffer.facts.packed !== undefined) continue;
      const count = buffer.shape.reduce((product, extent) => product * (constantOf(extent) ?? 0), 1);
      if (count > mostKeptTwice) kernel = this.#inLayout(kernel, position, layout);
    }
    return { ...call, kernel };
  }

  /** Equal kernels stay one object. */
  #inLayout(kernel: Kernel, position: number, layout: Layout): Kernel {
    const made = this.#rewritten.get(kernel) ?? new Map<string, Kernel>();
    this.#rewritten.set(kernel, made);
    const key = `${position} ${layoutText(layout)}`;
    const result = made.get(key) ?? withPacked(kernel, kernel.reads[position]!, layout);
    made.set(key, result);
    return result;
  }

  #call(call: Call): Call {
    const reads = call.reads.map((id, position) => {
      const { packed } = call.kernel.reads[position]!.facts;
      return packed === undefined || this.#isPacked(id) ? id : this.#copyOf(id, packed.layout, call);
    });
    return { ...call, reads };
  }

  #copyOf(id: BufferId, layout: Layout, { location, scope }: Call): BufferId {
    const key = `${id} ${layoutText(layout)}`;
    const known = this.#packed.get(key);
    if (known !== undefined) return known;
    const { name, element, shape, value } = this.#buffers[id]!;
    const made: LoweredBuffer = {
      name: `${name}.packed`,
      element,
      shape: layoutShape(layout, shape),
      home: { kind: "prepared" },
      value,
      layout,
    };
    const copy = (this.#buffers.push(made) - 1) as BufferId;
    this.#packed.set(key, copy);
    const kernel = { ...packingKernel(made, shape, layout), location };
    this.#copies.push({ kernel, reads: [id], writes: [copy], location, scope });
    return copy;
  }
}

/** The kernel that lays out an array of a shape in another layout, with zeros where the last panel goes past its end. */
export function packingKernel(
  { element, name }: Pick<LoweredBuffer, "element" | "name">,
  shape: readonly Size[],
  layout: Layout,
): Kernel {
  const source = new Buffer(
    name
      .replace(/\.packed$/, "")
      .split(".")
      .at(-1)!,
    element,
    shape,
    "global",
    { constant: true },
  );
  const target = new Buffer("packed", element, layoutShape(layout, shape), "global");
  const nest = (place: number, at: readonly Size[]): readonly Statement[] => {
    if (place < layout.length) {
      return [loopOver(`i${place}`, target.shape[place]!, "serial", (index) => nest(place + 1, [...at, index]))];
    }
    return [
      { kind: "store", buffer: target, index: at.map((each) => index(each)), value: elementAt(at), update: null },
    ];
  };
  const elementAt = (at: readonly Size[]): Expression => {
    let isThere: Expression | null = null;
    const from = shape.map((extent, axis): Expression => {
      const places = [...layout.keys()].filter((place) => layout[place]!.axis === axis);
      const { factor } = layout[places[0]!]!;
      if (places.length === 1) return index(at[places[0]!]!);
      const position = add(mul(at[places[0]!]!, size(factor)), at[places[1]!]!);
      const count = constantOf(extent)!;
      if (count % factor === 0) return index(position);
      const inside = binary("lt", index(position), index(count));
      isThere = isThere === null ? inside : binary("and", isThere, inside);
      return binary("min", index(position), index(count - 1));
    });
    const value = load(source, from);
    if (isThere === null) return value;
    return select(isThere, value, element === "f16" ? constant(0, element) : cast(index(0), element));
  };
  return { name: "pack", reads: [source], writes: [target], sizes: [], body: nest(0, []), location: null };
}
