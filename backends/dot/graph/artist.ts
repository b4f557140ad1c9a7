/**
 * Draws a Graph: each value becomes a box, an arrow, or a number in another's title.
 *
 * Values are visited in order, so that the text follows the flow of data. Weights, masks and other values that no input
 * reaches are drawn where they are used, once in each cluster, since the graph shares them among layers
 * and arrows across the whole picture would say nothing. Where kernels are drawn, each has boxes of its own for what it
 * computes in place.
 */
import type { Location } from "../../../src/diagnostics/index.js";
import type { Graph } from "../../../src/ir/graph/index.js";
import type { Edge, Kind, Picture, Tensor } from "../picture/picture.js";
import { withOwnIndices } from "./copies.js";
import { type Folding, type FoldingOptions, foldingOf } from "./folding.js";
import { type KernelGraph, kernelGraph } from "./kernels.js";
import { drawings, sliceText } from "./operators.js";
import { ancestors, isWithin, type Layer, type LayerTree, layerTree } from "./scopes.js";
import { type DrawnKernel, type KernelFacts, Sheet, type Sketch } from "./sheet.js";
import {
  isPlumbing,
  nameLabel,
  operandText,
  operandTypes,
  typeLabel,
  type ValueFacts,
  valueFacts,
  weightOf,
} from "./values.js";

export interface GraphPictureOptions extends FoldingOptions {
  /** Draws what is computed together as a cluster: facts of the kernel that writes a value; null for one of no kernel. */
  readonly kernels?: (value: number) => KernelFacts | null;
  /** Draws each kernel as one box. */
  readonly closeKernels?: boolean;
  /** The text of a line of the source. */
  readonly sourceLine?: (location: Location) => string | null;
  /** What the colours tell, for a value of the Graph; kinds if not given. */
  readonly costs?: { readonly unit: string; readonly legend: string; readonly of: (value: number) => number | null };
}

/**
 * A Graph as a Picture.
 * @throws UserError E0612 where `focus` names no layer.
 */
export function pictureOfGraph(graph: Graph, options: GraphPictureOptions = {}): Picture {
  return new Artist(graph, options).draw();
}

/** A weight that so many boxes have not used is drawn again: an arrow that long leads nowhere. */
const longestWay = 250;

class Artist {
  readonly graph: Graph;
  /** The value that each stands for where kernels are drawn. */
  readonly #origin: readonly number[] | null;
  /** The value that each was copied from, if any was. */
  readonly #costed: readonly number[] | null;
  readonly #tree: LayerTree;
  /** The layers as the Graph has them, after which boxes are called. */
  readonly #names: LayerTree;
  readonly #facts: ValueFacts;
  readonly #folding: Folding;
  readonly #sheet: Sheet;
  readonly #kernels: readonly DrawnKernel[];
  readonly #kernelOf: readonly (number | null)[];
  /** The box of each value that has one. */
  readonly #boxes = new Map<number, Sketch>();
  /** Boxes that are drawn once in each place, and how many boxes there were at their last use. */
  readonly #shared = new Map<string, { sketch: Sketch; used: number }>();
  readonly #edges = new Map<string, Edge>();

  constructor(
    given: Graph,
    readonly options: GraphPictureOptions,
  ) {
    this.#names = layerTree(given);
    const grouped: KernelGraph | null = options.kernels ? kernelGraph(given, options.focus ?? null) : null;
    const copied = grouped ?? (options.expand ? withOwnIndices(given) : null);
    this.graph = copied?.graph ?? given;
    this.#origin = grouped?.origin ?? null;
    this.#costed = copied?.origin ?? null;
    this.#tree = layerTree(this.graph);
    const facts = valueFacts(this.graph);
    // Expanded, a mask's arithmetic is drawn like any other; only numbers stay in their consumers' titles.
    this.#facts = options.expand ? { ...facts, isStatic: facts.inline.map((text) => text !== null) } : facts;
    this.#folding = foldingOf(this.#tree, this.#facts, options, grouped !== null);
    this.#sheet = new Sheet(this.graph, this.#folding, this.#facts.users, options);
    this.#kernelOf = grouped?.kernelOf ?? this.graph.nodes.map(() => null);
    this.#kernels = grouped === null ? [] : this.#drawnKernels(grouped, given, facts.isStatic);
  }

