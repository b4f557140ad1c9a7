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
 * Cuts a list where a contraction of what came before stands between two products: that of one layer's keys is not merged
 * with that of the next, which would keep the keys of all layers at once, and make of equal layers different ones.
 */
function closeTogether({ nodes }: Graph, members: readonly Member[]): readonly (readonly Member[])[] {
  const [first, ...others] = members;
  if (first === undefined) return [];
  const lists: Member[][] = [[first]];
  let at = first.value;
  let after = new Set<ValueId>([first.value]);
  let isCut = false;
  for (const member of others) {
    for (let id = at + 1; id < member.value; id++) {
      const { operator, operands } = nodes[id]!;
      if (!operands.some((operand) => after.has(operand))) continue;
      after.add(id as ValueId);
      if (operator === "einsum") isCut = true;
    }
    if (isCut) {
      lists.push([member]);
      after = new Set();
      isCut = false;
    } else lists.at(-1)!.push(member);
    after.add(member.value);
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
