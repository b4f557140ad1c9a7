/**
 * Turns expressions of a kernel into functions that compute them for the current iteration.
 *
 * What must stay true: a part that a statement uses twice is computed once, so that time grows with the expressions and
 * not with the paths through them; i32 wraps; in precision "f32" every result is rounded. In precision "f64" only
 * results that are made of indices alone are rounded, as in the Graph's interpreter, where position tables are f32.
 */
import type { BinaryOperator } from "../ir/graph/operators.js";
import { roundTo } from "../ir/graph/rounding.js";
import {
  type Buffer,
  distinctExpressions,
  type Expression,
  type KernelBinary,
  type KernelElement,
  operandsOf,
  type UpdateOperator,
} from "../ir/kernel/index.js";
import type { Size, SizeVariable } from "../sizes/index.js";
import { binaryFunction, castFunction, unaryFunctions } from "./graph-functions.js";
import type { Agent } from "./kernel-agents.js";
import type { Memory } from "./kernel-memory.js";
import { type SizeFunction, sizeFunction } from "./kernel-sizes.js";

/** What an iteration of a kernel sees. */
export interface Environment {
  /** Values of loop variables and of shared parts, by slot. */
  slots: Float64Array;
  memories: Map<Buffer, Memory>;
  agent: Agent | null;
  /** The access that is being made, for errors. */
  access: { readonly verb: "reads" | "writes"; readonly buffer: Buffer; readonly index: Float64Array } | null;
}

export type Evaluate = () => number;

const graphNames: { readonly [K in KernelBinary]: BinaryOperator } = {
  add: "add",
  sub: "sub",
  mul: "mul",
  div: "div",
  floor_div: "floor_div",
  mod: "mod",
  pow: "pow",
  max: "maximum",
  min: "minimum",
  lt: "lt",
  le: "le",
  eq: "eq",
  ne: "ne",
  and: "and",
  or: "or",
};

/** How an update combines what is there with what is stored. */
export function updateFunction(operator: UpdateOperator, element: KernelElement): (a: number, b: number) => number {
  return binaryFunction(graphNames[operator], element);
}

export class ExpressionCompiler {
  #slots = 0;
  readonly #variables = new Map<SizeVariable, number>();
  readonly #made = new Map<Expression, Evaluate>();
  readonly #hasLoad = new Map<Expression, boolean>();

  constructor(
    readonly environment: Environment,
    readonly sizeOf: (variable: SizeVariable) => number,
    readonly precision: "f64" | "f32",
  ) {}

  /** How many slots the compiled functions use. */
  get slots(): number {
    return this.#slots;
  }

  /** The slot of a loop's variable. */
  slotOf(variable: SizeVariable): number {
    let slot = this.#variables.get(variable);
    if (slot === undefined) {
      slot = this.#slots++;
      this.#variables.set(variable, slot);
    }
    return slot;
  }

  size(value: Size): SizeFunction {
    const { environment } = this;
    return sizeFunction(value, (variable) => {
      const slot = this.#variables.get(variable);
      return slot === undefined ? this.sizeOf(variable) : () => environment.slots[slot]!;
    });
  }

  /**
   * Functions for the expressions of one statement. `prepare` computes the parts that several of them share, and must
   * be called before them, in every iteration.
   */
  statement(roots: readonly Expression[]): { readonly prepare: () => void; readonly values: readonly Evaluate[] } {
    const { environment } = this;
    const uses = new Map<Expression, number>();
    const all = distinctExpressions(roots);
    const count = (each: Expression): unknown => uses.set(each, (uses.get(each) ?? 0) + 1);
    roots.forEach(count);
    for (const expression of all) operandsOf(expression).forEach(count);
    this.#made.clear();
    const steps: { readonly slot: number; readonly compute: Evaluate }[] = [];
    for (const expression of all) {
      const compute = this.#compile(expression);
      const isShared = (uses.get(expression) ?? 0) > 1 && expression.kind !== "constant" && expression.kind !== "index";
      if (isShared) {
        const slot = this.#slots++;
        steps.push({ slot, compute });
        this.#made.set(expression, () => environment.slots[slot]!);
      } else this.#made.set(expression, compute);
    }
    return {
      prepare: () => {
        for (const { slot, compute } of steps) environment.slots[slot] = compute();
      },
      values: roots.map((root) => this.#made.get(root)!),
    };
  }

  /** The function of an expression whose operands have theirs. */
  #compile(expression: Expression): Evaluate {
    const { environment } = this;
    const round = this.#rounding(expression);
    const made = (each: Expression): Evaluate => this.#made.get(each)!;
    switch (expression.kind) {
      case "constant": {
        const { value } = expression;
        return () => value;
      }
      case "index":
        return this.size(expression.value);
      case "unary": {
        const f = unaryFunctions[expression.operator];
        const x = made(expression.operand);
        return () => round(f(x()));
      }
      case "binary": {
        const f = binaryFunction(graphNames[expression.operator], expression.left.element);
        const [a, b] = [made(expression.left), made(expression.right)];
        return () => round(f(a(), b()));
      }
      case "select": {
        const [condition, yes, no] = [made(expression.condition), made(expression.yes), made(expression.no)];
        return () => {
          // Both sides are evaluated, so that a load that must not happen is found.
          const [a, b] = [yes(), no()];
          return condition() === 0 ? b : a;
        };
      }
      case "cast": {
        const f = castFunction(expression.element);
        const x = made(expression.operand);
        return () => round(f(x()));
      }
      case "load": {
        const { buffer } = expression;
        const indices = expression.index.map(made);
        const access = { verb: "reads" as const, buffer, index: new Float64Array(indices.length) };
        return () => {
          for (let axis = 0; axis < indices.length; axis++) access.index[axis] = indices[axis]!();
          environment.access = access;
          const memory = environment.memories.get(buffer)!;
          return memory.read(memory.offset(access.index), environment.agent);
        };
      }
    }
  }

  #rounding(expression: Expression): (value: number) => number {
    const { element } = expression;
    if (element === "i32") return (value) => value | 0;
    const hasLoad = expression.kind === "load" || operandsOf(expression).some((each) => this.#hasLoad.get(each));
    this.#hasLoad.set(expression, hasLoad);
    if (element === "bool" || (this.precision === "f64" && hasLoad)) return (value) => value;
    return element === "f32" ? Math.fround : (value) => roundTo(element, value);
  }
}
