/**
 * Builds a Graph: infers types, shares equal nodes, and folds what is trivially nothing.
 *
 * Passes re-emit a Graph through it (rebuild.ts), so that common subexpressions and dead code vanish without a pass of
 * their own. What must stay true: nodes are shared by their whole structural key, never by a hash alone; what is folded
 * here gives the same bits under every operand, NaN included; all is linear in the number of nodes.
 */
import { InternalError, type Location } from "../../diagnostics/index.js";
import type { SizeVariable } from "../../sizes/index.js";
import { attributesText } from "./attributes.js";
import { canonicalAttributes } from "./canonical.js";
import { fold } from "./fold.js";
import type { Graph, GraphOutput, Scope, ValueId } from "./graph.js";
import { inferType } from "./infer.js";
import type { Attributes, Node, OperatorName } from "./operators.js";
import type { TensorType } from "./types.js";

/** Where nodes come from. */
export interface Origin {
  readonly location: Location | null;
  readonly scope: Scope | null;
}

export class GraphBuilder {
  /** Goes to the nodes that are emitted next. A node that is already there keeps what it has. */
  origin: Origin = { location: null, scope: null };

  readonly #nodes: Node[] = [];
  readonly #types: TensorType[] = [];
  readonly #origins: Origin[] = [];
  readonly #names: (string | null)[] = [];
  readonly #byKey = new Map<string, ValueId>();
  readonly #inputs = new Map<string, ValueId>();

  constructor(
    readonly name: string,
    readonly sizes: readonly SizeVariable[],
  ) {}

  /**
   * The value of an operator; the same node for the same operator, operands and attributes.
   * Constants are rounded to their element type and the labels of an einsum renumbered.
   * @throws GraphTypeError where operands or attributes do not fit.
   * @throws InternalError for a second input of one name that differs from the first.
   */
  emit<K extends OperatorName>(operator: K, operands: readonly ValueId[], attributes: Attributes[K]): ValueId {
    const canonical = canonicalAttributes(operator, attributes);
    const type = inferType(
      operator,
      operands.map((operand) => this.typeOf(operand)),
      canonical,
    );
    const folded = fold(this, operator, operands, canonical, type);
    if (folded !== null) return folded;
    const key = `${operator}(${operands.join()})${attributesText(operator, canonical, (size) => `#${size.id}`)}`;
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const id = this.#nodes.length as ValueId;
    const node = { operator, operands: [...operands], attributes: canonical } as unknown as Node;
    if (node.operator === "input") this.#declareInput(node.attributes.name, id);
    this.#byKey.set(key, id);
    this.#nodes.push(node);
    this.#types.push(type);
    this.#origins.push(this.origin);
    this.#names.push(null);
    return id;
  }

  /** The type of a value. */
  typeOf(value: ValueId): TensorType {
    return this.#types[value] ?? this.#unknown(value);
  }

  /** The node that gives a value. */
  nodeOf(value: ValueId): Node {
    return this.#nodes[value] ?? this.#unknown(value);
  }

  /** The name that the user has for a value; null if there is none. */
  nameOf(value: ValueId): string | null {
    return this.#names[value] ?? null;
  }

  /** Gives a value the name that the user has for it; the first name stays. */
  nameValue(value: ValueId, name: string): void {
    this.nodeOf(value);
    this.#names[value] ??= name;
  }

  /**
   * The Graph of what the outputs need: all inputs first, in order of creation and whether they are used or not, then
   * the other nodes in order of creation, numbered without gaps.
   */
  finish(outputs: readonly GraphOutput[]): Graph {
    const needed = this.#reachable(outputs);
    const order = [...this.#inputs.values()];
    for (let id = 0; id < this.#nodes.length; id++) {
      if (needed[id] === 1 && this.#nodes[id]!.operator !== "input") order.push(id as ValueId);
    }
    const renumbered = new Int32Array(this.#nodes.length);
    for (const [next, id] of order.entries()) renumbered[id] = next;
    const map = (id: ValueId): ValueId => renumbered[id] as ValueId;
    return {
      name: this.name,
      sizes: this.sizes,
      nodes: order.map((id) => ({ ...this.nodeOf(id), operands: this.nodeOf(id).operands.map(map) })),
      types: order.map((id) => this.typeOf(id)),
      locations: order.map((id) => this.#origins[id]!.location),
      scopes: order.map((id) => this.#origins[id]!.scope),
      names: order.map((id) => this.#names[id]!),
      placements: order.map(() => null),
      outputs: outputs.map(({ name, value }) => ({ name, value: map(value) })),
    };
  }

  /** One mark per node that an output needs. Operands have smaller ids, so one walk backwards finds all. */
  #reachable(outputs: readonly GraphOutput[]): Uint8Array {
    const needed = new Uint8Array(this.#nodes.length);
    for (const { value } of outputs) {
      this.nodeOf(value);
      needed[value] = 1;
    }
    for (let id = this.#nodes.length - 1; id >= 0; id--) {
      if (needed[id] === 1) for (const operand of this.#nodes[id]!.operands) needed[operand] = 1;
    }
    return needed;
  }

  #declareInput(name: string, id: ValueId): void {
    if (this.#inputs.has(name)) throw new InternalError(`graph @${this.name} has two different inputs named ${name}`);
    this.#inputs.set(name, id);
  }

  #unknown(value: ValueId): never {
    throw new InternalError(`graph @${this.name} has no value %${value}`);
  }
}
