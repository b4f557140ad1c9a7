/**
 * Elaboration: walks the bodies of a model's entry, the blocks and functions that it reaches included, computes what is
 * static, checks every size, and emits the rest into a Graph.
 *
 * What must stay true: a block is elaborated at each use with the sizes that it has there; a mistake is reported once,
 * and what depends on it is silent; nothing here treats a library function by name.
 */
import type { Span } from "../../src/diagnostics/index.js";
import type { Size } from "../../src/sizes/index.js";
import { render, size } from "../../src/sizes/index.js";
import type { Environment } from "../check/environment.js";
import { childrenOf } from "../check/syntax-facts.js";
import {
  boolean,
  describe,
  float,
  integer,
  isNumber,
  isRunning,
  type TensorValue,
  unknown,
  type Value,
} from "../check/values.js";
import type * as ast from "../syntax/index.js";
import { call } from "./calls.js";
import { comprehension, conditionalElement } from "./comprehension.js";
import { type Context, fail, inner } from "./context.js";
import { index } from "./indexing.js";
import { matmul } from "./matmul.js";
import { binary, dropAxis, slice, unary } from "./operators.js";
import { statement } from "./statements.js";
import { countOf, knownWhole, sizeOf, staticArithmetic, staticComparison } from "./statics.js";

