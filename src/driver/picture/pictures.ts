/**
 * Pictures of a program at any of its stages: what is drawn, and the facts that stand in it.
 *
 * The stages are those of the pipeline: `source` is the elaborated Graph, `optimized` the Graph with the operators of each
 * kernel in a cluster, `kernels` those kernels with the loops that their schedules gave them. The plan is no graph but a
 * chart (memory.ts).
 */
import { type GraphPictureOptions, type Picture, pictureOfGraph, sideBySide } from "../../../backends/dot/index.js";
import { UserError } from "../../diagnostics/index.js";
import { nearest } from "../../diagnostics/nearest.js";
import type { Graph } from "../../ir/graph/index.js";
import { type Kernel, printKernel } from "../../ir/kernel/index.js";
import { type Call, type LoweredGraph, lowerGraph } from "../../lower/index.js";
import { type OptimizeOptions, optimizeGraph, passes } from "../../passes/index.js";
import { nestText } from "../../schedule/nest.js";
import type { Compilation } from "../pipeline.js";
import { type Colour, kernelCost, operatorCosts } from "./costs.js";
import { assumedSizes } from "./sizes.js";

export const pictureStages = ["source", "optimized", "kernels"] as const;
export type PictureStage = (typeof pictureStages)[number];

export interface PictureOptions extends Pick<GraphPictureOptions, "expand" | "collapse" | "focus"> {
  /** `source` if not given. */
  readonly stage?: PictureStage;
  /** What the colours tell: what operators do, if not given. */
  readonly colour?: Colour;
  /** Sizes for which costs are counted, by name. */
  readonly sizes?: ReadonlyMap<string, number>;
  /** Whether kernels are those of the target, scheduled, also where their loops are not drawn. */
  readonly scheduled?: boolean;
  /** A pass before and after which the graph is drawn side by side; "all" for all of them. */
  readonly diff?: string;
}

/** A picture, and its kernels by the keys in it. */
export interface DrawnEntry {
  readonly picture: Picture;
  readonly kernels: ReadonlyMap<string, Kernel>;
}

/**
 * The picture of each entry.
 * @throws UserError if the program is wrong; E0612 where `focus` names no layer, E0607 where `diff` names no pass, E0611.
 */
export function picturesOf(compilation: Compilation, options: PictureOptions = {}): DrawnEntry[] {
  const { stage = "source", diff } = options;
  const { sourceLine } = compilation;
  const { optimize = {} } = compilation.request;
  const context = { ...options, sourceLine, optimize };
  const { entries } = compilation.get("graph");
  if (diff !== undefined) return entries.map((graph) => pictureOfPass(graph, diff, context));
  if (stage === "source") return entries.map((graph) => pictureOfStage(graph, null, context));
  const lowered = compilation.get(stage === "kernels" || options.scheduled ? "schedule" : "kernels");
  return compilation.get("optimize").entries.map((graph, i) => pictureOfStage(graph, lowered[i]!, context));
}

type Context = PictureOptions & Pick<GraphPictureOptions, "sourceLine"> & { readonly optimize?: OptimizeOptions };

/** @param lowered the kernels of the graph; null to draw it without any */
function pictureOfStage(graph: Graph, lowered: LoweredGraph | null, options: Context): DrawnEntry {
  const { stage, colour = "kind", sizes = new Map(), expand, collapse, focus, sourceLine } = options;
  const values = assumedSizes(graph.sizes, sizes);
  const drawing: GraphPictureOptions = {
    ...(sourceLine === undefined ? {} : { sourceLine }),
    ...(expand === undefined ? {} : { expand }),
    ...(collapse === undefined ? {} : { collapse }),
    ...(focus === undefined ? {} : { focus }),
    ...(colour === "kind" ? {} : { costs: operatorCosts(graph, colour, values) }),
  };
  if (lowered === null) return { picture: pictureOfGraph(graph, drawing), kernels: new Map() };
  const closeKernels = stage === "kernels";
  const byValue = (calls: LoweredGraph["calls"]): (readonly [number, Call])[] =>
    calls.map((call) => [lowered.buffers[call.writes[0]!]!.value, call]);
  const prepared = new Map(byValue(lowered.prepare));
  const calls = new Map([...byValue(lowered.calls), ...prepared]);
  const keys = new Map<Kernel, string>();
  const picture = pictureOfGraph(graph, {
    ...drawing,
    closeKernels,
    ...(colour === "bytes" && drawing.costs ? { costs: { ...drawing.costs, of: () => null } } : {}),
    kernels: (value) => {
      const call = calls.get(value);
      if (call === undefined) return null;
      const { kernel } = call;
      const code = keys.get(kernel) ?? `${kernel.name}#${keys.size}`;
      keys.set(kernel, code);
      const cost = kernelCost(lowered, call, colour, values);
      const loops = closeKernels ? nestText(kernel) : [];
      return { name: kernel.name, loops, cost, code, isAtLoad: prepared.has(value) };
    },
  });
  return { picture, kernels: new Map([...keys].map(([kernel, key]) => [key, kernel])) };
}

/** What a page shows of each kernel: its schedule and loops, and where the backend has it the code of the target. */
export async function codesOf(
  { kernels }: DrawnEntry,
  code: ((kernel: Kernel) => Promise<string>) | null,
): Promise<Record<string, string>> {
  const texts: Record<string, string> = {};
  for (const [key, kernel] of kernels) {
    const emitted = code === null ? "" : `\n${await code(kernel)}\n`;
    texts[key] = `${printKernel(kernel)}${emitted}`;
  }
  return texts;
}

/** The graph before and after a pass, or all of them, side by side. */
function pictureOfPass(graph: Graph, name: string, options: Context): DrawnEntry {
  const at = passes.findIndex((pass) => pass.name === name);
  if (at < 0 && name !== "all") throw unknownPass(name);
  const [from, to] = at < 0 ? [0, passes.length] : [at, at + 1];
  const before = optimizeGraph(graph, passes.slice(0, from), options.optimize).graph;
  const after = optimizeGraph(before, passes.slice(from, to), options.optimize).graph;
  const lowered = [before, after].map((each) => (isPlaced(each) ? lowerGraph(each) : null));
  const both = (chosen: Context): [DrawnEntry, DrawnEntry] => [
    pictureOfStage(before, lowered[0]!, chosen),
    pictureOfStage(after, lowered[1]!, chosen),
  ];
  const what = at < 0 ? "optimizing" : name;
  const { focus, ...rest } = options;
  const shown = both({ ...options, stage: "optimized" });
  const whole = focus === undefined ? shown : both({ ...rest, expand: true, stage: "optimized" });
  const picture = sideBySide(
    [shown[0].picture, shown[1].picture],
    [`before ${what}`, `after ${what}`],
    [whole[0].picture, whole[1].picture],
  );
  return { picture, kernels: shown[1].kernels };
}

/** Whether the graph says what is computed together. */
function isPlaced({ placements }: Graph): boolean {
  return placements.some((placement) => placement !== null);
}

function unknownPass(name: string): UserError {
  const names = [...passes.map((pass) => pass.name), "all"];
  const near = nearest(name, names);
  return UserError.of("E0607", `--diff takes ${names.join(", ")}, but is ${name}`, {
    help: near === null ? [] : [`the nearest is ${near}`],
  });
}
