/**
 * The texts of a compilation's stages, and how a compilation starts from one of them.
 *
 * A dump begins with `program @NAME`, which every stage has, and holds one structure per entry: a `graph`, or the
 * `kernels` of an entry, or its `plan`. Where it stands in the pipeline follows from what it holds: a graph in which fusion
 * has placed values is optimized, kernels with steps of schedules are scheduled. What is scheduled is so for one target,
 * which the first line says: `program @NAME for wasm`.
 */
import { type SourceFile, UserError } from "../diagnostics/index.js";
import {
  type Graph,
  type Node,
  type Program,
  parseProgram,
  printGraph,
  type TensorType,
  type ValueId,
} from "../ir/graph/index.js";
import type { KernelElement } from "../ir/kernel/index.js";
import { type Plan, printPlan, readPlan, type SheetBuffer } from "../ir/plan/index.js";
import { DumpReader } from "../ir/text/reader.js";
import { nameText } from "../ir/text/words.js";
import { type LoweredGraph, loweredWord, printLowered, readLowered } from "../lower/index.js";
import type { SizeVariable } from "../sizes/index.js";
import { type BackendName, backendNames, backends } from "./backends.js";
import type { Request } from "./pipeline.js";

/** A text that holds a stage's artifact, and the target that it was made for, where that matters and is known. */
export type Dump = { readonly program: Program; readonly target: BackendName | null } & (
  | { readonly stage: "graph" | "optimize" }
  | { readonly stage: "kernels" | "schedule"; readonly lowered: readonly LoweredGraph[] }
  | { readonly stage: "plan"; readonly plans: readonly Plan[] }
);

/** Whether the text is that of a stage, as `--dump-after` prints it. */
export function isDump({ text }: SourceFile): boolean {
  return /^(?:;.*\n|\s)*program\s+@/.test(text);
}

/**
 * Reads a dump.
 * @param entries those that are wanted; all if not given
 * @throws UserError E0690 where the text is none, E0616 for an entry that it does not hold
 */
export function readDump(source: SourceFile, entries?: readonly string[]): Dump {
  const reader = new DumpReader(source);
  reader.expect("word", "`program`", "program");
  const name = reader.expect("graph", "the program's name, such as `@GPT2`,");
  const target = reader.accept("word", "for") === null ? null : reader.oneOf("a target", backendNames);
  const chosen = <T extends { readonly name: string }>(all: readonly T[]): readonly T[] => choose(all, entries);
  if (reader.sees("word", loweredWord)) {
    const lowered = chosen(allOf(reader, () => readLowered(reader)));
    const isScheduled = lowered.some(({ calls }) => calls.some(({ kernel }) => kernel.schedule !== undefined));
    const program = { name, entries: lowered.map(loweredInterface) };
    return { stage: isScheduled ? "schedule" : "kernels", program, target, lowered };
  }
  if (reader.sees("word", "plan")) {
    const plans = chosen(allOf(reader, () => readPlan(reader)));
    return { stage: "plan", program: { name, entries: plans.map(interfaceOf) }, target, plans };
  }
  const graphs = chosen(parseProgram(source).entries);
  const isPlaced = graphs.some(({ placements }) => placements.some((placement) => placement !== null));
  return { stage: isPlaced ? "optimize" : "graph", program: { name, entries: graphs }, target };
}

function allOf<T>(reader: DumpReader, read: () => T): readonly T[] {
  const found: T[] = [];
  while (!reader.sees("end")) found.push(read());
  return found;
}

function choose<T extends { readonly name: string }>(all: readonly T[], entries?: readonly string[]): readonly T[] {
  const missing = entries?.find((entry) => !all.some(({ name }) => name === entry));
  if (missing === undefined) return all.filter(({ name }) => entries?.includes(name) ?? true);
  throw UserError.of("E0616", `the dump holds no entry ${missing}`, {
    notes: [`it holds ${all.map(({ name }) => name).join(", ")}`],
  });
}

/** What callers see of an entry whose graph is no longer there. */
interface Interface {
  readonly name: string;
  readonly sizes: readonly SizeVariable[];
  readonly buffers: readonly SheetBuffer[];
  readonly outputs: readonly number[];
}

