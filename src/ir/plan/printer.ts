/**
 * The text of a plan, which parser.ts reads back.
 *
 *   plan forward
 *     sizes    B: 1..64, T: 0..1024 step 4
 *     input    input_ids %0: i32[B, T], elements below 50257
 *     weight   wte %1: f32[50257, 768] from "wte.weight"
 *     arena    x %2: f32[B, T, 768] at 0, 3072*B*T bytes
 *     within   h %3: f32[B, T, 50257] as logits
 *     output   logits %4: f32[B, T, 50257]
 *     prepared qkv %7: f32[768, 2304] as h.0.qkv
 *     bytes    3072*B*T
 *     prepare  concat#1 %5, %6 -> %7
 *     run      take#0 %0, %1 -> %2  ; h.0 gpt2.trafo:41:9
 *
 *   kernel take#0
 *     ...
 */
import { render } from "../../sizes/index.js";
import { nameText } from "../text/words.js";
import type { Plan } from "./plan.js";
import { sheetText } from "./sheet.js";

/** The plan, and with `kernels` the text of each kernel after it. */
export function printPlan(plan: Plan, { kernels = true }: { readonly kernels?: boolean } = {}): string {
  return sheetText(plan, `plan ${nameText(plan.name)}`, { bytes: render(plan.arenaBytes) }, kernels);
}
