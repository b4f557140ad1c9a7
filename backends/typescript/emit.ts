/**
 * Emits a model as a TypeScript module, and what the TypeScript compiler makes of it.
 *
 * The order is that of reading: what a user calls, the kernels, the entries that run them, the weights, and last the
 * host code, which is the same in every module. Nothing is imported.
 */
import { IndentationText, Project, type StatementStructures, StructureKind } from "ts-morph";
import { UserError } from "../../src/diagnostics/index.js";
import type { Plan, PlanBuffer } from "../../src/ir/plan/plan.js";
import { constantOf } from "../../src/sizes/index.js";
import { javascriptWords } from "../common/keywords.js";
import type { Module } from "../common/module.js";
import { identifier, Names } from "../common/names.js";
import { type CompiledModule, compileModule } from "./compile.js";
import { EntryPrinter, entryNames, type PrintedEntry, propertyName } from "./entries.js";
import { KernelFunctions } from "./functions.js";
import { hostNames, hostText } from "./host.js";
import { interfaceStatements } from "./interface.js";
import { wrapLines } from "./layout.js";

export interface EmittedTypeScript extends CompiledModule {
  readonly typescript: string;
}

type Item = StatementStructures | string;

export function emitTypeScript(module: Module): EmittedTypeScript {
  const names = new Names(new Set([...javascriptWords, ...hostNames()]));
  for (const fixed of ["Model", "LoadOptions", "load", "weightTable", "Weights"]) names.claim(fixed);
  const entries = module.plans.map((plan) => ({ plan, names: entryNames(checked(plan), names) }));
  const functions = new KernelFunctions(module, names);
  const printed = entries.map((entry): PrintedEntry => {
    return { ...entry, printer: new EntryPrinter(entry.plan, entry.names, functions, names) };
  });

  const weights = weightsOf(module.plans);
  const surface = textOf(interfaceStatements(module, printed, weights.length > 0));
  const rest = textOf([
    heading("The kernels: one function for each, in the order of the first run."),
    ...kernelStatements(functions),
    heading("The entries: what each takes, its arrays, and the order of its kernels."),
    ...printed.flatMap(entryStatements),
    heading("The weights: the shape of each, and the tensors of a checkpoint that hold it, the first that is there."),
    ...weightStatements(weights),
    heading("The host code, the same in every module."),
  ]);
  const exported = exportedNames(weights.length > 0);
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
function exportedNames(hasWeights: boolean): ReadonlySet<string> {
  const names = ["ElementName", "ArrayOf", "Tensor", "TensorInput", "NestedNumbers", "FlatNumbers", "InputError"];
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

function heading(text: string): string {
  return `// ---- ${text}\n`;
}

function kernelStatements(functions: KernelFunctions): Item[] {
  return functions.all.map(({ name, printed, comment }) => ({
    kind: StructureKind.Function,
    name,
    docs: [comment],
    parameters: printed.parameters.map((parameter) => ({ name: parameter.name, type: parameter.type })),
    returnType: "void",
    statements: printed.lines.join("\n"),
    leadingTrivia: "\n",
  }));
}

/** A constant, as text: ts-morph would indent the lines of its value. */
function constant(name: string, value: string, type: string | null, doc: string | null): Item {
  const declared = type === null ? name : `${name}: ${type}`;
  return `${doc === null ? "" : `/** ${doc} */\n`}const ${declared} = ${value};\n`;
}

function entryStatements({ plan, names, printer }: PrintedEntry): Item[] {
  const sized = printer.hasArrays;
  const statements: Item[] = [
    constant(names.spec, printer.spec(), "EntrySpec", `What ${plan.name} takes.`),
    {
      kind: StructureKind.Function,
      name: names.bytes,
      docs: [`The bytes of memory that ${plan.name} needs, besides its inputs, weights and outputs.`],
      parameters: [{ name: plan.sizes.length > 0 ? "sizes" : "_sizes", type: "Sizes" }],
      returnType: "number",
      statements: printer.bytesBody(),
      leadingTrivia: "\n",
    },
  ];
  if (sized) {
    statements.push({
      kind: StructureKind.Function,
      name: names.arrays,
      docs: [`The arrays of ${plan.name}: where lifetimes do not overlap, they share memory.`],
      parameters: [
        { name: "arena", type: "ArrayBuffer" },
        { name: "sizes", type: "Sizes" },
      ],
      statements: printer.arraysBody(),
      leadingTrivia: "\n",
    });
  }
  statements.push({
    kind: StructureKind.Function,
    name: names.run,
    docs: [`Runs ${plan.name} on checked inputs.`],
    parameters: [
      { name: "instance", type: "Instance<Weights>" },
      { name: "{ sizes, arrays: inputs }", type: "CheckedInputs" },
    ],
    returnType: names.outputs,
    statements: printer.runBody(),
    leadingTrivia: "\n",
  });
  return statements;
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
