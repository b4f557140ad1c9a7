/** `trafo fmt`: brings programs into canonical layout. */
import type { Command } from "commander";
import { format } from "../../../dsl/syntax/format.js";
import { type Diagnostic, diagnostic, SourceFile, UserError } from "../../diagnostics/index.js";
import { readText } from "../../runtime/files.js";
import type { Host } from "../host.js";
import { showDiagnostics } from "../report.js";

interface FmtOptions {
  readonly check?: boolean;
}

export function declareFmt(program: Command, host: Host, finish: (status: number) => void): void {
  program
    .command("fmt")
    .summary("bring programs into canonical layout")
    .description("Lays programs out in the one canonical way, in place. Comments survive.")
    .argument("<FILE...>", "programs or files of blocks")
    .option("--check", "change nothing; fail if a file is laid out otherwise")
    .addHelpText("after", "\nExample:\n  trafo fmt --check examples/*/*.trafo")
    .action((paths: string[], options: FmtOptions) => finish(fmt(host, paths, options)));
}

function fmt(host: Host, paths: readonly string[], options: FmtOptions): number {
  const all: Diagnostic[] = [];
  for (const path of paths) {
    try {
      const text = readText(host.files, path, "a program");
      const formatted = format(new SourceFile(path, text));
      if (formatted === text) continue;
      if (options.check) all.push(notCanonical(path));
      else {
        host.files.write(path, formatted);
        host.out(`${path}\n`);
      }
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      all.push(...error.diagnostics);
    }
  }
  showDiagnostics(host, all);
  return all.some(({ severity }) => severity === "error") ? 1 : 0;
}

function notCanonical(path: string): Diagnostic {
  return diagnostic("E0613", null, `${path} is not in canonical layout`, { help: [`run trafo fmt ${path}`] });
}
