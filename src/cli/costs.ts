/** Costs of a program as text for a terminal, and as JSON. */
import {
  type Cost,
  type EntryCost,
  type KernelsPerLayer,
  kernelsPerLayer,
  type LayerCost,
  type LineCost,
  trafficOf,
} from "../driver/cost/costs.js";
import type { DecodingCost, KernelRuns } from "../driver/cost/decoding.js";
import { amountText, formulaText } from "../driver/cost/formula.js";
import { constantOf, render, type Size, size } from "../sizes/index.js";
import { bytesText, counted, plural, table } from "./print.js";

/** Bytes with a unit, or the formula of them. */
function memoryText(bytes: Size): string {
  const number = constantOf(bytes);
  return number === null ? `${formulaText(bytes)} bytes` : bytesText(number);
}

/** Operations for each byte of memory; empty where it depends on the sizes. */
function intensityText(cost: Cost): string {
  const [flops, bytes] = [constantOf(cost.flops), constantOf(trafficOf(cost))];
  return flops === null || !bytes ? "" : (flops / bytes).toFixed(2);
}

function cells(cost: Cost): string[] {
  return [
    formulaText(cost.parameters),
    formulaText(cost.kernels),
    amountText(cost.flops, "FLOP"),
    ...[cost.read, cost.written].map((bytes) => (constantOf(bytes) === null ? formulaText(bytes) : memoryText(bytes))),
    intensityText(cost),
  ];
}

const heads = ["parameters", "kernels", "FLOPs", "bytes read", "written", "FLOP/byte"];

function layerRows(layer: LayerCost, indent: string): string[][] {
  const name = layer.count > 1 ? `${layer.name} × ${layer.count}` : layer.name;
  const rows = [[`${indent}${name}: ${layer.block}`, ...cells(layer.total)]];
  for (const part of layer.parts) rows.push(...layerRows(part, `${indent}  `));
  return rows;
}

/** Whether a line costs anything. */
function isCounted({ cost }: LineCost): boolean {
  return Object.values(cost).some((value: Size) => value !== size(0));
}

/** What the text says beside the costs. */
export interface CostText {
  readonly signature: string;
  /** The lines of the program's own file, for the table of lines. */
  readonly sourceLine: (file: string, line: number) => string;
}

/** An entry's costs: the sums, memory, by layer, by line. */
export function entryText(entry: EntryCost, { signature, sourceLine }: CostText): string {
  const { layers, memory, lines, distinctKernels } = entry;
  const { total, own, parts } = layers;
  const intensity = intensityText(total);
  const facts = [
    ["  kernels", `${plural(distinctKernels, "kernel")}, run ${formulaText(total.kernels)} times`],
    ...kernelsPerLayer(layers).map((each) => ["    a layer", perLayerText(each)]),
    ["  FLOPs", amountText(total.flops, "FLOP")],
    ...(intensity === "" ? [] : [["  intensity", `${intensity} FLOP for each byte read or written`]]),
    ["  memory", memoryText(memory.peak)],
    ["    arena", memoryText(memory.arena)],
    ["    weights", memoryText(memory.weights)],
    ...(memory.prepared === size(0) ? [] : [["    prepared", memoryText(memory.prepared)]]),
    ["    outputs", memoryText(memory.outputs)],
  ];
  const byLayer = [
    ["  layer", ...heads],
    ...parts.flatMap((part) => layerRows(part, "  ")),
    ["  the model itself", ...cells(own)],
    ["  in all", ...cells(total)],
  ];
  const byLine = [
    ["  line", ...heads, ""],
    ...lines
      .filter(isCounted)
      .map(({ file, line, cost }) =>
        line === 0
          ? ["  no line", ...cells(cost), ""]
          : [`  ${file}:${line}`, ...cells(cost), sourceLine(file, line).trim().slice(0, 50)],
      ),
  ];
  return [
    `${signature}\n`,
    table(facts, "ll"),
    table(byLayer, `l${"r".repeat(heads.length)}`),
    table(byLine, `l${"r".repeat(heads.length)}l`),
    "  A kernel of several operators counts, with its bytes, where the last of them stands.\n",
  ].join("\n");
}

/** The costs of an entry at a value of a size. */
export interface Swept {
  readonly at: number;
  readonly cost: EntryCost;
}

