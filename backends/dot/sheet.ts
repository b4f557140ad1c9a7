/**
 * The sheet that a Graph is drawn on: boxes are added to layers, get their ids, and become a Picture in the end.
 */
import type { Graph } from "../../src/ir/graph/index.js";
import { render } from "../../src/sizes/index.js";
import { withoutChains } from "./chains.js";
import { type Folding, patternTitle, repeatTitle } from "./folding.js";
import { withJunctions } from "./junctions.js";
import type { Cluster, Edge, Kind, Picture, PictureNode } from "./picture.js";
import { isWithin, type Layer, titleOf } from "./scopes.js";
import { typeLabel } from "./values.js";

/** A box while it is being drawn. */
export interface Sketch {
  readonly id: string;
  readonly kind: Kind;
  /** The cluster that it stands in. */
  readonly layer: Layer;
  /** The layer or call that it stands for, or null if it is one operator. */
  readonly folded: Layer | null;
  readonly title: string;
  readonly details: readonly string[];
  readonly values: number[];
  /** The weights that it holds, or is. */
  readonly weights: Set<number>;
  /** The value whose type it shows; null if it gives several, whose arrows tell. */
  readonly shown: number | null;
}

export interface NewBox {
  readonly layer: Layer;
  /** What it is among the boxes of its layer; equal keys are numbered. */
  readonly key: string;
  readonly kind: Kind;
  readonly title: string;
  readonly details: readonly string[];
  /** The value that it gives. */
  readonly value: number;
}

/** More weights than this are counted and not named. */
const mostWeights = 3;

/** Clusters under construction. */
interface Frame {
  readonly id: string;
  readonly title: string;
  readonly repeated: boolean;
  readonly tooltip: string;
  readonly items: (PictureNode | Frame)[];
}

export class Sheet {
  readonly #sketches: Sketch[] = [];
  readonly #ids = new Set<string>();
  readonly #shared = new Map<string, Sketch>();

  constructor(
    readonly graph: Graph,
    readonly folding: Folding,
  ) {}

  add(box: NewBox): Sketch {
    const id = this.#freeId(box.layer.id === "" ? box.key : `${box.layer.id}/${box.key}`);
    const { layer, kind, title, details, value } = box;
    return this.#put({ id, layer, kind, title, details, folded: null, values: [], weights: new Set(), shown: value });
  }

