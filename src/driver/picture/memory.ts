/** The memory of an entry over time, from its Plan: what `trafo graph --stage plan` draws. */
import { bytesText, liveBytes, type MemoryChart, memoryChart } from "../../../backends/dot/memory/index.js";
import { bufferType } from "../../ir/kernel/index.js";
import type { BufferId, Plan } from "../../ir/plan/plan.js";
import { dataBytesOf } from "../../memory/index.js";
import { evaluate, type Size } from "../../sizes/index.js";
import { type SizeValues, sizesText } from "./sizes.js";

/** The chart as SVG. @param model the model's name */
export function memoryPicture(model: string, plan: Plan, sizes: SizeValues): string {
  return memoryChart(chartOf(model, plan, sizes));
}

export function chartOf(model: string, plan: Plan, sizes: SizeValues): MemoryChart {
  const numberOf = (value: Size): number => evaluate(value, (variable) => sizes.get(variable) ?? 0);
  const lives = new Map<BufferId, { first: number; last: number; kernel: number }>();
  for (const [run, { kernel, reads, writes }] of plan.dispatches.entries()) {
    for (const id of [...writes, ...reads]) {
      const life = lives.get(id);
      if (life === undefined) lives.set(id, { first: run, last: run, kernel });
      else life.last = run;
    }
  }
  const buffers = [...lives].flatMap(([id, life]) => {
    const { name, place, ...type } = plan.buffers[id]!;
    if (place.kind !== "arena") return [];
    const [offset, bytes] = [numberOf(place.offset), numberOf(place.bytes)];
    return [{ name, type: bufferType(type), offset, bytes, first: life.first, last: life.last, hue: life.kernel }];
  });
  const shown = buffers.map((early) => {
    const isReplaced = buffers.some(
      (late) => late !== early && late.first === early.last && late.first > early.first && late.offset === early.offset,
    );
    return isReplaced ? { ...early, last: early.last - 1 } : early;
  });
  const runs = plan.dispatches.map(({ kernel, scope, location }) => {
    const { name } = plan.kernels[kernel]!;
    const place = location === null ? [] : [`${location.file}:${location.line}:${location.column}`];
    return {
      kernel: name,
      layer: scope.split(".").slice(0, 2).join("."),
      about: [`${name}#${kernel}`, scope, ...place].filter((line) => line !== ""),
    };
  });
  const arena = numberOf(plan.arenaBytes);
  const chart = { title: `${model}.${plan.name}`, notes: [], arena, runs: outerLayers(runs), buffers: shown };
  const total = (ids: readonly BufferId[]): string =>
    bytesText(ids.reduce((sum, id) => sum + numberOf(dataBytesOf(plan.buffers[id]!)), 0));
  const live = liveBytes(chart);
  const at = sizesText(sizes);
  const title = `${model}.${plan.name} \u00b7 arena of ${bytesText(arena)}${at === "" ? "" : ` at ${at}`}`;
  const most = `at most ${bytesText(Math.max(0, ...live))} live at one time (dashed)`;
  const prepared = plan.buffers.flatMap(({ place }, id) => (place.kind === "prepared" ? [id as BufferId] : []));
  const made = prepared.length === 0 ? "" : `, prepared at load ${total(prepared)}`;
  return {
    ...chart,
    title,
    notes: [most, `beside it weights of ${total(plan.weights)}, outputs of ${total(plan.outputs)}${made}`],
  };
}

/** Layers named by what tells them apart: `h.0` and `h.1` where they are lists, else the first name. */
function outerLayers<R extends { readonly layer: string }>(runs: readonly R[]): R[] {
  return runs.map((run) => {
    const [first = "", second = ""] = run.layer.split(".");
    return { ...run, layer: /^\d+$/.test(second) ? `${first}.${second}` : first };
  });
}
