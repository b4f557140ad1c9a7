/**
 * The sheet that a Graph is drawn on: boxes are added to layers and kernels, get their ids, and become a Picture in the
 * end, in which each layer and each kernel has the box that it is when closed.
 */
import type { Location } from "../../../src/diagnostics/index.js";
import type { Graph } from "../../../src/ir/graph/index.js";
import { render } from "../../../src/sizes/index.js";
import {
  type Cluster,
  type Edge,
  type Item,
  type Kind,
  type Picture,
  type PictureNode,
  plainNode,
  type Tensor,
  tensorText,
} from "../picture/picture.js";
import { type Folding, patternTitle, repeatTitle } from "./folding.js";
import { ancestors, isWithin, type Layer, titleOf } from "./scopes.js";
import { nameLabel, typeLabel } from "./values.js";

/** What is known of a kernel besides its operators. */
export interface KernelFacts {
  readonly name: string;
  /** Its loops, outermost first, indented. */
  readonly loops: readonly string[];
  readonly cost: number | null;
  /** The key of its code. */
  readonly code: string | null;
  /** Whether it runs once, when the weights have arrived. */
  readonly isAtLoad: boolean;
}

/** A kernel of the picture. */
export interface DrawnKernel extends KernelFacts {
  readonly id: string;
  readonly home: Layer;
  /** The value that it writes. */
  readonly value: number;
}

/** A box while it is being drawn. */
export interface Sketch {
  readonly node: PictureNode;
  /** The layer that it stands in; null beside all layers. */
  readonly layer: Layer | null;
  readonly kernel: DrawnKernel | null;
  /** The value that it gives. */
  readonly value: number;
  /** The weight that it is or is a part of. */
  readonly weight: number | null;
}

export interface NewBox {
  readonly layer: Layer | null;
  readonly kernel: DrawnKernel | null;
  /** The layer that it is called after, if that is another. */
  readonly from?: Layer;
  /** What it is among the boxes of its layer; equal keys are numbered. */
  readonly key: string;
  readonly kind: Kind;
  readonly title: string;
  readonly details: readonly string[];
  /** The value that it gives. */
  readonly value: number;
  readonly weight?: number;
  readonly isPlumbing?: boolean;
  readonly cost?: number | null;
}

/** More weights than this are counted and not named. */
const mostWeights = 3;

/** More operators than this are counted, too. */
const mostParts = 5;

/** Clusters under construction. */
interface Frame {
  readonly id: string;
  readonly layer: Layer | null;
  readonly kernel: DrawnKernel | null;
  readonly kind: Cluster["kind"];
  readonly title: string;
  readonly repeated: boolean;
  readonly count: number;
  readonly tooltip: readonly string[];
  readonly items: (Sketch | Frame)[];
}

export interface SheetOptions {
  /** Whether kernels are boxes. */
  readonly closeKernels?: boolean;
  readonly sourceLine?: (location: Location) => string | null;
}

export class Sheet {
  readonly sketches: Sketch[] = [];
  readonly #ids = new Set<string>();
  readonly #frames = new Map<string, Frame>();

  constructor(
    readonly graph: Graph,
    readonly folding: Folding,
    readonly users: readonly (readonly number[])[],
    readonly options: SheetOptions,
  ) {}

  add(box: NewBox): Sketch {
    const { layer, kernel, kind, title, details, value, weight = null } = box;
    const place = box.from ?? layer;
    const node = plainNode({
      id: this.#freeId(place === null || place.id === "" ? box.key : `${place.id}/${box.key}`),
      kind,
      title,
      details,
      tooltip: [
        joined(place?.id ?? "", ": ", title),
        ...details,
        ...(weight === null ? [] : [this.#path(weight)]),
        ...this.#sourceOf(value),
      ],
      gives: this.tensor(value),
      isPlumbing: box.isPlumbing ?? false,
      cost: box.cost ?? null,
    });
    const sketch: Sketch = { node, layer, kernel, value, weight };
    this.sketches.push(sketch);
    return sketch;
  }

  /** Where in the source a value comes from, and what stands there. */
  #sourceOf(value: number): string[] {
    const at = this.graph.locations[value];
    if (!at) return [];
    const text = this.options.sourceLine?.(at)?.trim() ?? "";
    return [`${at.file}:${at.line}:${at.column}`, ...(text === "" ? [] : [text])];
  }

  tensor(value: number): Tensor {
    return { value, name: nameLabel(this.graph, value), type: typeLabel(this.graph.types[value]!) };
  }

  #freeId(wanted: string): string {
    let id = wanted;
    for (let number = 2; this.#ids.has(id); number++) id = `${wanted}#${number}`;
    this.#ids.add(id);
    return id;
  }

  #path(weight: number): string {
    const node = this.graph.nodes[weight]!;
    return node.operator === "weight" ? node.attributes.name : "";
  }