const comparisons = { "==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "lt", ">=": "le" } as const;
const arithmetic = {
  "+": "add",
  "-": "sub",
  "*": "mul",
  "/": "div",
  "//": "floor_div",
  "%": "mod",
  "**": "pow",
} as const;

export class Elaborator {
  /** The alternatives of the path of the layer whose body is being elaborated. */
  paths: readonly string[] = [""];

  constructor(readonly ctx: Context) {}

  // ---- text

  /** A part of the program as it is written. */
  text(node: { readonly span: Span }): string {
    return node.span.file.text.slice(node.span.start, node.span.end);
  }

  /** The names that an expression mentions. */
  namesIn(e: ast.Expression): string[] {
    return e.kind === "name" ? [e.name] : childrenOf(e).flatMap((c) => this.namesIn(c));
  }

  // ---- static wants

  /** An expression as a size; null if it is unknown. */
  size(e: ast.Expression, env: Environment, what: string): Size | null {
    const v = this.expression(e, env);
    if (v.kind === "tensor") this.#undivided(e, env, what);
    return sizeOf(v, what);
  }

  /** A quotient of run-time sizes that is not proven to be whole is computed when running, and is no size. */
  #undivided(e: ast.Expression, env: Environment, what: string): void {
    if (e.kind === "group") this.#undivided(e.value, env, what);
    if (e.kind !== "binary" || e.operator !== "/") return;
    const [n, by] = [this.expression(e.left, env), this.expression(e.right, env)];
    if (n.kind !== "integer" || by.kind !== "integer") return;
    fail("E0401", `${what}: ${render(n.size)} / ${render(by.size)} may not be whole`, {
      at: e.span,
      help: [...this.ctx.undivided(n.size, by.size), "// rounds down"],
    });
  }

  /** An expression as a whole number that is known now; null if it is unknown. */
  knownWhole(e: ast.Expression, env: Environment, what: string): number | null {
    return knownWhole(this.ctx, this.expression(e, env), what);
  }

  /** An expression as a count of layers, items or rounds; null if it is unknown. */
  count(e: ast.Expression, env: Environment, what: string): number | null {
    return countOf(this.ctx, this.expression(e, env), what);
  }

  /** A static boolean; null if it is unknown. */
  truth(e: ast.Expression, env: Environment, what: string): boolean | null {
    const v = this.expression(e, env);
    if (v.kind === "unknown") return null;
    if (v.kind === "boolean") return v.value;
    return fail("E0309", `${what} is a static boolean; ${describe(v)} is given`, {
      at: e.span,
      help:
        v.kind === "element"
          ? ["an element is chosen by an expression: if … then … else …"]
          : isRunning(v)
            ? ["where(condition, yes, no) chooses between tensors"]
            : [],
    });
  }

  // ---- bodies

  /** The value of a body: of its last statement. */
  body(body: ast.Body | ast.Expression, env: Environment): Value {
    if (body.kind !== "body") return this.expression(body, env);
    return this.statements(body.statements, env);
  }

  statements(statements: readonly ast.Statement[], env: Environment): Value {
    let value: Value = unknown;
    for (const s of statements) value = this.ctx.guard(s.span, unknown, () => statement(this, s, env));
    return value;
  }

  // ---- expressions

  /** The value of an expression. A mistake in it is reported, and gives the unknown value. */
  expression(e: ast.Expression, env: Environment): Value {
    return this.ctx.guard(e.span, unknown, () => this.#evaluate(e, env));
  }

  #evaluate(e: ast.Expression, env: Environment): Value {
    switch (e.kind) {
      case "number":
        return e.whole ? integer(e.value) : float(e.value);
      case "string":
        return { kind: "string", value: e.value };
      case "boolean":
        return boolean(e.value);
      case "name":
        return this.#name(e, env);
      case "missing":
        return unknown;
      case "group":
        return this.expression(e.value, env);
      case "tuple":
      case "list":
        return { kind: e.kind, items: e.items.map((x) => this.expression(x, env)) };
      case "negate":
        return this.#negate(this.expression(e.value, env));
      case "not":
        return this.#not(this.expression(e.value, env));
      case "binary":
        return this.#binary(e, env);
      case "compare":
        return this.#compare(e, env);
      case "conditional":
        return this.#conditional(e, env);
      case "call":
        return call(this, e, env);
      case "index":
        return index(this, e, env);
      case "transpose":
        return this.#transpose(this.expression(e.value, env));
      case "comprehension":
        return comprehension(this, e, env);
    }
  }

  #name(e: ast.ExpressionOf<"name">, env: Environment): Value {
    const value = env.get(e.name);
    // Name resolution has reported the names that are nowhere; what remains is one of a branch that was not taken.
    if (value || this.ctx.diagnostics.has("E0201", "E0206", "E0213")) return value ?? unknown;
    return fail("E0218", `${e.name} has no value here`, { help: ["it is introduced under another condition only"] });
  }

  #negate(v: Value): Value {
    if (v.kind === "unknown") return v;
    if (isNumber(v)) return staticArithmetic(this.ctx, "*", v, integer(-1)) ?? unknown;
    if (!isRunning(v)) fail("E0307", `- does not take ${describe(v)}`);
    return unary(this.ctx, "neg", v, "-");
  }

  #not(v: Value): Value {
    if (v.kind === "unknown") return v;
    if (v.kind === "boolean") return boolean(!v.value);
    if (!isRunning(v)) fail("E0307", `not takes booleans, not ${describe(v)}`);
    return unary(this.ctx, "not", v, "not");
  }

  #binary(e: ast.ExpressionOf<"binary">, env: Environment): Value {
    const { operator } = e;
    const left = this.expression(e.left, env);
    if (operator === "and" || operator === "or") return this.#logical(operator, left, e, env);
    const right = this.expression(e.right, env);
    if (left.kind === "unknown" || right.kind === "unknown") return unknown;
    if (operator === "@") return matmul(this, e, left, right);
    if (!isRunning(left) && !isRunning(right)) {
      const known = staticArithmetic(this.ctx, operator, left, right);
      if (known) return known;
      return this.#onRunTimeSizes(arithmetic[operator], left, right);
    }
    return this.#labelled(e, left, right, () => binary(this.ctx, arithmetic[operator], left, right));
  }

  /** Arithmetic on run-time sizes that is no formula, such as a root: computed when running, in f32. */
  #onRunTimeSizes(operator: (typeof arithmetic)[keyof typeof arithmetic], a: Value, b: Value): Value {
    if (this.ctx.abstract) return unknown;
    const f32 = (v: Value): Value => {
      const wire =
        v.kind === "integer"
          ? this.ctx.emit("cast", [this.ctx.emit("size", [], { value: v.size })], { to: "f32" })
          : null;
      return wire ? { kind: "tensor", ...wire, fill: null } : v;
    };
    return binary(this.ctx, operator, f32(a), isNumber(b) && b.kind === "float" ? b : f32(b));
  }

  /** Runs an operator; a mistake in it shows the types of both operands. */
  #labelled(
    e: { readonly left: ast.Expression; readonly right: ast.Expression; readonly operatorSpan: Span },
    left: Value,
    right: Value,
    run: () => Value,
  ): Value {
    return this.ctx.guard(e.operatorSpan, unknown, () => {
      try {
        return run();
      } catch (problem) {
        throw withLabels(problem, [
          { span: e.left.span, text: describe(left) },
          { span: e.right.span, text: describe(right) },
        ]);
      }
    });
  }

  #logical(operator: "and" | "or", left: Value, e: ast.ExpressionOf<"binary">, env: Environment): Value {
    const decides = operator === "or";
    const boolish = (v: Value) =>
      v.kind === "boolean" || v.kind === "unknown" || (isRunning(v) && v.type.element === "bool");
    if (!boolish(left)) fail("E0307", `${operator} takes booleans, not ${describe(left)}`, { at: e.left.span });
    if (left.kind === "boolean" && left.value === decides) return left;
    const right = this.expression(e.right, env);
    if (!boolish(right)) fail("E0307", `${operator} takes booleans, not ${describe(right)}`, { at: e.right.span });
    if (left.kind === "boolean") return right;
    if (right.kind === "boolean") return right.value === decides ? right : left;
    if (left.kind === "unknown" || right.kind === "unknown") return unknown;
    return this.#labelled(e, left, right, () => binary(this.ctx, operator, left, right));
  }

  #compare(e: ast.ExpressionOf<"compare">, env: Environment): Value {
    const values = e.operands.map((x) => this.expression(x, env));
    let all: Value = boolean(true);
    e.operators.forEach(({ operator, span }, i) => {
      const [a, b] = [values[i]!, values[i + 1]!];
      const sides = { left: e.operands[i]!, right: e.operands[i + 1]!, operatorSpan: span };
      let one: Value = unknown;
      if (a.kind !== "unknown" && b.kind !== "unknown") {
        if (!isRunning(a) && !isRunning(b))
          one = this.ctx.guard(span, unknown, () => staticComparison(this.ctx, operator, a, b));
        else {
          const swapped = operator === ">" || operator === ">=";
          one = this.#labelled(sides, a, b, () =>
            swapped
              ? binary(this.ctx, comparisons[operator], b, a, operator)
              : binary(this.ctx, comparisons[operator], a, b, operator),
          );
        }
      }
      all = this.#both(all, one);
    });
    return all;
  }

  #both(a: Value, b: Value): Value {
    if (a.kind === "boolean") return a.value ? b : a;
    if (b.kind === "boolean") return b.value ? a : b;
    if (a.kind === "unknown" || b.kind === "unknown") return unknown;
    return binary(this.ctx, "and", a, b);
  }

  #conditional(e: ast.ExpressionOf<"conditional">, env: Environment): Value {
    const condition = this.expression(e.condition, env);
    if (condition.kind === "boolean") return this.expression(condition.value ? e.yes : e.no, env);
    if (condition.kind === "unknown") {
      const [yes, no] = [this.expression(e.yes, env), this.expression(e.no, env)];
      return this.ctx.abstract ? this.either(yes, no) : unknown;
    }
    if (condition.kind === "element") return conditionalElement(this, condition, e, env);
    return fail(
      "E0309",
      `the condition of if is known when compiling, or an element; ${describe(condition)} is given`,
      {
        at: e.condition.span,
        help: isRunning(condition) ? ["where(condition, yes, no) chooses between tensors"] : [],
      },
    );
  }

  /** What is common to two values of which one will be taken: a tensor if both have its type. */
  either(yes: Value, no: Value): Value {
    if (
      yes.kind === "tensor" &&
      no.kind === "tensor" &&
      yes.type.element === no.type.element &&
      this.ctx.sameShape(yes.type.shape, no.type.shape)
    )
      return yes;
    return unknown;
  }

  #transpose(v: Value): Value {
    if (v.kind === "unknown") return v;
    if (v.kind !== "tensor") return fail("E0307", `.T exchanges the last two axes of a tensor, not of ${describe(v)}`);
    const rank = v.type.shape.length;
    if (rank < 2) fail("E0318", `.T exchanges the last two axes; ${describe(v)} has ${rank}`);
    const permutation = v.type.shape.map((_, i) => (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i));
    return { kind: "tensor", ...this.ctx.emit("transpose", [v], { permutation }), fill: v.fill };
  }

  // ---- unpacking

  /** The parts of a value: a tuple's, a list's, or a tensor's along its first axis. Null if unknown. */
  parts(v: Value, count: number): readonly Value[] | null {
    if (v.kind === "unknown") return null;
    let items: readonly Value[];
    if (v.kind === "tuple" || v.kind === "list") items = v.items;
    else if (v.kind === "tensor") items = this.#rows(v, count);
    else return fail("E0317", `${describe(v)} does not unpack`);
    if (items.length !== count) fail("E0317", `${count} names for ${items.length} values`);
    return items;
  }

  #rows(v: TensorValue, count: number): Value[] {
    const n = v.type.shape[0];
    if (n === undefined) return fail("E0317", `${describe(v)} has no axis to unpack`);
    const known = knownWhole(this.ctx, integer(n), "the first axis of a tensor that is unpacked") ?? count;
    if (known !== count) fail("E0317", `${count} names for the ${known} rows of ${describe(v)}`);
    return Array.from({ length: known }, (_, i) => ({
      kind: "tensor" as const,
      ...dropAxis(this.ctx, slice(this.ctx, v, 0, size(i), size(1)), 0),
      fill: v.fill,
    }));
  }

  inner(env: Environment): Environment {
    return inner(env);
  }
}

function withLabels(problem: unknown, labels: readonly { readonly span: Span; readonly text: string }[]): unknown {
  if (problem instanceof Error && "parts" in problem && "code" in problem) {
    const p = problem as import("./context.js").Problem;
    return Object.assign(p, { parts: { ...p.parts, labels: [...(p.parts.labels ?? []), ...labels] } });
  }
  return problem;
}
