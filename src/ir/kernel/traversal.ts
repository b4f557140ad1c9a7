/** Walks over kernels: statements, expressions, the buffers and sizes that they mention. */
import { type Size, type SizeVariable, variablesOf } from "../../sizes/index.js";
import type { Buffer, Expression, Kernel, Statement } from "./kernel.js";

/** The expressions that an expression is directly made of. */
export function operandsOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case "constant":
    case "index":
      return [];
    case "unary":
    case "cast":
      return [expression.operand];
    case "binary":
      return [expression.left, expression.right];
    case "select":
      return [expression.condition, expression.yes, expression.no];
    case "load":
      return expression.index;
  }
}

/** The expressions that a statement itself evaluates, without those of its body. */
export function expressionsOf(statement: Statement): readonly Expression[] {
  if (statement.kind === "store") return [...statement.index, statement.value];
  return statement.kind === "if" ? [statement.condition] : [];
}

/** The statements of a statement's body. */
export function bodyOf(statement: Statement): readonly Statement[] {
  return statement.kind === "for" || statement.kind === "if" ? statement.body : [];
}

/** Every expression below the roots once, operands first. */
export function distinctExpressions(roots: readonly Expression[]): ReadonlySet<Expression> {
  const found = new Set<Expression>();
  const visit = (expression: Expression): void => {
    if (found.has(expression)) return;
    for (const operand of operandsOf(expression)) visit(operand);
    found.add(expression);
  };
  for (const root of roots) visit(root);
  return found;
}

/** Every statement, outer ones first. */
export function allStatements(body: readonly Statement[]): readonly Statement[] {
  const found: Statement[] = [];
  const visit = (statements: readonly Statement[]): void => {
    for (const statement of statements) {
      found.push(statement);
      visit(bodyOf(statement));
    }
  };
  visit(body);
  return found;
}

/** Every expression of a body once. */
export function allExpressions(body: readonly Statement[]): ReadonlySet<Expression> {
  return distinctExpressions(allStatements(body).flatMap(expressionsOf));
}

/** The buffers that a body loads from, in order of first mention. */
export function loadedBuffers(body: readonly Statement[]): ReadonlySet<Buffer> {
  const found = new Set<Buffer>();
  for (const expression of allExpressions(body)) if (expression.kind === "load") found.add(expression.buffer);
  return found;
}

/** The buffers that a body stores to, in order of first mention. */
export function storedBuffers(body: readonly Statement[]): ReadonlySet<Buffer> {
  const found = new Set<Buffer>();
  for (const statement of allStatements(body)) if (statement.kind === "store") found.add(statement.buffer);
  return found;
}

/** The run-time sizes that a body and the shapes of buffers mention: all variables but those of loops, by name. */
export function mentionedSizes(body: readonly Statement[], buffers: readonly Buffer[]): readonly SizeVariable[] {
  const found = new Set<SizeVariable>();
  const loops = new Set<SizeVariable>();
  const mention = (value: Size): void => {
    for (const variable of variablesOf(value)) found.add(variable);
  };
  for (const buffer of buffers) buffer.shape.forEach(mention);
  for (const statement of allStatements(body)) {
    if (statement.kind === "alloc") statement.buffer.shape.forEach(mention);
    if (statement.kind !== "for") continue;
    loops.add(statement.variable);
    mention(statement.extent);
  }
  for (const expression of allExpressions(body)) if (expression.kind === "index") mention(expression.value);
  return [...found].filter((each) => !loops.has(each)).sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

/** The distinct variables of loops, in order. */
export function loopVariables(kernel: Pick<Kernel, "body">): readonly SizeVariable[] {
  const found = new Set<SizeVariable>();
  for (const statement of allStatements(kernel.body)) if (statement.kind === "for") found.add(statement.variable);
  return [...found];
}
