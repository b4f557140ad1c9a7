/** `trafo check`: parse, resolve, check every size, and with a checkpoint every weight from its header alone. */
import type { Command } from "commander";
import { type Diagnostic, UserError } from "../../diagnostics/index.js";
import { renderLine } from "../../diagnostics/render.js";
import { describeProgram, sizeConditions, unreadNote } from "../../driver/describe.js";
import type { Host } from "../host.js";
import { type CommonOptions, compilationOf, withOptions } from "../options.js";
import { counted, plural } from "../print.js";
import { printJson, showDiagnostics } from "../report.js";

export function declareCheck(program: Command, host: Host, finish: (status: number) => void): void {
  const command = program
    .command("check")
    .summary("check programs: names, types, every size")
    .description(
      "Parses and checks programs. With --checkpoint every weight's name, shape and type is checked as well.",
    )
    .argument("<FILE...>", "programs or files of blocks");
  withOptions(command, "entry", "set", "config", "checkpoint", "json")
    .addHelpText("after", "\nExample:\n  trafo check gpt2.trafo --checkpoint models/gpt2")
    .action((paths: string[], options: CommonOptions) => finish(check(host, paths, options)));
}

function check(host: Host, paths: readonly string[], options: CommonOptions): number {
  // By their line: what is wrong with a file that several import is told once.
  const found = new Map<string, Diagnostic>();
  const answers: Record<string, unknown>[] = [];
  for (const path of paths) {
    const { diagnostics, answer, line } = checkOne(host, path, options);
    for (const each of diagnostics) found.set(renderLine(each), each);
    answers.push({ file: path, ...answer });
    if (!options.json && line !== "") host.out(`${path}: ${line}\n`);
  }
  const all = [...found.values()];
  if (options.json) printJson(host, { files: answers }, all);
  else showDiagnostics(host, all);
  return all.some(({ severity }) => severity === "error") ? 1 : 0;
}

function checkOne(host: Host, path: string, options: CommonOptions) {
  try {
    const compilation = compilationOf(host, path, options);
    const elaborated = compilation.check();
    const diagnostics = [...compilation.diagnostics.sorted];
    if (!elaborated) return { diagnostics, answer: { model: null }, line: "sound; it declares no model" };
    if (options.entry === undefined) diagnostics.push(...unreadNote(elaborated));
    const facts = describeProgram(elaborated);
    const entries = facts.entries.map((entry) => {
      const conditions = sizeConditions(entry);
      return `  ${entry.signature}\n${conditions.length === 0 ? "" : `    where ${conditions.join(", ")}\n`}`;
    });
    const parameters = `${counted(facts.parameters)} parameters in ${plural(facts.weights, "tensor")}`;
    return { diagnostics, answer: facts, line: `sound\n${facts.model}: ${parameters}\n${entries.join("")}`.trimEnd() };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { diagnostics: error.diagnostics, answer: {}, line: "" };
  }
}
