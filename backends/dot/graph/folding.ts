/**
 * Decides what is one box and what is opened, so that a picture stays at the level at which people draw models.
 *
 * A leaf layer that multiplies matrices at most once (a linear layer, a norm) is one box, and so is a call of a function
 * that does (an activation, a mask, rotary positions); what does more (attention) is opened, and so is every layer made
 * of layers. Of layers around kernels none is closed. Equal layers in a row are drawn once. `expand` opens everything,
 * `collapse` folds what lies deeper, and `focus` draws one layer as if it were all.
 */
import { UserError } from "../../../src/diagnostics/index.js";
import { nearest } from "../../../src/diagnostics/nearest.js";
import { baseName, type Members, membersOf, type Repeat, repeatsIn } from "./repeats.js";
import { isWithin, type Layer, type LayerTree, titleOf } from "./scopes.js";
import type { ValueFacts } from "./values.js";

export interface FoldingOptions {
  /** Opens every layer and call, and draws every one of equal layers. */
  readonly expand?: boolean;
  /** Layers this deep are one box each: 1 leaves the model's own layers, 0 one box for the model. */
  readonly collapse?: number;
  /** Draws only the layer with this path, such as `h.0.attn`. */
  readonly focus?: string;
}

export interface Folding {
  /** The layer that is drawn: the root, or the one in focus. */
  readonly top: Layer;
  /** Whether the layer is closed; `inKernel` for that part of it which lies in one kernel. */
  isClosed(layer: Layer, inKernel: boolean): boolean;
  /** The value that is drawn for this one. */
  twinOf(value: number): number;
  /** Whether the layer is one of the later repetitions, or in one. */
  isHidden(layer: Layer): boolean;
  /** The row of equal layers that this one is drawn for, or null. */
  repeatAt(layer: Layer): Repeat | null;
  /** The pattern of several layers that this one belongs to the first repetition of, or null. */
  patternAt(layer: Layer): Repeat | null;
}

/** @param hasKernels whether the values stand in kernels */
export function foldingOf(tree: LayerTree, facts: ValueFacts, options: FoldingOptions, hasKernels: boolean): Folding {
  const top = options.focus === undefined ? tree.root : layerAt(tree, options.focus);
  const { collapse = Number.POSITIVE_INFINITY, expand = false } = options;
  const members = membersOf(tree);
  const simple = new Set(tree.all.filter((layer) => layer !== top && isSimple(layer, facts, members)));

  const twins = new Map<number, number>();
  const repeats = new Map<Layer, Repeat>();
  const patterns = new Map<Layer, Repeat>();
  const hidden = new Set<Layer>();
  for (const layer of tree.all) {
    if (layer.parent !== null && hidden.has(layer.parent)) hidden.add(layer);
    if (expand || hidden.has(layer) || !isWithin(layer, top)) continue;
    for (const repeat of repeatsIn(layer, tree, facts, members)) {
      for (const [value, twin] of repeat.twins) if (!twins.has(value)) twins.set(value, twin);
      const rows = repeat.period === 1 ? repeats : patterns;
      for (const first of repeat.layers.slice(0, repeat.period)) rows.set(first, repeat);
      for (const later of repeat.layers.slice(repeat.period)) hidden.add(later);
    }
  }
  return {
    top,
    isClosed: (layer, inKernel) => {
      if (layer.depth - top.depth >= collapse) return true;
      return !expand && (inKernel || !hasKernels) && simple.has(layer);
    },
    twinOf: (value) => resolved(value, twins),
    isHidden: (layer) => hidden.has(layer),
    repeatAt: (layer) => repeats.get(layer) ?? null,
    patternAt: (layer) => patterns.get(layer) ?? null,
  };
}

/** A twin may itself be one of a repetition around it. */
function resolved(value: number, twins: ReadonlyMap<number, number>): number {
  let at = value;
  for (let next = twins.get(at); next !== undefined; next = twins.get(at)) at = next;
  return at;
}

function isSimple(layer: Layer, facts: ValueFacts, members: Members): boolean {
  if (layer.parent === null || (layer.kind === "layer" && hasLayers(layer))) return false;
  const products = (members.get(layer) ?? []).filter(
    (id) => facts.graph.nodes[id]?.operator === "einsum" && !facts.isStatic[id],
  );
  return products.length <= 1;
}

function hasLayers(layer: Layer): boolean {
  return layer.children.some((child) => child.kind === "layer" || hasLayers(child));
}

/** @throws UserError E0612 where no layer has this path. */
export function layerAt(tree: LayerTree, path: string): Layer {
  const found = tree.all.find((layer) => layer.id === path);
  if (found !== undefined) return found;
  const outer = tree.all.findLast((layer) => layer.id !== "" && path.startsWith(`${layer.id}.`)) ?? tree.root;
  const inside = outer.children.map((child) => child.id);
  const near = nearest(
    path,
    tree.all.map(({ id }) => id).filter((id) => id !== ""),
  );
  throw UserError.of("E0612", `the model has no layer ${path}`, {
    help: [
      ...(near === null ? [] : [`the nearest is ${near}`]),
      ...(inside.length === 0 ? [] : [`${outer.id === "" ? "it has" : `${outer.id} has`} ${listed(inside)}`]),
    ],
  });
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 8).join(", ");
  return names.length > 8 ? `${shown} and ${names.length - 8} more` : shown;
}

/** `h × 12 : Block`; `h.1 … h.11 × 11 : Block` where others of that name are drawn by themselves. */
export function repeatTitle(layer: Layer, repeat: Repeat): string {
  const count = repeat.layers.length;
  const [first, last] = [repeat.layers[0]!, repeat.layers.at(-1)!];
  if (first.name === last.name) return titleOf({ ...layer, name: `${layer.name}, ${count} calls` });
  const base = baseName(layer);
  const all = layer.parent?.children.filter((child) => baseName(child) === base).length === count;
  return titleOf({ ...layer, name: `${all ? base : `${first.name} \u2026 ${last.name}`} \u00d7 ${count}` });
}

/** The title around a pattern of several layers: `(h.0, h.1) × 13`. */
export function patternTitle(repeat: Repeat): string {
  const { layers, period } = repeat;
  const names = layers.slice(0, period).map((layer) => layer.name);
  const text = period <= 3 ? names.join(", ") : `${names[0]} \u2026 ${names.at(-1)}`;
  return `(${text}) \u00d7 ${layers.length / period}`;
}
