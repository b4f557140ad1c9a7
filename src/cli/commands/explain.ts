/** `trafo explain`: what a program costs, or the reference of a diagnostic. */
import type { Command } from "commander";
import { type Code, reference, UserError } from "../../diagnostics/index.js";
import { nearest } from "../../diagnostics/nearest.js";
import { costOf, mapEntry } from "../../driver/cost/costs.js";
import { describeProgram } from "../../driver/describe.js";
import { checkBounds } from "../../driver/inputs.js";
import type { Graph } from "../../ir/graph/index.js";
import { type Size, type SizeVariable, size, substitute } from "../../sizes/index.js";
import { entryJson, entryText, parametersText } from "../costs.js";
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

export function declareExplain(program: Command, host: Host, finish: (status: number) => void): void {
  const command = program
    .command("explain")
    .summary("print what a program costs, or what a diagnostic means")
    .description(
      [
        "What a program costs: parameters, kernels, floating-point operations, bytes and memory, by layer and by source",
        "line; formulas in its sizes, or numbers with --size. Of a diagnostic: when it is reported, why, and an example.",
      ].join("\n"),
    )
    .argument("<FILE>", "a program, or the code of a diagnostic in brackets, such as E0304");
  withOptions(command, "entry", "set", "size", "config", "checkpoint", "json", ...compileOptions)
    .addHelpText(
      "after",
      "\nExamples:\n  trafo explain gpt2.trafo --config models/gpt2/config.json --size B=1,T=128\n  trafo explain E0706",
    )
    .action((word: string, options: CommonOptions) =>
      finish(isProgram(host, word) ? explainProgram(host, word, options) : explainCode(host, word)),
    );
}

/** A word is a code unless it is a file, or looks like one. */
function isProgram(host: Host, word: string): boolean {
  return host.files.kind(word) === "file" || /[./\\]/.test(word);
}

function explainProgram(host: Host, path: string, options: CommonOptions): number {
  const compilation = compilationOf(host, path, options);
  const { elaborated } = compilation;
  const named = parseSizes(options.size ?? []);
  checkSizeNames(elaborated.program, named);
  const plans = compilation.get("plan");
  const facts = describeProgram(elaborated);
  const entries = compilation.get("graph").entries.map((graph, i) => {
    const bound = boundSizes(graph, named);
    const cost = costOf(graph, plans[i]!);
    return bound.size === 0 ? cost : mapEntry(cost, (value) => at(value, bound));
  });
  if (options.json) {
    const answer = { model: facts.model, parameters: facts.parameters, weights: facts.weights };
    printJson(host, { ...answer, sizes: Object.fromEntries(named), entries: entries.map(entryJson) }, []);
    return 0;
  }
  showDiagnostics(host, compilation.diagnostics.sorted);
  const lines = compilation.get("source").text.split("\n");
  const sourceLine = (file: string, line: number): string => (file === path ? (lines[line - 1] ?? "") : "");
  const texts = entries.map((entry, i) => entryText(entry, { signature: facts.entries[i]!.signature, sourceLine }));
  host.out(`${facts.model}: ${parametersText(facts.parameters, facts.weights)}\n\n${texts.join("\n")}`);
  return 0;
}

/** The sizes of an entry that were given. @throws UserError E0611 for one that it cannot have. */
function boundSizes(graph: Graph, named: ReadonlyMap<string, number>): ReadonlyMap<SizeVariable, number> {
  const bound = new Map<SizeVariable, number>();
  for (const variable of graph.sizes) {
    const value = named.get(variable.name);
    if (value !== undefined) bound.set(variable, value);
  }
  checkBounds(bound, "E0611");
  return bound;
}

/** A formula with numbers for sizes. */
function at(value: Size, bound: ReadonlyMap<SizeVariable, number>): Size {
  return substitute(value, (variable) => {
    const number = bound.get(variable);
    return number === undefined ? null : size(number);
  });
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
