/**
 * What is known of positions: a conjunction of differences, index(left) - index(right) <= most, over axes of a value.
 *
 * Positions range over all whole numbers, also those that are of no sequence. What must stay true: every operation here
 * may forget, and never claims more than follows; `"never"` holds for no positions.
 */

/** index(left) - index(right) <= most. */
export interface Difference {
  readonly left: number;
  readonly right: number;
  readonly most: number;
}

export type Predicate = readonly Difference[] | "never";

/** Nothing is known: it holds for all positions. */
export const always: Predicate = [];

/** Whether it says nothing. */
export function saysNothing(p: Predicate): boolean {
  return p !== "never" && p.length === 0;
}

/** The bound on index(left) - index(right), Infinity where there is none. */
export function boundOf(p: readonly Difference[], left: number, right: number): number {
  return p.find((each) => each.left === left && each.right === right)?.most ?? Infinity;
}

/** Both hold. */
export function meet(p: Predicate, q: Predicate): Predicate {
  if (p === "never" || q === "never") return "never";
  const kept = p.map((each) => ({ ...each, most: Math.min(each.most, boundOf(q, each.left, each.right)) }));
  return [...kept, ...q.filter(({ left, right }) => boundOf(p, left, right) === Infinity)];
}

/** What holds wherever one of them does. */
export function join(p: Predicate, q: Predicate): Predicate {
  if (p === "never") return q;
  if (q === "never") return p;
  return p
    .map((each) => ({ ...each, most: Math.max(each.most, boundOf(q, each.left, each.right)) }))
    .filter(({ most }) => most < Infinity);
}

/** The same of other axes; what it says of an axis that has none is forgotten. */
export function renamed(p: Predicate, axes: ReadonlyMap<number, number>): Predicate {
  if (p === "never") return p;
  return p.flatMap(({ left, right, most }) => {
    const [a, b] = [axes.get(left), axes.get(right)];
    return a === undefined || b === undefined || a === b ? [] : [{ left: a, right: b, most }];
  });
}

/** With what follows: s - r <= a and r - t <= b give s - t <= a + b. */
export function closed(p: Predicate): Predicate {
  if (p === "never") return p;
  const axes = new Set(p.flatMap(({ left, right }) => [left, right]));
  if (axes.size < 3) return p;
  let result: readonly Difference[] = p;
  for (const between of axes) {
    for (const left of axes) {
      for (const right of axes) {
        if (left === right || left === between || right === between) continue;
        const most = boundOf(result, left, between) + boundOf(result, between, right);
        if (most >= boundOf(result, left, right)) continue;
        result = [...result.filter((each) => each.left !== left || each.right !== right), { left, right, most }];
      }
    }
  }
  return result;
}
