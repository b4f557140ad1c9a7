/**
 * Assembles the module of a model, whatever its kernels run on.
 *
 * The order is that of reading: what a user calls, the kernels, the entries that run them, the weights, and last the
 * host code, which is the same in every module of a target. Nothing is imported.
 */
import { IndentationText, Project, type StatementStructures } from "ts-morph";
import { UserError } from "../../src/diagnostics/index.js";
import type { Plan, PlanBuffer } from "../../src/ir/plan/plan.js";
import { constantOf } from "../../src/sizes/index.js";
import { type CompiledModule, compileModule } from "./compile.js";
import { type DescribedEntry, type EntryNames, entryNames, propertyName } from "./entries.js";
import { hostNames, hostText } from "./host.js";
import { interfaceStatements, type Loading } from "./interface.js";
import { javascriptWords } from "./keywords.js";
import { wrapLines } from "./layout.js";
import type { Module } from "./module.js";
import { identifier, Names } from "./names.js";

/** The texts of a module. */
export interface EmittedModule extends CompiledModule {
  readonly typescript: string;
}

/** A statement of a module, or its text. */
export type Item = StatementStructures | string;

/** The names of a module, with those taken that every module has, and those of the entries' parts. */
export function moduleNames(module: Module): {
  names: Names;
  entries: readonly { readonly plan: Plan; readonly names: EntryNames }[];
} {
  const names = new Names(new Set([...javascriptWords, ...hostNames()]));
  for (const fixed of ["Model", "LoadOptions", "load", "weightTable", "Weights"]) names.claim(fixed);
  return { names, entries: module.plans.map((plan) => ({ plan, names: entryNames(checked(plan), names) })) };
}

/** What a target adds to a module. */
export interface ModuleParts {
  readonly entries: readonly DescribedEntry[];
  readonly loading: Loading;
  /** The kernels and the entries, under headings. */
  readonly statements: readonly Item[];
  /** Names of the host code that callers can use, besides those of every target. */
  readonly exported?: readonly string[];
}

export function assembleModule(module: Module, parts: ModuleParts): EmittedModule {
  const weights = weightsOf(module.plans);
  const hasWeights = weights.length > 0;
  const surface = textOf(interfaceStatements(module, parts.entries, hasWeights, parts.loading));
  const rest = textOf([
    ...parts.statements,
    heading("The weights: the shape of each, and the tensors of a checkpoint that hold it, the first that is there."),
    ...weightStatements(weights),
    heading("The host code, the same in every module."),
  ]);
  const exported = exportedNames(hasWeights, parts.exported ?? []);
  const host = hostText([...exported, ...mentionedHostNames(surface + rest)], exported);
  const typescript = `${surface}\n${rest}\n${host}\n`;
  // The declarations need only what is exported, which is a small part of the text.
  const declared = `${surface}\n${hostText(exported, exported)}\n`;
  return { typescript, ...compileModule(identifier(module.name), typescript, declared) };
}

/** The text of statements, a blank line between any two. */
function textOf(statements: readonly Item[]): string {
  const project = new Project({
    useInMemoryFileSystem: true,
    skipLoadingLibFiles: true,
    manipulationSettings: { indentationText: IndentationText.TwoSpaces },
  });
  const file = project.createSourceFile("module.ts", { statements: [...statements] });
  return `${wrapLines(
    file
      .getFullText()
      .trim()
      .replace(/\n{3,}/g, "\n\n"),
  )}\n`;
}

/** What callers of a module can use of the host code. */
function exportedNames(hasWeights: boolean, more: readonly string[]): ReadonlySet<string> {
  const names = [
    ...more,
    "ElementName",
    "ArrayOf",
    "Tensor",
    "TensorInput",
    "NestedNumbers",
    "FlatNumbers",
    "InputError",
  ];
  if (hasWeights) names.push("NamedTensor", "WeightsSource", "WeightsProgress", "WeightsError", "SafetensorsError");
  return new Set(names);
}

function mentionedHostNames(text: string): string[] {
  const words = new Set(text.match(/\b[A-Za-z_]\w*\b/g));
  return [...hostNames()].filter((name) => words.has(name));
}

/** @throws UserError E0501 if the entry's name cannot be a method of a model. */
function checked(plan: Plan): Plan {
  if (plan.name !== "dispose" && plan.name !== "then") return plan;
  const reason = plan.name === "dispose" ? "frees the model" : "would make it a promise";
  throw UserError.of("E0501", `the entry ${plan.name} has the name of a method that ${reason}`, {
    help: [`give the entry another name, such as run_${plan.name}`],
  });
}

export function heading(text: string): string {
  return `// ---- ${text}\n`;
}

/** A constant, as text: ts-morph would indent the lines of its value. */
export function constant(name: string, value: string, type: string | null, doc: string | null): Item {
  const declared = type === null ? name : `${name}: ${type}`;
  return `${doc === null ? "" : `/** ${doc} */\n`}const ${declared} = ${value};\n`;
}

/** The weights of all plans, each once. */
function weightsOf(plans: readonly Plan[]): readonly PlanBuffer[] {
  const found = new Map<string, PlanBuffer>();
  for (const plan of plans) {
    for (const id of plan.weights) {
      const buffer = plan.buffers[id]!;
      if (buffer.place.kind === "weight") found.set(buffer.place.name, buffer);
    }
  }
  return [...found.values()];
}

function weightStatements(weights: readonly PlanBuffer[]): Item[] {
  const lines = weights.map(({ place, element, shape }) => {
    if (place.kind !== "weight") return "";
    const fields = [`type: "${element}"`, `shape: [${shape.map(constantOf).join(", ")}]`];
    const isPlain = place.sources.length === 1 && place.sources[0]!.length === 1 && place.sources[0]![0] === place.name;
    if (!isPlain) fields.push(`sources: ${JSON.stringify(place.sources).replaceAll(",", ", ")}`);
    const line = `  ${propertyName(place.name)}: { ${fields.join(", ")} },`;
    if (line.length <= 120) return line;
    return [`  ${propertyName(place.name)}: {`, ...fields.map((field) => `    ${field},`), "  },"].join("\n");
  });
  const table = lines.length === 0 ? "{}" : `{\n${lines.join("\n")}\n}`;
  return [
    constant("weightTable", `${table} as const satisfies Readonly<Record<string, WeightSpec>>`, null, null),
    "\ntype Weights = WeightsOf<typeof weightTable>;",
  ];
}
