/**
 * Emits a model as a module whose kernels are compute shaders of WebGPU. It is called as the modules of other targets
 * are; `load` takes a device, and outputs can stay on it.
 */
import { type OptionalKind, type PropertySignatureStructure, StructureKind } from "ts-morph";
import type { Plan } from "../../src/ir/plan/plan.js";
import { constantOf } from "../../src/sizes/index.js";
import { decodingSpec, type PrintedDecoding, printedDecodings } from "../common/decoding.js";
import { decodingMethods, decodingTypes } from "../common/decoding-interface.js";
import { assembleModule, constant, type EmittedModule, heading, type Item, moduleNames } from "../common/emit.js";
import { EntryDescription } from "../common/entries.js";
import { heldTables } from "../common/held.js";
import type { Loading } from "../common/interface.js";
import { allPlans, type Module } from "../common/module.js";
import { identifier, Names } from "../common/names.js";
import { DeviceEntryPrinter, type PrintedEntry } from "./entries.js";
import { wgslWords } from "./keywords.js";
import { largeText } from "./large.js";
import { takesTwoBytes } from "./packed.js";
import { withDistinctArguments } from "./plan.js";
import { type NamedShader, Shaders, type SizeFields } from "./shaders.js";

/** @param whole the bytes up to which shaders take an argument as a whole, whatever the device. */
export function emitWgsl(given: Module, whole?: number): EmittedModule {
  const module = withBindings(given);
  const plans = allPlans(module);
  const { names, entries } = moduleNames(module);
  const program = names.claim("deviceModel");
  const named = entries.map((entry) => {
    const name = identifier(entry.plan.name);
    const more = { buffers: names.claim(`${name}Buffers`), program: names.claim(`${name}Program`) };
    return { ...entry, names: { ...entry.names, ...more } };
  });
  const sizes = fieldsOf(plans);
  const shaders = new Shaders(module, plans, sizes, names, { whole, halves: module.halves });
  const printed = named.map((entry): PrintedEntry => {
    return { ...entry, printer: new DeviceEntryPrinter(entry.plan, shaders, names, module.halves) };
  });
  const hasWeights = plans.some(({ weights }) => weights.length > 0);
  const entriesOnly = printed.filter(({ plan }) => module.plans.includes(plan));
  const decodings = printedDecodings(module, names, printed);
  const emitted = assembleModule(module, {
    entries: entriesOnly,
    loading: { ...loadingOf(hasWeights, program), more: decodingMethods(module, decodings) },
    statements: [
      heading("The kernels: a compute shader for each, in the order of the first run."),
      ...shaders.all.map((shader) => shaderStatement(shader, plans, names)),
      heading("The entries: what each takes, its buffers, and the order of its kernels."),
      ...printed.flatMap(entryStatements),
      ...(decodings.length === 0 ? [] : [heading("Decoding: what a session keeps, and what runs its steps.")]),
      ...decodings.flatMap(decodingStatements),
      constant(
        program,
        programText(module, entriesOnly, sizes, shaders),
        "DeviceModel",
        "What a device is given to run.",
      ),
    ],
    exported: [
      ...["DeviceError", "DeviceTensor", "OnDevice", "RunOptions", "KernelTime"],
      ...(decodings.length === 0 ? [] : decodingTypes),
    ],
  });
  return { ...emitted, wgsl: shaders.all.map(shaderText).join("\n") };
}

/** A shader below its comment. */
function shaderText({ comment, printed }: NamedShader): string {
  return [...comment.map((line) => `// ${line}`.trimEnd()), printed.code.trim(), ""].join("\n");
}

/** All plans of the module, with arguments that can be bound. */
function withBindings(module: Module): Module {
  const bound = <P extends Plan | null>(plan: P): P => (plan === null ? plan : withDistinctArguments(plan)) as P;
  const decoded = module.decoded?.map((each) => {
    const one = each.one === null ? null : { ...each.one, plan: bound(each.one.plan), apart: bound(each.one.apart) };
    return { ...each, begin: bound(each.begin), step: bound(each.step), last: bound(each.last), one };
  });
  return { ...module, plans: module.plans.map(bound), decoded };
}

