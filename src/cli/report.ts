/** How diagnostics reach the user: on stderr for people, on stdout as JSON where a command is asked for it. */
import type { Diagnostic } from "../diagnostics/index.js";
import { diagnosticToJson, renderDiagnostics } from "../diagnostics/render.js";
import type { Host } from "./host.js";
import { json } from "./print.js";

/** Shows diagnostics to a person. */
export function showDiagnostics(host: Host, diagnostics: readonly Diagnostic[]): void {
  if (diagnostics.length > 0) host.err(renderDiagnostics(diagnostics, { colour: host.colour, width: host.width }));
}

/** The part of a JSON answer that holds diagnostics. */
export function diagnosticsJson(diagnostics: readonly Diagnostic[]): Record<string, unknown> {
  const count = (severity: string) => diagnostics.filter((d) => d.severity === severity).length;
  return {
    errors: count("error"),
    warnings: count("warning"),
    diagnostics: diagnostics.map(diagnosticToJson),
  };
}

/** Prints a JSON answer: what was found, and the diagnostics. */
export function printJson(host: Host, answer: Record<string, unknown>, diagnostics: readonly Diagnostic[]): void {
  host.out(json({ ...answer, ...diagnosticsJson(diagnostics) }));
}
