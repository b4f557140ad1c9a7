/**
 * The text of a plan, for people.
 *
 *   plan forward
 *     sizes    B: 1..64, T: 0..1024 step 4
 *     input    input_ids %0: i32[B, T], elements below 50257
 *     weight   wte %1: f32[50257, 768] from "wte.weight"
 *     arena    x %2: f32[B, T, 768] at 0, 3072*B*T bytes
 *     output   logits %3: f32[B, T, 50257]
 *     bytes    3072*B*T
 *     run      take#0 %0, %1 -> %2 ; h.0 gpt2.trafo:41:9
 *
 *   kernel take#0
 *     ...
 */
import { render, type SizeVariable } from "../../sizes/index.js";
import { bufferType, printKernel } from "../kernel/index.js";
import type { BufferId, Dispatch, Plan, PlanBuffer } from "./plan.js";

/** The plan, and with `kernels` the text of each kernel after it. */
export function printPlan(plan: Plan, { kernels = true }: { readonly kernels?: boolean } = {}): string {
  const lines = [`plan ${plan.name}`];
  const field = (name: string, text: string): unknown => lines.push(`  ${name.padEnd(8)} ${text}`);
  if (plan.sizes.length > 0) field("sizes", plan.sizes.map(sizeText).join(", "));
  for (const [id, buffer] of plan.buffers.entries()) {
    field(buffer.place.kind, `${buffer.name} %${id}: ${bufferType(buffer)}${placeText(plan, buffer)}`);
  }
  field("bytes", render(plan.arenaBytes));
  for (const dispatch of plan.dispatches) field("run", dispatchText(plan, dispatch));
  const texts = plan.kernels.map((kernel, number) => printKernel({ ...kernel, name: `${kernel.name}#${number}` }));
  return [`${lines.join("\n")}\n`, ...(kernels ? texts : [])].join("\n");
}

function sizeText({ name, min, max, step }: SizeVariable): string {
  const range = `${name}: ${render(min)}..${max === null ? "" : render(max)}`;
  return step === 1 ? range : `${range} step ${step}`;
}

function placeText(plan: Plan, { name, place }: PlanBuffer): string {
  switch (place.kind) {
    case "input": {
      const check = plan.indexChecks.find((each) => each.input === place.name);
      const fill = place.fill === null ? "" : `, ${place.fill} unless given`;
      return fill + (check === undefined ? "" : `, elements below ${render(check.limit)}`);
    }
    case "weight":
      return ` from ${place.sources.map((each) => each.map((name) => JSON.stringify(name)).join(" + ")).join(" or ")}`;
    case "arena":
      return ` at ${render(place.offset)}, ${render(place.bytes)} bytes`;
    case "output":
      if (place.holds !== undefined) return ` holds %${place.holds}`;
      return place.name === name ? "" : ` in ${place.name}`;
  }
}

function dispatchText(plan: Plan, { kernel, reads, writes, location, scope }: Dispatch): string {
  const ids = (list: readonly BufferId[]): string => list.map((id) => `%${id}`).join(", ");
  const name = `${plan.kernels[kernel]?.name}#${kernel}`;
  const place = location === null ? "" : `${location.file}:${location.line}:${location.column}`;
  const origin = [scope, place].filter((each) => each !== "").join(" ");
  return `${name} ${ids(reads)} -> ${ids(writes)}${origin === "" ? "" : ` ; ${origin}`}`;
}
