/**
 * Finds equal layers in a row, h.0 … h.11, so that one of them can be drawn for all.
 *
 * Layers are equal if the same operators with the same attributes and types stand at the same places of their inner
 * layers; weights may differ in name and must agree in shape. They are in a row if each takes from the one before what
 * that one took from the one before it, and anything else they take is the same for all. A pattern may be several layers
 * long (five that look near, one that looks far), and hold a row itself. One layer that is called again and again is a
 * row too. What must stay true: whoever draws the first repetition for all loses no arrow, so layers whose inner values
 * are used from afar are not folded.
 */
import { typeText } from "../../../src/ir/graph/index.js";
import { type Layer, type LayerTree, owns } from "./scopes.js";
import { operatorKey, type ValueFacts } from "./values.js";

/** Layers of which the first `period` are drawn for all. */
export interface Repeat {
  readonly layers: readonly Layer[];
  readonly period: number;
  /** For each value of the later repetitions the one in its place in the first. */
  readonly twins: ReadonlyMap<number, number>;
}

/** Patterns up to this many layers long are found. */
const longestPeriod = 6;

interface Body {
  readonly layer: Layer;
  /** The values that the layer computes from data, ascending. */
  readonly values: readonly number[];
  /** Equal for layers of equal structure. */
  readonly shape: string;
  /** The values it takes from elsewhere, in order of first use. */
  readonly externals: readonly number[];
}

/** The place of a value among sibling layers: which of them, and the how-manieth of its values. */
interface Place {
  readonly layer: number;
  readonly index: number;
}

/** The repetitions among the children of one layer; of those in a pattern, after it. */
export function repeatsIn(parent: Layer, tree: LayerTree, facts: ValueFacts, members: Members): Repeat[] {
  const repeats: Repeat[] = [];
  for (const siblings of rowsOf(parent)) {
    const bodies = siblings.map((layer) => bodyOf(layer, tree, facts, members));
    const places = new Map<number, Place>();
    bodies.forEach((body, layer) => {
      body.values.forEach((value, index) => void places.set(value, { layer, index }));
    });
    const find = (from: number, to: number): void => {
      for (let start = from; start < to; ) {
        const found = longestAt(start, bodies.slice(0, to), places, facts);
        if (found === null) start++;
        else {
          repeats.push(repeatOf(bodies.slice(start, start + found.length), found.period));
          if (found.period > 1 && found.length < to - from + found.period) find(start, start + found.period);
          start += found.length;
        }
      }
    };
    find(0, bodies.length);
  }
  return repeats;
}

function repeatOf(bodies: readonly Body[], period: number): Repeat {
  const twins = new Map<number, number>();
  for (const [at, body] of bodies.entries()) {
    const first = bodies[at % period]!;
    if (first !== body) body.values.forEach((value, index) => void twins.set(value, first.values[index]!));
  }
  return { layers: bodies.map((body) => body.layer), period, twins };
}

/** The values of each layer and of those in it, ascending. */
export type Members = ReadonlyMap<Layer, readonly number[]>;

export function membersOf(tree: LayerTree): Members {
  const members = new Map<Layer, number[]>(tree.all.map((layer) => [layer, []]));
  tree.of.forEach((layer, value) => {
    for (let at: Layer | null = layer; at !== null; at = at.parent) members.get(at)?.push(value);
  });
  return members;
}

/** Children that may be in a row: calls of layers `name.0`, `name.1` …, or of one layer, in order. */
function rowsOf(parent: Layer): Layer[][] {
  const rows = new Map<string, Layer[]>();
  for (const layer of parent.children) {
    if (layer.kind === "function") continue;
    const base = baseName(layer);
    const row = rows.get(base);
    if (row === undefined) rows.set(base, [layer]);
    else row.push(layer);
  }
  return [...rows.values()].filter((row) => row.length > 1);
}

/** `h` of `h.3`. */
export function baseName(layer: Layer): string {
  return layer.name.replace(/\.\d+$/, "");
}