  /** What is known of each kernel; its id is that of what it writes. */
  #drawnKernels({ kernels, kernelOf }: KernelGraph, given: Graph, isStatic: readonly boolean[]): DrawnKernel[] {
    const layers = kernels.map((): Layer[] => []);
    kernelOf.forEach((kernel, id) => {
      if (kernel !== null && !isStatic[id]) layers[kernel]!.push(this.#tree.of[id]!);
    });
    const counts = new Map<string, number>();
    return kernels.map(({ value, origin }, kernel) => {
      const { operator } = given.nodes[origin]!;
      const none = { name: operator, loops: [], cost: null, code: null, isAtLoad: false };
      const { id: place } = this.#names.of[origin]!;
      const wanted = `kernel ${place === "" ? "" : `${place}/`}${operator}`;
      const count = (counts.get(wanted) ?? 0) + 1;
      counts.set(wanted, count);
      const id = count === 1 ? wanted : `${wanted}#${count}`;
      const home = homeOf(layers[kernel]!) ?? this.#tree.of[value]!;
      return { ...none, ...this.options.kernels?.(origin), id, home, value };
    });
  }

  draw(): Picture {
    const { graph, options } = this;
    for (let value = 0; value < graph.nodes.length; value++) this.#visit(value);
    this.#outputs();
    return this.#sheet.picture([...this.#edges.values()], this.#tree.root.block, options.costs ?? null);
  }

