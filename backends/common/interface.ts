/** The part of a module that its users call: the types of what goes in and comes out, and `load`. */
import {
  type MethodSignatureStructure,
  type OptionalKind,
  type PropertySignatureStructure,
  type StatementStructures,
  StructureKind,
} from "ts-morph";
import { type DescribedEntry, propertyName } from "./entries.js";
import { commentText, lineText, type Module } from "./module.js";

type Property = OptionalKind<PropertySignatureStructure>;

/** What differs between targets in how a module is loaded and called. */
export interface Loading {
  /** Options of `load` besides those that every target has. */
  readonly options: readonly Property[];
  /** The statements that make the constant `instance`, which the methods and `dispose` use. */
  readonly instance: readonly string[];
  /** What `load` rejects with besides what is wrong with weights, as sentences. */
  readonly failures?: string;
  /** The body of an entry's method, whose parameters are `inputs` and those of `parameters`. */
  readonly method: (entry: DescribedEntry) => readonly string[];
  /** Further forms in which an entry's method can be called. */
  readonly overloads?: (entry: DescribedEntry) => readonly OptionalKind<MethodSignatureStructure>[];
  /** The parameters of a method's implementation; `inputs` if not given. */
  readonly parameters?: (entry: DescribedEntry) => string;
  /** Methods of the model besides those of its entries: what they look like, and the property that is one. */
  readonly more?: readonly { readonly signature: OptionalKind<MethodSignatureStructure>; readonly code: string }[];
}

/** The header's comment, the interfaces and the function that loads the model. */
export function interfaceStatements(
  module: Module,
  entries: readonly DescribedEntry[],
  hasWeights: boolean,
  loading: Loading,
): (StatementStructures | string)[] {
  return [
    header(module, entries, hasWeights),
    ...entries.flatMap(entryInterfaces),
    modelInterface(module, entries, loading),
    loadOptions(entries, hasWeights, loading),
    loadFunction(module, entries, hasWeights, loading),
  ];
}

/** What the model is, how it is used, and what stands where. */
function header(module: Module, entries: readonly DescribedEntry[], hasWeights: boolean): string {
  const locations = entries.flatMap(({ plan }) => plan.dispatches.map(({ location }) => location?.file ?? "std/"));
  const files = new Set(locations.filter((name) => !name.startsWith("std/")));
  const from = files.size === 0 ? "" : ` from ${[...files].join(", ")}`;
  const lines = [`${module.name}, compiled by Trafo${from}.`, ""];
  if (module.documentation) lines.push(...module.documentation.trim().split("\n"), "");
  const [first] = entries;
  lines.push(`    import { load } from "./${module.name}.js";`);
  lines.push(`    const model = await load(${hasWeights ? '{ weights: "model.safetensors" }' : ""});`);
  if (first) {
    const inputs = first.printer
      .inputs()
      .filter(({ optional }) => !optional)
      .map(({ name }) => name);
    const outputs = first.printer.outputs().map(({ name }) => name);
    lines.push(
      `    const { ${outputs.join(", ")} } = await model${member(first.plan.name)}({ ${inputs.join(", ")} });`,
    );
  }
  return comment(lines);
}

function comment(lines: readonly string[]): string {
  return ["/**", ...lines.map((line) => ` * ${commentText(line)}`.trimEnd()), " */", ""].join("\n");
}

function member(name: string): string {
  const property = propertyName(name);
  return property === name ? `.${name}` : `[${property}]`;
}

function entryInterfaces({ plan, names, printer }: DescribedEntry): StatementStructures[] {
  return [
    {
      kind: StructureKind.Interface,
      name: names.inputs,
      isExported: true,
      docs: [`What ${plan.name} takes.`],
      properties: printer.inputs().map(({ name, optional, type, comment }): Property => {
        return {
          name,
          type: optional ? `${type} | undefined` : type,
          hasQuestionToken: optional,
          isReadonly: true,
          docs: [lineText(comment)],
        };
      }),
      leadingTrivia: "\n",
    },
    {
      kind: StructureKind.Interface,
      name: names.outputs,
      isExported: true,
      docs: [`What ${plan.name} gives.`],
      properties: printer.outputs().map(({ name, type, comment }): Property => {
        return { name, type, isReadonly: true, docs: [lineText(comment)] };
      }),
      leadingTrivia: "\n",
    },
  ];
}

