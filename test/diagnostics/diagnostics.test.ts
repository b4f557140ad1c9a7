/**
 * Every wrong program in this folder gives the diagnostics that stand beside it.
 *
 * NAME.trafo states with `#~ error E0304` (or `warning`) at the end of a line what is reported there, NAME.txt holds the
 * rendering as a person sees it. BLESS=1 writes the renderings anew; read the diff.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { elaborate } from "../../dsl/index.js";
import { Diagnostics, SourceFile } from "../../src/diagnostics/index.js";
import { renderDiagnostics } from "../../src/diagnostics/render.js";

const folder = dirname(fileURLToPath(import.meta.url));
const programs = readdirSync(folder)
  .filter((f) => f.endsWith(".trafo") && !f.startsWith("_"))
  .sort();

/** What the markers of a program say, as `line: severity code`, sorted. */
function expected(text: string): string[] {
  return text
    .split("\n")
    .flatMap((line, i) => [...line.matchAll(/#~ (error|warning) (E\d{4})/g)].map((m) => `${i + 1}: ${m[1]} ${m[2]}`))
    .sort();
}

describe("wrong programs", () => {
  it("are many", () => expect(programs.length).toBeGreaterThanOrEqual(80));

  for (const name of programs) {
    it(name, () => {
      const text = readFileSync(join(folder, name), "utf8");
      const options = join(folder, name.replace(/\.trafo$/, ".config.json"));
      const diagnostics = new Diagnostics();
      elaborate(
        new SourceFile(name, text),
        {
          readFile: (path) => (existsSync(join(folder, path)) ? readFileSync(join(folder, path), "utf8") : null),
          ...(existsSync(options) ? { config: JSON.parse(readFileSync(options, "utf8")) } : {}),
        },
        diagnostics,
      );
      const found = diagnostics.sorted.map((d) => {
        const at = d.labels.find((l) => l.primary)!.span;
        return `${at.file.position(at.start).line}: ${d.severity} ${d.code}`;
      });
      expect([...found].sort()).toEqual(expected(text));
      const rendering = renderDiagnostics(diagnostics.sorted);
      const file = join(folder, name.replace(/\.trafo$/, ".txt"));
      if (process.env.BLESS) writeFileSync(file, rendering);
      expect(rendering).toBe(existsSync(file) ? readFileSync(file, "utf8") : "");
    });
  }
});
