/** `trafo graph`: pictures of a program. */
import { type Command, Option } from "commander";
import { dotOfPicture, pageOf } from "../../../backends/dot/index.js";
import { packedGraphviz, rasterised, renderDot } from "../../../backends/dot/render.js";
import { UserError } from "../../diagnostics/index.js";
import { backendNames } from "../../driver/backends.js";
import { type Colour, colours } from "../../driver/picture/costs.js";
import { memoryPicture } from "../../driver/picture/memory.js";
import {
  codesOf,
  type PictureOptions,
  type PictureStage,
  pictureStages,
  picturesOf,
} from "../../driver/picture/pictures.js";
import { assumedSizes } from "../../driver/picture/sizes.js";
import type { Compilation } from "../../driver/pipeline.js";
import { targetOf } from "../../driver/targets.js";
import { type Host, Progress } from "../host.js";
import {
  type CommonOptions,
  checkSizeNames,
  compilationOf,
  compileOptions,
  parseCount,
  parseSizes,
  withOptions,
} from "../options.js";
import { bytesText } from "../print.js";
import { showDiagnostics } from "../report.js";

interface GraphOptions extends CommonOptions {
  readonly output?: string;
  readonly stage?: PictureStage | "plan";
  readonly expand?: boolean;
  readonly collapse?: string;
  readonly focus?: string;
  readonly colour?: Colour;
  readonly diff?: string | true;
}

const formats = ["dot", "svg", "png", "html"] as const;
type Format = (typeof formats)[number];

export function declareGraph(program: Command, host: Host, finish: (status: number) => void): void {
  const command = program
    .command("graph")
    .summary("draw a program with Graphviz")
    .description(
      [
        "Draws a program, a picture for each entry. The ending of the output says how: .dot, .svg, .png, or .html for a page to look around in.",
        "Stages: source is the graph as written; optimized has the operators of each kernel in a frame; kernels has the loops and tiles of each; plan is a chart of memory over time.",
      ].join("\n\n"),
    )
    .argument("<FILE>", "the program")
    .option("-o, --output <FILE>", "where to write; text goes to stdout if not given")
    .addOption(new Option("--stage <STAGE>", "what to draw; source if not given").choices([...pictureStages, "plan"]))
    .option("--diff [PASS]", "before and after a pass, or all of them, side by side")
    .addOption(new Option("--colour <WHAT>", "what the colours tell; kind if not given").choices(colours))
    .option("--expand", "open every layer")
    .option("--collapse <DEPTH>", "fold the layers of this depth into one box each")
    .option("--focus <PATH>", "draw one layer, such as h.0.attn");
  withOptions(command, "target", "entry", "set", "size", "config", "checkpoint", ...compileOptions)
    .addHelpText(
      "after",
      [
        "",
        "A program of several entries makes one picture for each: NAME.ENTRY.svg. Costs are counted for the sizes that --size",
        "gives; others are assumed, and stand in the title.",
        "",
        "Examples:",
        "  trafo graph gpt2.trafo --set layers=2 -o gpt2.svg",
        "  trafo graph gpt2.trafo --diff --focus h.0.attn -o fused.png",
        "  trafo graph gpt2.trafo --stage plan --size B=1,T=256 -o memory.svg",
      ].join("\n"),
    )
    .action(async (path: string, options: GraphOptions) => finish(await graph(host, path, options)));
}

/** The format that a name's ending says. @throws UserError E0612 */
function formatOf(output: string): Format {
  const found = formats.find((format) => output.toLowerCase().endsWith(`.${format}`));
  if (found) return found;
  throw UserError.of("E0612", `the ending of ${output} is none of ${formats.map((format) => `.${format}`).join(", ")}`);
}

