/**
 * Pictures of a program at any of its stages: what is drawn, and the facts that stand in it.
 *
 * The stages are those of the pipeline: `source` is the elaborated Graph, `optimized` the Graph with the operators of each
 * kernel in a cluster, `kernels` those kernels with the loops that their schedules gave them.
 */
import { type GraphPictureOptions, type Picture, pictureOfGraph } from "../../backends/dot/index.js";
import type { Graph } from "../ir/graph/index.js";
import type { LoweredGraph } from "../lower/index.js";
import { nestText } from "../schedule/nest.js";
import type { Compilation } from "./pipeline.js";

export const pictureStages = ["source", "optimized", "kernels"] as const;
export type PictureStage = (typeof pictureStages)[number];

export interface PictureOptions extends Pick<GraphPictureOptions, "expand" | "collapse" | "focus"> {
  readonly stage?: PictureStage;
}

/** The picture of each entry. @throws UserError if the program is wrong, or `focus` names no layer. */
export function picturesOf(compilation: Compilation, options: PictureOptions = {}): Picture[] {
  const { stage = "source", ...drawing } = options;
  if (stage === "source") return compilation.get("graph").entries.map((graph) => pictureOfGraph(graph, drawing));
  const lowered = compilation.get(stage === "kernels" ? "schedule" : "kernels");
  return compilation
    .get("optimize")
    .entries.map((graph, i) => pictureOfKernels(graph, lowered[i]!, stage === "kernels", drawing));
}

function pictureOfKernels(graph: Graph, lowered: LoweredGraph, closed: boolean, drawing: GraphPictureOptions): Picture {
  const kernels = new Map(
    lowered.calls.map(({ kernel, writes }) => [lowered.buffers[writes[0]!]!.value as number, kernel] as const),
  );
  return pictureOfGraph(graph, {
    ...drawing,
    closeKernels: closed,
    kernels: (value) => {
      const kernel = kernels.get(value);
      if (kernel === undefined) return null;
      const notes = kernel.schedule === undefined ? [] : [`schedule: ${kernel.schedule}`];
      return { name: kernel.name, loops: closed ? nestText(kernel) : [], notes, cost: null };
    },
  });
}
