/** Tables for people, and the same as data for `--json`. */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { median } from "./measure.mjs";

const tables = [];

const digitsOf = (value) => (value < 1 ? 3 : value < 100 ? 2 : 0);

/** `12.3 (11.9 – 14.0)` */
export function spread(sorted) {
  const digits = digitsOf(median(sorted));
  return `${median(sorted).toFixed(digits)} (${sorted[0].toFixed(digits)} – ${sorted.at(-1).toFixed(digits)})`;
}

/** The median, least and largest of some samples. */
export const summary = (sorted) => ({ median: median(sorted), least: sorted[0], largest: sorted.at(-1) });

/** Prints a table; the first column stands left. `data` is what `--json` holds of it. */
export function table(title, header, rows, data) {
  tables.push({ title, data });
  const all = [header, ...rows].map((row) => row.map(String));
  const widths = header.map((_, i) => Math.max(...all.map((row) => row[i].length)));
  console.log(`\n${title}`);
  for (const row of all)
    console.log(
      `  ${row.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[i]))).join("  ")}`.trimEnd(),
    );
}

/** Writes everything that was measured. */
export function writeJson(path) {
  const machine = { processor: cpus()[0]?.model ?? "unknown", processors: cpus().length, node: process.version };
  writeFileSync(path, `${JSON.stringify({ machine, tables }, null, 2)}\n`);
}
