/**
 * Draws a Graph: each value becomes a box, a part of a box, an arrow, or a number in another's title.
 *
 * Values are visited in order, so that the text follows the flow of data. Weights, masks and other values that no input
 * reaches are drawn where they are used, once in each cluster, since the graph shares them among layers
 * and arrows across the whole picture would say nothing.
 */
import type { Graph } from "../../src/ir/graph/index.js";
import { type DotOptions, type Folding, foldingOf } from "./folding.js";
import { drawings, sliceText } from "./operators.js";
import type { Edge, Kind, Picture } from "./picture.js";
import { printPicture } from "./print.js";
import { ancestors, isWithin, type Layer, type LayerTree, layerTree, owns } from "./scopes.js";
import { Sheet, type Sketch } from "./sheet.js";
import { isPlumbing, operandText, operandTypes, typeLabel, type ValueFacts, valueFacts, weightOf } from "./values.js";

/** A Graph in DOT. */
export function dotOfGraph(graph: Graph, options: DotOptions = {}): string {
  return printPicture(pictureOfGraph(graph, options));
}

/**
 * A Graph as a Picture.
 * @throws UserError where `focus` names no layer.
 */
export function pictureOfGraph(graph: Graph, options: DotOptions = {}): Picture {
  return new Artist(graph, options).draw();
}

class Artist {
  readonly #tree: LayerTree;
  readonly #facts: ValueFacts;
  readonly #folding: Folding;
  readonly #sheet: Sheet;
  /** The box of each value that has one. */
  readonly #boxes = new Map<number, Sketch>();
  /** For boxes of several values, one number per connected part of a layer or call. */
  readonly #parts: readonly number[];
  readonly #partBoxes = new Map<number, Sketch>();
  readonly #members = new Map<number, number[]>();
  readonly #edges = new Map<string, Edge>();

