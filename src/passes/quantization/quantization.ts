/**
 * Quantization: large weights of products and tables that indices choose rows from are held as whole numbers of 8 or 4
 * bits with scales, and products are computed of these. What is small stays as it is: norms, biases, tables of positions.
 *
 * Does nothing unless the compilation asks for it. Needs products as they will be computed (projections), and comes before
 * fusion. Guarantees: what is rounded is rounded here, in the Graph, so that all that comes after it computes the same; a
 * weight that several products and tables read in one way is held once.
 */
import {
  emitNode,
  type Graph,
  type GraphBuilder,
  loadTimeValues,
  type Node,
  type NodeOf,
  rebuild,
  type ValueId,
} from "../../ir/graph/index.js";
import type { Size } from "../../sizes/index.js";
import type { Pass, PassContext } from "../pass.js";
import type { HeldWeights } from "./format.js";
import {
  bytesOfQuantized,
  cutOf,
  emitProduct,
  fewest,
  inFloatsOf,
  mostOfRows,
  type Product,
  productOf,
} from "./products.js";
import {
  type Cut,
  countIn,
  dequantize,
  extentOf,
  halved,
  type IntegerStorage,
  type Quantized,
  quantize,
  type WeightStorage,
} from "./storage.js";

export const quantization: Pass = {
  name: "quantization",
  about: "large weights as whole numbers of few bits, where the compilation asks for it",
  run: (graph, context) => (context.weights === null ? graph : new Quantization(graph, context, context.weights).run()),
};

/** How the numbers of a weight are held. `f16` has scales along `summed`, where a number is too large for it. */
export type Holding =
  | { readonly format: "f16" | "bf16"; readonly summed: readonly number[] }
  | { readonly format: "integers"; readonly cut: Cut; readonly storage: IntegerStorage };

/** A weight, or what is made of weights, that is held in few bits. */
export interface HeldValue {
  /** Its name in the graph that has it rounded. */
  readonly name: string;
  /** The value in the graph that has it as it is. */
  readonly value: ValueId;
  readonly holding: Holding;
  /** The greatest whole number that rows which it is multiplied with are rounded to; null where they are not. */
  readonly rows: number | null;
}

/**
 * The graph with a weight of f32 of its own for every one that would be held in few bits: to be given the rounded numbers, and
 * computed like any other, as a reference for kernels that compute of few bits.
 */
export function withRoundedWeights(
  graph: Graph,
  context: PassContext,
): { readonly graph: Graph; readonly held: readonly HeldValue[] } {
  const held = new Map<string, HeldValue>();
  if (context.weights === null) return { graph, held: [] };
  return { graph: new Quantization(graph, context, context.weights, held).run(), held: [...held.values()] };
}

/** A weight that is quantized, and how. */
interface Made extends Extract<Holding, { readonly format: "integers" }> {
  readonly quantized: Quantized;
}

class Quantization {
  readonly #isLoadTime: readonly boolean[];
  readonly #ofInputs: readonly boolean[];
  /** The indices by which matrices are chosen, as those of experts. */
  readonly #choices = new Set<ValueId>();
  /** The products that they are computed of: rounded, those might choose others. */
  readonly #scores = new Set<ValueId>();

  constructor(
    readonly graph: Graph,
    readonly context: PassContext,
    readonly held: HeldWeights,
    /** Where the weights are noted that take the place of those that are held in few bits; null where none do. */
    readonly instead: Map<string, HeldValue> | null = null,
  ) {
    this.#isLoadTime = loadTimeValues(graph);
    const ofInputs: boolean[] = [];
    for (const { operator, operands } of graph.nodes) {
      ofInputs.push(operator === "input" || operands.some((operand) => ofInputs[operand]));
    }
    this.#ofInputs = ofInputs;
    this.#findChoices();
  }

  run(): Graph {
    return rebuild(this.graph, (builder, node, operands, id) => {
      return this.#quantized(builder, node, operands, id) ?? emitNode(builder, node, operands);
    });
  }

