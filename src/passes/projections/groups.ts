/** Which products become one: of one value, close together, with weights that differ in their columns alone. */
import type { Graph, ValueId } from "../../ir/graph/index.js";
import type { Member, Product, Products } from "./members.js";

export interface Groups {
  readonly groups: readonly (readonly Member[])[];
  /** Products that nearly were in a group, and why they are not. */
  readonly missed: readonly { readonly product: Product; readonly reason: string }[];
}

export function groupsOf(graph: Graph, products: Products): Groups {
  const groups: Member[][] = [];
  const missed: { readonly product: Product; readonly reason: string }[] = [];
  const byKey = new Map<string, Product[]>();
  for (const product of products.all) byKey.set(product.key, [...(byKey.get(product.key) ?? []), product]);
  for (const alike of byKey.values()) {
    if (alike.length < 2) continue;
    const members: Member[] = [];
    for (const product of alike) {
      const member = products.memberOf(product);
      if (typeof member === "string") missed.push({ product, reason: member });
      else members.push(member);
    }
    for (const close of closeTogether(graph, members)) groups.push(...ofOneShape(graph, close));
  }
  return { groups: unsharedGroups(products, groups, missed), missed };
}

/**
 * Cuts a list where a layer stands between two products, that is a softmax of what came before, or a contraction of a
 * contraction of it: the keys of one layer are not merged with those of the next. That would keep the keys of all layers
 * at once, and make of equal layers different ones.
 */
function closeTogether({ nodes }: Graph, members: readonly Member[]): readonly (readonly Member[])[] {
  const lists: Member[][] = [];
  /** How many contractions stand between what came before and a value that depends on it. */
  let depths = new Map<ValueId, number>();
  let at: ValueId | null = null;
  for (const member of members) {
    let isCut = at === null;
    for (let id = (at ?? member.value) + 1; id < member.value; id++) {
      const { operator, operands } = nodes[id]!;
      const depth = Math.max(-1, ...operands.map((operand) => depths.get(operand) ?? -1));
      if (depth < 0) continue;
      const own = depth + (operator === "einsum" ? 1 : 0);
      depths.set(id as ValueId, own);
      if (operator === "softmax" || own > 1) isCut = true;
    }
    if (isCut) {
      lists.push([]);
      depths = new Map();
    }
    lists.at(-1)!.push(member);
    depths.set(member.value, 0);
    at = member.value;
  }
  return lists;
}

/** Members whose weights have the same sizes but for their columns, where there are several. */
function ofOneShape({ types }: Graph, members: readonly Member[]): readonly Member[][] {
  const byShape = new Map<string, Member[]>();
  for (const member of members) {
    const { shape } = types[member.weight]!;
    const key = shape.map((extent, axis) => (axis === member.column.ofWeight ? "" : extent.id)).join();
    byShape.set(key, [...(byShape.get(key) ?? []), member]);
  }
  return [...byShape.values()].filter((each) => each.length > 1);
}

/** Groups whose weights nothing else reads: a weight that stays would be held twice. */
function unsharedGroups(
  products: Products,
  groups: readonly (readonly Member[])[],
  missed: { readonly product: Product; readonly reason: string }[],
): readonly (readonly Member[])[] {
  const merged = new Set(groups.flat().map(({ value }) => value));
  return groups.flatMap((group) => {
    const alone = group.filter(({ weight }) => products.usersOf(weight).every((user) => merged.has(user)));
    for (const product of group) {
      if (!alone.includes(product)) missed.push({ product, reason: "its weight is read elsewhere" });
    }
    return alone.length > 1 ? [alone] : [];
  });
}
