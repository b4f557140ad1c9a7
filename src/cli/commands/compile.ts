/** `trafo compile`: writes the module of a program. */
import { type Command, Option } from "commander";
import { UserError } from "../../diagnostics/index.js";
import { nearest } from "../../diagnostics/nearest.js";
import { describeProgram, unreadNote } from "../../driver/describe.js";
import { isDump } from "../../driver/dump.js";
import { namedTensors } from "../../driver/module-runner.js";
import { requireWeightsAsTheyAre } from "../../driver/onnx-runner.js";
import { remarksText } from "../../driver/pass-report.js";
import { type Compilation, stageNames } from "../../driver/pipeline.js";
import { dumpAfter, dumpNameOf, dumpNames } from "../../driver/stage-dumps.js";
import { type TargetName, targetNames, targetOf, targets } from "../../driver/targets.js";
import { passes } from "../../passes/index.js";
import { joinPath } from "../../runtime/files.js";
import { writeSafetensors } from "../../runtime/host/safetensors-writer.js";
import { readWeights } from "../../runtime/weights.js";
import type { Host } from "../host.js";
import { type CommonOptions, compilationOf, compileOptions, weightsOf, withOptions } from "../options.js";
import { bytesText, counted, plural, table } from "../print.js";
import { showDiagnostics } from "../report.js";
import { version } from "../version.js";

interface CompileOptions extends CommonOptions {
  readonly output?: string;
  readonly emit?: string;
  readonly time?: boolean;
  readonly dumpAfter?: string;
  readonly remarks?: boolean;
  readonly weightsBeside?: boolean;
}

export function declareCompile(program: Command, host: Host, finish: (status: number) => void): void {
  const command = program
    .command("compile")
    .summary("write the module of a program")
    .description("Compiles a program to a module without dependencies: a method for every entry.")
    .argument("<FILE>", "the program")
    .option("-o, --output <DIR>", "where to write")
    .option(
      "--emit <KINDS>",
      "what to write, several with commas: ts, js, dts; for wasm also fallback, wasm, wat, for wgsl also wgsl; all if not given",
    )
    .option("--weights-beside", "onnx: put the weights into a file beside the models, NAME.onnx.data")
    .option("--time", "print how long each stage and each pass took")
    .option("--remarks", "print what the passes did, and what they did not, with source lines")
    .addOption(
      new Option("--dump-after <STAGE>", "print the program after a stage or pass, or all, and write nothing"),
    );
  withOptions(command, "target", "entry", "set", "config", "checkpoint", "randomWeights", ...compileOptions)
    .addHelpText(
      "after",
      [
        "",
        `The stages and passes of --dump-after are ${dumpNames.join(", ")}.`,
        "What it prints is a FILE of every command as well, which goes on from there.",
        "",
        "Made-up weights, and those of a GGUF file as f32, are written beside the module, as NAME.safetensors. An ONNX model, one for each entry as",
        "NAME-ENTRY.onnx, holds its weights: those of --checkpoint or made-up ones.",
        "",
        "Example:",
        "  trafo compile gpt2.trafo --target typescript --config models/gpt2/config.json -o out",
      ].join("\n"),
    )
    .action(async (path: string, options: CompileOptions) => finish(await compile(host, path, options)));
}

/** Milliseconds of each stage, and below `optimize` of each pass. */
function timeRows({ times, reports }: Compilation): string[][] {
  return stageNames.flatMap((stage) => {
    const row = [`  ${stage}`, `${(times.get(stage) ?? 0).toFixed(1)} ms`];
    if (stage !== "optimize") return [row];
    const ofPass = (name: string): number =>
      reports.reduce((sum, report) => sum + (report.pass === name ? report.milliseconds : 0), 0);
    return [row, ...passes.map(({ name }) => [`    ${name}`, `${ofPass(name).toFixed(1)} ms`])];
  });
}

/** What `--emit` names. @throws UserError E0607 */
function kindsOf(word: string | undefined, target: TargetName): readonly string[] {
  const offered = targets[target].emits;
  if (word === undefined) return offered;
  const kinds = word.split(",").map((kind) => kind.trim());
  for (const kind of kinds) {
    if (offered.includes(kind)) continue;
    const others = targetNames.filter((name) => targets[name].emits.includes(kind));
    const near = nearest(kind, offered);
    const help = others.length > 0 ? `${kind} is written with --target ${others.join(" or ")}` : null;
    throw UserError.of("E0607", `--emit takes ${offered.join(", ")} for ${target}, but holds ${kind}`, {
      help: [help ?? (near === null ? "" : `the nearest is ${near}`)].filter((each) => each !== ""),
    });
  }
  return kinds;
}

