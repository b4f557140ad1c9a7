/** What a verification found, as diagnostics and lines. */
import { type Diagnostic, diagnostic, type Location, type SourceFile, type Span } from "../diagnostics/index.js";
import type { Against, Failure, Row, Verification } from "./verify.js";

/** One diagnostic for every target that departs: which outputs, the worst elements, and the operator to look at. */
export function failureDiagnostics({ failures, rows }: Verification, source: SourceFile): Diagnostic[] {
  return failures.map((failure) => failureDiagnostic(failure, rows, source));
}

/** How many departures are told in words. */
const TOLD = 3;

const from: { readonly [K in Against]: string } = {
  expected: "the expected values",
  f32: "what it gives with weights of f32",
  rounded: "what f32 gives of the same rounded weights",
  whole: "what it gives of all positions at once",
};

const helpOf: { readonly [K in Exclude<Against, "expected">]: readonly string[] } = {
  f32: ["this model does not go with so few bits: hold its weights in more, or give the --tolerance that will do"],
  rounded: ["the target's kernels for weights in few bits are wrong, or what they read: please report it"],
  whole: ["the derived step is wrong, or the target's kernels for it: please report it"],
};

function failureDiagnostic(failure: Failure, rows: readonly Row[], source: SourceFile): Diagnostic {
  const { target, outputs, departure, pass } = failure;
  const failed = rows.filter((row) => row.target === target && !row.passed);
  const notes = failed.slice(0, TOLD).map((row) => `${row.case}: ${row.detail ?? row.output}`);
  if (failed.length > TOLD) notes.push(`and ${failed.length - TOLD} more`);
  const onlyShapes = failed.every((row) => row.absolute === null);
  const what = outputs.length === 1 ? `${outputs[0]} departs` : `${outputs.join(", ")} depart`;
  const message = `on the target ${target}, ${what} from ${from[failure.against]}`;
  if (failure.against !== "expected" && !onlyShapes)
    return diagnostic("E0714", null, message, { notes, help: helpOf[failure.against] });
  if (pass !== null) notes.push(`with ${pass}, it gives what the interpreter gives in f64`);
  if (!departure && pass !== null) {
    const help = [`what ${pass} leaves out, or what it makes possible, is wrong: every operator alone is right`];
    return diagnostic("E0714", null, message, { notes, help });
  }
  if (!departure) {
    const help = onlyShapes
      ? ["compare the entry's result types with the shapes that are expected"]
      : [
          "every operator gives what the interpreter gives in f64: the program, the weights or the expected values differ",
        ];
    return diagnostic(onlyShapes ? "E0715" : "E0714", null, message, { notes, help });
  }
  const { location } = departure;
  const here = location?.file === source.name ? spanOf(source, location) : null;
  const place = location ? ` at ${location.file}:${location.line}:${location.column}` : "";
  const within = departure.scope === "" ? "" : ` in ${departure.scope}`;
  notes.push(
    `the first operator that departs from the interpreter in f64 is ${departure.operator}${within}${place}`,
    `its value${departure.name === null ? "" : ` ${departure.name}`}${departure.at} is ${departure.found} on ${target} and ${departure.expected} in f64`,
  );
  return diagnostic("E0714", here, message, { label: "the first operator that departs", notes });
}

/** The word at a location. */
function spanOf(file: SourceFile, { line, column }: Location): Span {
  let start = 0;
  for (let before = 1; before < line; before++) start = file.text.indexOf("\n", start) + 1;
  start += column - 1;
  const word = /^\w+/.exec(file.text.slice(start))?.[0] ?? " ";
  return { file, start, end: start + word.length };
}

/** What was not compared, and why, in lines. */
export function noticesOf({ notCompared, notUsed }: Verification): string[] {
  const lines: string[] = [];
  if (notCompared.length > 0) lines.push(`not compared, as no entry returns them: ${grouped(notCompared)}`);
  if (notUsed.length > 0) lines.push(`not used, as no entry takes them: ${grouped(notUsed)}`);
  return lines;
}

/** Names with the cases that have them in common: `case0, case1: hidden.0, hidden.1`. */
function grouped(names: readonly string[]): string {
  const byCase = new Map<string, string[]>();
  for (const name of names) {
    const [, of = "", rest = name] = /^(case\d+)\.(?:in|out)\.(.+)$/.exec(name) ?? [];
    byCase.set(of, [...(byCase.get(of) ?? []), rest]);
  }
  const cases = new Map<string, string[]>();
  for (const [of, rest] of byCase) cases.set(rest.join(", "), [...(cases.get(rest.join(", ")) ?? []), of]);
  return [...cases].map(([rest, of]) => `${rest} (${of.join(", ")})`).join("; ");
}