  constructor(
    readonly graph: Graph,
    readonly options: DotOptions,
  ) {
    this.#tree = layerTree(graph);
    const facts = valueFacts(graph);
    // Expanded, a mask's arithmetic is drawn like any other; only numbers stay in their consumers' titles.
    this.#facts = options.expand ? { ...facts, isStatic: facts.inline.map((text) => text !== null) } : facts;
    this.#folding = foldingOf(this.#tree, this.#facts, options);
    this.#sheet = new Sheet(graph, this.#folding);
    this.#parts = this.#connectedParts();
    this.#parts.forEach((part, value) => {
      const members = this.#members.get(part);
      if (members === undefined) this.#members.set(part, [value]);
      else members.push(value);
    });
  }

  draw(): Picture {
    const { graph } = this;
    for (let value = 0; value < graph.nodes.length; value++) this.#visit(value);
    this.#outputs();
    return this.#sheet.picture([...this.#edges.values()], this.#tree.root);
  }

  #visit(value: number): void {
    const node = this.graph.nodes[value]!;
    if (!this.#isDrawn(value) || this.#isAlias(value)) return;
    if (node.operator === "input") {
      const { name, fill } = node.attributes;
      const details = [typeLabel(this.graph.types[value]!), ...(fill === null ? [] : ["optional"])];
      const at = { layer: this.#folding.top, key: `input ${name}` };
      this.#boxes.set(value, this.#sheet.add({ ...at, kind: "input", title: name, details, value }));
      return;
    }
    const holder = this.#holder(value);
    const box = holder === null ? this.#solo(value) : this.#partOf(holder, value);
    this.#boxes.set(value, box);
    box.values.push(value);
    for (const position of node.operands.keys()) this.#connect(position, value, box);
  }

  /** Whether the value has a place in the picture at all. */
  #isDrawn(value: number): boolean {
    const { top, twinOf, isHidden } = this.#folding;
    const node = this.graph.nodes[value]!;
    if (this.#facts.isStatic[value] || isHidden(this.#tree.of[value]!) || twinOf(value) !== value) return false;
    if (weightOf(this.graph, value) !== null) return false;
    return node.operator === "input" ? top === this.#tree.root : this.#isInside(value);
  }

  #isInside(value: number): boolean {
    return isWithin(this.#tree.of[value]!, this.#folding.top);
  }

  #holder(value: number): Layer | null {
    return this.#folding.holderOf(this.#tree.of[value]!);
  }

  /** Plumbing outside of folded layers is an arrow. */
  #isAlias(value: number): boolean {
    return isPlumbing(this.graph.nodes[value]!) && this.#holder(value) === null && this.#isInside(value);
  }

  #solo(value: number): Sketch {
    const { nodes, types, names } = this.graph;
    const node = nodes[value]!;
    const operands = node.operands.map((_, position) => operandText(this.#facts, node, position));
    const drawing = drawings[node.operator];
    const title = drawing.title(node.attributes as never, {
      operands,
      operandTypes: operandTypes(this.graph, node),
      type: types[value]!,
      squared: node.operands.length === 2 && node.operands[0] === node.operands[1],
    });
    const name = names[value];
    const type = typeLabel(types[value]!);
    return this.#sheet.add({
      layer: this.#tree.of[value]!,
      key: node.operator,
      kind: this.#kindOfNode(value),
      title,
      details: [name ? `${name}: ${type}` : type],
      value,
    });
  }

  #partOf(holder: Layer, value: number): Sketch {
    const part = this.#parts[value]!;
    const known = this.#partBoxes.get(part);
    if (known !== undefined) return known;
    const all = this.#members.get(part)!;
    const box = this.#sheet.addFolded(holder, this.#kindOf(all), this.#resultsOf(all));
    this.#partBoxes.set(part, box);
    return box;
  }

  /** What a box of several values does above all. */
  #kindOf(values: readonly number[]): Kind {
    const kinds = new Set(values.map((id) => this.#kindOfNode(id)));
    const order: readonly Kind[] = ["contraction", "reduction", "selection", "elementwise"];
    return order.find((kind) => kinds.has(kind)) ?? "movement";
  }

  /** Elements picked at places that are no data are moved. */
  #kindOfNode(value: number): Kind {
    const { operator, operands } = this.graph.nodes[value]!;
    const { kind } = drawings[operator];
    const fixed = operands.length > 1 && operands.slice(1).every((operand) => this.#facts.isStatic[operand]);
    return kind === "selection" && fixed ? "movement" : kind;
  }

  #resultsOf(values: readonly number[]): number[] {
    const inside = new Set(values);
    return values.filter((id) => this.#facts.users[id]!.some((user) => user < 0 || !inside.has(user)));
  }

  // ---- arrows

  #connect(position: number, consumer: number, box: Sketch): void {
    const node = this.graph.nodes[consumer]!;
    const operand = node.operands[position]!;
    const text = box.folded ? this.#facts.inline[operand] : operandText(this.#facts, node, position);
    if (text !== null) return;
    if (this.#facts.isStatic[operand]) return this.#connectStatic(operand, consumer, box);
    const weight = weightOf(this.graph, operand);
    if (weight !== null) return this.#connectWeight(weight, operand, box);
    const source = this.#sourceOf(operand);
    const from = this.#boxes.get(source) ?? this.#fromOutside(source);
    if (from !== box) this.#arrow(from, box, this.#labelOf(operand, source, from), "flow");
  }

  /** The value whose box an arrow starts at: the first of equal layers, and before any plumbing. */
  #sourceOf(value: number): number {
    let at = this.#folding.twinOf(value);
    while (this.#isAlias(at) && !this.#facts.isStatic[at])
      at = this.#folding.twinOf(this.graph.nodes[at]!.operands[0]!);
    return at;
  }

  /** What arrives, if the box that the arrow comes from does not say so. */
  #labelOf(value: number, source: number, from: Sketch): string {
    const type = typeLabel(this.graph.types[value]!);
    if (from.shown === source) return type === typeLabel(this.graph.types[source]!) ? "" : type;
    const name = this.graph.names[value] ?? this.graph.names[source];
    return name ? `${name}: ${type}` : type;
  }

  /** Draws a weight, or the part of it that `view` is, beside its consumer; a folded layer names its own. */
  #connectWeight(weight: number, view: number, box: Sketch): void {
    const { path } = this.#tree.of[weight]!;
    if (box.folded && owns(box.folded, path)) return void box.weights.add(weight);
    const layer = [...ancestors(box.layer)].find((around) => around.path === path) ?? box.layer;
    let part = weight;
    let slices = "";
    for (let at = view; at !== weight; at = this.graph.nodes[at]!.operands[0]!) {
      const node = this.graph.nodes[at]!;
      if (node.operator !== "slice") continue;
      if (part === weight) part = at;
      slices = `${sliceText(node.attributes, operandTypes(this.graph, node))}${slices}`;
    }
    this.#arrow(this.#sheet.weight(weight, layer, part, slices), box, "", "side");
  }

  /** Draws a mask, a table of positions or the like beside its consumer, unless it is part of the same call. */
  #connectStatic(operand: number, consumer: number, box: Sketch): void {
    let value = operand;
    while (isPlumbing(this.graph.nodes[value]!)) value = this.graph.nodes[value]!.operands[0]!;
    const { home, call } = this.#homeOf(this.#tree.of[value]!, this.#tree.of[consumer]!);
    if (this.#folding.holderOf(home) !== null) return;
    const layer = isWithin(home, this.#folding.top) ? home : this.#folding.top;
    const from = this.#sheet.index(value, layer, call, this.#facts.inline[value] ?? null);
    this.#arrow(from, box, this.#labelOf(operand, value, from), "side");
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
    const { id } = this.#tree.of[source]!;
    const name = node.operator === "input" ? node.attributes.name : this.graph.names[source];
    const title = name ?? (id === "" ? node.operator : id);
    const details = [typeLabel(this.graph.types[source]!), ...(name && id !== "" ? [`from ${id}`] : [])];
    const at = { layer: this.#tree.root, key: `input ${title}` };
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
      const at = { layer: this.#tree.root, key: `output ${name}` };
      const box = this.#sheet.add({ ...at, kind: "output", title: name, details, value });
      if (this.#facts.isStatic[value]) {
        const from = this.#sheet.index(value, this.#folding.top, null, this.#facts.inline[value] ?? null);
        this.#arrow(from, box, "", "side");
        continue;
      }
      const weight = weightOf(graph, value);
      const source = this.#sourceOf(value);
      if (weight !== null) this.#connectWeight(weight, value, box);
      else this.#arrow(this.#boxes.get(source) ?? this.#fromOutside(source), box, "", "flow");
    }
  }

  /** The values of the layer in focus that are used around it. */
  #leaving(): { readonly name: string; readonly value: number }[] {
    return this.graph.nodes.flatMap((node, value) => {
      if (node.operator === "weight" || this.#facts.isStatic[value] || !this.#isInside(value)) return [];
      const outside = this.#facts.users[value]!.filter((user) => user >= 0 && !this.#isInside(user));
      const [user] = outside;
      if (user === undefined) return [];
      const to = this.#tree.of[user]!.id;
      return [{ name: this.graph.names[value] ?? (to === "" ? "result" : `to ${to}`), value }];
    });
  }

  #arrow(from: Sketch, to: Sketch, label: string, kind: Edge["kind"]): void {
    const key = JSON.stringify([from.id, to.id, label]);
    if (!this.#edges.has(key)) this.#edges.set(key, { from: from.id, to: to.id, label, kind });
  }

  // ---- folded layers

  /**
   * For each value in a folded layer the least value of the layer that it is connected with inside: a layer or function
   * that is called twice is two boxes.
   */
  #connectedParts(): readonly number[] {
    const part = this.graph.nodes.map((_, id) => id);
    const find = (id: number): number => {
      let at = id;
      while (part[at] !== at) {
        part[at] = part[part[at]!]!;
        at = part[at]!;
      }
      return at;
    };
    const holders = this.#tree.of.map((layer) => this.#folding.holderOf(layer));
    const counts = (id: number): boolean => {
      if (holders[id] === null || this.#facts.isStatic[id] || this.graph.nodes[id]!.operator === "input") return false;
      return weightOf(this.graph, id) === null;
    };
    this.graph.nodes.forEach((node, id) => {
      if (!counts(id)) return;
      for (const operand of node.operands) {
        if (!counts(operand) || holders[operand] !== holders[id]) continue;
        const [a, b] = [find(operand), find(id)];
        part[Math.max(a, b)] = Math.min(a, b);
      }
    });
    return part.map((_, id) => find(id));
  }
}
