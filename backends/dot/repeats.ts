/**
 * Finds equal layers in a row, h.0 … h.11, so that one of them can be drawn for all.
 *
 * Layers are equal if the same operators with the same attributes and types stand at the same places of their inner
 * layers; weights may differ in name and must agree in shape. They are in a row if each takes from the one before what
 * that one took from the one before it, and anything else they take is the same for all. A pattern may be several layers
 * long (five that look near, one that looks far). What must stay true: whoever draws the first repetition for all loses
 * no arrow, so layers whose inner values are used from afar are not folded.
 */
import { typeText } from "../../src/ir/graph/index.js";
import { isWithin, type Layer, type LayerTree, pathBelow } from "./scopes.js";
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

/** The repetitions among the children of one layer. */
export function repeatsIn(parent: Layer, tree: LayerTree, facts: ValueFacts, members: Members): Repeat[] {
  const repeats: Repeat[] = [];
  for (const siblings of numberedSiblings(parent)) {
    const bodies = siblings.map((layer) => bodyOf(layer, tree, facts, members));
    const places = new Map<number, Place>();
    bodies.forEach((body, layer) => {
      body.values.forEach((value, index) => void places.set(value, { layer, index }));
    });
    let start = 0;
    while (start < bodies.length) {
      const found = longestAt(start, bodies, places, facts);
      if (found === null) start++;
      else {
        repeats.push(repeatOf(bodies.slice(start, start + found.length), found.period));
        start += found.length;
      }
    }
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

/** Children called `name.0`, `name.1` …, those of one name together, without gaps. */
function numberedSiblings(parent: Layer): Layer[][] {
  const groups = new Map<string, Layer[]>();
  for (const layer of parent.children) {
    const match = /^(.*)\.(\d+)$/.exec(layer.name);
    if (match === null || layer.kind === "function") continue;
    const [, base = "", index = ""] = match;
    const group = groups.get(base) ?? [];
    if (group.length === 0 || Number(index) === indexOf(group.at(-1)!) + 1) group.push(layer);
    groups.set(base, group);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

/** 3 of `h.3`. */
export function indexOf(layer: Layer): number {
  return Number(layer.name.slice(layer.name.lastIndexOf(".") + 1));
}

function bodyOf(layer: Layer, tree: LayerTree, facts: ValueFacts, members: Members): Body {
  const { graph, isStatic } = facts;
  const ofData = (members.get(layer) ?? []).filter((id) => !isStatic[id] && graph.nodes[id]?.operator !== "weight");
  const local = new Map(ofData.map((id, index) => [id, index]));
  const externals = new Map<number, number>();
  const reference = (id: number): string => {
    const known = local.get(id);
    if (known !== undefined) return `%${known}`;
    if (isStatic[id]) return `static ${id}`;
    const owner = tree.of[id]!;
    if (graph.nodes[id]?.operator === "weight" && isWithin(owner, layer)) {
      return `weight ${pathBelow(owner, layer)} ${graph.names[id] ?? ""} ${typeText(graph.types[id]!)}`;
    }
    const number = externals.get(id) ?? externals.size;
    externals.set(id, number);
    return `external ${number}`;
  };
  const lines = ofData.map((id) => {
    const node = graph.nodes[id]!;
    const place = pathBelow(tree.of[id]!, layer);
    return `${place} ${operatorKey(node)} (${node.operands.map(reference).join(", ")}) ${typeText(graph.types[id]!)}`;
  });
  return { layer, values: ofData, shape: [layer.block, ...lines].join("\n"), externals: [...externals.keys()] };
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