  /** A box for a whole layer or call, which gives `results`. */
  addFolded(folded: Layer, kind: Kind, results: readonly number[]): Sketch {
    const repeat = this.folding.repeatAt(folded);
    const [only] = results;
    const shown = results.length === 1 && only !== undefined ? only : null;
    return this.#put({
      id: this.#freeId(folded.id === "" ? "model" : folded.id),
      layer: folded.parent ?? folded,
      kind,
      title: repeat === null ? titleOf(folded) || this.graph.name : repeatTitle(folded, repeat),
      details:
        shown === null ? [] : [folded.kind === "function" ? this.#named(shown) : typeLabel(this.graph.types[shown]!)],
      folded,
      values: [],
      weights: new Set(),
      shown,
    });
  }

  /** The box of a weight in a cluster, or of the part of it that the value `part` is, cut out by `slices`. */
  weight(weight: number, layer: Layer, part: number, slices: string): Sketch {
    const title = `${this.#weightName(weight)}${slices}`;
    const type = typeLabel(this.graph.types[part]!);
    const name = part === weight ? null : this.graph.names[part];
    const details = [name ? `${name}: ${type}` : type];
    const key = `weight ${title}`;
    return this.#once(`${weight} ${slices} ${layer.id}`, () => ({
      layer,
      key,
      kind: "weight",
      title,
      details,
      value: part,
    }));
  }

  /** The box of a value that is the same for all inputs, in a cluster; `call` is the function that gives it. */
  index(value: number, layer: Layer, call: Layer | null, text: string | null): Sketch {
    const { names, nodes, types } = this.graph;
    const title = text ?? call?.name ?? names[value] ?? nodes[value]!.operator;
    const type = typeLabel(types[value]!);
    const name = names[value];
    const details = [name && name !== title ? `${name}: ${type}` : type];
    return this.#once(`index ${value} ${layer.id}`, () => ({
      layer,
      key: title,
      kind: "index",
      title,
      details,
      value,
    }));
  }

  #once(key: string, box: () => NewBox, weight?: number): Sketch {
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    const made = this.add(box());
    if (weight !== undefined) made.weights.add(weight);
    this.#shared.set(key, made);
    return made;
  }

  #put(sketch: Sketch): Sketch {
    this.#sketches.push(sketch);
    return sketch;
  }

  #freeId(wanted: string): string {
    let id = wanted;
    for (let number = 2; this.#ids.has(id); number++) id = `${wanted}#${number}`;
    this.#ids.add(id);
    return id;
  }

  #named(value: number): string {
    const type = typeLabel(this.graph.types[value]!);
    const name = this.graph.names[value];
    return name ? `${name}: ${type}` : type;
  }

  #weightName(value: number): string {
    const node = this.graph.nodes[value]!;
    const path = node.operator === "weight" ? node.attributes.name : "";
    return this.graph.names[value] ?? path.slice(path.lastIndexOf(".") + 1);
  }

  // ---- the finished picture

  picture(edges: readonly Edge[], root: Layer): Picture {
    const top: Frame = { id: "", title: "", repeated: false, tooltip: "", items: [] };
    const frames = new Map<string, Frame>();
    const chained = withoutChains(this.#sketches, edges, (value) => this.graph.names[value] ?? null);
    for (const sketch of chained.sketches) this.#frameOf(sketch.layer, top, frames).items.push(this.#node(sketch));
    const name = root.block === "" ? this.graph.name : `${root.block}.${this.graph.name}`;
    const focus = this.folding.top.id === "" ? "" : ` \u00b7 ${this.folding.top.id}`;
    const sizes = this.graph.sizes.map(({ name, max, step }) => {
      const bounded = max === null ? name : `${name} \u2264 ${render(max)}`;
      return step === 1 ? bounded : `${bounded} by ${step}`;
    });
    const title = `${name}${focus}${sizes.length === 0 ? "" : `   ${sizes.join(", ")}`}`;
    return withJunctions({ name, title, items: top.items as readonly (PictureNode | Cluster)[], edges: chained.edges });
  }

  #frameOf(layer: Layer, top: Frame, frames: Map<string, Frame>): Frame {
    if (layer.parent === null || !isWithin(layer, this.folding.top)) return top;
    const known = frames.get(layer.id);
    if (known !== undefined) return known;
    const repeat = this.folding.repeatAt(layer);
    const outer = this.#patternFrame(layer, this.#frameOf(layer.parent, top, frames), frames);
    const frame: Frame = {
      id: layer.id,
      title: repeat === null ? titleOf(layer) : repeatTitle(layer, repeat),
      repeated: repeat !== null,
      tooltip: `${layer.id} : ${layer.block}`,
      items: [],
    };
    outer.items.push(frame);
    frames.set(layer.id, frame);
    return frame;
  }

  /** The frame around the pattern that a layer belongs to, in `outer`; `outer` if there is none. */
  #patternFrame(layer: Layer, outer: Frame, frames: Map<string, Frame>): Frame {
    const pattern = this.folding.patternAt(layer);
    if (pattern === null) return outer;
    const id = `${pattern.layers[0]!.id} pattern`;
    const known = frames.get(id);
    if (known !== undefined) return known;
    const frame: Frame = { id, title: patternTitle(pattern), repeated: true, tooltip: "", items: [] };
    outer.items.push(frame);
    frames.set(id, frame);
    return frame;
  }

  #node({ id, kind, layer, folded, title, details, values, weights, shown }: Sketch): PictureNode {
    const at = shown ?? values[0];
    const place = at === undefined ? null : this.graph.locations[at];
    const tooltip = [
      folded === null ? joined(layer.id, ": ", title) : joined(folded.id, " : ", folded.block),
      ...details,
      ...[...weights].map((weight) => `${this.#path(weight)}: ${typeLabel(this.graph.types[weight]!)}`),
      ...(place ? [`${place.file}:${place.line}:${place.column}`] : []),
    ].join("\n");
    const held = folded === null ? [] : [...weights].map((weight) => this.#named(weight));
    const lines = held.length > mostWeights ? [`${held.length} weights`] : held;
    const result = lines.length === 0 ? details : details.map((line) => `\u2192 ${line}`);
    return {
      id,
      kind,
      folded: folded === null ? null : kindOf(folded),
      title,
      details: [...lines, ...result],
      tooltip,
    };
  }

  #path(weight: number): string {
    const node = this.graph.nodes[weight]!;
    return node.operator === "weight" ? node.attributes.name : "";
  }
}

function joined(a: string, between: string, b: string): string {
  return a === "" || b === "" ? a + b : a + between + b;
}

function kindOf(layer: Layer): "layer" | "function" {
  return layer.kind === "function" ? "function" : "layer";
}
