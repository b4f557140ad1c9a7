/** Helps tests to check and elaborate a program that is given as text. */
import { type Elaborated, type ElaborateOptions, elaborate } from "../../dsl/index.js";
import { type Diagnostic, Diagnostics, SourceFile } from "../../src/diagnostics/index.js";

export interface Checked {
  readonly elaborated: Elaborated | null;
  readonly diagnostics: readonly Diagnostic[];
  /** `E0304:12` for each error and warning: code and line. */
  readonly codes: readonly string[];
}

/** Checks the text of a program. Imports of files are refused unless `options.readFile` reads them. */
export function check(text: string, options: Partial<ElaborateOptions> = {}, name = "test.trafo"): Checked {
  const diagnostics = new Diagnostics();
  const elaborated = elaborate(new SourceFile(name, text), { readFile: () => null, ...options }, diagnostics);
  const codes = diagnostics.sorted.map((d) => {
    const at = d.labels.find((l) => l.primary)?.span;
    return `${d.code}:${at ? at.file.position(at.start).line : "-"}`;
  });
  return { elaborated, diagnostics: diagnostics.sorted, codes };
}

/** Elaborates a program that is right; throws with its diagnostics if it is not. */
export function program(text: string, options: Partial<ElaborateOptions> = {}): Elaborated {
  const { elaborated, diagnostics } = check(text, options);
  if (elaborated) return elaborated;
  throw new Error(diagnostics.map((d) => `${d.code} ${d.message} ${d.help.join(" ")}`).join("\n"));
}
