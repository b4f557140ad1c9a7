/** `trafo graph`: a picture of a program. */
import { type Command, Option } from "commander";
import { dotOfPicture } from "../../../backends/dot/index.js";
import { renderDot } from "../../../backends/dot/render.js";
import { UserError } from "../../diagnostics/index.js";
import { type PictureStage, pictureStages, picturesOf } from "../../driver/pictures.js";
import type { Graph } from "../../ir/graph/index.js";
import { type Host, Progress } from "../host.js";
import { type CommonOptions, compilationOf, parseCount, withOptions } from "../options.js";
import { bytesText } from "../print.js";
import { showDiagnostics } from "../report.js";

interface GraphOptions extends CommonOptions {
  readonly output?: string;
  readonly stage: PictureStage;
  readonly expand?: boolean;
  readonly collapse?: string;
  readonly focus?: string;
}

const formats = ["dot", "svg", "png"] as const;
type Format = (typeof formats)[number];

export function declareGraph(program: Command, host: Host, finish: (status: number) => void): void {
  const command = program
    .command("graph")
    .summary("draw a program with Graphviz")
    .description("Draws the graph of a program. The ending of the output says how: .dot, .svg or .png.")
    .argument("<FILE>", "the program")
    .option("-o, --output <FILE>", "where to write; DOT goes to stdout if not given")
    .addOption(new Option("--stage <STAGE>", "what to draw").choices(pictureStages).default("source"))
    .option("--expand", "open every layer")
    .option("--collapse <DEPTH>", "fold the layers of this depth into one box each")
    .option("--focus <PATH>", "draw one layer, such as h.0.attn");
  withOptions(command, "entry", "set", "config", "checkpoint")
    .addHelpText(
      "after",
      [
        "",
        "A program of several entries makes one picture for each: NAME.ENTRY.svg.",
        "",
        "Example:",
        "  trafo graph gpt2.trafo --set layers=2 -o gpt2.svg",
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
  const format = output === undefined ? "dot" : formatOf(output);
  const compilation = compilationOf(host, path, options);
  const { entries } = compilation.get("graph");
  showDiagnostics(host, compilation.diagnostics.sorted);
  const pictures = picturesOf(compilation, {
    stage: options.stage,
    ...(options.expand ? { expand: true } : {}),
    ...(options.collapse === undefined ? {} : { collapse: parseCount("--collapse", options.collapse) }),
    ...(options.focus === undefined ? {} : { focus: options.focus }),
  });
  for (const [i, entry] of entries.entries()) {
    const dot = dotOfPicture(pictures[i]!);
    if (output === undefined) {
      host.out(dot);
      continue;
    }
    const picture = await Progress.during(host, (progress) => {
      progress.say(`drawing ${entry.name}`);
      return renderDot(dot, format);
    });
    const file = entries.length === 1 ? output : perEntry(output, format, entry);
    host.files.write(file, picture);
    host.out(`${file}  ${bytesText(picture.length)}\n`);
  }
  return 0;
}

function perEntry(output: string, format: Format, entry: Graph): string {
  return `${output.slice(0, -format.length)}${entry.name}.${format}`;
}