  // ---- the finished picture

  picture(
    edges: readonly Edge[],
    model: string,
    colours: { readonly unit: string; readonly legend: string } | null,
  ): Picture {
    const top = this.#frame("", null, null, { kind: "layer", title: "" });
    for (const sketch of this.sketches) this.#frameOf(sketch.layer, sketch.kernel, top).items.push(sketch);
    const name = model === "" ? this.graph.name : `${model}.${this.graph.name}`;
    const focus = this.folding.top.id === "" ? "" : ` \u00b7 ${this.folding.top.id}`;
    const sizes = this.graph.sizes.map(({ name, max, step }) => {
      const bounded = max === null ? name : `${name} \u2264 ${render(max)}`;
      return step === 1 ? bounded : `${bounded} by ${step}`;
    });
    const title = `${name}${focus}${sizes.length === 0 ? "" : `   ${sizes.join(", ")}`}${colours === null ? "" : `   ${colours.legend}`}`;
    return { name, title, items: this.#items(top), edges, unit: colours?.unit ?? null };
  }

  #frame(
    id: string,
    layer: Layer | null,
    kernel: DrawnKernel | null,
    rest: Pick<Frame, "kind" | "title"> & Partial<Frame>,
  ): Frame {
    return { id, layer, kernel, repeated: false, count: 1, tooltip: [], items: [], ...rest };
  }

  /** The frame of this id, made where it is first needed; a box of the same id keeps it. */
  #within(outer: Frame, wanted: string, make: (id: string) => Frame): Frame {
    const known = this.#frames.get(wanted);
    if (known !== undefined) return known;
    const frame = make(this.#freeId(wanted));
    outer.items.push(frame);
    this.#frames.set(wanted, frame);
    return frame;
  }