async function compile(host: Host, path: string, options: CompileOptions): Promise<number> {
  const target = targetOf(options.target ?? "typescript");
  if (targets[target].emits.length === 0) {
    throw UserError.of("E0606", `the target ${target} writes no files: it only runs`, {
      help: [`compile for ${targetNames.filter((name) => targets[name].emits.length > 0).join(", ")}`],
    });
  }
  const kinds = kindsOf(options.emit, target);
  const after = options.dumpAfter === undefined ? null : dumpNameOf(options.dumpAfter);
  const compilation = compilationOf(host, path, options, { dumpAfter: after });
  if (after !== null) {
    const text = dumpAfter(compilation, after);
    showDiagnostics(host, compilation.diagnostics.sorted);
    host.out(text);
    return 0;
  }
  const { output } = options;
  if (output === undefined) {
    throw UserError.of("E0605", "trafo compile needs the option -o, --output <DIR>", {
      help: ["`trafo compile --help` lists what there is"],
    });
  }
  if (target === "onnx") return compileOnnx(host, compilation, options, output);
  const module = await compilation.get("emit");
  const { name, elaborated } = compilation;
  const contents: [string, string | Uint8Array][] = [];
  if (kinds.includes("ts")) contents.push([`${name}.ts`, module.typescript]);
  if (kinds.includes("js")) contents.push([`${name}.js`, module.javascript], [`${name}.js.map`, module.sourceMap]);
  // It is compiled from the graphs, which the dump of a later stage does not hold.
  const lacksFallback = kinds.includes("fallback") && options.emit === undefined && !compilation.hasGraphs;
  if (kinds.includes("fallback") && !lacksFallback) {
    const { javascript } = await compilation.compiledFor("typescript").get("emit");
    contents.push([`${name}.fallback.js`, javascript]);
  }
  if (kinds.includes("wasm") && module.wasm) contents.push([`${name}.wasm`, module.wasm]);
  if (kinds.includes("wat") && module.wat !== undefined) contents.push([`${name}.wat`, module.wat]);
  if (kinds.includes("wgsl") && module.wgsl !== undefined) contents.push([`${name}.wgsl`, module.wgsl]);
  if (kinds.includes("dts")) contents.push([`${name}.d.ts`, module.declarations]);
  if (options.randomWeights !== undefined || compilation.request.checkpoint?.format === "gguf") {
    const graphs = elaborated.program.entries;
    const tensors = namedTensors(graphs, readWeights(graphs, weightsOf(compilation, options)));
    contents.push([`${name}.safetensors`, writeSafetensors(tensors, { made_by: "trafo compile" })]);
  }
  const facts = describeProgram(elaborated);
  const notes = options.entry === undefined ? unreadNote(elaborated) : [];
  showDiagnostics(host, [...compilation.diagnostics.sorted, ...notes]);
  for (const [file, text] of contents) host.files.write(joinPath(output, file), text);
  const kernels = compilation.get("plan").reduce((sum, plan) => sum + plan.kernels.length, 0);
  host.out(`${facts.model}: ${counted(facts.parameters)} parameters, ${plural(kernels, "kernel")}\n`);
  host.out(
    table(
      contents.map(([file, text]) => [`  ${joinPath(output, file)}`, bytesText(text.length)]),
      "lr",
    ),
  );
  const isHeld = compilation.reports.some(({ pass, changed }) => pass === "quantization" && changed);
  if ((options.weights ?? "f32") !== "f32" && !isHeld) {
    host.out(
      "weights stay f32: there is no product or table large enough to be held otherwise (--remarks says more)\n",
    );
  }
  if (lacksFallback) {
    host.out(
      `there is no ${name}.fallback.js, which hosts without SIMD take instead: it is compiled from graphs, which this dump does not hold\n`,
    );
  }
  if (compilation.decoded.length === 0 && isDump(compilation.get("source"))) {
    host.out("there are no sessions: no entry of the dump is incremental, as only graphs before any pass say\n");
  }
  if (options.time) host.out(table(timeRows(compilation), "lr"));
  if (options.remarks) host.out(remarksText(compilation.reports, compilation.sourceLine));
  return 0;
}

/** Writes an ONNX model for each entry. @throws UserError E0502, E0610, E0616, and of the family E07 for weights. */
async function compileOnnx(
  host: Host,
  compilation: Compilation,
  options: CompileOptions,
  output: string,
): Promise<number> {
  const { tile, fuse, schedule, disable, remarks, time } = options;
  requireWeightsAsTheyAre(compilation.request.weights);
  if (tile !== undefined || fuse === false || schedule === false || disable !== undefined || remarks || time) {
    throw UserError.of("E0610", "the target onnx has no kernels: it is written from the graph before any pass", {
      help: ["leave out --tile, --no-schedule, --no-fuse, --disable, --remarks and --time"],
    });
  }
  if (options.checkpoint === undefined && options.randomWeights === undefined) {
    throw UserError.of("E0610", "an ONNX model holds its weights, and none are named", {
      help: ["give --checkpoint DIR, or --random-weights where the values do not matter"],
    });
  }
  const { name, elaborated, documentation, sourceLine } = compilation;
  const weights = weightsOf(compilation, options);
  const { onnxFiles } = await import("../../driver/onnx-files.js");
  const program = compilation.get("graph");
  const beside = options.weightsBeside ?? false;
  const named = { program, name, weights, beside, documentation, producerVersion: version, sourceLine };
  const files = onnxFiles(named);
  const notes = options.entry === undefined ? unreadNote(elaborated) : [];
  showDiagnostics(host, [...compilation.diagnostics.sorted, ...notes]);
  for (const [file, contents] of files) host.files.write(joinPath(output, file), contents);
  const { model, parameters } = describeProgram(elaborated);
  host.out(`${model}: ${counted(parameters)} parameters, ${plural(files.length, "file")}\n`);
  const rows = files.map(([file, { length }]) => [`  ${joinPath(output, file)}`, bytesText(length)]);
  host.out(table(rows, "lr"));
  return 0;
}
