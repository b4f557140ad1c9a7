/**
 * The `trafo` command: declares every command, runs the one asked for, and turns what goes wrong into diagnostics and an
 * exit status: 0 done; 1 what the user gave is wrong, values of options as well, or a verification fails; 2 an unknown
 * command, option or target; 3 an internal error.
 */
import { Command, CommanderError, type Option } from "commander";
import { type Diagnostic, diagnostic, InternalError, UserError } from "../diagnostics/index.js";
import { declareBench } from "./commands/bench.js";
import { declareCheck } from "./commands/check.js";
import { declareCompile } from "./commands/compile.js";
import { declareExplain } from "./commands/explain.js";
import { declareFmt } from "./commands/fmt.js";
import { declareGenerate } from "./commands/generate.js";
import { declareGraph } from "./commands/graph.js";
import { declareRun } from "./commands/run.js";
import { declareVerify } from "./commands/verify.js";
import { type Host, processHost } from "./host.js";
import { normalized } from "./options.js";
import { printJson, showDiagnostics } from "./report.js";
import { usageError } from "./usage.js";
import { version } from "./version.js";

/** The commands, in the order of the help. */
const declarations = [
  declareCheck,
  declareFmt,
  declareCompile,
  declareGraph,
  declareRun,
  declareGenerate,
  declareVerify,
  declareBench,
  declareExplain,
] as const;

/** An unknown command, option or target. A value that an option does not take is a mistake as any other. */
const unknownCodes: ReadonlySet<string> = new Set(["E0605", "E0606"]);

function statusOf(diagnostics: readonly Diagnostic[]): number {
  return diagnostics.some(({ code }) => unknownCodes.has(code)) ? 2 : 1;
}

/** Runs a command line (without the program's name) and returns the exit status. */
export async function main(argv: readonly string[], host: Host = processHost()): Promise<number> {
  let status = 0;
  const program = build(host, (of) => {
    status = of;
  });
  try {
    await program.parseAsync(normalized(argv), { from: "user" });
    return status;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      const wrong = usageError(program, error, argv);
      report(host, [wrong], argv);
      return statusOf([wrong]);
    }
    if (error instanceof UserError) {
      report(host, error.diagnostics, argv);
      return statusOf(error.diagnostics);
    }
    if (isOutOfMemory(error)) {
      report(host, [diagnostic("E0615", null, error.message, { help: ["ask for smaller sizes"] })], argv);
      return 1;
    }
    host.err(internalError(error, argv));
    return 3;
  }
}

function build(host: Host, finish: (status: number) => void): Command {
  const program = new Command("trafo")
    .description("Compiles Transformer architectures to code that runs anywhere.")
    .usage("COMMAND [OPTIONS]")
    .version(version, "-V, --version", "print the version")
    .helpCommand(false)
    .showHelpAfterError(false)
    .showSuggestionAfterError(false)
    .addHelpText(
      "after",
      "\n`trafo COMMAND --help` has the options of a command and an example.\n\nExample:\n  trafo verify gpt2.trafo --checkpoint models/gpt2",
    );
  for (const declare of declarations) declare(program, host, finish);
  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({ writeOut: host.out, writeErr: () => {} });
    command.showSuggestionAfterError(false).configureHelp({ optionTerm });
    command.helpOption("-h, --help", "print this");
  }
  return program;
}

/** An option as it is written; a value that may be left out follows an equals sign. */
function optionTerm({ flags }: Option): string {
  return flags.replace(/ (\[.+\])$/, (_, value: string) => `[=${value.slice(1)}`);
}

/** Diagnostics where the command that was asked wants them: as JSON on stdout, or for people. */
function report(host: Host, diagnostics: readonly Diagnostic[], argv: readonly string[]): void {
  if (argv.includes("--json")) printJson(host, {}, diagnostics);
  else showDiagnostics(host, diagnostics);
}

/** Whether the machine refused memory: the words of the engines, and those of generated modules. */
function isOutOfMemory(error: unknown): error is RangeError {
  return (
    error instanceof RangeError &&
    /allocation failed|invalid (typed )?array (buffer )?length|bytes of memory/i.test(error.message)
  );
}

/** What a user is told about a mistake of Trafo. */
function internalError(error: unknown, argv: readonly string[]): string {
  const message = error instanceof Error ? error.message : String(error);
  const details = error instanceof InternalError && error.details !== "" ? `\n${error.details}\n` : "";
  // A generated module is loaded from its text, which would drown the place in it.
  const trace =
    error instanceof Error ? (error.stack ?? "").replace(/data:[^:]*?;base64,[\w+/=]*/g, "generated module") : "";
  const stack = trace.split("\n").slice(1, 7).join("\n");
  const command = ["trafo", ...argv].map(quoted).join(" ");
  return [
    `internal error: ${message}`,
    details,
    stack,
    "",
    "This is a mistake of Trafo, not of your files. The command that reproduces it:",
    `  ${command}`,
    "",
  ]
    .filter((line, i, all) => line !== "" || all[i - 1] !== "")
    .join("\n");
}

/** A word of a command line as a shell reads it. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