async function graph(host: Host, path: string, options: GraphOptions): Promise<number> {
  const { output } = options;
  const format = output === undefined ? null : formatOf(output);
  checkOptions(options, format);
  checkTarget(options.target);
  const compilation = compilationOf(host, path, options);
  const { entries } = compilation.get("graph");
  const sizes = parseSizes(options.size ?? []);
  checkSizeNames(compilation.elaborated.program, sizes);
  const drawings =
    options.stage === "plan" ? charts(compilation, sizes) : pictures(compilation, sizes, options, format === "html");
  showDiagnostics(host, compilation.diagnostics.sorted);
  for (const [i, { name }] of entries.entries()) {
    const drawing = drawings[i]!;
    if (output === undefined || format === null) {
      host.out(drawing.text);
      continue;
    }
    const picture = await Progress.during(host, (progress) => {
      progress.say(`drawing ${name}`);
      return drawing.as(format);
    });
    const file = entries.length === 1 ? output : `${output.slice(0, -format.length)}${name}.${format}`;
    host.files.write(file, picture);
    host.out(`${file}  ${bytesText(picture.length)}\n`);
  }
  return 0;
}

/** Something that is drawn: its text, and the files that it can be. */
interface Drawing {
  readonly text: string;
  readonly as: (format: Format) => Promise<string | Uint8Array>;
}

function pictures(
  compilation: Compilation,
  sizes: ReadonlyMap<string, number>,
  options: GraphOptions,
  page: boolean,
): Drawing[] {
  const { stage, colour, collapse, focus, expand, diff } = options;
  const chosen: PictureOptions = {
    sizes,
    scheduled: page,
    ...(stage === undefined || stage === "plan" ? {} : { stage }),
    ...(colour === undefined ? {} : { colour }),
    ...(expand ? { expand } : {}),
    ...(collapse === undefined ? {} : { collapse: parseCount("--collapse", collapse) }),
    ...(focus === undefined ? {} : { focus }),
    ...(diff === undefined ? {} : { diff: diff === true ? "all" : diff }),
  };
  const { backend } = compilation;
  return picturesOf(compilation, chosen).map((entry) => {
    const { picture } = entry;
    const text = dotOfPicture(picture);
    const draw = async (): Promise<string> => {
      // Of a pass the kernels are shown as lowering gives them.
      const codes = await codesOf(entry, diff === undefined ? (backend.code ?? null) : null);
      return pageOf({ title: picture.title, picture, codes }, await renderDot(text, "svg"), await packedGraphviz());
    };
    return { text, as: (format) => (format === "html" ? draw() : renderDot(text, format)) };
  });
}

function charts(compilation: Compilation, sizes: ReadonlyMap<string, number>): Drawing[] {
  const { name } = compilation.get("graph");
  return compilation.get("plan").map((plan) => {
    const text = memoryPicture(name, plan, assumedSizes(plan.sizes, sizes));
    const page = (): string => pageOf({ title: `${name}.${plan.name}`, picture: null, codes: {} }, text, null);
    return { text, as: async (format) => (format === "png" ? rasterised(text) : format === "html" ? page() : text) };
  });
}

/** @throws UserError E0606 for a target that has no kernels. */
function checkTarget(target: string | undefined): void {
  if (target === undefined || backendNames.some((name) => name === target)) return;
  throw UserError.of("E0606", `the target ${targetOf(target)} has no kernels to draw`, {
    help: [`draw those of ${backendNames.join(", ")}`],
  });
}

/** @throws UserError E0610 for options that have no meaning together, E0612 for a chart as DOT. */
function checkOptions(options: GraphOptions, format: Format | null): void {
  const { stage, diff } = options;
  const exclude = (first: string, others: readonly (keyof GraphOptions)[]): void => {
    for (const name of others) {
      if (options[name] !== undefined) throw UserError.of("E0610", `${first} and --${name} exclude each other`);
    }
  };
  if (diff !== undefined) exclude("--diff", ["stage"]);
  exclude(options.expand ? "--expand" : "", options.expand ? ["collapse"] : []);
  if (stage !== "plan") return;
  exclude("--stage plan", ["focus", "collapse", "expand", "colour"]);
  if (format === "dot") {
    throw UserError.of("E0612", "the chart of memory is no graph, and cannot be .dot", {
      help: ["write -o memory.svg"],
    });
  }
}
