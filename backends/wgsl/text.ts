/** How statements of shaders are written: what reads better, and what a scalar's declaration can hold. */
import { type Buffer, type Expression, expressionsOf, type Statement } from "../../src/ir/kernel/index.js";
import type { SizeVariable } from "../../src/sizes/index.js";
import { countUses } from "../common/constants.js";

type Store = Extract<Statement, { kind: "store" }>;

/** `x = x + y` as `x += y`, which reads better. */
export function compound(line: string): string {
  const match = /^(\S+) = (\S+) \+ (.*);$/.exec(line);
  return match !== null && match[1] === match[2] && isPlainSum(match[3]!) ? `${match[1]} += ${match[3]};` : line;
}

/** Whether nothing in the text binds less tightly than a sum. */
function isPlainSum(text: string): boolean {
  return !/ (<|>|<=|>=|==|!=|&&|\|\|) /.test(text);
}

export function isVariable({ scope, shape }: Buffer): boolean {
  return scope === "private" && shape.length === 0;
}

export function plainName({ name }: SizeVariable): string {
  return name.replace(/(?<=[A-Za-z])\d+$/, "");
}

/** Whether a statement gives a scalar its first value, which does not depend on it. */
export function isFirstValue(buffer: Buffer, statement: Statement): statement is Store {
  return (
    statement.kind === "store" &&
    statement.buffer === buffer &&
    statement.update === null &&
    buffer.shape.length === 0 &&
    buffer.scope === "private" &&
    !expressionsOf(statement).some((each) => mentionsBuffer(each, buffer))
  );
}

function mentionsBuffer(expression: Expression, buffer: Buffer): boolean {
  return [...countUses([expression], () => false).keys()].some(
    (each) => each.kind === "load" && each.buffer === buffer,
  );
}

export function indented(lines: readonly string[]): string[] {
  return lines.map((line) => (line === "" ? "" : `  ${line}`));
}
