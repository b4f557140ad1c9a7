/**
 * Emits a model whose kernels are WebAssembly: an ES module like that of the TypeScript target, which carries the
 * WebAssembly as text, so that it is one file that every bundler takes.
 */
import { StructureKind } from "ts-morph";
import { constantOf } from "../../src/sizes/index.js";
import { decodingSpec, type PrintedDecoding, printedDecodings } from "../common/decoding.js";
import { decodingMethods, decodingTypes } from "../common/decoding-interface.js";
import { assembleModule, constant, type EmittedModule, heading, type Item, moduleNames } from "../common/emit.js";
import { foldedTable, type HeldTables, heldTables, typeFields } from "../common/held.js";
import type { Loading } from "../common/interface.js";
import type { Module } from "../common/module.js";
import { identifier } from "../common/names.js";
import { encodeModule } from "./code/binary.js";
import { changedPlaces } from "./code/relaxed.js";
import { moduleText } from "./code/text.js";
import { EntryPrinter, type PrintedEntry } from "./entries.js";
import { WasmKernels } from "./module.js";

export interface EmittedWasm extends EmittedModule {
  /** The WebAssembly that the module carries, and its text. */
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly wat: string;
}

export function emitWasm(module: Module): EmittedWasm {
  const kernels = new WasmKernels(module);
  const wasm = encodeModule(kernels.module);
  const changed = changedPlaces(wasm, encodeModule(kernels.module, { isRelaxed: true }));
  const { names, entries } = moduleNames(module);
  const fixed = {
    code: names.claim("wasmCode"),
    changed: names.claim("relaxedPlaces"),
    computed: names.claim("computedTable"),
  };
  const printed = entries.map((entry) => {
    const printer = new EntryPrinter(entry.plan, entry.names, kernels, names);
    return { ...entry, printer, description: names.claim(`${identifier(entry.plan.name)}Entry`) };
  });
  const held = heldTables(module);
  const decodings = printedDecodings(module, names, printed);
  const emitted = assembleModule(module, {
    isCompact: true,
    entries: printed.filter(({ plan }) => module.plans.includes(plan)),
    loading: { ...loadingOf(identifier(module.name), fixed, printed), more: decodingMethods(module, decodings) },
    exported: decodings.length === 0 ? [] : decodingTypes,
    statements: [
      heading("The entries: what each takes and gives, where it lies in memory, and the order of its kernels."),
      ...printed.flatMap((each) => entryStatements(each, each.description)),
      ...(decodings.length === 0 ? [] : [heading("Decoding: what a session keeps, and what runs its steps.")]),
      ...decodings.flatMap(decodingStatements),
      heading("What is computed of weights once, by the kernel of each; what only that reads is let go."),
      constant(fixed.computed, computedTable(held, kernels), "Readonly<Record<string, ComputedSpec>>", null),
    ],
    // Compressed, bytes that are like each other are shorter together than between lines of JavaScript.
    last: [
      heading("Where the kernels multiply and add at once, if the host can: the bytes from one place to the next."),
      constant(fixed.changed, JSON.stringify(changed), "readonly number[]", null),
      heading(
        "The kernels, as WebAssembly, a character for a byte; `trafo compile --emit wat` prints them for people.",
      ),
      constant(fixed.code, JSON.stringify(textOfBytes(wasm)), null, null),
    ],
  });
  return { ...emitted, wasm, wat: moduleText(kernels.module) };
}

/** What a session is, as a constant, and what runs its steps. */
function decodingStatements(decoding: PrintedDecoding<PrintedEntry & { readonly description: string }>): Item[] {
  const { decoded, spec, target, begin, step, last } = decoding;
  const entries = `{ begin: ${begin?.description ?? "null"}, step: ${step.description}, last: ${last.description} }`;
  return [
    constant(spec, decodingSpec(decoding), "DecodingSpec", `How ${decoded.entry} is computed step by step.`),
    {
      kind: StructureKind.Function,
      name: target,
      docs: [`Runs the steps of ${decoded.entry}.`],
      parameters: [{ name: "instance", type: "WasmInstance" }],
      returnType: "StepTarget<WasmKept>",
      statements: `return wasmStepTarget(instance, ${spec}, ${entries});`,
      leadingTrivia: "\n",
    },
  ];
}