  #quantized(builder: GraphBuilder, node: Node, operands: readonly ValueId[], id: ValueId): ValueId | null {
    if (node.operator === "einsum") return this.#product(builder, node, operands, id);
    return node.operator === "take" ? this.#table(builder, node, operands, id) : null;
  }

  #product(builder: GraphBuilder, node: NodeOf<"einsum">, operands: readonly ValueId[], id: ValueId): ValueId | null {
    const product = productOf(this.graph, node, this.#isLoadTime);
    if (product === null) return null;
    if (typeof product === "string") return this.#missed(id, `the weight of a product stays f32: ${product}`);
    const weight = node.operands[product.position]!;
    const wanted = this.#storageOf(weight);
    if (typeof wanted !== "string" && this.#scores.has(id))
      return this.#missed(id, "the weight of a product stays f32: it scores the matrices that are chosen");
    if (this.instead !== null) {
      const of = { ...product, other: operands[1 - product.position]! };
      const rounded = this.#rounded(builder, weight, of, wanted);
      return rounded && inFloatsOf(builder, product, operands[1 - product.position]!, rounded, null);
    }
    if (wanted === "f16" || wanted === "bf16") {
      const { codes, scale } = this.#short(builder, weight, operands[product.position]!, product, wanted, id);
      const numbers = builder.emit("cast", [codes], { to: "f32" });
      return inFloatsOf(builder, product, operands[1 - product.position]!, numbers, scale);
    }
    const made = this.#weight(builder, weight, operands[product.position]!, product, wanted, id);
    if (made === null) return null;
    const { cut, storage, quantized } = made;
    const other = operands[1 - product.position]!;
    const { value, integers } = emitProduct(builder, product, other, quantized, cut, storage);
    const how = integers ? "products of integers" : "products of floats";
    this.#fired("product", id, `${this.#text(builder, weight, made)}, ${how}`);
    return value;
  }

  /** Rows that are chosen for what the caller gives: of an embedding, or the matrices of experts. */
  #table(builder: GraphBuilder, node: NodeOf<"take">, operands: readonly ValueId[], id: ValueId): ValueId | null {
    const [table, indices] = node.operands as readonly [ValueId, ValueId];
    const { element, shape } = this.graph.types[table]!;
    if (!this.#isLoadTime[table] || element !== "f32" || shape.length < 2 || node.attributes.axis !== 0) return null;
    if (!this.#ofInputs[indices]) return null;
    const last = shape.length - 1;
    const rows = shape.slice(0, last).reduce((product, _, axis) => product * extentOf(shape, axis), 1);
    if (rows < fewest || extentOf(shape, last) < fewest || this.#isBias(table, indices)) return null;
    const wanted = this.#storageOf(table);
    if (this.instead !== null) {
      const rounded = this.#rounded(builder, table, { summed: [last], other: null }, wanted);
      return rounded && builder.emit("take", [rounded, operands[1]!], node.attributes);
    }
    if (wanted === "f16" || wanted === "bf16") {
      const { codes, scale } = this.#short(builder, table, operands[0]!, { summed: [last] }, wanted, id);
      const held = builder.emit("cast", [codes], { to: "f32" });
      const numbers = scale === null ? held : builder.emit("mul", [held, scale], {});
      return builder.emit("take", [numbers, operands[1]!], node.attributes);
    }
    const made = this.#weight(builder, table, operands[0]!, { summed: [last] }, wanted, id);
    if (made === null) return null;
    this.#fired("table", id, this.#text(builder, table, made));
    const numbers = dequantize(builder, made.quantized, made.cut, made.storage);
    return builder.emit("take", [numbers, operands[1]!], { axis: 0 });
  }

  /** Whether the same indices choose matrices, beside which a row for each is nothing: biases of experts. */
  #isBias(table: ValueId, indices: ValueId): boolean {
    return this.graph.types[table]!.shape.length === 2 && this.#choices.has(indices);
  }

  /** The products that indices are computed of. */
  #scoresOf(indices: ValueId): readonly ValueId[] {
    const passed = new Set([indices]);
    for (const each of passed) {
      const { operator, operands } = this.graph.nodes[each]!;
      if (operator !== "einsum") for (const operand of operands) passed.add(operand);
    }
    return [...passed].filter((each) => this.graph.nodes[each]!.operator === "einsum");
  }

  #findChoices(): void {
    const { nodes, types } = this.graph;
    for (const { operator, operands } of nodes) {
      if (operator !== "take" || !this.#isLoadTime[operands[0]!] || types[operands[0]!]!.shape.length < 3) continue;
      const scores = this.#scoresOf(operands[1]!);
      if (scores.length > 0) this.#choices.add(operands[1]!);
      for (const each of scores) this.#scores.add(each);
    }
  }

  /** The weight in 16 bits, with scales where its numbers need them. */
  #short(
    builder: GraphBuilder,
    old: ValueId,
    weight: ValueId,
    { summed }: Pick<Product, "summed">,
    format: "f16" | "bf16",
    id: ValueId,
  ): { readonly codes: ValueId; readonly scale: ValueId | null } {
    const name = builder.nameOf(weight) ?? this.graph.names[old] ?? this.#weightName(old);
    const made =
      format === "f16"
        ? halved(builder, weight, summed)
        : { codes: builder.emit("cast", [weight], { to: "bf16" }), scale: null };
    if (name) builder.nameValue(made.codes, `${name}.${format}`);
    if (name && made.scale !== null) builder.nameValue(made.scale, `${name}.scale`);
    const before = 4 * (countIn(this.graph.types[old]!.shape) ?? 0);
    this.#fired("half", id, `${this.#weightName(old) ?? "a weight"} as ${format}, ${before / 2} bytes for ${before}`);
    return made;
  }

  /** What takes the place of a weight that is held in few bits; null where it is held as it is. */
  #rounded(
    builder: GraphBuilder,
    value: ValueId,
    of: (Product & { readonly other: ValueId }) | (Pick<Product, "summed"> & { readonly other: null }),
    wanted: WeightStorage,
  ): ValueId | null {
    const { element, shape } = this.graph.types[value]!;
    const holding: Holding | null =
      wanted === "f16" || wanted === "bf16" ? { format: wanted, summed: of.summed } : this.#cut(shape, of, wanted);
    if (holding === null) return null;
    const isWhole = holding.format === "integers";
    const rows = isWhole && of.other !== null ? mostOfRows(builder, of, of.other, holding.cut, holding.storage) : null;
    const name = `${this.graph.name} %${value} rounded along ${(isWhole ? holding.cut.axes : holding.summed).join()}`;
    this.instead?.set(name, { name, value, holding, rows });
    return builder.emit("weight", [], { name, element, shape, sources: [[name]] });
  }

  /** How a weight is cut; in bytes, with one scale for a column, where it cannot be cut as it should. */
  #cut(
    shape: readonly Size[],
    of: Pick<Product, "summed">,
    wanted: IntegerStorage,
  ): Extract<Holding, { readonly format: "integers" }> | null {
    const rest = { group: null, hasLeast: false, isSearched: false } as const;
    const bytes: IntegerStorage = { ...wanted, ...rest, bits: 8, scales: "f32" };
    for (const storage of [wanted, bytes]) {
      const cut = cutOf(of, shape, storage.group, storage);
      if (cut !== null) return { format: "integers", cut, storage };
    }
    return null;
  }

  /** The quantized weight; null where it is held as it is. */
  #weight(
    builder: GraphBuilder,
    old: ValueId,
    weight: ValueId,
    of: Pick<Product, "summed">,
    wanted: IntegerStorage,
    id: ValueId,
  ): Made | null {
    const held = this.#cut(this.graph.types[old]!.shape, of, wanted);
    if (held !== null) {
      const quantized = quantize(builder, weight, held.cut, held.storage);
      const name = builder.nameOf(weight) ?? this.graph.names[old] ?? this.#weightName(old);
      if (name) {
        builder.nameValue(quantized.codes, `${name}.int${held.storage.bits}`);
        builder.nameValue(quantized.scale, `${name}.scale`);
        if (quantized.least !== null) builder.nameValue(quantized.least, `${name}.least`);
      }
      return { ...held, quantized };
    }
    return this.#missed(id, `the weight ${this.#weightName(old) ?? ""} stays f32: its numbers do not fill words`);
  }

  /** How what is made of some weights is held. */
  #storageOf(value: ValueId): WeightStorage {
    const found = new Set<ValueId>([value]);
    for (const each of found) for (const operand of this.graph.nodes[each]!.operands) found.add(operand);
    const nodes = [...found].map((each) => this.graph.nodes[each]!);
    return this.held(nodes.flatMap((node) => (node.operator === "weight" ? [node.attributes] : [])));
  }

  #weightName(value: ValueId): string | null {
    const node = this.graph.nodes[value]!;
    return node.operator === "weight" ? node.attributes.name : null;
  }

  #text(builder: GraphBuilder, old: ValueId, { storage, quantized, cut }: Made): string {
    const before = 4 * (countIn(this.graph.types[old]!.shape) ?? 0);
    const scales = cut.group === null ? "" : ` in groups of ${cut.group}`;
    const bytes = bytesOfQuantized(builder, quantized);
    return `${this.#weightName(old) ?? "a weight"} as int${storage.bits}${scales}, ${bytes} bytes for ${before}`;
  }

  #fired(rule: string, id: ValueId, message: string): void {
    this.context.remark({ rule, kind: "fired", location: this.graph.locations[id] ?? null, message });
  }

  #missed(id: ValueId, message: string): null {
    this.context.remark({ rule: "product", kind: "missed", location: this.graph.locations[id] ?? null, message });
    return null;
  }
}
