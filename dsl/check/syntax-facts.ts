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
