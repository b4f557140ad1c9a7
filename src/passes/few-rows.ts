/** Kernels of few rows as the placements of a Graph make them: what each computes and reads, and who reads a value. */
import {
  type Graph,
  loadTimeValues,
  type OperatorName,
  type Placement,
  usersOf,
  type ValueId,
} from "../ir/graph/index.js";
import { constantOf, mul, rangeOf, type Size, size } from "../sizes/index.js";
import { classOf, type FusionClass } from "./fusion/classes.js";
import type { FewRows } from "./pass.js";

/** Numbers that are known at load and can lie beside others in one buffer, for kernels that have too many. */
const mostVectorElements = 2 ** 16;
/** Kernels that may compute a value each for itself. */
const mostReaders = 3;

/** What is computed in a kernel, its stored value included, and the values that it reads. */
export interface Group {
  readonly members: readonly ValueId[];
  readonly reads: ReadonlySet<ValueId>;
}

export class FewRowKernels {
  /** The decisions, which may be changed. */
  readonly placements: (Placement | null)[];
  readonly isLoadTime: readonly boolean[];
  readonly #outputs: ReadonlySet<ValueId>;
  readonly #users: readonly (readonly ValueId[])[];

  constructor(
    readonly graph: Graph,
    readonly fewRows: FewRows,
  ) {
    this.placements = [...graph.placements];
    this.isLoadTime = loadTimeValues(graph);
    this.#outputs = new Set(graph.outputs.map(({ value }) => value));
    this.#users = usersOf(graph);
  }

  class(value: ValueId): FusionClass {
    return classOf(this.graph.nodes[value]!.operator);
  }

  isOutput(value: ValueId): boolean {
    return this.#outputs.has(value);
  }

  usersOf(value: ValueId): readonly ValueId[] {
    return this.#users[value]!;
  }

  /** Whether all axes but the last are of few elements. */
  hasFewRows(shape: readonly Size[]): boolean {
    const rows = shape.slice(0, -1).reduce((product, extent) => mul(product, extent), size(1));
    return rangeOf(rows).max <= this.fewRows.most && shape.length > 0 && constantOf(shape.at(-1)!) !== null;
  }

  /** The stored values of the kernels that read a value; null where others read it too. */
  readersOf(value: ValueId): readonly ValueId[] | null {
    const found = new Set<ValueId>();
    const passed = new Set<ValueId>([value]);
    for (const each of passed) {
      if (each !== value && this.#outputs.has(each) && this.placements[each] !== "stored") return null;
      for (const user of this.#users[each]!) {
        if (this.placements[user] === "stored") found.add(user);
        else passed.add(user);
      }
    }
    return found.size > mostReaders ? null : [...found];
  }

  groupOf(root: ValueId): Group {
    const members = new Set<ValueId>([root]);
    const reads = new Set<ValueId>();
    for (const each of members) {
      for (const operand of this.graph.nodes[each]!.operands) {
        const isRead = this.placements[operand] === "stored" || this.class(operand) === "given";
        (isRead ? reads : members).add(operand);
      }
    }
    return { members: [...members], reads };
  }

  /** The buffers that some values take, of which small ones that are known at load can lie in one. */
  buffersOf(reads: ReadonlySet<ValueId>): number {
    const vectors = [...reads].filter((each) => this.#isVector(each)).length;
    return reads.size - Math.max(0, vectors - 1);
  }

  #isVector(value: ValueId): boolean {
    const { element, shape } = this.graph.types[value]!;
    const count = shape.reduce((product, extent) => product * (constantOf(extent) ?? Number.POSITIVE_INFINITY), 1);
    const isChosenFrom = this.#users[value]!.some((user) => this.class(user) === "gather");
    return this.isLoadTime[value]! && element === "f32" && count <= mostVectorElements && !isChosenFrom;
  }

  /** Whether a value is known at load, or chosen from what is, as matrices of experts are. */
  isKnown(value: ValueId): boolean {
    return this.isLoadTime[value]! || this.#choiceOf(value) !== null;
  }

  /** How a value is chosen from what is known at load, if it is, and perhaps cut along other axes than those of the choice. */
  #choiceOf(value: ValueId): { readonly first: number; readonly count: number } | null {
    const { nodes, types } = this.graph;
    const passed: ValueId[] = [];
    let at = value;
    for (;;) {
      const { operator, operands } = nodes[at]!;
      passed.push(at);
      if (operator !== "slice" && operator !== "reshape") break;
      at = operands[0]!;
    }
    const node = nodes[at]!;
    if (node.operator !== "take" || !this.isLoadTime[node.operands[0]!]) return null;
    const [first, count] = [node.attributes.axis, types[node.operands[1]!]!.shape.length];
    const { shape } = types[at]!;
    const isKept = passed.every((each) =>
      shape.slice(0, first + count).every((extent, axis) => types[each]!.shape[axis] === extent),
    );
    return isKept ? { first, count } : null;
  }

  /** Whether a product is of few rows and of something that is known at load; rows may choose from it, each for itself. */
  isOfFewRows(value: ValueId): boolean {
    const { nodes, types } = this.graph;
    const node = nodes[value]!;
    if (node.operator !== ("einsum" satisfies OperatorName) || node.operands.length !== 2) return false;
    const { inputs, output } = node.attributes;
    const known = node.operands.findIndex((each) => this.isKnown(each));
    if (known < 0 || node.operands.every((each) => this.isKnown(each))) return false;
    const weight = node.operands[known]!;
    const { first, count } = (this.isLoadTime[weight] ? null : this.#choiceOf(weight)) ?? { first: 0, count: 0 };
    const own = inputs[known]!.filter((_, axis) => axis < first || axis >= first + count);
    const rows = inputs[1 - known]!.filter((label) => output.includes(label));
    const { shape } = types[value]!;
    const extents = rows.map((label) => shape[output.indexOf(label)]!);
    const isFew = rangeOf(extents.reduce((product, extent) => mul(product, extent), size(1))).max <= this.fewRows.most;
    return isFew && !rows.some((label) => own.includes(label));
  }
}
