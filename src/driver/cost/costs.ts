/**
 * What an entry costs: operations from its Graph, bytes and kernels from its Plan, by layer and by source line.
 *
 * A dispatch reads each of its buffers once and writes each of its results once, whatever its kernel keeps in registers;
 * of a table from which it takes rows it reads as many elements as it writes. Equal layers of a list stand together.
 *
 * An operation belongs to the line of its operator, a kernel to the line of the last operator that it computes.
 *
 * What must stay true: the costs of a layer are those of its parts and its own, and the sum over all layers, and over all
 * lines, is that of the entry.
 */
import type { Location } from "../../diagnostics/index.js";
import type { Graph, Scope, ValueId } from "../../ir/graph/index.js";
import { allExpressions, type Buffer, type Kernel } from "../../ir/kernel/index.js";
import type { BufferId, Dispatch, Plan } from "../../ir/plan/plan.js";
import { dataBytesOf, elementsOf } from "../../memory/index.js";
import { add, constantOf, isAtMost, type Size, size } from "../../sizes/index.js";
import { flopsOf } from "./flops.js";

export interface Cost {
  /** Numbers that it learns; a weight that several layers read counts where it is declared. */
  readonly parameters: Size;
  /** Runs of kernels. */
  readonly kernels: Size;
  readonly flops: Size;
  /** Bytes of memory. */
  readonly read: Size;
  readonly written: Size;
}

/** A layer with all below it. The root is the model. */
export interface LayerCost {
  /** As in its parent: `attn`; `h` for several layers `h.0`, `h.1`, … that cost the same. */
  readonly name: string;
  readonly block: string;
  /** How many equal layers stand for this. */
  readonly count: number;
  /** Of all of them together. */
  readonly total: Cost;
  /** What happens in the layer itself, outside of its parts. */
  readonly own: Cost;
  readonly parts: readonly LayerCost[];
}

export interface LineCost {
  readonly file: string;
  readonly line: number;
  readonly cost: Cost;
}

export interface MemoryCost {
  readonly arena: Size;
  /** The bytes of the weights that runs read, of what is prepared of weights for them at load, and of the outputs. */
  readonly weights: Size;
  readonly prepared: Size;
  readonly outputs: Size;
  readonly peak: Size;
}

export interface EntryCost {
  readonly name: string;
  readonly layers: LayerCost;
  /** By file and line; what no line of a program is to blame for has none and stands last. */
  readonly lines: readonly LineCost[];
  readonly memory: MemoryCost;
  /** Different kernels, of which each may run several times. */
  readonly distinctKernels: number;
}

const zero: Cost = { parameters: size(0), kernels: size(0), flops: size(0), read: size(0), written: size(0) };

function sum(a: Cost, b: Cost): Cost {
  return {
    parameters: add(a.parameters, b.parameters),
    kernels: add(a.kernels, b.kernels),
    flops: add(a.flops, b.flops),
    read: add(a.read, b.read),
    written: add(a.written, b.written),
  };
}

/** Layers of one list that run equally many kernels each. */
export interface KernelsPerLayer {
  /** `h`, `encoder.block`. */
  readonly path: string;
  readonly layers: number;
  /** That each of them runs. */
  readonly kernels: number;
}

/** How many kernels a layer takes, for the outermost lists of layers. */
export function kernelsPerLayer(root: LayerCost): readonly KernelsPerLayer[] {
  const found = new Map<string, KernelsPerLayer>();
  const visit = (layer: LayerCost, around: string): void => {
    for (const part of layer.parts) {
      const path = around + part.name;
      const kernels = (constantOf(part.total.kernels) ?? 0) / part.count;
      const list = path.replace(/\.\d+$/, "");
      if (part.count === 1 && list === path) visit(part, `${path}.`);
      else if (kernels > 0) {
        const key = `${list} ${kernels}`;
        found.set(key, { path: list, layers: (found.get(key)?.layers ?? 0) + part.count, kernels });
      }
    }
  };
  visit(root, "");
  return [...found.values()];
}

