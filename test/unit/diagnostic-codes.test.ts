/** Every diagnostic has a reference entry that says something, and a test that mentions it. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type Code, reference } from "../../src/diagnostics/index.js";

const tests = join(dirname(fileURLToPath(import.meta.url)), "..");
const codes = Object.keys(reference).sort() as Code[];

function textOf(folder: string): string {
  return readdirSync(folder, { withFileTypes: true })
    .map((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return entry.name === "node_modules" ? "" : textOf(path);
      return /\.(ts|trafo|txt|md)$/.test(entry.name) ? readFileSync(path, "utf8") : "";
    })
    .join("\n");
}

describe("the reference of diagnostics", () => {
  it.each(codes)("explains %s", (code) => {
    const { title, text } = reference[code];
    expect(code).toMatch(/^E0[1-8]\d\d$/);
    expect(title).toMatch(/^\S.{8,}[^.]$/);
    expect(text.length).toBeGreaterThan(40);
    expect(text).toMatch(/[.)]$/);
  });

  it("has titles that tell the codes apart", () => {
    const titles = codes.map((code) => reference[code].title);
    expect(titles.filter((title, i) => titles.indexOf(title) !== i)).toEqual([]);
  });

  it("is tested code by code", () => {
    const all = textOf(tests);
    expect(codes.filter((code) => !all.includes(code))).toEqual([]);
  });
});