  #visit(value: number): void {
    const node = this.graph.nodes[value]!;
    if (!this.#isDrawn(value)) return;
    if (node.operator === "input") {
      const { name, fill } = node.attributes;
      const details = [typeLabel(this.graph.types[value]!), ...(fill === null ? [] : ["optional"])];
      const key = `input ${name}`;
      this.#boxes.set(
        value,
        this.#sheet.add({ layer: null, kernel: null, key, kind: "input", title: name, details, value }),
      );
      return;
    }
    const box = this.#box(value);
    this.#boxes.set(value, box);
    for (const position of node.operands.keys()) this.#connect(position, value, box);
  }

  /** Whether the value has a place in the picture at all. */
  #isDrawn(value: number): boolean {
    const { top, twinOf, isHidden } = this.#folding;
    const node = this.graph.nodes[value]!;
    if (this.#facts.isStatic[value] || isHidden(this.#tree.of[value]!) || twinOf(value) !== value) return false;
    if (node.operator === "weight") return false;
    if (this.#kernelOf[value] === null && weightOf(this.graph, value) !== null) return false;
    if (this.#kernelOf[value] !== null && this.#isReadInPlace(value)) return false;
    return node.operator === "input" ? top === this.#tree.root : this.#isInside(value);
  }

  /** A part or another layout of a weight, which its reader takes from where it is. */
  #isReadInPlace(value: number): boolean {
    return weightOf(this.graph, value) !== null && this.#kernelAt(value)?.value !== value;
  }

  #isInside(value: number): boolean {
    return isWithin(this.#tree.of[value]!, this.#folding.top);
  }

  #kernelAt(value: number): DrawnKernel | null {
    const kernel = this.#kernelOf[value] ?? null;
    return kernel === null ? null : this.#kernels[kernel]!;
  }

  #nameLayer(value: number): Layer {
    return this.#origin === null ? this.#tree.of[value]! : this.#names.of[this.#origin[value]!]!;
  }

  #box(value: number): Sketch {
    const { nodes, types } = this.graph;
    const node = nodes[value]!;
    const operands = node.operands.map((_, position) => operandText(this.#facts, node, position));
    const drawing = drawings[node.operator];
    const squared = node.operands.length === 2 && node.operands[0] === node.operands[1];
    const context = { operands, operandTypes: operandTypes(this.graph, node), type: types[value]!, squared };
    const title = drawing.title(node.attributes as never, context);
    const name = nameLabel(this.graph, value);
    const type = typeLabel(types[value]!);
    return this.#sheet.add({
      layer: this.#tree.of[value]!,
      kernel: this.#kernelAt(value),
      from: this.#nameLayer(value),
      key: squared && node.operator === "mul" ? "square" : node.operator,
      kind: this.#kindOf(value),
      title,
      details: [name ? `${name}: ${type}` : type],
      value,
      isPlumbing: isPlumbing(node),
      cost: this.#costOf(value),
    });
  }

  #costOf(value: number): number | null {
    return this.options.costs?.of(this.#costed === null ? value : this.#costed[value]!) ?? null;
  }

  /** Elements picked at places that are no data are moved. */
  #kindOf(value: number): Kind {
    const { operator, operands } = this.graph.nodes[value]!;
    const { kind } = drawings[operator];
    const fixed = operands.length > 1 && operands.slice(1).every((operand) => this.#facts.isStatic[operand]);
    return kind === "selection" && fixed ? "movement" : kind;
  }

  // ---- arrows

  #connect(position: number, consumer: number, box: Sketch): void {
    const node = this.graph.nodes[consumer]!;
    const operand = node.operands[position]!;
    if (this.#textOf(consumer, position) !== null) return;
    if (this.#facts.isStatic[operand]) return this.#connectStatic(operand, consumer, box);
    const weight = weightOf(this.graph, operand);
    const isComputed = this.#kernelAt(operand) !== null && !this.#isReadInPlace(operand);
    if (weight !== null && !isComputed) return this.#connectWeight(weight, operand, box);
    const source = this.#folding.twinOf(operand);
    const from = this.#boxes.get(source) ?? this.#fromOutside(source);
    const kind = this.#facts.isFixed[operand] ? "side" : "flow";
    this.#arrow(from, box, { ...this.#sheet.tensor(operand), value: source }, kind);
  }

  /** What stands in the box in place of an operand; in closed layers numbers need no place. */
  #textOf(consumer: number, position: number): string | null {
    const node = this.graph.nodes[consumer]!;
    const inKernel = this.#kernelAt(consumer) !== null;
    const isClosed = [...ancestors(this.#tree.of[consumer]!)].some((layer) => this.#folding.isClosed(layer, inKernel));
    return isClosed ? (this.#facts.inline[node.operands[position]!] ?? null) : operandText(this.#facts, node, position);
  }

  /** Draws a weight, or the part of it that `view` is, beside its consumer. */
  #connectWeight(weight: number, view: number, box: Sketch): void {
    const { path } = this.#tree.of[weight]!;
    const layer =
      box.layer === null ? null : ([...ancestors(box.layer)].find((around) => around.path === path) ?? box.layer);
    let part = weight;
    let slices = "";
    for (let at = view; at !== weight; at = this.graph.nodes[at]!.operands[0]!) {
      const node = this.graph.nodes[at]!;
      if (node.operator !== "slice") continue;
      if (part === weight) part = at;
      slices = `${sliceText(node.attributes, operandTypes(this.graph, node))}${slices}`;
    }
    const node = this.graph.nodes[weight]!;
    const full = node.operator === "weight" ? node.attributes.name : "";
    const short = this.graph.names[weight] ?? full.slice(full.lastIndexOf(".") + 1);
    // Beside the weights of other layers it needs the name of its own.
    const around = layer === null || layer.path === "" ? "" : `${layer.path}.`;
    const owner = around !== "" && path.startsWith(around) ? `${path.slice(around.length)}.` : "";
    const title = `${owner}${short}${slices}`;
    const type = typeLabel(this.graph.types[part]!);
    const name = part === weight ? null : this.graph.names[part];
    const from = this.#once(`${full} ${slices}`, layer, box.kernel, () => ({
      key: `weight ${title}`,
      kind: "weight",
      title,
      details: [name ? `${name}: ${type}` : type],
      value: part,
      weight,
      ...(layer === null ? {} : { from: layer }),
    }));
    this.#arrow(from, box, null, "side");
  }

  /** Draws a mask, a table of positions or the like beside its consumer. */
  #connectStatic(operand: number, consumer: number, box: Sketch): void {
    let value = operand;
    while (isPlumbing(this.graph.nodes[value]!)) value = this.graph.nodes[value]!.operands[0]!;
    const { home, call } = this.#homeOf(this.#nameLayer(value), this.#nameLayer(consumer));
    const around = box.layer === null ? [] : [...ancestors(box.layer)];
    const own = around.find(({ path }) => path === home.path) ?? around.at(-1) ?? this.#tree.root;
    const layer = isWithin(own, this.#folding.top) ? own : this.#folding.top;
    const from = this.#indexBox(value, layer, call, box.kernel);
    this.#arrow(from, box, { ...this.#sheet.tensor(operand), value }, "side");
  }

  /** The box of a value that is the same for all inputs; `call` is the function that gives it. */
  #indexBox(value: number, layer: Layer, call: Layer | null, kernel: DrawnKernel | null): Sketch {
    const { names, types } = this.graph;
    const given = call?.kind === "function" ? call.name : names[value];
    const title = this.#facts.inline[value] ?? given ?? indexWords[types[value]!.element];
    const type = typeLabel(types[value]!);
    const name = names[value];
    const details = [name && name !== title ? `${name}: ${type}` : type];
    const key = `index ${this.#origin?.[value] ?? value}`;
    return this.#once(key, layer, kernel, () => ({ key: title, kind: "index", title, details, value }));
  }

  /** A box that is drawn once in a layer or kernel, unless its last use is far above. */
  #once(
    key: string,
    layer: Layer | null,
    kernel: DrawnKernel | null,
    box: () => Omit<Parameters<Sheet["add"]>[0], "layer" | "kernel">,
  ): Sketch {
    const place = JSON.stringify([key, layer?.id, kernel?.id]);
    const used = this.#sheet.sketches.length;
    const known = this.#shared.get(place);
    if (known !== undefined && used - known.used < longestWay) {
      known.used = used;
      return known.sketch;
    }
    const sketch = this.#sheet.add({ ...box(), layer, kernel });
    this.#shared.set(place, { sketch, used });
    return sketch;
  }

  /**
   * Where a shared value would stand if it were not shared: in the scope around its consumer that is of the same block
   * as one around the value; and the call below that scope which gives it.
   */
  #homeOf(scope: Layer, consumer: Layer): { readonly home: Layer; readonly call: Layer | null } {
    let call: Layer | null = null;
    for (const outer of ancestors(scope)) {
      const home = [...ancestors(consumer)].find((at) => at.kind === outer.kind && at.block === outer.block);
      if (home !== undefined) return { home, call };
      call = outer;
    }
    return { home: this.#tree.root, call };
  }

  #fromOutside(source: number): Sketch {
    const node = this.graph.nodes[source]!;
    const { id } = this.#nameLayer(source);
    const name = node.operator === "input" ? node.attributes.name : this.graph.names[source];
    const title = name ?? (id === "" ? node.operator : id);
    const details = [typeLabel(this.graph.types[source]!), ...(name && id !== "" ? [`from ${id}`] : [])];
    const at = { layer: null, kernel: null, key: `input ${title}` };
    const box = this.#sheet.add({ ...at, kind: "input", title, details, value: source });
    this.#boxes.set(source, box);
    return box;
  }

  #outputs(): void {
    const { graph } = this;
    const focused = this.#folding.top !== this.#tree.root;
    const given = graph.outputs.map(({ name, value }) => ({ name, value: value as number }));
    const wanted = focused ? [...given.filter(({ value }) => this.#isInside(value)), ...this.#leaving()] : given;
    for (const { name, value } of wanted) {
      const details = [typeLabel(graph.types[value]!)];
      const at = { layer: null, kernel: null, key: `output ${name}` };
      const box = this.#sheet.add({ ...at, kind: "output", title: name, details, value });
      if (this.#facts.isStatic[value]) {
        const from = this.#indexBox(value, this.#folding.top, null, this.#kernelAt(value));
        this.#arrow(from, box, null, "side");
        continue;
      }
      const weight = weightOf(graph, value);
      const source = this.#folding.twinOf(value);
      if (weight !== null && !this.#boxes.has(source)) this.#connectWeight(weight, value, box);
      else this.#arrow(this.#boxes.get(source) ?? this.#fromOutside(source), box, null, "flow");
    }
  }

  /** The values of the layer in focus that are used around it. */
  #leaving(): { readonly name: string; readonly value: number }[] {
    return this.graph.nodes.flatMap((node, value) => {
      if (node.operator === "weight" || this.#facts.isStatic[value] || !this.#isInside(value)) return [];
      if (!this.#boxes.has(value)) return [];
      const outside = this.#facts.users[value]!.filter((user) => user >= 0 && !this.#isInside(user));
      const [user] = outside;
      if (user === undefined) return [];
      const to = this.#tree.of[user]!.id;
      return [{ name: this.graph.names[value] ?? (to === "" ? "result" : `to ${to}`), value }];
    });
  }

  #arrow(from: Sketch, to: Sketch, tensor: Tensor | null, kind: Edge["kind"]): void {
    if (from === to) return;
    const edge: Edge = { from: from.node.id, to: to.node.id, tensor, kind };
    const key = JSON.stringify([edge.from, edge.to, tensor]);
    if (!this.#edges.has(key)) this.#edges.set(key, edge);
  }
}

/** What to call a value that is the same for all inputs, if nobody has given it a name. */
const indexWords = {
  i32: "indices",
  bool: "mask",
  f32: "numbers",
  f16: "numbers",
  i8: "numbers",
  i16: "numbers",
  bf16: "numbers",
  f16f: "numbers",
} as const;

/** The innermost layer around all of them. */
function homeOf(layers: readonly Layer[]): Layer | null {
  const [first, ...others] = layers;
  if (first === undefined) return null;
  return [...ancestors(first)].find((around) => others.every((layer) => isWithin(layer, around))) ?? null;
}
