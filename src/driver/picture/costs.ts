/** What the operators and kernels of a picture cost, in numbers: the colours of `--colour flops|bytes|memory`. */
import type { GraphPictureOptions } from "../../../backends/dot/index.js";
import type { Graph } from "../../ir/graph/index.js";
import type { Call, LoweredGraph } from "../../lower/index.js";
import { dataBytesOf } from "../../memory/index.js";
import { evaluate, type Size } from "../../sizes/index.js";
import { trafficOfKernel } from "../cost/costs.js";
import { flopsOf } from "../cost/flops.js";
import { type SizeValues, sizesText } from "./sizes.js";

export const colours = ["kind", "flops", "bytes", "memory"] as const;
export type Colour = (typeof colours)[number];

/** The costs of the operators of a Graph; null for those that have none of their own. */
export function operatorCosts(
  graph: Graph,
  colour: Exclude<Colour, "kind">,
  sizes: SizeValues,
): NonNullable<GraphPictureOptions["costs"]> {
  const numberOf = (value: Size): number => evaluate(value, (variable) => sizes.get(variable) ?? 0);
  const bytes = (id: number): number => numberOf(dataBytesOf(graph.types[id]!));
  const names = { flops: "FLOPs", bytes: "bytes to and from memory", memory: "bytes of results" } as const;
  const at = sizesText(sizes);
  const legend = `${names[colour]}${at === "" ? "" : ` at ${at}`}`;
  if (colour === "flops") return { unit: "FLOP", legend, of: (id) => numberOf(flopsOf(graph, id)) };
  if (colour === "memory") return { unit: "B", legend, of: bytes };
  return {
    unit: "B",
    legend,
    of: (id) =>
      graph.nodes[id]!.operands.reduce(
        (sum, operand) => sum + Math.min(bytes(operand), gathered(graph, id, bytes)),
        bytes(id),
      ),
  };
}

/** At most this many bytes of an operand are read: what picks rows reads as many as it gives. */
function gathered(graph: Graph, id: number, bytes: (id: number) => number): number {
  const { operator } = graph.nodes[id]!;
  return operator === "take" || operator === "element" || operator === "slice" ? bytes(id) : Number.POSITIVE_INFINITY;
}

/** What a run of a kernel costs; null where its operators say it. */
export function kernelCost(
  lowered: LoweredGraph,
  { kernel, reads, writes }: Call,
  colour: Colour,
  sizes: SizeValues,
): number | null {
  if (colour === "kind" || colour === "flops") return null;
  const numberOf = (value: Size): number => evaluate(value, (variable) => sizes.get(variable) ?? 0);
  const { read, written } = trafficOfKernel(
    kernel,
    reads.map((id) => dataBytesOf(lowered.buffers[id]!)),
    writes.map((id) => dataBytesOf(lowered.buffers[id]!)),
  );
  return colour === "memory" ? numberOf(written) : numberOf(read) + numberOf(written);
}
