/** Helps the tests of the TypeScript target: runs emitted modules and checks them as their users' compilers would. */
import ts from "typescript";
import { emitTypeScript, type Module } from "../../backends/typescript/index.js";
import type { Tensor as Evaluated } from "../../src/interpreter/tensor.js";
import type { Graph } from "../../src/ir/graph/graph.js";
import { roundTo } from "../../src/ir/graph/rounding.js";
import type { Plan } from "../../src/ir/plan/index.js";
import { halfValues, toHalf } from "../../src/runtime/host/half.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import type { RandomRun } from "../support/random-graph-run.js";

export type Entry = (inputs: Readonly<Record<string, unknown>>) => Promise<Record<string, Tensor>>;
export type LoadedModel = Readonly<Record<string, Entry>> & { dispose(): void };

export interface LoadedModule {
  load(options?: Readonly<Record<string, unknown>>): Promise<LoadedModel>;
  readonly InputError: ErrorConstructor;
  readonly WeightsError?: ErrorConstructor;
}

/** Imports the text of a module. A data: URL is left alone by the test runner, which would transform a file. */
export async function importText(javascript: string): Promise<LoadedModule> {
  return import(/* @vite-ignore */ `data:text/javascript;base64,${Buffer.from(javascript).toString("base64")}`);
}

export async function importModule(module: Module): Promise<LoadedModule> {
  return importText(emitTypeScript(module).javascript);
}

const libraries = new Map<string, ts.SourceFile | undefined>();

/** What the compiler has to say about some files in strict mode, with the libraries of a browser and none of Node. */
export function strictDiagnostics(files: Readonly<Record<string, string>>): string[] {
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts"],
    types: [],
    // The libraries are the compiler's own; checking them takes a second for each module.
    skipDefaultLibCheck: true,
  };
  const host = ts.createCompilerHost(options);
  const readLibrary = host.getSourceFile.bind(host);
  host.getSourceFile = (name, version) => {
    const text = files[name];
    if (text !== undefined) return ts.createSourceFile(name, text, version);
    if (!libraries.has(name)) libraries.set(name, readLibrary(name, version));
    return libraries.get(name);
  };
  delete host.directoryExists;
  host.fileExists = (name) => name in files || ts.sys.fileExists(name);
  const program = ts.createProgram({ rootNames: Object.keys(files), options, host });
  return ts.getPreEmitDiagnostics(program).map((diagnostic) => {
    const { file, start = 0 } = diagnostic;
    const line = file ? file.getLineAndCharacterOfPosition(start).line : 0;
    const source = file?.text.split("\n")[line] ?? "";
    return `${file?.fileName}:${line + 1}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n")}: ${source}`;
  });
}

/** A tensor of the interpreters as callers of a module give it. */
export function toTensor({ element, shape, data }: Evaluated): Tensor {
  if (element === "f32") return { data: Float32Array.from(data), shape, type: "f32" };
  if (element === "f16") return { data: Uint16Array.from(data, toHalf), shape, type: "f16" };
  if (element === "i32") return { data: Int32Array.from(data), shape, type: "i32" };
  return { data: Uint8Array.from(data), shape, type: "bool" };
}

export function fromTensor({ type, shape, data }: Tensor): Evaluated {
  if (type !== "f16") return { element: type, shape, data: data as Float32Array };
  const values = halfValues();
  return { element: type, shape, data: Float32Array.from(data as Uint16Array, (bits) => values[bits]!) };
}

/** The weights that a run gives to a graph, by name of the tensor that is looked for first. */
export function weightsOf(graph: Graph, run: RandomRun, prefix = ""): [string, Tensor][] {
  return graph.nodes.flatMap((node): [string, Tensor][] => {
    if (node.operator !== "weight") return [];
    const { name, sources } = node.attributes;
    const tensor = run.weights(name, node.attributes);
    const data = Float64Array.from(tensor.data, (value) => roundTo(tensor.element, value));
    const [parts = [name]] = sources;
    const shape = parts.length > 1 ? tensor.shape.slice(1) : tensor.shape;
    const count = data.length / parts.length;
    return parts.map((part, at) => {
      return [prefix + part, toTensor({ ...tensor, shape, data: data.subarray(at * count, (at + 1) * count) })];
    });
  });
}

/** A plan under another name and with other names of weights, so that many can be entries of one module. What is prepared is not shared. */
export function renamed(plan: Plan, name: string, prefix: string): Plan {
  const buffers = plan.buffers.map((buffer) => {
    const { place } = buffer;
    if (place.kind === "prepared") return { ...buffer, place: { ...place, name: prefix + place.name } };
    if (place.kind !== "weight") return buffer;
    const sources = place.sources.map((parts) => parts.map((part) => prefix + part));
    return { ...buffer, place: { ...place, name: prefix + place.name, sources } };
  });
  return { ...plan, name, buffers };
}

/** For each line of the generated text, the line of the source that a source map gives for its start. */
export function mappedLines(mappings: string): readonly number[] {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  let line = 0;
  return mappings.split(";").map((segment) => {
    const fields: number[] = [];
    let [value, shift] = [0, 1];
    for (const character of segment) {
      const digit = digits.indexOf(character);
      value += (digit % 32) * shift;
      shift *= 32;
      if (digit >= 32) continue;
      fields.push(value % 2 === 1 ? -(value - 1) / 2 : value / 2);
      [value, shift] = [0, 1];
    }
    line += fields[2]!;
    return line;
  });
}
