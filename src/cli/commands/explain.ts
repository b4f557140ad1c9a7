/** `trafo explain`: what a program costs, or the reference of a diagnostic. */
import type { Command } from "commander";
import { type Code, reference, UserError } from "../../diagnostics/index.js";
import { nearest } from "../../diagnostics/nearest.js";
import { backendNames } from "../../driver/backends.js";
import type { EntryCost } from "../../driver/cost/costs.js";
import { type DecodingCost, decodingCost } from "../../driver/cost/decoding.js";
import { costsOf, withSizes } from "../../driver/cost/program.js";
import { describeProgram } from "../../driver/describe.js";
import type { Compilation } from "../../driver/pipeline.js";
import { targetOf } from "../../driver/targets.js";
import type { Graph } from "../../ir/graph/index.js";
import {
  decodingJson,
  decodingText,
  entryJson,
  entryText,
  overText,
  parametersText,
  type Swept,
  totalsJson,
} from "../costs.js";
import type { Host } from "../host.js";
import {
  type CommonOptions,
  checkSizeNames,
  compilationOf,
  compileOptions,
  parseSizes,
  withOptions,
} from "../options.js";
import { printJson, showDiagnostics } from "../report.js";

interface ExplainOptions extends CommonOptions {
  readonly over?: string;
}

export function declareExplain(program: Command, host: Host, finish: (status: number) => void): void {
  const command = program
    .command("explain")
    .summary("print what a program costs, or what a diagnostic means")
    .description(
      "What a program costs: parameters, kernels, floating-point operations, bytes and memory, by layer and by source line; formulas in its sizes, or numbers with --size. Of a diagnostic: when it is reported, why, and an example.",
    )
    .argument("<FILE>", "a program, or the code of a diagnostic, such as E0304");
  command.option("--over <SIZE=N,...>", "costs and memory at several values of a size, such as T=128,256,512");
  withOptions(command, "entry", "target", "set", "size", "config", "checkpoint", "json", ...compileOptions)
    .addHelpText(
      "after",
      "\nExamples:\n  trafo explain gpt2.trafo --checkpoint models/gpt2 --target wgsl\n  trafo explain gpt2.trafo --config models/gpt2/config.json --size B=1,T=128\n  trafo explain gpt2.trafo --set context=4096 --size B=1 --over T=128,512,1024,4096\n  trafo explain E0706",
    )
    .action((word: string, options: ExplainOptions) =>
      finish(isProgram(host, word) ? explainProgram(host, word, options) : explainCode(host, word)),
    );
}

/** @throws UserError E0606 for a target that is none, or has no kernels of its own */
function requireKernels(word: string | undefined): void {
  if (word === undefined || backendNames.some((name) => name === targetOf(word))) return;
  throw UserError.of("E0606", `the target ${word} has no kernels whose costs could be told`, {
    notes: [`these have: ${backendNames.join(", ")}`],
  });
}

/** A word is a code unless it is a file, or looks like one. */
function isProgram(host: Host, word: string): boolean {
  return host.files.kind(word) === "file" || /[./\\]/.test(word);
}

