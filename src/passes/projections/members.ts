/**
 * Products of a value with a weight that may become one with others: what follows each, as far as it can be computed at
 * load, and why one stays alone.
 */

import { attributesText } from "../../ir/graph/attributes.js";
import { type Graph, loadTimeValues, type Node, type Placement, usersOf, type ValueId } from "../../ir/graph/index.js";
import { constantOf, render } from "../../sizes/index.js";

/** What is done to a product with something that is known at load: one number, or one for each column. */
export interface Step {
  readonly operator: "add" | "sub" | "mul" | "div";
  readonly operand: ValueId;
}

/** A product of two factors, of which the one is known at load. */
export interface Product {
  readonly value: ValueId;
  readonly node: Extract<Node, { operator: "einsum" }>;
  readonly x: ValueId;
  readonly weight: ValueId;
  /** Which operand the weight is. */
  readonly position: number;
  /** Products of one key differ in nothing but their weights. */
  readonly key: string;
}

/** A product that can be merged along one of its columns. */
export interface Member extends Product {
  /** The last axis of its output that only the weight has, and the axis of the weight. */
  readonly column: Column;
  readonly steps: readonly Step[];
  /** The value that has a buffer: the product after its steps. */
  readonly root: ValueId;
}

export interface Column {
  readonly ofOutput: number;
  readonly ofWeight: number;
}

export class Products {
  readonly all: readonly Product[];
  readonly #isLoadTime: readonly boolean[];
  readonly #users: readonly (readonly ValueId[])[];
  readonly #outputs: ReadonlySet<ValueId>;

  #placements: readonly (Placement | null)[] = [];

  constructor(readonly graph: Graph) {
    this.#isLoadTime = loadTimeValues(graph);
    this.#users = usersOf(graph);
    this.#outputs = new Set(graph.outputs.map(({ value }) => value));
    this.all = graph.nodes.flatMap((node, id) => this.#productOf(node, id as ValueId));
  }

  /** Whether any two differ in nothing but their weights. */
  areAlike(): boolean {
    return new Set(this.all.map(({ key }) => key)).size < this.all.length;
  }

  /** Says which values would have a buffer if nothing were merged. */
  place(placements: readonly (Placement | null)[]): void {
    this.#placements = placements;
  }

  usersOf(value: ValueId): readonly ValueId[] {
    return this.#users[value]!;
  }

  #productOf(node: Node, value: ValueId): Product[] {
    if (node.operator !== "einsum" || node.operands.length !== 2) return [];
    const position = node.operands.findIndex((operand) => this.#isLoadTime[operand]);
    const [weight, x] = [node.operands[position], node.operands[1 - position]];
    if (weight === undefined || x === undefined || this.#isLoadTime[x]) return [];
    const { element } = this.graph.types[weight]!;
    const key = `${x} ${position} ${element} ${attributesText("einsum", node.attributes, render)}`;
    return [{ value, node, x, weight, position, key }];
  }

  /** The product with what follows it, or why it stays alone. */
  memberOf(product: Product): Member | string {
    const column = this.#columnOf(product);
    if (column === null) return "its weight has no axis that only the result has";
    const steps: Step[] = [];
    let root = product.value;
    for (;;) {
      if (this.#outputs.has(root)) return "it is an output";
      if (this.#placements[root] !== "inline") return { ...product, column, steps, root };
      const [user, ...others] = this.#users[root]!;
      const step = user === undefined || others.length > 0 ? null : this.#stepOf(user, root, column);
      if (user === undefined || step === null) return "what follows it is computed with it";
      steps.push(step);
      root = user;
    }
  }

  #columnOf({ node, position }: Product): Column | null {
    const { inputs, output } = node.attributes;
    const [ofWeight, ofX] = [inputs[position]!, inputs[1 - position]!];
    const label = output.findLast((each) => ofWeight.includes(each) && !ofX.includes(each));
    return label === undefined ? null : { ofOutput: output.indexOf(label), ofWeight: ofWeight.indexOf(label) };
  }

  #stepOf(user: ValueId, value: ValueId, column: Column): Step | null {
    const { operator, operands } = this.graph.nodes[user]!;
    if (operator !== "add" && operator !== "mul" && operator !== "sub" && operator !== "div") return null;
    const isFirst = operands[0] === value;
    const operand = operands[isFirst ? 1 : 0]!;
    if (!this.#isLoadTime[operand] || (!isFirst && (operator === "sub" || operator === "div"))) return null;
    const [result, { shape }] = [this.graph.types[user]!.shape, this.graph.types[operand]!];
    const lead = result.length - shape.length;
    if (result.length !== this.graph.types[value]!.shape.length) return null;
    const isByColumn = shape.every((each, axis) => constantOf(each) === 1 || axis + lead === column.ofOutput);
    return isByColumn ? { operator, operand } : null;
  }
}