/** What a session is, as a constant, and what runs its steps. */
function decodingStatements(decoding: PrintedDecoding<PrintedEntry>): Item[] {
  const { decoded, spec, target, begin, step, last, one } = decoding;
  const fewer = decoded.one?.few;
  const few = fewer ? `, few: { batch: ${JSON.stringify(fewer.batch.name)}, most: ${fewer.most} }` : "";
  const programs = [
    `begin: ${begin?.names.program ?? "null"}`,
    `step: ${step.names.program}`,
    `last: ${last.names.program}`,
    ...(one === null ? [] : [`one: { entry: ${one.plan.names.program}, apart: ${one.apart.names.program}${few} }`]),
  ].join(", ");
  return [
    constant(spec, decodingSpec(decoding), "DecodingSpec", `How ${decoded.entry} is computed step by step.`),
    {
      kind: StructureKind.Function,
      name: target,
      docs: [`Runs the steps of ${decoded.entry}, in memory of the device that is written in place.`],
      parameters: [{ name: "instance", type: "DeviceInstance" }],
      returnType: "StepTarget<DeviceKept>",
      statements: `return deviceStepTarget(instance, ${spec}, { ${programs} });`,
      leadingTrivia: "\n",
    },
  ];
}

/** The run-time sizes of all entries, with names that WGSL allows. */
function fieldsOf(plans: readonly Plan[]): SizeFields {
  const names = new Names(wgslWords);
  const sizes = [...new Set(plans.flatMap((plan) => plan.sizes.map(({ name }) => name)))];
  return new Map(sizes.map((name) => [name, names.claim(name)]));
}

function loadingOf(hasWeights: boolean, program: string): Loading {
  const device: OptionalKind<PropertySignatureStructure> = {
    name: "device",
    hasQuestionToken: true,
    type: "GPUDevice | undefined",
    docs: ["The device to run on, which stays the caller's; if not given, one of the host's fastest adapter."],
  };
  const weights = hasWeights ? "weightTable, () => loadWeights(weightTable, {}, options)" : "{}, async () => ({})";
  return {
    options: [device],
    instance: [`const instance = await DeviceInstance.create(${program}, ${weights}, options);`],
    failures: "Rejects with a DeviceError where there is no device or it refuses a kernel.",
    overloads: ({ plan, names }) => [
      {
        name: /^[A-Za-z_$][\w$]*$/.test(plan.name) ? plan.name : JSON.stringify(plan.name),
        parameters: [
          { name: "inputs", type: names.inputs },
          { name: "options", type: "RunOptions & { readonly keepOnDevice: true }" },
        ],
        returnType: `Promise<OnDevice<${names.outputs}>>`,
        docs: [
          "Leaves the outputs on the device: each in a buffer that is the caller's, to `read()` and to `destroy()`.",
        ],
      },
      {
        name: /^[A-Za-z_$][\w$]*$/.test(plan.name) ? plan.name : JSON.stringify(plan.name),
        parameters: [
          { name: "inputs", type: names.inputs },
          { name: "options", type: "RunOptions & { readonly keepOnDevice?: false | undefined }" },
        ],
        returnType: `Promise<${names.outputs}>`,
      },
    ],
    parameters: ({ names }) => `inputs: ${names.inputs}, options?: RunOptions`,
    method: ({ names }) => [
      `const run = instance.run(${(names as PrintedEntry["names"]).program}, checkInputs(${names.spec}, inputs), options);`,
      "return run as Promise<never>;",
    ],
  };
}

