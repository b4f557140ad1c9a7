/** Facts of operators that move elements. */
import type { NodeOf, TensorType } from "../ir/graph/index.js";
import { constantOf } from "../sizes/index.js";
import type { FactsRule, NodeContext } from "./analysis.js";
import { broadcastMap, mentions, offsetOf, reshapeMap, transposeMap } from "./axes.js";
import { type Facts, fillsOf, identityMap, movedFacts, normalFills, type TimeAxis } from "./facts.js";
import { indexingOf, keptAxes } from "./indexing.js";
import { join } from "./predicate.js";
import { rowsAlong } from "./rules-leaves.js";

export const transposeRule: FactsRule<"transpose"> = (context) =>
  context.moved(transposeMap(context.attributes.permutation));

export const reshapeRule: FactsRule<"reshape"> = (context) => {
  const [from] = context.types;
  const map = reshapeMap(from!.shape, context.type.shape, context.time);
  if (map !== null) return context.moved(map);
  if (context.operands[0]!.time.size > 0) {
    context.refuse("layout", `positions along ${context.time.name} are split or merged with other axes here`);
  }
  return context.moved(new Map());
};

/** Repeating along T, or along T and static rows, makes an axis of positions that depends on none. */
export const broadcastRule: FactsRule<"broadcast"> = (context) => {
  const facts = context.moved(broadcastMap(context.types[0]!.shape, context.type.shape));
  const time = new Map([...rowsAlong(context.type.shape, context.time), ...facts.time]);
  return { ...facts, time };
};

export const sliceRule: FactsRule<"slice"> = (context) => {
  const { axis, start, length } = context.attributes;
  const { time: variable, types, type } = context;
  const facts = context.moved(identityMap(type.shape.length));
  const rows = facts.time.get(axis);
  const first = constantOf(start);
  if (rows !== undefined) {
    const after = first === null ? null : sliceAfter(rows, first, offsetOf(length, variable));
    if (first !== null && after !== null) {
      const time = new Map(facts.time).set(axis, { before: rows.before - first, after });
      return { ...facts, time };
    }
    refuseSelection(context, first, constantOf(length));
    return withoutAxis(facts, axis);
  }
  if (!mentions(length, variable) && !mentions(start, variable)) return facts;
  const own = types[0]!.shape[axis]!;
  if (first === null || offsetOf(length, variable) !== 0) {
    const what = mentions(start, variable) ? "is counted from the end" : "is not aligned with it";
    context.refuse("from end", `the row for position t ${what}: it depends on the final length ${variable.name}`, {
      notes: [`${constantOf(own) ?? "these"} rows are cut by ${variable.name} here`],
    });
    return withoutAxis(facts, axis);
  }
  return { ...facts, time: new Map(facts.time).set(axis, { before: 0, after: 0 }) };
};

/** The static rows that are left behind the positions, or null if positions are cut off. */
function sliceAfter(rows: TimeAxis, first: number, offset: number | null): number | null {
  if (offset === null || first > rows.before) return null;
  const after = offset - (rows.before - first);
  return after >= 0 && after <= rows.after ? after : null;
}

function withoutAxis(facts: Facts, axis: number): Facts {
  return movedFacts(facts, identityMap(64, axis));
}

function refuseSelection(context: NodeContext<"slice">, first: number | null, count: number | null): void {
  const { name } = context.time;
  if (first !== null && count === 1) {
    context.refuse("select", `position ${first} along ${name} is read by every position`, {
      notes: ["a step has only its new positions here"],
    });
    return;
  }
  const last = count !== null && first === null;
  context.refuse(
    "select",
    last
      ? `the last positions along ${name} are picked: a step does not know which is last`
      : `a part of the positions along ${name} is picked`,
    last ? { help: ["give all positions; generate computes only the last position's scores"] } : {},
  );
}

