/** What masks let through, by brute force: nothing visible lies outside of the bounds, and linear masks have no slack. */
import { describe, expect, test } from "vitest";
import { binary, type Expression, index, unary } from "../../src/ir/kernel/index.js";
import { visibleBounds } from "../../src/schedule/steps/visible.js";
import { add, evaluate, floorDiv, mul, type Size, SizeVariable, size, sub } from "../../src/sizes/index.js";

const T = 19;
const S = 23;

type Mask = (t: Size, s: Size) => Expression;
const le = (a: Size, b: Size | number): Expression => binary("le", index(a), index(b));
const lt = (a: Size, b: Size | number): Expression => binary("lt", index(a), index(b));
const and = (a: Expression, b: Expression): Expression => binary("and", a, b);
const or = (a: Expression, b: Expression): Expression => binary("or", a, b);
const not = (a: Expression): Expression => unary("not", a);
const distance = (t: Size, s: Size): Expression => unary("abs", binary("sub", index(t), index(s)));

/** Masks whose bounds are those of the keys that a query sees. */
const linear: Readonly<Record<string, Mask>> = {
  causal: (t, s) => le(s, t),
  "shifted causal": (t, s) => le(s, add(t, 4)),
  window: (t, s) => and(lt(sub(t, 5), s), le(s, t)),
  band: (t, s) => binary("le", distance(t, s), index(3)),
  "not after": (t, s) => not(lt(t, s)),
  "not far": (t, s) => not(binary("lt", index(2), distance(t, s))),
  "twice as far": (t, s) => le(mul(s, 2), add(t, 3)),
  chunks: (t, s) => and(binary("eq", index(floorDiv(s, 4)), index(floorDiv(t, 4))), le(s, t)),
  "prefix or causal": (t, s) => or(le(s, t), lt(s, 6)),
  "never far": (t, s) => lt(add(s, 30), t),
};

/** Masks whose bounds may be wider. */
const others: Readonly<Record<string, Mask>> = {
  "global and local": (t, s) => or(binary("le", distance(t, s), index(2)), lt(s, 2)),
  "every third": (t, s) => and(le(s, t), binary("eq", index(sub(s, mul(floorDiv(s, 3), 3))), index(0))),
  "not both": (t, s) => not(and(le(s, t), le(t, s))),
  product: (t, s) => le(mul(s, t), 9),
};

function holds(mask: Expression, at: ReadonlyMap<SizeVariable, number>): boolean {
  const number = (each: Expression): number => {
    if (each.kind === "index") return evaluate(each.value, (variable) => at.get(variable)!);
    if (each.kind === "constant") return each.value;
    if (each.kind === "unary")
      return each.operator === "abs" ? Math.abs(number(each.operand)) : 1 - number(each.operand);
    if (each.kind !== "binary") throw new Error(each.kind);
    const [a, b] = [number(each.left), number(each.right)];
    const results = { sub: a - b, le: a <= b, lt: a < b, eq: a === b, and: a && b, or: a || b } as const;
    return Number(results[each.operator as keyof typeof results]);
  };
  return number(mask) !== 0;
}

describe.each([1, 2, 5])("rows %d at a time", (rows) => {
  test.each(Object.entries({ ...linear, ...others }))("%s", (name, make) => {
    const outer = new SizeVariable("to", 0, Math.ceil(T / rows) - 1);
    const inner = new SizeVariable("ti", 0, rows - 1);
    const key = new SizeVariable("s", 0, S - 1);
    const mask = make(add(mul(size(outer), rows), size(inner)), size(key));
    const { first, last } = visibleBounds(mask, key, [inner]);
    for (let to = 0; to * rows < T; to++) {
      const seen: number[] = [];
      for (let ti = 0; ti < rows; ti++) {
        for (let s = 0; s < S; s++) {
          if (
            holds(
              mask,
              new Map([
                [outer, to],
                [inner, ti],
                [key, s],
              ]),
            )
          )
            seen.push(s);
        }
      }
      const value = (bound: Size | null, otherwise: number): number =>
        bound === null ? otherwise : evaluate(bound, () => to);
      const [low, high] = [Math.max(0, value(first, 0)), Math.min(S - 1, value(last, S - 1))];
      expect(
        seen.every((s) => low <= s && s <= high),
        `tile ${to}`,
      ).toBe(true);
      if (name in linear && seen.length > 0)
        expect([low, high], `tile ${to}`).toEqual([Math.min(...seen), Math.max(...seen)]);
      if (name in linear && seen.length === 0) expect(low, `tile ${to}`).toBeGreaterThan(high);
    }
  });
});
