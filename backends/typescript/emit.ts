/**
 * Emits a model as a TypeScript module, and what the TypeScript compiler makes of it.
 *
 * The order is that of reading: what a user calls, the kernels, the entries that run them, the weights, and last the
 * host code, which is the same in every module. Nothing is imported.
 */
import { StructureKind } from "ts-morph";
import { decodingSpec, type PrintedDecoding, printedDecodings } from "../common/decoding.js";
import { decodingMethods, decodingTypes } from "../common/decoding-interface.js";
import { assembleModule, constant, type EmittedModule, heading, type Item, moduleNames } from "../common/emit.js";
import type { Loading } from "../common/interface.js";
import { allPlans, type Module } from "../common/module.js";
import { identifier } from "../common/names.js";
import { bodyMark } from "../common/script.js";
import { EntryPrinter, type PrintedEntry } from "./entries.js";
import { KernelFunctions } from "./functions.js";
import { preparation } from "./prepare.js";

export function emitTypeScript(module: Module): EmittedModule {
  const { names, entries } = moduleNames(module);
  const named = entries.map((entry) => {
    return { ...entry, names: { ...entry.names, arrays: names.claim(`${identifier(entry.plan.name)}Arrays`) } };
  });
  const functions = new KernelFunctions(module, names);
  const printed = named.map((entry): PrintedEntry => {
    return { ...entry, printer: new EntryPrinter(entry.plan, entry.names, functions, names) };
  });
  const plans = allPlans(module);
  const hasWeights = plans.some(({ weights }) => weights.length > 0);
  const prepares = plans.some(({ prepare }) => prepare.length > 0);
  const decodings = printedDecodings(module, names, printed);
  return assembleModule(module, {
    entries: printed.filter(({ plan }) => module.plans.includes(plan)),
    loading: { ...loadingOf(hasWeights, prepares), more: decodingMethods(module, decodings) },
    exported: decodings.length === 0 ? [] : decodingTypes,
    prepare: preparation(module, functions, names),
    bodies: functions.all.map(({ printed }) => printed.lines),
    statements: [
      heading("The kernels: one function for each, in the order of the first run."),
      ...kernelStatements(functions),
      heading("The entries: what each takes, its arrays, and the order of its kernels."),
      ...printed.flatMap(entryStatements),
      ...(decodings.length === 0 ? [] : [heading("Decoding: what a session keeps, and what runs its steps.")]),
      ...decodings.flatMap(decodingStatements),
    ],
  });
}

function loadingOf(hasWeights: boolean, prepares: boolean): Loading {
  const weights = hasWeights
    ? `await loadWeights(weightTable, ${prepares ? "preparedTable" : "{}"}, options)`
    : prepares
      ? "new Preparation({}, preparedTable).arrays as Weights"
      : "{}";
  return {
    options: [],
    instance: [`const instance = new Instance<Weights>(${weights});`],
    method: ({ names }) => [`return ${names.run}(instance, checkInputs(${names.spec}, inputs));`],
  };
}

/** What a session is, as a constant, and what runs its steps on arrays. */
function decodingStatements(decoding: PrintedDecoding): Item[] {
  const { decoded, spec, target, begin, step, last } = decoding;
  const begun = begin === null ? "() => {}" : `(kept, inputs) => void ${begin.names.run}(instance, inputs, kept)`;
  return [
    constant(spec, decodingSpec(decoding), "DecodingSpec", `How ${decoded.entry} is computed step by step.`),
    {
      kind: StructureKind.Function,
      name: target,
      docs: [`Runs the steps of ${decoded.entry}, on arrays that are written in place.`],
      parameters: [{ name: "instance", type: "Instance<Weights>" }],
      returnType: "StepTarget<KeptArrays>",
      statements: [
        "return {",
        `  create: (sizes) => createStates(${spec}, sizes),`,
        `  begin: ${begun},`,
        `  step: (kept, inputs, last) => (last ? ${last.names.run} : ${step.names.run})(instance, inputs, kept),`,
        `  select: (kept, sizes, rows) => selectStates(${spec}, kept, sizes, rows),`,
        "  read: (kept) => kept,",
        "  write: writeStates,",
        "  dispose: () => {},",
        "  requireOpen: () => instance.requireOpen(),",
        "};",
      ].join("\n"),
      leadingTrivia: "\n",
    },
  ];
}

function kernelStatements(functions: KernelFunctions): Item[] {
  return functions.all.map(({ name, printed, comment }, i) => ({
    kind: StructureKind.Function,
    name,
    docs: [comment],
    parameters: printed.parameters.map((parameter) => ({ name: parameter.name, type: parameter.type })),
    returnType: "void",
    statements: bodyMark(i),
    leadingTrivia: "\n",
  }));
}

function entryStatements({ plan, names, printer }: PrintedEntry): Item[] {
  const sized = printer.hasArrays;
  const statements: Item[] = [
    constant(names.spec, printer.spec(names.shown), "EntrySpec", `What ${plan.name} takes.`),
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
      ...(printer.hasStates ? [{ name: "states", type: "KeptArrays" }] : []),
    ],
    returnType: printer.hasStates ? "StepOutputs" : names.outputs,
    statements: printer.runBody(),
    leadingTrivia: "\n",
  });
  return statements;
}