export const concatRule: FactsRule<"concat"> = (context) => {
  const { axis } = context.attributes;
  const { operands, types, type } = context;
  const over = operands.flatMap((facts, i) => (facts.time.has(axis) ? [i] : []));
  const others = identityMap(type.shape.length, axis);
  const parts = operands.map((facts) => movedFacts(facts, others));
  const base = context.joined(parts);
  if (over.length === 0) return { ...base, fills: commonFills(parts), diagonal: "unknown" };
  const [at] = over as [number];
  const facts = operands[at]!;
  const rows = facts.time.get(axis)!;
  const before = staticRows(types.slice(0, at), axis);
  const after = staticRows(types.slice(at + 1), axis);
  if (over.length > 1 || before === null || after === null) {
    context.refuse("layout", `two axes over ${context.time.name} are joined end to end`);
    return base;
  }
  // What is known speaks of positions only, so that it stays true beside other rows.
  return {
    ...base,
    time: new Map(base.time).set(axis, { before: rows.before + before, after: rows.after + after }),
    fills: facts.fills,
    diagonal: facts.diagonal,
    lost: facts.lost,
    ordered: new Set([...base.ordered, ...facts.ordered]),
  };
};

function staticRows(types: readonly TensorType[], axis: number): number | null {
  return types.reduce<number | null>((sum, { shape }) => {
    const each = constantOf(shape[axis]!);
    return sum === null || each === null ? null : sum + each;
  }, 0);
}

/** What is c in all parts. */
function commonFills(parts: readonly Facts[]): Facts["fills"] {
  const [first, ...others] = parts;
  return normalFills(
    fillsOf(first!).flatMap((fill) => {
      let { where } = fill;
      for (const part of others) {
        const same = fillsOf(part).find(({ value, soft }) => value === fill.value && soft === fill.soft);
        if (same === undefined) return [];
        where = join(where, same.where);
      }
      return where === "never" ? [] : [{ ...fill, where }];
    }),
  );
}

export const elementRule: FactsRule<"element"> = (context) => indexed(context, "element");
export const takeRule: FactsRule<"take"> = (context) => indexed(context, "take");

function indexed(context: NodeContext<"element"> | NodeContext<"take">, operator: "element" | "take"): Facts {
  const { operands, types, type, time } = context;
  const node = { operator, attributes: context.attributes } as NodeOf<"element"> | NodeOf<"take">;
  const indexing = indexingOf(node, operands, types, type);
  const kept = keptAxes(indexing);
  const [from] = operands as [Facts];
  for (const [axis, each] of indexing.axes.entries()) {
    const rows = from.time.get(axis);
    if (rows === undefined || kept.has(axis)) continue;
    if (rows.before + rows.after > 0) {
      context.refuse("layout", "positions with static rows before or behind them are indexed here");
    } else if (each.kind === "shifted" && each.least < 0) {
      const count = -each.least;
      const upTo = each.least === each.most ? "" : "up to ";
      const message = `this reads ${upTo}${count} position${count === 1 ? "" : "s"} after its own`;
      context.refuse("future", message, { notes: [`row t is ${upTo}row t + ${count} of what is indexed`] });
    } else if (each.kind === "shifted" && from.level < 2) {
      context.refuse("layout", "a table of positions is read at another place than its own");
    } else if (each.kind === "fixed") {
      context.refuse("select", `position ${each.row} along ${time.name} is read by every position`, {
        notes: ["a step has only its new positions here"],
      });
    } else if (each.kind === "computed" || each.kind === "same") {
      context.refuse("future", `positions along ${time.name} are looked up by a number that may be a later one`, {
        notes: ["t, and t less a constant, are known to be no later"],
      });
    }
  }
  const indices = indexing.indices.map(({ operand, map }) => movedFacts(operands[operand]!, map));
  const moved = movedFacts(from, kept);
  const base = context.joined([moved, ...indices]);
  const shifts = indexing.axes.some((each, axis) => each.kind === "shifted" && from.time.has(axis));
  return {
    ...base,
    fills: moved.fills,
    constant: from.constant,
    diagonal: shifts || type.element === "bool" ? "unknown" : from.diagonal,
    heavy: base.heavy || shifts,
  };
}
