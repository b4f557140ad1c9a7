/**
 * The rules of a Graph. They hold after the front end and after every pass.
 *
 *  1. `types`, `locations`, `scopes`, `names` and `placements` have one entry for each node.
 *  2. The operands of a node are ids of nodes before it.
 *  3. Inputs come before all other nodes; their names are not empty and differ.
 *  4. The operands and attributes of a node fit its operator (inference accepts them).
 *  5. The type of a node is the inferred one.
 *  6. Attributes are in canonical form: constants are numbers of their element type, the labels of an einsum are
 *     numbered in order of first appearance.
 *  7. Size variables differ in their names, which are words that a dump can hold; their bounds mention only variables
 *     before them, and leave a value.
 *  8. Types and attributes mention only the graph's own size variables.
 *  9. The sizes of a weight are constants; it has at least one source and no source is empty; `weight` nodes of one
 *     name are alike.
 * 10. Outputs are values of the graph; their names are not empty and differ.
 * 11. A location has a line and a column of at least 1.
 * 12. A scope's outermost ancestor, and no other scope, is of kind "model".
 * 13. An input or a weight has no placement: it is the caller's; and what scans a row (`argmax`, `cumsum`, `topk`) is not
 *     inline.
 *
 * The verifier reports every rule that a node breaks, and never throws on a broken graph: it is the first thing that
 * looks at one. A rule that needs an earlier one is skipped where that one is broken.
 */
import { InternalError } from "../../diagnostics/index.js";
import { constantOf, type Size, type SizeVariable, variablesOf } from "../../sizes/index.js";
import { isSizeName } from "../text/words.js";
import { attributesText, sizesOf } from "./attributes.js";
import { isCanonical } from "./canonical.js";
import type { Graph, Scope, ValueId } from "./graph.js";
import { GraphTypeError, inferType } from "./infer.js";
import type { Attributes, Node, OperatorName } from "./operators.js";
import { annotatedGraph } from "./printer.js";
import { same } from "./type-rules.js";
import { typeText } from "./type-text.js";
import type { TensorType } from "./types.js";

/** A broken rule: its number, the node (null for the graph as a whole) and the fact. */
export interface Violation {
  readonly rule: number;
  readonly node: ValueId | null;
  readonly message: string;
}

/** Every broken rule as one line: `%3: the operand %7 does not come before it (rule 2)`. Empty for a sound graph. */
export function verifyGraph(graph: Graph): string[] {
  return violations(graph).map(({ rule, node, message }) => {
    const place = node === null ? `@${graph.name}` : `%${node}`;
    return `${place}: ${message} (rule ${rule})`;
  });
}

/**
 * @param after what made the graph, such as the name of a pass, for the message.
 * @throws InternalError with the graph's text, each broken rule below the line that breaks it.
 */
export function assertGraph(graph: Graph, after = ""): void {
  const found = violations(graph);
  if (found.length === 0) return;
  const where = after === "" ? "" : ` after ${after}`;
  const first = found[0]!.message;
  throw new InternalError(
    `graph @${graph.name} breaks ${found.length === 1 ? "a rule" : `${found.length} rules`}${where}: ${first}`,
    annotatedGraph(graph, found),
  );
}

/** Every broken rule. */
export function violations(graph: Graph): Violation[] {
  const verifier = new Verifier(graph);
  verifier.run();
  return verifier.found;
}

class Verifier {
  readonly found: Violation[] = [];
  readonly #declared: Set<SizeVariable>;

  constructor(readonly graph: Graph) {
    this.#declared = new Set(graph.sizes);
  }

  run(): void {
    this.#checkArrays();
    this.#checkInputs();
    this.#checkSizes();
    this.#checkWeights();
    for (const [id, node] of this.graph.nodes.entries()) this.#checkNode(id as ValueId, node);
    this.#checkOutputs();
  }