function explainProgram(host: Host, path: string, options: ExplainOptions): number {
  requireKernels(options.target);
  const compilation = compilationOf(host, path, options);
  const { elaborated } = compilation;
  const named = parseSizes(options.size ?? []);
  checkSizeNames(elaborated.program, named);
  const over = options.over === undefined ? null : parseOver(options.over);
  if (over) checkSizeNames(elaborated.program, new Map([[over.name, 0]]));
  const facts = describeProgram(elaborated);
  const entries = costsOf(compilation, named);
  const { entries: graphs } = compilation.get("graph");
  const sweeps = over === null ? [] : graphs.map((graph, i) => sweepOf(graph, entries[i]!, over));
  if (options.json) {
    const answer = { model: facts.model, parameters: facts.parameters, weights: facts.weights };
    const costs = entries.map((entry, i) => ({
      ...entryJson(entry),
      ...decodingFields(decodingOf(compilation, graphs[i]!)),
      ...(over === null ? {} : { over: sweeps[i]!.map(({ at, cost }) => ({ [over.name]: at, ...totalsJson(cost) })) }),
    }));
    printJson(host, { ...answer, sizes: Object.fromEntries(named), entries: costs }, []);
    return 0;
  }
  showDiagnostics(host, compilation.diagnostics.sorted);
  const lines = compilation.get("source").text.split("\n");
  const sourceLine = (file: string, line: number): string =>
    file === path ? (lines[line - 1] ?? "") : (compilation.sourceLine({ file, line, column: 1 }) ?? "");
  const texts = entries.map((entry, i) => {
    const { signature } = facts.entries[i]!;
    if (over !== null) return `${signature}\n\n${overText(over.name, sweeps[i]!)}`;
    const decoding = decodingOf(compilation, graphs[i]!);
    return entryText(entry, { signature, sourceLine }) + (decoding === null ? "" : decodingText(decoding));
  });
  host.out(`${facts.model}: ${parametersText(facts.parameters, facts.weights)}\n\n${texts.join("\n")}`);
  return 0;
}

function decodingFields(cost: DecodingCost | null): { readonly decoding?: object } {
  return cost === null ? {} : { decoding: decodingJson(cost) };
}

/** What decoding an entry costs; null for one that is not incremental. */
function decodingOf(compilation: Compilation, graph: Graph): DecodingCost | null {
  const derived = compilation.decoders.find(({ entry }) => entry === graph);
  const decoded = compilation.decoded.find(({ entry }) => entry === graph.name);
  return derived === undefined || decoded === undefined ? null : decodingCost(derived, decoded);
}

/** `T=128,512,1024` of --over. @throws UserError E0607 */
function parseOver(word: string): { readonly name: string; readonly values: readonly number[] } {
  const [, name = "", values = ""] = /^\s*([A-Za-z_]\w*)\s*=\s*(\d+(?:\s*,\s*\d+)*)\s*$/.exec(word) ?? [];
  if (name !== "") return { name, values: values.split(",").map(Number) };
  throw UserError.of("E0607", `--over takes a size and its values, but is ${word}`, {
    help: ["write --over T=128,256,512,1024"],
  });
}

/** The costs of an entry at each value of a size; one row if it has not that size. */
function sweepOf(
  graph: Graph,
  cost: EntryCost,
  over: { readonly name: string; readonly values: readonly number[] },
): Swept[] {
  const values = graph.sizes.some(({ name }) => name === over.name) ? over.values : over.values.slice(0, 1);
  return values.map((at) => ({ at, cost: withSizes(graph, cost, new Map([[over.name, at]])) }));
}

function isCode(word: string): word is Code {
  return Object.hasOwn(reference, word);
}

function explainCode(host: Host, word: string): number {
  const code = word.toUpperCase().replace(/^(ERROR|WARNING|NOTE)?\[?(E\d+)\]?$/, "$2");
  if (!isCode(code)) throw unknown(word, code);
  const { title, text, wrong, right } = reference[code];
  const example = (name: string, lines: string | undefined) =>
    lines === undefined ? "" : `\n${name}:\n${lines.replace(/^/gm, "  ")}\n`;
  host.out(`${code}: ${title}\n\n${wrapped(text, 100)}\n${example("Wrong", wrong)}${example("Right", right)}`);
  return 0;
}

function unknown(word: string, code: string): UserError {
  const codes = Object.keys(reference).sort();
  const family = codes.filter((each) => each.slice(0, 3) === code.slice(0, 3));
  const near = nearest(code, codes) ?? family[0] ?? null;
  return UserError.of("E0609", `there is no diagnostic ${word}`, {
    help:
      near === null
        ? ["a code is E and four digits, such as E0304"]
        : [`the nearest is ${near}: ${reference[near as Code].title}`],
  });
}

/** Breaks lines at blanks so that none is longer than `width`. */
export function wrapped(text: string, width: number): string {
  const lines: string[] = [];
  for (const paragraph of text.split("\n")) {
    let line = "";
    for (const word of paragraph.split(" ")) {
      if (line !== "" && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    lines.push(line);
  }
  return lines.join("\n");
}
