/** Expressions of vector loops as WGSL: those that depend on the loop as vec4f, the others as what they are. */
import { InternalError } from "../../src/diagnostics/index.js";
import type { Expression, KernelElement } from "../../src/ir/kernel/index.js";
import { dependsOn } from "../../src/schedule/legalise/vectors.js";
import type { SizeVariable } from "../../src/sizes/index.js";
import { type Code, call, infix, inside, level, prefix, primary } from "../common/code.js";
import { type ExpressionContext, largestExponent } from "./expressions.js";

type Load = Extract<Expression, { kind: "load" }>;

export interface VectorContext {
  readonly vector: SizeVariable;
  /** What does not depend on the loop. */
  readonly scalar: (expression: Expression) => Code;
  /** Neighbours in memory, or a vector. */
  readonly load: (load: Load) => Code;
  readonly helper: ExpressionContext["helper"];
}

export function vectorType(element: KernelElement): string {
  return element === "f16" ? "vec4h" : "vec4f";
}

/** A value of a vector loop as vec4f, or as vec4h where it is f16. */
export function vectorCode(value: Expression, context: VectorContext): Code {
  const isVector = dependsOn(value, context.vector);
  return isVector ? ownCode(value, context) : call(vectorType(value.element), context.scalar(value));
}

const operators = { add: "+", sub: "-", mul: "*", div: "/" } as const;

function ownCode(value: Expression, context: VectorContext): Code {
  const whole = (each: Expression): Code => vectorCode(each, context);
  /** Arithmetic takes a number and a vector too. */
  const either = (each: Expression): Code =>
    dependsOn(each, context.vector) ? ownCode(each, context) : context.scalar(each);
  switch (value.kind) {
    case "load":
      return context.load(value);
    case "unary":
      if (value.operator === "neg") return prefix("-", either(value.operand));
      if (value.operator === "exp")
        return call("exp", call("min", whole(value.operand), call("vec4f", largestExponent)));
      return call(value.operator, whole(value.operand));
    case "binary": {
      const { operator, left, right } = value;
      if (operator === "max" || operator === "min") return call(operator, whole(left), whole(right));
      if (operator !== "add" && operator !== "sub" && operator !== "mul" && operator !== "div") break;
      const [a, b] = [either(left), either(right)];
      if (operator === "div") {
        return { text: `${inside(a, level.power)} / ${inside(b, level.power)}`, level: level.multiplicative };
      }
      const at = operator === "mul" ? level.multiplicative : level.additive;
      return infix(a, operators[operator], b, at);
    }
    case "select":
      return call("select", whole(value.no), whole(value.yes), context.scalar(value.condition));
    case "cast":
      if (value.element === "f16") return call(context.helper("to_half_4"), whole(value.operand));
      return call("vec4f", whole(value.operand));
    default:
  }
  throw new InternalError(`${value.kind} is left in a vector loop`);
}

export const componentNames = ["x", "y", "z", "w"] as const;

/** A number of a vector. */
export function component(vector: Code, at: number): Code {
  return primary(`${inside(vector, level.power)}.${componentNames[at]}`);
}
