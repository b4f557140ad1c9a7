/** `trafo verify`: compares a program with values that were computed elsewhere. */
import type { Command } from "commander";
import { type Diagnostic, UserError } from "../../diagnostics/index.js";
import { readCases } from "../../driver/cases.js";
import { targetsOf } from "../../driver/targets.js";
import { type Row, type Verification, verify } from "../../driver/verify.js";
import { failureDiagnostics, noticesOf } from "../../driver/verify-report.js";
import { folderOf, joinPath } from "../../runtime/files.js";
import { readWeights } from "../../runtime/weights.js";
import { type Host, Progress } from "../host.js";
import { type CommonOptions, compilationOf, compileOptions, weightsOf, withOptions } from "../options.js";
import { errorText, table } from "../print.js";
import { printJson, showDiagnostics } from "../report.js";

interface VerifyOptions extends CommonOptions {
  readonly expect?: string;
  readonly tolerance?: string;
}

export function declareVerify(program: Command, host: Host, finish: (status: number) => void): void {
  const command = program
    .command("verify")
    .summary("compare a program with values computed elsewhere")
    .description(
      "Runs the cases of io.safetensors on every target and compares the outputs with those that are expected.",
    )
    .argument("<FILE>", "the program")
    .option("--expect <FILE>", "the expected values; io.safetensors beside the weights if not given")
    .option(
      "--tolerance <NUMBER>",
      "the largest error that passes, of --weights the largest deviation from f32; 1e-4, or that of --weights, if not given",
    );
  withOptions(command, "checkpoint", "target", "entry", "set", "config", "json", ...compileOptions)
    .addHelpText(
      "after",
      [
        "",
        "Expected values are tensors named case0.in.NAME and case0.out.NAME. An output named greedy holds tokens of greedy",
        "decoding. The relative error is over the largest magnitude of the expected output.",
        "",
        "Example:",
        "  trafo verify gpt2.trafo --checkpoint models/gpt2 --target all",
      ].join("\n"),
    )
    .action(async (path: string, options: VerifyOptions) => finish(await run(host, path, options)));
}

function toleranceOf(word: string): number {
  const value = Number(word);
  if (word.trim() !== "" && value >= 0 && Number.isFinite(value)) return value;
  throw UserError.of("E0607", `--tolerance takes a number from 0, but is ${word}`, {
    help: ["write --tolerance 1e-4"],
  });
}

async function run(host: Host, path: string, options: VerifyOptions): Promise<number> {
  const tolerance = options.tolerance === undefined ? {} : { tolerance: toleranceOf(options.tolerance) };
  if (options.checkpoint === undefined) {
    throw UserError.of("E0610", "verify needs a checkpoint", { help: ["give --checkpoint DIR"] });
  }
  const compilation = compilationOf(host, path, options);
  const { chosen, left } = await targetsOf(options.target ?? "all", compilation.request.weights);
  const { program } = compilation.elaborated;
  const folder = host.files.kind(options.checkpoint) === "folder" ? options.checkpoint : folderOf(options.checkpoint);
  const cases = readCases(host.files, options.expect ?? joinPath(folder, "io.safetensors"));
  const reader = weightsOf(compilation, options);
  const result = await Progress.during(host, async (progress) => {
    progress.say("reading weights");
    const count = (done: number, of: number) => progress.count("reading weights", done, of);
    const weights = readWeights(program.entries, reader, count);
    const onProgress = (what: string) => progress.say(what);
    return verify({ compilation, weights, cases, targets: chosen, ...tolerance, onProgress });
  });
  const diagnostics: Diagnostic[] = [
    ...compilation.diagnostics.sorted,
    ...failureDiagnostics(result, compilation.get("source")),
  ];
  if (options.json)
    printJson(
      host,
      { model: program.name, weights: options.weights ?? "f32", targetsLeft: left, ...result },
      diagnostics,
    );
  else {
    host.out(rowsTable(result));
    if ((options.weights ?? "f32") !== "f32") {
      const passes = `what deviates by up to ${result.tolerance} (root mean square) passes, and tokens may differ`;
      host.out(`weights are held as ${options.weights}: ${passes}\n`);
      for (const line of sameLines(result)) host.out(`${line}\n`);
      host.out(
        "deviation: of all errors, over what is expected; same argmax: rows whose largest is at the same place\n",
      );
    }
    if (options.precision === "f16") {
      const passes = `what deviates by up to ${result.tolerance} (root mean square) passes`;
      host.out(`what lies between kernels of wgsl is kept in f16: ${passes}\n`);
    }
    for (const line of noticesOf(result)) host.out(`${line}\n`);
    for (const { name, reason } of left) host.out(`not run: ${name}: ${reason}\n`);
    showDiagnostics(host, diagnostics);
  }
  return result.passed ? 0 : 1;
}

/** What passes of what is computed of the same rounded weights, for targets that allow the same. */
function sameLines({ tolerances }: Verification): string[] {
  const targets = new Map<number, string[]>();
  for (const [target, tolerance] of Object.entries(tolerances))
    targets.set(tolerance, [...(targets.get(tolerance) ?? []), target]);
  return [...targets].map(
    ([tolerance, names]) =>
      `from the same rounded weights, what deviates by up to ${errorText(tolerance)} passes on ${names.join(", ")}`,
  );
}

function rowsTable({ rows }: Verification): string {
  const heads = ["target", "case", "output", "largest error", "relative", ""];
  const cells = rows.map(rowCells);
  if (rows.every(({ rounded }) => rounded === null)) return table([heads, ...cells], "lllrrl");
  const wide = rows.map(({ rounded }, i) => cells[i]!.toSpliced(5, 0, ...roundedCells(rounded)));
  return table([heads.toSpliced(5, 0, "deviation", "same argmax"), ...wide], "lllrrrrl");
}

function roundedCells(rounded: Row["rounded"]): string[] {
  if (rounded === null) return ["", ""];
  const { deviation, agreement } = rounded;
  return [errorText(deviation), agreement === null ? "" : `${(100 * agreement).toFixed(1)} %`];
}

function rowCells(row: Row): string[] {
  const { output, absolute, relative, passed } = row;
  const head = [row.target, row.case, output];
  if (output === "greedy" && absolute !== null) {
    return [...head, absolute === 0 ? "equal" : `${absolute} differ`, "", passed ? "" : "FAILS"];
  }
  return [...head, errorText(absolute), errorText(relative), passed ? "" : "FAILS"];
}
