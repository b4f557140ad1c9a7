/** Small facts about the syntax tree that several checks need. */
import type * as ast from "../syntax/index.js";

/**
 * Whether a type is one of static values: int, float, bool, string, fn, or a list of them. `bool[n]` is a list among
 * the static arguments of a block or model, and a tensor elsewhere.
 */
export function isStaticType(type: ast.Type, amongStatics: boolean): boolean {
  const { element, dimensions } = type;
  if (element === "int" || element === "float" || element === "string" || element === "fn") return true;
  if (element !== "bool") return false;
  return dimensions === null || (amongStatics && dimensions.every((d) => d.kind !== "rest"));
}

/** `_` as a size of an argument: any size, which binds nothing. */
export function isAnySize(e: ast.Expression): boolean {
  return e.kind === "name" && e.name === "_";
}

/** A name that an axis binds, and what it is multiplied with there. */
export interface BoundName {
  readonly name: ast.ExpressionOf<"name">;
  readonly factors: readonly ast.Expression[];
}

/** The name that an axis of an entry's input binds: the only one not known in `T`, or in a product such as `4 * N`. */
export function boundName(size: ast.Expression, isKnown: (name: string) => boolean): BoundName | null {
  const all = factorsOf(size);
  const open = all.filter((x) => x.kind === "name").filter((x) => !isAnySize(x) && !isKnown(x.name));
  const [name, ...others] = open;
  return name && others.length === 0 ? { name, factors: all.filter((x) => x !== name) } : null;
}

function factorsOf(e: ast.Expression): readonly ast.Expression[] {
  if (e.kind === "group") return factorsOf(e.value);
  return e.kind === "binary" && e.operator === "*" ? [...factorsOf(e.left), ...factorsOf(e.right)] : [e];
}

/** The expressions in the dimensions of a type: sizes, bounds and counts. */
export function dimensionExpressions(type: ast.Type): ast.Expression[] {
  return (type.dimensions ?? []).flatMap((d) => {
    if (d.kind === "rest") return [];
    if (d.kind === "index") return [d.count];
    return d.bound ? [d.size, d.bound] : [d.size];
  });
}

/** The expressions directly inside one; the body of a comprehension is left to the caller, which knows its scope. */
export function childrenOf(e: ast.Expression): readonly ast.Expression[] {
  switch (e.kind) {
    case "number":
    case "string":
    case "boolean":
    case "name":
    case "missing":
    case "comprehension":
      return [];
    case "tuple":
    case "list":
      return e.items;
    case "group":
    case "negate":
    case "not":
    case "transpose":
      return [e.value];
    case "binary":
      return [e.left, e.right];
    case "compare":
      return e.operands;
    case "conditional":
      return [e.condition, e.yes, e.no];
    case "call":
      return [e.callee, ...e.arguments.map((a) => a.value)];
    case "index":
      return [
        e.value,
        ...e.subscripts.flatMap((s) =>
          s.kind === "at" ? [s.index] : s.kind === "range" ? [s.low, s.high].filter((x) => x !== null) : [],
        ),
      ];
  }
}
