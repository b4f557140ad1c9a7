/** What the passes did, for people: remarks with source lines. */
import type { Location } from "../diagnostics/index.js";
import { firedRules, type PassReport, type Remark } from "../passes/index.js";

/** How often each rule fired, then every remark that says more than its rule, by source line. */
export function remarksText(reports: readonly PassReport[]): string {
  const lines: string[] = [];
  for (const [rule, count] of firedRules(reports)) lines.push(`${String(count).padStart(6)}  ${rule}`);
  const said = reports.flatMap(({ pass, remarks }) =>
    remarks.filter(({ message }) => message !== "").map((remark) => ({ pass, remark })),
  );
  const texts = said.map(({ pass, remark }) => remarkText(pass, remark));
  return `${[...lines, ...new Set(texts)].join("\n")}\n`;
}

/** `gpt2.trafo:41:9: fusion: einsum, add in one kernel (contraction with what follows)`. */
function remarkText(pass: string, { rule, kind, location, message }: Remark): string {
  const place = location === null ? "" : `${locationText(location)}: `;
  return `${place}${pass}: ${message}${kind === "fired" ? ` (${rule})` : ""}`;
}

function locationText({ file, line, column }: Location): string {
  return `${file}:${line}:${column}`;
}
