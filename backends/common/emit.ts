/**
 * Assembles the module of a model, whatever its kernels run on.
 *
 * The order is that of reading: what a user calls, the kernels, the entries that run them, the weights, and last the
 * host code, which is the same in every module of a target. Nothing is imported.
 */
import { IndentationText, Project, type StatementStructures } from "ts-morph";
import { UserError } from "../../src/diagnostics/index.js";
import type { Plan } from "../../src/ir/plan/plan.js";
import { compacted } from "./compact.js";
import { type CompiledModule, compileModule, scriptOf } from "./compile.js";
import { type DescribedEntry, type EntryNames, entryNames } from "./entries.js";
import {
  foldedTable,
  type HeldTables,
  heldTables,
  type Prepared,
  preparedTable,
  weightFields,
  weightTable,
} from "./held.js";
import { hostNames, hostScript } from "./host.js";
import { interfaceStatements, type Loading } from "./interface.js";
import { javascriptWords } from "./keywords.js";
import { wrapLines } from "./layout.js";
import { allPlans, type Module, shownName } from "./module.js";
import { identifier, Names } from "./names.js";
import { joinScripts, plainScript, withBodies } from "./script.js";

/** The texts of a module. */
export interface EmittedModule extends CompiledModule {
  readonly typescript: string;
  /** The WebAssembly that the module carries, and its text, where the target has it. */
  readonly wasm?: Uint8Array;
  readonly wat?: string;
  /** The shaders, one after the other, where the target has them: for people, as each is compiled by itself. */
  readonly wgsl?: string;
}

/** A statement of a module, or its text. */
export type Item = StatementStructures | string;

/** The names of a module, with those taken that every module has, and those of the entries' parts. */
export function moduleNames(module: Module): {
  names: Names;
  entries: readonly { readonly plan: Plan; readonly names: EntryNames }[];
} {
  const names = new Names(new Set([...javascriptWords, ...hostNames()]));
  for (const fixed of ["Model", "LoadOptions", "load", "weightTable", "preparedTable", "Weights"]) names.claim(fixed);
  return {
    names,
    entries: allPlans(module).map((plan) => ({
      plan,
      names: entryNames(checked(plan), names, shownName(plan, module)),
    })),
  };
}

/** What a target adds to a module. */
export interface ModuleParts {
  readonly entries: readonly DescribedEntry[];
  readonly loading: Loading;
  /** The kernels and the entries, under headings. */
  readonly statements: readonly Item[];
  /**
   * How the host code computes what is prepared: statements, and the code of a `PreparedSpec["compute"]` for each. Where
   * it is not given, the target prepares by itself, and there is no table of it.
   */
  readonly prepare?: { readonly statements: readonly Item[]; readonly compute: (made: Prepared) => string };
  /**
   * Bodies of functions that are JavaScript already, but for ` as boolean` at the end of a statement; a function has
   * `bodyMark(i)` for its statements. They are most of a module, and need not be parsed.
   */
  readonly bodies?: readonly (readonly string[])[];
  /**
   * Whether the JavaScript has no comments and no space that it does not need: it is sent, and the TypeScript is read.
   * Weights of equal layers are listed once.
   */
  readonly isCompact?: boolean;
  /** What stands behind everything else. */
  readonly last?: readonly Item[];
  /** Names of the host code that callers can use, besides those of every target. */
  readonly exported?: readonly string[];
}

export function assembleModule(module: Module, parts: ModuleParts): EmittedModule {
  const held = heldTables(module);
  const hasWeights = held.weights.size > 0;
  const surface = textOf(interfaceStatements(module, parts.entries, hasWeights, parts.loading));
  const rest = textOf([
    ...parts.statements,
    heading("The weights: the shape of each, and the tensors of a checkpoint that hold it, the first that is there."),
    ...(parts.isCompact ? [foldedWeights(held)] : heldStatements(held, parts.prepare)),
    heading("The host code, the same in every module."),
  ]);
  const exported = exportedNames(hasWeights, parts.exported ?? []);
  const own = withBodies(scriptOf(`${surface}\n${rest}`), parts.bodies ?? []);
  const host = hostScript([...exported, ...mentionedHostNames(own.text)], exported, parts.isCompact);
  const last = parts.last === undefined ? plainScript("") : scriptOf(textOf(parts.last));
  const whole = joinScripts([own, host, last], () => "\n");
  // The declarations need only what is exported, which is a small part of the text.
  const declared = `${surface}\n${hostScript(exported, exported).text}\n`;
  const sent = parts.isCompact ? { ...whole, script: compacted(whole.script) } : whole;
  return { typescript: whole.text, ...compileModule(identifier(module.name), sent, declared) };
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
  const words = new Set(text.replace(/"(?:[^"\\\n]|\\.)*"/g, '""').match(/\b[A-Za-z_]\w*\b/g));
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

function foldedWeights(held: HeldTables): Item {
  const type = "WeightSpec";
  return constant("weightTable", foldedTable(weightFields(held), type), `Readonly<Record<string, ${type}>>`, null);
}

function heldStatements(held: HeldTables, prepare: ModuleParts["prepare"]): Item[] {
  // What is prepared elsewhere needs all weights.
  const needed = prepare === undefined ? { ...held, passing: new Set<string>() } : held;
  const weights = `${weightTable(needed)} as const satisfies Readonly<Record<string, WeightSpec>>`;
  const table = constant("weightTable", weights, null, null);
  if (prepare === undefined || held.prepared.length === 0)
    return [table, "\ntype Weights = WeightsOf<typeof weightTable>;"];
  const prepared = `${preparedTable(held, prepare.compute)} as const satisfies Readonly<Record<string, PreparedSpec>>`;
  return [
    table,
    heading("What is computed of weights once, as soon as they have arrived; what only that reads is let go."),
    ...prepare.statements,
    constant("preparedTable", prepared, null, null),
    "\ntype Weights = WeightsOf<typeof weightTable & typeof preparedTable>;",
  ];
}