/** A shader as a constant, with its text as it is given to the device. */
function shaderStatement(
  { name, printed, access, comment, about, variants }: NamedShader,
  plans: readonly Plan[],
  names: Names,
): Item {
  const { kernel, code, lanes, sharedBytes, workgroups, large, extensions } = printed;
  const plan = plans.find((each) =>
    each.kernels.some((one) => one.sizes === kernel.sizes && one.writes === kernel.writes),
  )!;
  const description = new EntryDescription(plan, names, ["sizes"]);
  const count = description.code(workgroups).text;
  const counted =
    constantOf(workgroups) === null
      ? `(sizes) => {\n    ${[...description.destructured(count), `return ${count};`].join("\n    ")}\n  }`
      : `() => ${count}`;
  const text = code.replaceAll("\\", "\\\\").replaceAll("`", "\\`").replaceAll("${", "\\${");
  return [
    "/**",
    ...comment.map((line) => ` * ${line}`.trimEnd()),
    " */",
    `const ${name}: Shader = {`,
    `  name: ${JSON.stringify(name)},`,
    `  about: ${JSON.stringify(about)},`,
    `  access: [${access.map((each) => JSON.stringify(each)).join(", ")}],`,
    `  lanes: ${lanes},`,
    `  sharedBytes: ${sharedBytes},`,
    ...(extensions.length === 0 ? [] : [`  needs: ${JSON.stringify(extensions.map(featureOf))},`]),
    `  workgroups: ${counted},`,
    ...(large.length === 0 ? [] : [`  large: [${large.map(largeText).join(", ")}],`]),
    `  code: \``,
    text,
    "`,",
    ...(variants.length === 0
      ? []
      : ["  variants: [", ...variants.map((variant) => `    ${variantText(variant, description)}`), "  ],"]),
    "};\n",
  ].join("\n");
}

/** The feature of devices that what WGSL enables belongs to. */
function featureOf(extension: string): string {
  return extension === "f16" ? "shader-f16" : extension;
}

/** When a device takes another shader. */
function variantText({ use, shader }: NamedShader["variants"][number], description: EntryDescription): string {
  const fields = [use.device === null ? "" : `on: ${JSON.stringify(use.device)}, `];
  if (use.few !== null) {
    const code = `${description.code(use.few.size).text} <= ${use.few.most}`;
    fields.push(`when: (sizes) => { ${[...description.destructured(code), `return ${code};`].join(" ")} }, `);
  }
  return `{ ${fields.join("")}shader: ${shader.name} },`;
}

function entryStatements({ plan, names, printer }: PrintedEntry): Item[] {
  return [
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
    {
      kind: StructureKind.Function,
      name: names.buffers,
      docs: [`The buffers of ${plan.name}: where lifetimes do not overlap, they share memory.`],
      parameters: [{ name: plan.sizes.length > 0 ? "sizes" : "_sizes", type: "Sizes" }],
      returnType: "Readonly<Record<string, DeviceBuffer>>",
      statements: printer.buffersBody(),
      leadingTrivia: "\n",
    },
    `\n${constant(
      names.program,
      [
        "{",
        `  spec: ${names.spec},`,
        `  arenaBytes: ${names.bytes},`,
        `  buffers: ${names.buffers},`,
        `  calls: ${printer.calls()},`,
        "}",
      ].join("\n"),
      "DeviceEntry",
      `${plan.name}: the kernels in the order in which they run.`,
    )}`,
  ];
}

function programText(module: Module, entries: readonly PrintedEntry[], sizes: SizeFields, shaders: Shaders): string {
  const { prepared, passing } = heldTables(module);
  const names = [...sizes.keys()].map((each) => JSON.stringify(each)).join(", ");
  const programs = entries.map((entry) => entry.names.program).join(", ");
  const made = prepared.map(({ name, buffer, kernel, of }) => {
    const shape = buffer.shape.map((extent) => constantOf(extent)).join(", ");
    const buffers = of.map((each) => JSON.stringify(each)).join(", ");
    const head = `name: ${JSON.stringify(name)}, type: "${buffer.element}", shape: [${shape}]`;
    const half = takesTwoBytes(buffer, module.halves) ? "half: true, " : "";
    return `    { ${head}, ${half}shader: ${shaders.of(kernel).name}, of: [${buffers}] },`;
  });
  return [
    "{",
    `  name: ${JSON.stringify(module.name)},`,
    `  sizes: [${names}],`,
    `  entries: [${programs}],`,
    ...(made.length === 0 ? ["  prepared: [],"] : ["  prepared: [", ...made, "  ],"]),
    `  passing: [${[...passing].map((each) => JSON.stringify(each)).join(", ")}],`,
    "}",
  ].join("\n");
}
