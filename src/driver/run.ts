/** Runs the entries of a program one after another, fed by name. */
import { UserError } from "../diagnostics/index.js";
import { nearest } from "../diagnostics/nearest.js";
import type { Graph, Program } from "../ir/graph/index.js";
import type { Tensor } from "../runtime/host/tensors.js";
import { checkInputs, type Given, givenTensor, inputsOf, type Ready } from "./inputs.js";
import type { Runner } from "./targets.js";

/** An entry that ran. */
export interface EntryRun {
  readonly entry: Graph;
  readonly ready: Ready;
  readonly outputs: ReadonlyMap<string, Tensor>;
}

/** Whether all inputs of an entry that have no default are there. */
export function canRun(graph: Graph, given: ReadonlyMap<string, unknown>): boolean {
  return inputsOf(graph).every(({ name, fill }) => fill !== null || given.has(name));
}

/**
 * Runs every entry whose inputs are there, in the order of the program. Outputs feed later entries under their names,
 * unless an input of that name was given.
 * @throws UserError where inputs do not fit, or where no entry can run.
 */
export async function runEntries(
  runner: Runner,
  program: Program,
  given: ReadonlyMap<string, Given>,
): Promise<EntryRun[]> {
  const values = new Map(given);
  const runs: EntryRun[] = [];
  for (const entry of program.entries) {
    if (!canRun(entry, values)) continue;
    const ready = checkInputs(entry, values);
    const outputs = await runner.run(entry.name, ready);
    runs.push({ entry, ready, outputs });
    for (const [name, tensor] of outputs) {
      if (!given.has(name)) values.set(name, givenTensor(tensor, `output ${name} of entry ${entry.name}`));
    }
  }
  // The message names what the first entry lacks.
  if (runs.length === 0 && program.entries[0]) checkInputs(program.entries[0], values);
  return runs;
}

/**
 * Checks inputs before anything is compiled or read for them: every entry that can run on what is given alone.
 * @throws UserError where they do not fit, or where no entry can run.
 */
export function checkGiven(program: Program, given: ReadonlyMap<string, Given>): void {
  const ready = program.entries.filter((entry) => canRun(entry, given));
  for (const entry of ready.length > 0 ? ready : program.entries.slice(0, 1)) checkInputs(entry, given);
}

/**
 * Checks that every given input is one that some entry takes.
 * @throws UserError E0710 with the nearest name.
 */
export function checkNames(program: Program, names: Iterable<string>): void {
  const known = new Set(program.entries.flatMap((entry) => inputsOf(entry).map(({ name }) => name)));
  for (const name of names) {
    if (known.has(name)) continue;
    const near = nearest(name, known);
    throw UserError.of("E0710", `no entry takes an input ${name}`, {
      notes: [`the inputs are ${[...known].join(", ")}`],
      help: near === null ? [] : [`the nearest is ${near}`],
    });
  }
}