/** A layer while costs are gathered. */
interface Layer {
  readonly name: string;
  readonly block: string;
  own: Cost;
  readonly parts: Map<string, Layer>;
}

/** What an entry costs, from its graph as it was elaborated and the plan that was made of it. */
export function costOf(graph: Graph, plan: Plan): EntryCost {
  return new Accounts(graph, plan).entry();
}

class Accounts {
  readonly #root: Layer = { name: "", block: "", own: zero, parts: new Map() };
  /** By the names of the layers around it, as a dispatch has them. */
  readonly #byPath = new Map<string, Layer>([["", this.#root]]);
  readonly #lines = new Map<string, LineCost>();

  constructor(
    readonly graph: Graph,
    readonly plan: Plan,
  ) {}

  entry(): EntryCost {
    const { graph, plan } = this;
    for (const id of usedNodes(graph)) {
      const node = graph.nodes[id]!;
      const parameters = node.operator === "weight" ? elementsOf(node.attributes.shape) : size(0);
      const cost = { ...zero, parameters, flops: flopsOf(graph, id) };
      this.#add(this.#layerOf(graph.scopes[id] ?? null), graph.locations[id] ?? null, cost);
    }
    for (const dispatch of plan.dispatches) {
      this.#add(this.#byPath.get(dispatch.scope) ?? this.#root, dispatch.location, dispatchCost(plan, dispatch));
    }
    const bytes = (ids: Plan["weights"]): Size =>
      ids.reduce((total, id) => add(total, dataBytesOf(plan.buffers[id]!)), size(0));
    // What only the preparation reads is let go after it.
    const read = new Set(plan.dispatches.flatMap(({ reads }) => reads));
    const [arena, outputs] = [plan.arenaBytes, bytes(plan.outputs)];
    const weights = bytes(plan.weights.filter((id) => read.has(id)));
    const prepared = bytes(
      plan.buffers.flatMap(({ place }, id) =>
        place.kind === "prepared" && read.has(id as BufferId) ? [id as BufferId] : [],
      ),
    );
    return {
      name: plan.name,
      layers: finished(this.#root),
      lines: [...this.#lines.values()].sort(byLine),
      memory: { arena, weights, prepared, outputs, peak: add(add(arena, add(weights, prepared)), outputs) },
      distinctKernels: plan.kernels.length,
    };
  }

  #add(layer: Layer, location: Location | null, cost: Cost): void {
    layer.own = sum(layer.own, cost);
    const [file, line] = [location?.file ?? "", location?.line ?? 0];
    const key = `${file}:${line}`;
    this.#lines.set(key, { file, line, cost: sum(this.#lines.get(key)?.cost ?? zero, cost) });
  }

  #layerOf(scope: Scope | null): Layer {
    const names: { name: string; block: string }[] = [];
    for (let at = scope; at !== null; at = at.parent) if (at.kind === "layer") names.unshift(at);
    let [layer, path] = [this.#root, ""];
    for (const { name, block } of names) {
      path = path === "" ? name : `${path}.${name}`;
      let part = layer.parts.get(name);
      if (part === undefined) {
        part = { name, block, own: zero, parts: new Map() };
        layer.parts.set(name, part);
        this.#byPath.set(path, part);
      }
      layer = part;
    }
    return layer;
  }
}

/** The nodes that the outputs depend on, in their order. */
function usedNodes({ nodes, outputs }: Graph): readonly number[] {
  const used = new Set<ValueId>(outputs.map(({ value }) => value));
  for (let id = nodes.length - 1; id >= 0; id--) {
    if (used.has(id as ValueId)) for (const operand of nodes[id]!.operands) used.add(operand);
  }
  return [...used].sort((a, b) => a - b);
}

function dispatchCost(plan: Plan, { kernel, reads, writes }: Dispatch): Cost {
  const bytes = (id: Dispatch["reads"][number]): Size => dataBytesOf(plan.buffers[id]!);
  const { read, written } = trafficOfKernel(plan.kernels[kernel]!, reads.map(bytes), writes.map(bytes));
  return { ...zero, kernels: size(1), read, written };
}

/** The bytes that one run of a kernel reads and writes, from those of its arguments. */
export function trafficOfKernel(
  kernel: Kernel,
  reads: readonly Size[],
  writes: readonly Size[],
): { readonly read: Size; readonly written: Size } {
  const written = writes.reduce((total, bytes) => add(total, bytes), size(0));
  const gathered = gatheredBuffers(kernel);
  const read = reads.reduce((total, whole, i) => {
    return add(total, gathered.has(kernel.reads[i]!) && !isAtMost(whole, written) ? written : whole);
  }, size(0));
  return { read, written };
}

const gatheredOf = new WeakMap<Kernel, ReadonlySet<Buffer>>();

/** The buffers whose elements a kernel takes at indices that come from data. */
function gatheredBuffers(kernel: Kernel): ReadonlySet<Buffer> {
  let found = gatheredOf.get(kernel);
  if (found === undefined) {
    const loads = [...allExpressions(kernel.body)].flatMap((each) => (each.kind === "load" ? [each] : []));
    found = new Set(
      loads.filter(({ index }) => index.some(({ kind }) => kind !== "index")).map(({ buffer }) => buffer),
    );
    gatheredOf.set(kernel, found);
  }
  return found;
}

function byLine(a: LineCost, b: LineCost): number {
  if ((a.line === 0) !== (b.line === 0)) return a.line === 0 ? 1 : -1;
  return a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1;
}

/** The layer with equal ones among its parts put together. */
function finished({ name, block, own, parts }: Layer): LayerCost {
  const found: LayerCost[] = [];
  const groups = new Map<string, number>();
  for (const part of parts.values()) {
    const layer = finished(part);
    const stem = /^(.+)\.\d+$/.exec(layer.name)?.[1];
    const key = stem === undefined ? layer.name : `${stem} ${shapeOf(layer)}`;
    const at = groups.get(key);
    if (at === undefined) {
      groups.set(key, found.push(layer) - 1);
      continue;
    }
    const before = found[at]!;
    const count = before.count + 1;
    found[at] = { ...repeated(before, layer, count), name: stem ?? layer.name, count };
  }
  return { name, block, count: 1, own, total: found.reduce((all, part) => sum(all, part.total), own), parts: found };
}

/** What two layers have in common if they cost the same: everything but their names. */
function shapeOf({ block, own, parts }: LayerCost): string {
  const ids = [own.parameters, own.kernels, own.flops, own.read, own.written].map(({ id }) => id);
  const inside = parts.map((part) => `${part.name} ${part.count} ${shapeOf(part)}`);
  return `${block} ${ids.join()} (${inside.join("; ")})`;
}

/** A layer that stands for `count` ones, by one more of them. */
function repeated(all: LayerCost, one: LayerCost, count: number): LayerCost {
  const parts = all.parts.map((part, i) => ({ ...repeated(part, one.parts[i]!, part.count), name: part.name }));
  return { ...all, count, total: sum(all.total, one.total), own: sum(all.own, one.own), parts };
}

/** Bytes to and from memory. */
export function trafficOf({ read, written }: Cost): Size {
  return add(read, written);
}

/** A cost with other numbers, such as those for given sizes. */
export function mapCost(cost: Cost, change: (value: Size) => Size): Cost {
  return {
    parameters: change(cost.parameters),
    kernels: change(cost.kernels),
    flops: change(cost.flops),
    read: change(cost.read),
    written: change(cost.written),
  };
}

/** An entry's costs with other numbers. */
export function mapEntry(entry: EntryCost, change: (value: Size) => Size): EntryCost {
  const layer = (each: LayerCost): LayerCost => ({
    ...each,
    total: mapCost(each.total, change),
    own: mapCost(each.own, change),
    parts: each.parts.map(layer),
  });
  const { arena, weights, prepared, outputs, peak } = entry.memory;
  return {
    ...entry,
    layers: layer(entry.layers),
    lines: entry.lines.map((each) => ({ ...each, cost: mapCost(each.cost, change) })),
    memory: {
      arena: change(arena),
      weights: change(weights),
      prepared: change(prepared),
      outputs: change(outputs),
      peak: change(peak),
    },
  };
}