/** The text from which the host code reads the bytes back. */
export function textOfBytes(bytes: Uint8Array): string {
  const codes = Array.from(bytes, (byte) => ((byte + 3) & 255) + 32).map((code) => (code < 127 ? code : code + 129));
  let text = "";
  for (let at = 0; at < codes.length; at += 8192) text += String.fromCharCode(...codes.slice(at, at + 8192));
  return text;
}

function loadingOf(
  file: string,
  fixed: { readonly code: string; readonly changed: string; readonly computed: string },
  printed: readonly (PrintedEntry & { readonly description: string })[],
): Loading {
  return {
    options: [
      {
        name: "threads",
        type: "number | undefined",
        hasQuestionToken: true,
        docs: ["How many threads compute; 1 if not given, or where threads cannot be had."],
      },
    ],
    instance: [
      `const code = bytesOfText(${fixed.code});`,
      "// Where that does not run, the TypeScript target's module computes: it lies beside this one, and is asked for only then.",
      `if (!(await runsCode(code))) return withoutCode<Model>((file) => import(/* webpackIgnore: true */ /* @vite-ignore */ file), "./${file}.fallback.js", options);`,
      `const instance = await WasmInstance.load(relaxedCode(code, ${fixed.changed}), weightTable, ${fixed.computed}, options);`,
    ],
    failures: "Rejects with a RangeError where memory does not suffice.",
    method: ({ plan, names }) => {
      const { description } = printed.find((each) => each.plan === plan)!;
      return [
        `return instance.run(${description}, checkInputs(${names.spec}, inputs)) as unknown as ${names.outputs};`,
      ];
    },
  };
}

function computedTable({ prepared, passing }: HeldTables, kernels: WasmKernels): string {
  const fields = prepared.map(({ name, buffer, kernel, of }) => {
    const { number, scratch } = kernels.of(kernel);
    const values = [
      ...typeFields(buffer),
      `of: [${of.map((each) => JSON.stringify(each)).join(", ")}]`,
      `kernel: ${number}`,
      `scratch: ${constantOf(scratch)}`,
    ];
    if (passing.has(name)) values.push("passing: true");
    return { name, values };
  });
  return foldedTable(fields, "ComputedSpec");
}

function entryStatements({ plan, names, printer }: PrintedEntry, description: string): Item[] {
  const sizes = plan.sizes.length > 0 ? "sizes" : "_sizes";
  const parts = printer.usesParts ? [{ name: "parts", type: "number", initializer: "1" }] : [];
  return [
    constant(names.spec, printer.spec(names.shown), "EntrySpec", `What ${plan.name} takes.`),
    {
      kind: StructureKind.Function,
      name: names.bytes,
      docs: [`The bytes of memory that a run of ${plan.name} needs, besides the weights.`],
      parameters: [{ name: sizes, type: "Sizes" }, ...parts],
      returnType: "number",
      statements: printer.bytesBody(),
      leadingTrivia: "\n",
    },
    {
      kind: StructureKind.Function,
      name: names.run,
      docs: [`Where everything lies in a run of ${plan.name}, and its calls: a kernel, its arguments, its sizes.`],
      parameters: [
        { name: sizes, type: "Sizes" },
        { name: "at", type: "number" },
        { name: "weights", type: "Readonly<Record<string, number>>" },
        ...(printer.hasStates ? [{ name: "states", type: "Readonly<Record<string, number>>" }] : []),
      ],
      returnType: "WasmRun",
      statements: printer.runBody(),
      leadingTrivia: "\n",
    },
    constant(description, printer.description(names.run), "WasmEntry", null),
  ];
}