function bodyOf(layer: Layer, tree: LayerTree, facts: ValueFacts, members: Members): Body {
  const { graph, isFixed } = facts;
  const values = (members.get(layer) ?? []).filter((id) => !isFixed[id] && graph.nodes[id]?.operator !== "input");
  const local = new Map(values.map((id, index) => [id, index]));
  const externals = new Map<number, number>();
  const fixed = fixedTexts(layer, tree, facts);
  const reference = (id: number): string => {
    const known = local.get(id);
    if (known !== undefined) return `%${known}`;
    if (isFixed[id]) return fixed(id);
    const number = externals.get(id) ?? externals.size;
    externals.set(id, number);
    return `external ${number}`;
  };
  const lines = values.map((id) => {
    const node = graph.nodes[id]!;
    const place = tree.of[id]!.id.slice(layer.id.length);
    return `${place} ${operatorKey(node)} (${node.operands.map(reference).join(", ")}) ${typeText(graph.types[id]!)}`;
  });
  return { layer, values, shape: [layer.block, ...lines].join("\n"), externals: [...externals.keys()] };
}

/** Texts of values that no input reaches: a layer's own weights by their place in it, other weights by their names. */
function fixedTexts(layer: Layer, tree: LayerTree, { graph }: ValueFacts): (id: number) => string {
  const known = new Map<number, string>();
  const text = (id: number): string => {
    const found = known.get(id);
    if (found !== undefined) return found;
    const node = graph.nodes[id]!;
    const owner = tree.of[id]!.path;
    let made = `${operatorKey(node)} (${node.operands.map(text).join(", ")})`;
    if (node.operator === "weight") {
      const place = `${owner.slice(layer.path.length)} ${graph.names[id] ?? ""} ${typeText(graph.types[id]!)}`;
      made = owns(layer, owner) ? `weight ${place}` : `weight ${id}`;
    }
    known.set(id, made);
    return made;
  };
  return text;
}

function longestAt(
  start: number,
  bodies: readonly Body[],
  places: ReadonlyMap<number, Place>,
  facts: ValueFacts,
): { readonly length: number; readonly period: number } | null {
  let best: { length: number; period: number } | null = null;
  for (let period = 1; period <= longestPeriod && start + 2 * period <= bodies.length; period++) {
    let end = start + period;
    while (end < bodies.length && fits(start, end, period, bodies, places)) end++;
    const whole = Math.floor((end - start) / period);
    const length = withoutEscapes(start, whole, period, bodies, places, facts) * period;
    if (length >= 2 * period && length > (best?.length ?? 0)) best = { length, period };
  }
  return best;
}

/** Whether the layer at `at` continues the pattern: as one period before, it takes the same things from the same places. */
function fits(
  start: number,
  at: number,
  period: number,
  bodies: readonly Body[],
  places: ReadonlyMap<number, Place>,
): boolean {
  const [before, here] = [bodies[at - period]!, bodies[at]!];
  if (before.shape !== here.shape || before.values.length === 0) return false;
  return here.externals.every((value, slot) => {
    const earlier = before.externals[slot]!;
    if (value === earlier) return (places.get(value)?.layer ?? -1) < start;
    const place = places.get(value);
    if (place === undefined || place.layer < start || at - place.layer > 2 * period) return false;
    const was = places.get(earlier);
    if (was === undefined || was.layer < start) return at - period < start + period && place.layer < at;
    return was.index === place.index && at - place.layer === at - period - was.layer;
  });
}

/** How many repetitions there are before one whose values, other than the last's, are used further away than the next. */
function withoutEscapes(
  start: number,
  count: number,
  period: number,
  bodies: readonly Body[],
  places: ReadonlyMap<number, Place>,
  facts: ValueFacts,
): number {
  const unitOf = (layer: number): number => Math.floor((layer - start) / period);
  for (let unit = 0; unit < count - 1; unit++) {
    for (const body of bodies.slice(start + unit * period, start + (unit + 1) * period)) {
      const escapes = body.values.some((value) =>
        facts.users[value]!.some((user) => {
          const place = places.get(user);
          if (place === undefined) return true;
          return place.layer < start || unitOf(place.layer) > unit + 1;
        }),
      );
      if (escapes) return unit + 1;
    }
  }
  return count;
}