function modelInterface(
  module: Module,
  entries: readonly DescribedEntry[],
  { overloads, more = [] }: Loading,
): StatementStructures {
  return {
    kind: StructureKind.Interface,
    name: "Model",
    isExported: true,
    docs: [`${lineText(module.name)} with its weights. Runs may be started while others run: they take turns.`],
    methods: [
      ...entries.flatMap((entry) => [
        {
          name: propertyName(entry.plan.name),
          parameters: [{ name: "inputs", type: entry.names.inputs }],
          returnType: `Promise<${entry.names.outputs}>`,
          docs: [`Rejects with an InputError that names the input and what is wrong with it.`],
        },
        ...(overloads?.(entry) ?? []),
      ]),
      ...more.map(({ signature }) => signature),
      {
        name: "dispose",
        returnType: "void",
        docs: ["Frees the weights and all memory. The model cannot run after it."],
      },
    ],
    leadingTrivia: "\n",
  };
}

/** The run-time sizes of all entries. */
function sizeNames(entries: readonly DescribedEntry[]): string[] {
  return [...new Set(entries.flatMap(({ plan }) => plan.sizes.map(({ name }) => name)))];
}

function loadOptions(
  entries: readonly DescribedEntry[],
  hasWeights: boolean,
  { options }: Loading,
): StatementStructures {
  const properties: Property[] = [];
  if (hasWeights) {
    properties.push({
      name: "weights",
      type: "WeightsSource | readonly WeightsSource[]",
      docs: [
        "Bytes, a Blob, a URL or a path of a .safetensors or of the index of several (a path may be a folder's), or tensors\nby name; or several of them that complement each other. Arrays of the model's own types are used in place.",
      ],
    });
  }
  const sizes = sizeNames(entries);
  if (sizes.length > 0) {
    properties.push({
      name: "sizes",
      hasQuestionToken: true,
      type: `{ ${sizes.map((name) => `readonly ${propertyName(name)}?: number`).join("; ")} } | undefined`,
      docs: ["Reserves memory for runs of these sizes; otherwise it grows when larger ones first come."],
    });
  }
  if (hasWeights) {
    properties.push(
      {
        name: "signal",
        hasQuestionToken: true,
        type: "AbortSignal | undefined",
        docs: ["Ends the loading of weights."],
      },
      {
        name: "onProgress",
        hasQuestionToken: true,
        type: "((progress: WeightsProgress) => void) | undefined",
        docs: ["Told how many bytes of the weights are read."],
      },
    );
  }
  properties.push(...options);
  return {
    kind: StructureKind.Interface,
    name: "LoadOptions",
    isExported: true,
    properties: properties.map((property) => ({ ...property, isReadonly: true })),
    leadingTrivia: "\n",
  };
}

function loadFunction(
  module: Module,
  entries: readonly DescribedEntry[],
  hasWeights: boolean,
  { instance, failures, method, parameters, more = [] }: Loading,
): StatementStructures {
  const reserved = entries.map(({ names }) => `  { spec: ${names.spec}, arenaBytes: ${names.bytes} },`);
  const methods = entries.flatMap((entry) => [
    `  async ${propertyName(entry.plan.name)}(${parameters?.(entry) ?? "inputs"}) {`,
    ...method(entry).map((line) => `    ${line}`),
    "  },",
  ]);
  const hasSizes = sizeNames(entries).length > 0;
  const weights = hasWeights
    ? " Rejects with a WeightsError or a SafetensorsError that names the file and the tensor."
    : "";
  return {
    kind: StructureKind.Function,
    name: "load",
    isExported: true,
    isAsync: true,
    docs: [`Loads ${lineText(module.name)}.${weights}${failures === undefined ? "" : ` ${failures}`}`],
    parameters: [
      {
        name: "options",
        type: "LoadOptions",
        ...(hasWeights ? {} : { initializer: "{}" }),
      },
    ],
    returnType: "Promise<Model>",
    statements: [
      "checkOptions(options);",
      ...instance,
      ...(hasSizes ? ["await reserveSizes(instance, options.sizes, [", ...reserved, "]);"] : []),
      "return {",
      ...methods,
      ...more.map(({ code }) => `  ${code},`),
      "  dispose: () => instance.dispose(),",
      "};",
    ].join("\n"),
    leadingTrivia: "\n",
  };
}