/** A row for each value of a size: operations, bytes and memory, and how often the arena of the row before. */
export function overText(name: string, swept: readonly Swept[]): string {
  const rows = swept.map(({ at, cost }, i) => {
    const { total } = cost.layers;
    const before = i === 0 ? null : constantOf(swept[i - 1]!.cost.memory.arena);
    const arena = constantOf(cost.memory.arena);
    return [
      `  ${at}`,
      amountText(total.flops, "FLOP"),
      memoryText(trafficOf(total)),
      intensityText(total),
      memoryText(cost.memory.arena),
      before && arena !== null ? `× ${(arena / before).toFixed(2)}` : "",
      memoryText(cost.memory.outputs),
      memoryText(cost.memory.peak),
    ];
  });
  const heads = [`  ${name}`, "FLOPs", "bytes moved", "FLOP/byte", "arena", "", "outputs", "memory in all"];
  return table([heads, ...rows], "rrrrrrrr");
}

/** The sums of an entry for programs. */
export function totalsJson({ layers, memory }: EntryCost): Record<string, unknown> {
  return { ...costJson(layers.total), memory: memoryJson(memory) };
}

function memoryJson(memory: EntryCost["memory"]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(memory).map(([name, value]: [string, Size]) => [name, plain(value)]));
}

/** A number, or the text of a formula. */
function plain(value: Size): number | string {
  return constantOf(value) ?? render(value);
}

function costJson(cost: Cost) {
  const [flops, bytes] = [constantOf(cost.flops), constantOf(trafficOf(cost))];
  return {
    parameters: plain(cost.parameters),
    kernels: plain(cost.kernels),
    flops: plain(cost.flops),
    read: plain(cost.read),
    written: plain(cost.written),
    intensity: flops === null || !bytes ? null : flops / bytes,
  };
}

function layerJson(layer: LayerCost): Record<string, unknown> {
  const { name, block, count, total, own, parts } = layer;
  return { name, block, count, ...costJson(total), own: costJson(own), parts: parts.map(layerJson) };
}

/** An entry's costs for programs; formulas as `trafo` reads them. */
export function entryJson(entry: EntryCost): Record<string, unknown> {
  const { name, layers, memory, lines, distinctKernels } = entry;
  return {
    name,
    ...costJson(layers.total),
    distinctKernels,
    kernelsPerLayer: kernelsPerLayer(layers),
    memory: memoryJson(memory),
    layers: layerJson(layers),
    lines: lines.map(({ file, line, cost }) => ({ file, line: line === 0 ? null : line, ...costJson(cost) })),
  };
}

/** `124,439,808 parameters in 148 tensors`. */
export function parametersText(parameters: number, weights: number): string {
  return `${counted(parameters)} parameters in ${plural(weights, "tensor")}`;
}

function perLayerText({ path, layers, kernels }: KernelsPerLayer): string {
  return `${kernels} in ${layers === 1 ? path : `each of ${path} × ${layers}`}`;
}

function runsText({ kernels, perLayer }: KernelRuns, where: string): readonly string[] {
  const layers = perLayer.map((each) => `    a layer ${perLayerText(each)}`);
  return [`  a token   ${plural(kernels, "run")} of kernels${where}`, ...layers];
}

/** What a session keeps, and what a step of N positions after P costs. */
export function decodingText({ perPosition, constant, flops, once, token, apart, states }: DecodingCost): string {
  const counts = new Map<string, number>();
  for (const { kind } of states) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const kinds = [...counts].map(([kind, count]) => `${count} ${kind}`).join(", ");
  return [
    "",
    "Step by step",
    `  a step    ${formulaText(flops)} FLOPs for N positions after P`,
    ...(once === size(0) ? [] : [`  once      ${formulaText(once)} FLOPs before the first step`]),
    ...runsText(token, ""),
    ...(apart === null ? [] : runsText(apart, " where WebGPU computes on the processor")),
    `  kept      ${formulaText(perPosition)} bytes for each position, ${formulaText(constant)} bytes for all`,
    `  states    ${kinds === "" ? "none" : kinds}`,
    "",
  ].join("\n");
}

export function decodingJson({ perPosition, constant, flops, once, token, apart, states }: DecodingCost): object {
  const runs = ({ kernels, perLayer }: KernelRuns) => ({ kernelsPerToken: kernels, kernelsPerLayer: perLayer });
  return {
    flops: render(flops),
    onceFlops: render(once),
    ...runs(token),
    ...(apart === null ? {} : { onProcessor: runs(apart) }),
    bytesPerPosition: render(perPosition),
    bytes: render(constant),
    states: states.map(({ name, kind, element, shape }) => ({ name, kind, type: element, shape: shape.map(render) })),
  };
}