  /** In a kernel there are frames for closed layers only: what a kernel joins need not lie in one layer. */
  #frameOf(place: Layer | null, kernel: DrawnKernel | null, top: Frame): Frame {
    const layer = kernel === null || place === null ? place : this.#closedIn(place, kernel);
    if (kernel !== null && layer === null) {
      const { id, name, isAtLoad } = kernel;
      const title = isAtLoad ? `at load \u00b7 ${name}` : name;
      const tooltip = [`kernel ${name}`, ...(isAtLoad ? ["runs once, when the weights have arrived"] : [])];
      return this.#within(this.#frameOf(kernel.home, null, top), id, (id) =>
        this.#frame(id, null, kernel, { kind: isAtLoad ? "loading" : "kernel", title, tooltip }),
      );
    }
    if (layer === null || !isWithin(layer, this.folding.top)) return top;
    const isModel = layer.parent === null;
    if (isModel && !this.folding.isClosed(layer, false)) return top;
    const around = isModel ? top : this.#frameOf(layer.parent, kernel, top);
    const outer = isModel ? top : this.#patternFrame(layer, around, kernel);
    const id = `${layer.id === "" ? "model" : layer.id}${kernel === null ? "" : ` in ${kernel.id}`}`;
    return this.#within(outer, id, (id) => {
      const repeat = this.folding.repeatAt(layer);
      const repeated = repeat !== null && kernel === null;
      return this.#frame(id, layer, kernel, {
        kind: layer.kind === "function" ? "function" : "layer",
        title: repeated ? repeatTitle(layer, repeat) : titleOf(layer) || this.graph.name,
        repeated,
        count: repeated ? repeat.layers.length : 1,
        tooltip: [joined(layer.id, " : ", layer.block)],
      });
    });
  }

  /** The outermost closed layer around this one in a kernel. */
  #closedIn(layer: Layer, { home }: DrawnKernel): Layer | null {
    if (!isWithin(layer, home)) return null;
    const inside = [...ancestors(layer)].filter((around) => around !== home && isWithin(around, home));
    return inside.findLast((around) => this.folding.isClosed(around, true)) ?? null;
  }

  /** The frame around the pattern that a layer belongs to, in `outer`; `outer` if there is none. */
  #patternFrame(layer: Layer, outer: Frame, kernel: DrawnKernel | null): Frame {
    const pattern = kernel === null ? this.folding.patternAt(layer) : null;
    if (pattern === null) return outer;
    const id = `${pattern.layers[0]!.id} pattern`;
    const count = pattern.layers.length / pattern.period;
    return this.#within(outer, id, (id) =>
      this.#frame(id, null, null, { kind: "layer", title: patternTitle(pattern), repeated: true, count }),
    );
  }

  #items(frame: Frame): Item[] {
    return frame.items.map((item) => ("node" in item ? item.node : this.#cluster(item)));
  }

  #cluster(frame: Frame): Cluster {
    const { id, layer, kernel, kind, title, repeated, tooltip } = frame;
    const isKernel = layer === null && kernel !== null;
    const closed = isKernel
      ? (this.options.closeKernels ?? false)
      : layer !== null && this.folding.isClosed(layer, kernel !== null);
    const box = this.#boxOf(frame);
    return { id, kind, title, repeated, tooltip, items: this.#items(frame), box, closed, mark: null, code: box.code };
  }

  /** The box that a cluster is when closed: what it does above all, the weights in it, what it gives. */
  #boxOf(frame: Frame): PictureNode {
    const { id, kind, title, tooltip, kernel, count } = frame;
    const sketches = sketchesIn(frame);
    const computed = sketches.filter(({ node, weight }) => weight === null && node.kind !== "index");
    const results = this.#resultsOf(computed.map(({ value }) => value));
    const gives = results.length === 1 ? this.tensor(results[0]!) : null;
    const weights = [
      ...new Map(sketches.flatMap((each) => (each.weight === null ? [] : [[each.weight, each] as const]))).values(),
    ];
    const held = weights.map(({ node }) => `${node.title}: ${node.gives?.type}`);
    const lines = held.length > mostWeights ? [`${held.length} weights`] : held;
    const result = gives === null ? [] : [kind === "layer" ? gives.type : tensorText(gives)];
    const costs = sketches.flatMap(({ node }) => node.cost ?? []);
    const isKernel = frame.layer === null && kernel !== null;
    const parts = isKernel ? [partsText(frame.items)].filter((text) => text !== "") : [];
    return plainNode({
      id,
      kind: kindOf(sketches),
      folded: isKernel ? "kernel" : kind === "function" ? "function" : "layer",
      title,
      details: [
        ...parts,
        ...lines,
        ...(lines.length === 0 && !isKernel ? result : result.map((line) => `\u2192 ${line}`)),
      ],
      loops: isKernel ? kernel.loops : [],
      tooltip: [
        ...tooltip,
        ...result,
        ...weights.map(({ node, weight }) => `${this.#path(weight!)}: ${node.gives?.type}`),
        ...(gives === null ? [] : this.#sourceOf(gives.value)),
      ],
      gives,
      code: isKernel ? kernel.code : null,
      cost:
        kernel !== null && isKernel && kernel.cost !== null
          ? kernel.cost
          : costs.length === 0
            ? null
            : count * costs.reduce((sum, cost) => sum + cost, 0),
    });
  }

  #resultsOf(values: readonly number[]): number[] {
    const inside = new Set(values);
    return values.filter((id) => this.users[id]!.some((user) => user < 0 || !inside.has(user)));
  }
}

function sketchesIn({ items }: Frame): Sketch[] {
  return items.flatMap((item) => ("node" in item ? [item] : sketchesIn(item)));
}

/** What a kernel joins: `c_fc · gelu_tanh`. What only moves elements is left out. */
function partsText(items: Frame["items"]): string {
  const names = items.flatMap((item) => {
    if (!("node" in item)) return kindOf(sketchesIn(item)) === "movement" ? [] : [item.layer?.name ?? item.title];
    const { kind, title } = item.node;
    return kind === "movement" || kind === "weight" || kind === "index" ? [] : [title];
  });
  return names.length > mostParts ? `${names.length} operators` : names.join(" \u00b7 ");
}

/** What a box of several operators does above all. */
function kindOf(sketches: readonly Sketch[]): Kind {
  const kinds = new Set(sketches.map(({ node }) => node.kind));
  const order: readonly Kind[] = ["contraction", "reduction", "selection", "elementwise", "movement"];
  return order.find((kind) => kinds.has(kind)) ?? "index";
}

function joined(a: string, between: string, b: string): string {
  return a === "" || b === "" ? a + b : a + between + b;
}