function loweredInterface(lowered: LoweredGraph): Graph {
  const buffers = lowered.buffers.map(({ name, element, shape, home }): SheetBuffer => {
    return { name, element, shape, place: home.kind === "prepared" ? { kind: "temporary" } : home };
  });
  return interfaceOf({ ...lowered, buffers });
}

/** A graph with the inputs, weights and outputs of an entry, and nothing between: it says what is taken and given. */
function interfaceOf({ name, sizes, buffers, outputs }: Interface): Graph {
  const nodes: Node[] = [];
  const types: TensorType[] = [];
  const add = (node: Node, type: TensorType): ValueId => {
    types.push(type);
    return (nodes.push(node) - 1) as ValueId;
  };
  for (const { place, element, shape } of buffers) {
    const operands: readonly ValueId[] = [];
    if (place.kind === "input")
      add(
        { operator: "input", operands, attributes: { name: place.name, element, shape, fill: place.fill } },
        { element, shape },
      );
    if (place.kind === "weight")
      add(
        { operator: "weight", operands, attributes: { name: place.name, element, shape, sources: place.sources } },
        { element, shape },
      );
  }
  const named = outputs.map((id) => {
    const { name: own, place, element, shape } = buffers[id]!;
    const zero = add({ operator: "constant", operands: [], attributes: { value: 0, element } }, { element, shape: [] });
    const value = add({ operator: "broadcast", operands: [zero], attributes: { shape } }, { element, shape });
    return { name: place.kind === "output" ? place.name : own, value };
  });
  const none = nodes.map(() => null);
  return { name, sizes, nodes, types, locations: none, scopes: none, names: none, placements: none, outputs: named };
}

/**
 * The text of a stage's artifact, which readDump reads back.
 * @param target what it is scheduled for; null for what is not scheduled.
 */
export function dumpText(
  name: string,
  target: BackendName | null,
  artifact:
    | { readonly graphs: readonly Graph[] }
    | { readonly lowered: readonly LoweredGraph[] }
    | { readonly plans: readonly Plan[] },
): string {
  const texts =
    "graphs" in artifact
      ? artifact.graphs.map(printGraph)
      : "lowered" in artifact
        ? artifact.lowered.map(printLowered)
        : artifact.plans.map((plan) => printPlan(plan));
  const head = `program @${nameText(name)}${target === null ? "" : ` for ${target}`}\n`;
  return [head, ...texts].join("\n");
}

/**
 * A dump has its static arguments, and behind its graphs the weights as they are held.
 * @throws UserError E0616 where others are asked for.
 */
export function requireUnsettled(
  { stage }: Dump,
  { path, settings, model, weights = "f32", precision = "f32" }: Request,
): void {
  if ((weights !== "f32" || precision !== "f32") && stage !== "graph") {
    throw UserError.of("E0616", `${path} is a dump of the stage ${stage}, which holds weights already`, {
      help: ["say how weights are held where the program is compiled from its source, or from a dump of its graph"],
    });
  }
  if (settings?.size || model !== undefined) {
    throw UserError.of("E0616", `${path} is a dump, which has no static arguments`, {
      help: ["set them where the program is compiled from its source"],
    });
  }
}

/** @throws UserError E0616 where a dump is scheduled for another target, or holds what only another has. */
export function requireScheduledFor(target: BackendName, dump: Dump, path: string): void {
  const lacked = backends[target].lacks.find((element) => elementsOf(dump).has(element));
  if (lacked !== undefined) {
    throw UserError.of("E0616", `${path} holds weights as ${lacked}, which the target ${target} does not have`, {
      help: ["it was made for another target: start from the source, or from a dump of its graph"],
    });
  }
  if (dump.target === null || dump.target === target) return;
  throw UserError.of("E0616", `${path} is scheduled for the target ${dump.target}, not for ${target}`, {
    help: [`give --target ${dump.target}, or start from the source, or from a dump of an earlier stage`],
  });
}

function elementsOf(dump: Dump): ReadonlySet<KernelElement> {
  const sheets = "lowered" in dump ? dump.lowered : "plans" in dump ? dump.plans : [];
  return new Set([
    ...dump.program.entries.flatMap(({ types }) => types.map(({ element }) => element)),
    ...sheets.flatMap(({ buffers }) => buffers.map(({ element }) => element)),
  ]);
}
