/**
 * What `--dump-after` prints: the program after one stage or pass, as it is read back; or after all of them, each below a
 * comment that names it, and no text where nothing changed.
 */
import { UserError } from "../diagnostics/index.js";
import { nearest } from "../diagnostics/nearest.js";
import { nameText } from "../ir/text/words.js";
import { passes } from "../passes/index.js";
import { dumpText } from "./dump.js";
import type { Compilation } from "./pipeline.js";

/** In the order of the pipeline; the passes stand between the graph and the kernels. */
const stageTexts: Readonly<Record<string, (compilation: Compilation) => string>> = {
  graph: (compilation) => dumpText(compilation.program.name, null, { graphs: compilation.get("graph").entries }),
  ...Object.fromEntries(passes.map(({ name }) => [name, (compilation: Compilation) => passText(compilation, name)])),
  kernels: (compilation) => dumpText(compilation.program.name, null, { lowered: compilation.get("kernels") }),
  schedule: (compilation) =>
    dumpText(compilation.program.name, compilation.target, { lowered: compilation.get("schedule") }),
  plan: (compilation) => dumpText(compilation.program.name, compilation.target, { plans: compilation.get("plan") }),
};

/** What can be printed: `graph`, the passes, `kernels`, `schedule`, `plan`. */
export const dumpNames: readonly string[] = Object.keys(stageTexts);

/** A stage or pass, or `all`. @throws UserError E0607 */
export function dumpNameOf(word: string): string {
  const names = [...dumpNames, "all"];
  if (names.includes(word)) return word;
  const near = nearest(word, names);
  throw UserError.of("E0607", `--dump-after takes ${names.join(", ")}, but is ${word}`, {
    help: near === null ? [] : [`the nearest is ${near}`],
  });
}

/**
 * The text after a stage or pass, or of all.
 * @throws UserError E0616 where the compilation started after it, or the pass is not run
 */
export function dumpAfter(compilation: Compilation, after: string): string {
  if (after !== "all") return stageTexts[after]!(compilation);
  let before = "";
  const { without = [] } = compilation.request.optimize ?? {};
  return dumpNames
    .filter((name) => !without.includes(name))
    .map((name) => {
      const text = stageTexts[name]!(compilation);
      const isSame = text === before;
      before = text;
      return isSame ? `; ${name} (unchanged)\n` : `; after ${name}\n${text}`;
    })
    .join("\n");
}

function passText(compilation: Compilation, pass: string): string {
  const { name } = compilation.get("optimize");
  const texts = compilation.reports.flatMap((report) =>
    report.pass === pass && report.text !== null ? [report.text] : [],
  );
  if (texts.length > 0) return [`program @${nameText(name)}\n`, ...texts].join("\n");
  throw UserError.of("E0616", `the pass ${pass} does not run`, {
    help: ["start from the source, or from the dump of a stage before it, without disabling it"],
  });
}
