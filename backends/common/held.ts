/** The tables of what a module holds from its loading on: its weights, and what is computed of them once. */
import { InternalError } from "../../src/diagnostics/index.js";
import type { Kernel } from "../../src/ir/kernel/index.js";
import type { BufferId, Dispatch, Plan, PlanBuffer } from "../../src/ir/plan/plan.js";
import { constantOf } from "../../src/sizes/index.js";
import { propertyName } from "./entries.js";
import { allPlans, type Module } from "./module.js";
import { foldRepeats } from "./repeats.js";

/** What a module holds, over all its entries. */
export interface HeldTables {
  /** Each weight once, by name. */
  readonly weights: ReadonlyMap<string, PlanBuffer>;
  /** What is prepared, each once, in an order in which it can be computed. */
  readonly prepared: readonly Prepared[];
  /** The names of what no run reads. */
  readonly passing: ReadonlySet<string>;
}

export interface Prepared {
  readonly name: string;
  readonly buffer: PlanBuffer;
  readonly kernel: Kernel;
  readonly of: readonly string[];
}

export function heldTables(module: Module): HeldTables {
  const weights = new Map<string, PlanBuffer>();
  const prepared = new Map<string, Prepared>();
  const read = new Set<string>();
  for (const plan of allPlans(module)) {
    for (const id of plan.weights) weights.set(heldName(plan, id), plan.buffers[id]!);
    for (const dispatch of plan.prepare) {
      const made = preparedBy(plan, dispatch);
      if (!prepared.has(made.name)) prepared.set(made.name, made);
    }
    for (const id of plan.dispatches.flatMap(({ reads }) => reads)) {
      const { kind } = plan.buffers[id]!.place;
      if (kind === "weight" || kind === "prepared") read.add(heldName(plan, id));
    }
  }
  const passing = [...weights.keys(), ...prepared.keys()].filter((name) => !read.has(name));
  return { weights, prepared: [...prepared.values()], passing: new Set(passing) };
}

/** The name under which a weight or what is prepared is held. */
export function heldName({ buffers }: Plan, id: BufferId): string {
  const { name, place } = buffers[id]!;
  if (place.kind === "weight" || place.kind === "prepared") return place.name;
  throw new InternalError(`${name} is not held from run to run`);
}

function preparedBy(plan: Plan, { kernel, reads, writes }: Dispatch): Prepared {
  const [id, ...others] = writes;
  if (id === undefined || others.length > 0) throw new InternalError("what prepares writes one buffer");
  const of = reads.map((each) => heldName(plan, each));
  return { name: heldName(plan, id), buffer: plan.buffers[id]!, kernel: plan.kernels[kernel]!, of };
}

/** The table of the weights: a line for each. */
export function weightTable(held: HeldTables): string {
  return table(weightFields(held).map(wrappedField));
}

/** A table with the fields of equal layers written once. @param type of its values */
export function foldedTable(fields: readonly Field[], type: string): string {
  const texts = fields.map(({ name, values }) => `${JSON.stringify(name)}: { ${values.join(", ")} }`);
  const lines = foldRepeats(texts).flatMap(({ count, items }) => {
    if (count === 1) return items.map((item) => `  ${item},`);
    const inner = items.map((item) => `    ${item},`);
    return [`  ...repeatedFields<${type}>(${count}, (i) => ({`, ...inner, "  })),"];
  });
  return table(lines);
}

/** A field of a table: what its values are. */
export interface Field {
  readonly name: string;
  readonly values: readonly string[];
}

/** What each weight is, and where it is found. */
export function weightFields({ weights, passing }: HeldTables): readonly Field[] {
  return [...weights.values()].map(({ place, element, shape, name }): Field => {
    if (place.kind !== "weight") throw new InternalError(`${name} is no weight`);
    const values = typeFields({ element, shape });
    const isPlain = place.sources.length === 1 && place.sources[0]!.length === 1 && place.sources[0]![0] === place.name;
    if (!isPlain) values.push(`sources: ${JSON.stringify(place.sources).replaceAll(",", ", ")}`);
    if (passing.has(place.name)) values.push("passing: true");
    return { name: place.name, values };
  });
}

/** The table of what is prepared. @param compute the code of the function that writes it from the arrays of `of` */
export function preparedTable({ prepared, passing }: HeldTables, compute: (made: Prepared) => string): string {
  const fields = prepared.map((made) => {
    const values = [
      ...typeFields(made.buffer),
      `of: [${made.of.map((each) => JSON.stringify(each)).join(", ")}]`,
      `compute: ${compute(made)}`,
    ];
    if (passing.has(made.name)) values.push("passing: true");
    return wrappedField({ name: made.name, values });
  });
  return table(fields);
}

export function typeFields({ element, shape }: Pick<PlanBuffer, "element" | "shape">): string[] {
  return [`type: "${element}"`, `shape: [${shape.map(constantOf).join(", ")}]`];
}

function wrappedField({ name, values }: Field): string {
  const line = `  ${propertyName(name)}: { ${values.join(", ")} },`;
  if (line.length <= 120) return line;
  return [`  ${propertyName(name)}: {`, ...values.map((value) => `    ${value},`), "  },"].join("\n");
}

function table(fields: readonly string[]): string {
  return fields.length === 0 ? "{}" : `{\n${fields.join("\n")}\n}`;
}
