/**
 * What a kernel is called, for readers of dumps, pictures and generated code: a word for what it computes, and one for what
 * it does with that.
 *
 * - `attention`: a softmax with the contraction that reads it; `softmax` alone
 * - `matmul`: a contraction over a weight; `einsum`: one over values. After it `_gelu`, or what function of the source is
 *   applied, `_residual` where a value is added, `_bias` where only weights are; before it `normalise_`
 * - `normalise`: a mean or sum of a row, and the root that the row is scaled by
 * - `embed`: rows of a weight; `take`: of a value
 * - the function of the source that several operators come from, such as `rotate`
 * - else the operator, after the first stage that is computed in place for it
 *
 * Names need not be unique: who declares functions numbers them.
 */
import { type Graph, loadTimeValues, type OperatorName, type Scope, type ValueId } from "../ir/graph/index.js";
import { rules } from "./table.js";

/** Names the kernels of one graph. */
export class KernelNames {
  readonly #isLoadTime: readonly boolean[];

  constructor(readonly graph: Graph) {
    this.#isLoadTime = loadTimeValues(graph);
  }

  /**
   * @param operator what it is drafted for: an operator of the Graph, or `append` and the like
   * @param value its result. @param computed what it computes in place besides
   */
  of(operator: string, value: ValueId, computed: ReadonlySet<ValueId>): string {
    if (operator !== this.#operatorOf(value)) return operator;
    const all = [...new Set([...computed, value])].sort((a, b) => a - b);
    const [softmax] = this.#those(all, "softmax");
    const contraction = this.#those(all, "einsum").at(-1);
    if (softmax !== undefined && contraction !== undefined && softmax < contraction) return "attention";
    const normalised = this.#normalised(all);
    if (contraction !== undefined) {
      const stem = this.#reads(contraction, (each) => this.#isLoadTime[each]!) ? "matmul" : "einsum";
      const before = normalised !== null && normalised < contraction ? "normalise_" : "";
      const after = softmax === undefined ? this.#after(contraction, all) : "_softmax";
      return `${before}${stem}${after}`;
    }
    if (softmax !== undefined) return "softmax";
    if (normalised !== null) return "normalise";
    const [taken] = this.#those(all, "take");
    if (taken !== undefined) return this.#isLoadTime[this.graph.nodes[taken]!.operands[0]!] ? "embed" : "take";
    return this.#function(value, all) ?? this.#operators(operator, computed);
  }

  #operatorOf(value: ValueId): OperatorName {
    return this.graph.nodes[value]!.operator;
  }

  #those(values: readonly ValueId[], operator: OperatorName): readonly ValueId[] {
    return values.filter((each) => this.#operatorOf(each) === operator);
  }

  #reads(value: ValueId, is: (operand: ValueId) => boolean): boolean {
    return this.graph.nodes[value]!.operands.some(is);
  }

  /** The root by which a row is scaled, after its mean or sum. */
  #normalised(all: readonly ValueId[]): ValueId | null {
    const [row] = [...this.#those(all, "mean"), ...this.#those(all, "sum")];
    if (row === undefined) return null;
    return [...this.#those(all, "rsqrt"), ...this.#those(all, "sqrt")].find((root) => root > row) ?? null;
  }

  /** What is done with a contraction: the function of the source that is applied to it, or what is added. */
  #after(contraction: ValueId, all: readonly ValueId[]): string {
    const own = functionOf(this.graph.scopes[contraction] ?? null);
    const later = all.filter((each) => each > contraction && rules[this.#operatorOf(each)].kind === "map");
    const applied = later.map((each) => functionOf(this.graph.scopes[each] ?? null));
    const name = applied.findLast((each) => each !== null && each !== own) ?? null;
    if (name !== null) return `_${name.name}`;
    const sums = this.#those(later, "add");
    const isOwn = new Set(all);
    const isGiven = (operand: ValueId): boolean => !isOwn.has(operand) && !this.#isLoadTime[operand];
    if (sums.some((sum) => this.#reads(sum, isGiven))) return "_residual";
    return sums.some((sum) => this.#reads(sum, (operand) => this.#isLoadTime[operand]!)) ? "_bias" : "";
  }

  /** The function that all of several operators stand in. */
  #function(value: ValueId, all: readonly ValueId[]): string | null {
    const scope = functionOf(this.graph.scopes[value] ?? null);
    const counted = all.filter((each) => !["inline", "stored"].includes(rules[this.#operatorOf(each)].kind));
    if (scope === null || counted.length < 3) return null;
    return counted.every((each) => functionOf(this.graph.scopes[each] ?? null) === scope) ? scope.name : null;
  }

  #operators(operator: string, computed: ReadonlySet<ValueId>): string {
    const operators = [...computed].map((each) => this.#operatorOf(each));
    const stage = operators.find((each) => rules[each].kind === "staged");
    return stage === undefined || stage === operator ? operator : `${stage}_${operator}`;
  }
}

/** The outermost function around a node within its layer, if there is one. */
function functionOf(scope: Scope | null): Scope | null {
  let found: Scope | null = null;
  for (let at = scope; at !== null && at.kind === "function"; at = at.parent) found = at;
  return found;
}
