/**
 * Which variants of kernels the WGSL target has, for devices and sizes that its first choice does not suit.
 *
 * A device takes the first variant that is for it and fits its limits.
 */
import type { Kernel, KernelVariant } from "../../ir/kernel/index.js";
import { constantOf, rangeOf, type Size, variablesOf } from "../../sizes/index.js";
import { Draft } from "../draft.js";
import type { Schedule } from "../step.js";
import { attentionsIn } from "./attention.js";
import { type Contraction, onlyContraction } from "./contraction.js";
import { rolesOf, runsAlong } from "./roles.js";
import { behindPrologue, type WgslPolicy } from "./wgsl.js";
import { plainAttentionForWgsl, queryOf, sharedAttentionForWgsl } from "./wgsl-attention.js";
import { fewQueriesForWgsl, queryLoopIn } from "./wgsl-few-queries.js";
import { columnsApart, isAcross, type PrologueProduct, prologueProductOf } from "./wgsl-prologues.js";
import { type RegisterTile, tileInRegisters } from "./wgsl-registers.js";
import { rowsForWgsl, sharedBytesOf } from "./wgsl-rows.js";

export interface VariantSchedule extends Omit<KernelVariant, "body" | "schedule"> {
  readonly steps: Schedule;
}

export function variantsForWgsl(kernel: Kernel, policy: WgslPolicy): readonly VariantSchedule[] {
  const prologue = prologueProductOf(kernel);
  if (prologue !== null) return prologueVariants(kernel, prologue, policy);
  const contraction = onlyContraction(kernel);
  if (contraction !== null) return productVariants(kernel, contraction, policy);
  return [...attentionVariants(kernel, policy), ...inSubgroups(kernel, policy, null)];
}

/** Rows whose lanes meet in subgroups. */
function inSubgroups(kernel: Kernel, policy: WgslPolicy, few: KernelVariant["few"]): readonly VariantSchedule[] {
  const steps = rowsForWgsl(kernel, policy, true);
  return steps.length === 0 ? [] : [{ name: "subgroups", device: null, few, steps }];
}

function attentionVariants(kernel: Kernel, { attention: policy, fewQueries }: WgslPolicy): readonly VariantSchedule[] {
  const [attention, ...others] = attentionsIn(kernel);
  const meeting = fewQueriesForWgsl(kernel, fewQueries, true);
  if (meeting !== null) {
    const subgroups: VariantSchedule = { name: "subgroups", device: null, few: null, steps: meeting };
    // A query is computed by lanes that share it, wherever they are: one lane alone would take all its time for that.
    if (attention !== undefined && queryLoopIn(attention) !== null) return [subgroups];
    return [{ name: "apart", device: "software", few: null, steps: plainAttentionForWgsl(kernel, policy) }, subgroups];
  }
  if (attention === undefined || others.length > 0 || sharedAttentionForWgsl(kernel, policy) === null) return [];
  const steps = plainAttentionForWgsl(kernel, policy);
  const software: VariantSchedule = { name: "apart", device: "software", few: null, steps };
  const few = fewRows(kernel, queryOf(attention).extent, policy.shared.queries / 8);
  return [software, ...(few === "many" ? [] : [{ name: "apart", device: null, few, steps }])];
}

function prologueVariants(kernel: Kernel, prologue: PrologueProduct, policy: WgslPolicy): readonly VariantSchedule[] {
  const made: VariantSchedule[] = [];
  const { few, behind } = policy.registers;
  const add = (name: string, tile: RegisterTile, isTogether: boolean): void => {
    const draft = new Draft(kernel);
    const isTaken =
      sharedBytesOf(kernel) === 0 && draft.try(() => columnsApart(draft, prologue, tile, isTogether), true);
    if (isTaken) made.push({ name, device: "software", few: null, steps: draft.steps });
  };
  // Registers hold the results of several products, and the nearest cache a line of every column that is read across.
  const isNarrow = isAcross(prologue) || prologue.contraction.sums.length > 1;
  const columns = isNarrow ? few.columns : behind.columns;
  add("together", { ...behind, columns }, true);
  add("apart", few, false);
  const steps = behindPrologue(kernel, prologue, policy, true);
  if (steps !== null) made.push({ name: "subgroups", device: null, few: null, steps });
  return made;
}

function productVariants(kernel: Kernel, contraction: Contraction, policy: WgslPolicy): readonly VariantSchedule[] {
  const rows = rolesOf(contraction).rows.at(-1)?.extent ?? null;
  const { few, many } = policy.registers;
  const made: VariantSchedule[] = [];
  const add = (use: Omit<VariantSchedule, "steps">, take: (draft: Draft) => void): boolean => {
    const draft = new Draft(kernel);
    const isTaken = draft.try(() => take(draft), true);
    if (isTaken) made.push({ ...use, steps: draft.steps });
    return isTaken;
  };
  const size = fewRows(kernel, rows, policy.registers.fewRows);
  if (size !== "many") {
    add({ name: "few", device: "software", few: size }, (draft) => tileInRegisters(draft, contraction, few));
  }
  if (size !== null) {
    add({ name: "registers", device: "software", few: null }, (draft) => tileInRegisters(draft, contraction, many));
  }
  const one = fewRows(kernel, rows, policy.row.most);
  if (one === "many") return made;
  // Where what is summed lies side by side, lanes share a sum; elsewhere columns lie side by side, and lanes share those.
  const isAcross = contraction.sums.every(({ reduction, factors }) =>
    factors.every((factor) => runsAlong(factor, reduction.at(-1)!.variable)),
  );
  const steps = isAcross ? rowsForWgsl(kernel, policy) : [];
  if (steps.length > 0) made.push(...inSubgroups(kernel, policy, one), { name: "row", device: null, few: one, steps });
  else add({ name: "row", device: null, few: one }, (draft) => tileInRegisters(draft, contraction, policy.row.tile));
  return made;
}

/** When rows are few: always (null), never, or where their number is small. */
function fewRows(kernel: Kernel, rows: Size | null, most: number): KernelVariant["few"] | "many" {
  if (rows === null || rangeOf(rows).max <= most) return null;
  const isKnown = variablesOf(rows).every((each) => kernel.sizes.includes(each));
  return constantOf(rows) !== null || !isKnown || rangeOf(rows).min > most ? "many" : { size: rows, most };
}