  #report(rule: number, node: ValueId | null, message: string): void {
    this.found.push({ rule, node, message });
  }

  #checkArrays(): void {
    const { nodes, types, locations, scopes, names, placements } = this.graph;
    for (const [what, array] of Object.entries({ types, locations, scopes, names, placements })) {
      if (array.length !== nodes.length) {
        this.#report(1, null, `${array.length} ${what} stand beside ${nodes.length} nodes`);
      }
    }
  }

  #checkInputs(): void {
    const names = new Set<string>();
    let others = false;
    for (const [id, node] of this.graph.nodes.entries()) {
      if (node.operator !== "input") {
        others = true;
        continue;
      }
      const { name } = node.attributes;
      if (others) this.#report(3, id as ValueId, `the input ${name} stands after a node that is none`);
      if (name === "" || names.has(name)) this.#report(3, id as ValueId, `the name "${name}" is empty or taken`);
      names.add(name);
    }
  }

  #checkSizes(): void {
    const before = new Set<SizeVariable>();
    const names = new Set<string>();
    for (const variable of this.graph.sizes) {
      const { name, min, max } = variable;
      if (names.has(name)) this.#report(7, null, `two sizes are named ${name}`);
      if (!isSizeName(name)) this.#report(7, null, `the size name "${name}" is no word`);
      const bounds = max === null ? [min] : [min, max];
      for (const foreign of foreignTo(before, bounds)) {
        this.#report(7, null, `a bound of ${name} mentions ${foreign.name}, which does not stand before it`);
      }
      const high = max === null ? null : constantOf(max);
      const low = constantOf(min);
      if (low !== null && high !== null && low > high) this.#report(7, null, `${name} has no value: ${low}..${high}`);
      names.add(name);
      before.add(variable);
    }
  }

  #checkWeights(): void {
    const byName = new Map<string, string>();
    for (const [id, node] of this.graph.nodes.entries()) {
      if (node.operator !== "weight") continue;
      const { name, shape, sources } = node.attributes;
      if (shape.some((each) => constantOf(each) === null)) {
        this.#report(9, id as ValueId, `the weight ${name} has a size that only the run knows`);
      }
      if (sources.length === 0 || sources.some((source) => source.length === 0)) {
        this.#report(9, id as ValueId, `the weight ${name} has no source, or an empty one`);
      }
      const text = attributesText("weight", node.attributes, (each) => `#${each.id}`);
      if ((byName.get(name) ?? text) !== text)
        this.#report(9, id as ValueId, `the weight ${name} differs from another`);
      byName.set(name, text);
    }
  }

  #checkNode(id: ValueId, node: Node): void {
    const type = this.graph.types[id];
    const location = this.graph.locations[id];
    const before = node.operands.filter((operand) => Number.isInteger(operand) && operand >= 0 && operand < id);
    if (before.length < node.operands.length) {
      const wrong = node.operands.filter((operand) => !before.includes(operand));
      this.#report(2, id, `the operand ${wrong.map((operand) => `%${operand}`).join(", ")} does not come before it`);
    } else if (type !== undefined) {
      this.#checkType(id, node, type);
    }
    const mentioned = [...(type?.shape ?? []), ...sizesOf(node)];
    for (const variable of foreignTo(this.#declared, mentioned)) {
      this.#report(8, id, `it mentions the size ${variable.name}, which the graph does not declare`);
    }
    if (location && !(location.line >= 1 && location.column >= 1)) {
      this.#report(11, id, `its location is line ${location.line}, column ${location.column}`);
    }
    this.#checkPlacement(id, node);
    const scope = this.graph.scopes[id];
    if (scope && !isRooted(scope)) this.#report(12, id, `its scopes do not end in a model, or have one inside`);
  }

  #checkPlacement(id: ValueId, { operator }: Node): void {
    const placement = this.graph.placements[id] ?? null;
    const isGiven = operator === "input" || operator === "weight";
    const scans = operator === "argmax" || operator === "cumsum" || operator === "topk";
    if ((isGiven && placement !== null) || (scans && placement === "inline")) {
      this.#report(13, id, `${operator} cannot be ${placement}`);
    }
  }

  #checkType<K extends OperatorName>(id: ValueId, node: Node, stored: TensorType): void {
    const operands = node.operands.map((operand) => this.graph.types[operand]);
    if (!operands.every((operand) => operand !== undefined)) return;
    const attributes = node.attributes as Attributes[K];
    const operator = node.operator as K;
    try {
      const type = inferType(operator, operands, attributes);
      if (!equalTypes(type, stored)) {
        this.#report(5, id, `its type is ${typeText(stored)}, inferred is ${typeText(type)}`);
      }
    } catch (error) {
      if (!(error instanceof GraphTypeError)) throw error;
      this.#report(4, id, error.message);
      return;
    }
    if (!isCanonical(node)) this.#report(6, id, "its attributes are not in canonical form");
  }

  #checkOutputs(): void {
    const names = new Set<string>();
    for (const { name, value } of this.graph.outputs) {
      if (this.graph.nodes[value] === undefined)
        this.#report(10, null, `the output ${name} is %${value}, which is none`);
      if (name === "" || names.has(name)) this.#report(10, null, `the output's name "${name}" is empty or taken`);
      names.add(name);
    }
  }
}

/** Whether the types are proven equal. */
export function equalTypes(a: TensorType, b: TensorType): boolean {
  return (
    a.element === b.element &&
    a.shape.length === b.shape.length &&
    a.shape.every((each, axis) => same(each, b.shape[axis]!))
  );
}

/** The variables of the sizes that are not among the known ones, each once. */
function foreignTo(known: ReadonlySet<SizeVariable>, sizes: readonly Size[]): Set<SizeVariable> {
  return new Set(sizes.flatMap((each) => variablesOf(each)).filter((variable) => !known.has(variable)));
}

function isRooted(scope: Scope): boolean {
  for (let at = scope; ; at = at.parent) {
    if ((at.kind === "model") !== (at.parent === null)) return false;
    if (at.parent === null) return true;
  }
}
