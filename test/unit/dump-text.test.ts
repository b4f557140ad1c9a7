/**
 * File tests of the text forms of Graphs, Kernels and Plans: test/filetests/graph, kernel and plan. The first line says
 * what is done with the text, and the expected output stands below `; ----`.
 * `BLESS=1 npx vitest run test/unit/dump-text.test.ts` rewrites it.
 *
 * `; run: print` reads a text and prints it, twice. `; run: error` reads what must not be read.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { primarySpan, SourceFile, UserError } from "../../src/diagnostics/index.js";
import { parseGraph, parseProgram } from "../../src/ir/graph/parser.js";
import { printGraph, printProgram } from "../../src/ir/graph/printer.js";
import { printKernel, readKernel } from "../../src/ir/kernel/index.js";
import { parsePlan, printPlan } from "../../src/ir/plan/index.js";
import { DumpReader } from "../../src/ir/text/reader.js";
import { nameText, numberOf, numberText } from "../../src/ir/text/words.js";
import { printLowered, readLowered } from "../../src/lower/index.js";

const folders = ["graph", "kernel", "plan"].map((name) => new URL(`../filetests/${name}/`, import.meta.url));
const separator = "\n; ----\n";

/** How the text that begins with a word is read and printed. */
const forms: Readonly<Record<string, (file: SourceFile) => string>> = {
  program: (file) => printProgram(parseProgram(file)),
  graph: (file) => printGraph(parseGraph(file)),
  kernel: (file) => {
    const { kernel, number } = readKernel(new DumpReader(file));
    return printKernel(kernel, number);
  },
  kernels: (file) => printLowered(readLowered(new DumpReader(file))),
  plan: (file) => printPlan(parsePlan(file)),
};

function printed(file: SourceFile): string {
  const word = /^(?!;)\w+/m.exec(file.text)?.[0] ?? "";
  return (forms[word] ?? forms.graph!)(file);
}

/** `3:8 E0690 message`, which a comment holds. */
function failure(file: SourceFile): string {
  try {
    printed(file);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.diagnostics
      .map((d) => {
        const { line, column } = file.position(primarySpan(d)!.start);
        return `; ${line}:${column} ${d.code} ${d.message}\n`;
      })
      .join("");
  }
  return "; no error\n";
}

describe.each(folders)("files of %s", (folder) => {
  const names = readdirSync(folder);
  test.each(names)("%s", (name) => {
    const [input, expected = ""] = readFileSync(new URL(name, folder), "utf8").split(separator);
    const file = new SourceFile(name, `${input!.trimEnd()}\n`);
    const command = /^; run: (\w+)/.exec(file.text)?.[1];
    const actual = command === "print" ? printed(file) : failure(file);
    if (process.env.BLESS === "1") writeFileSync(new URL(name, folder), file.text.trimEnd() + separator + actual);
    else expect(actual).toBe(expected);
    if (command === "print") expect(printed(new SourceFile("again", actual))).toBe(actual);
  });
});

describe("numbers", () => {
  test("are short, and exact when read back", () => {
    const cases: [number, string][] = [
      [0.1, "0.1"],
      [-0, "-0"],
      [1e30, "1.0000000150474662e+30"],
      [1e-45, "1e-45"],
      [16777217, "16777217"],
      [Number.NaN, "nan"],
      [-Infinity, "-inf"],
      [1 / 3, "0.33333334"],
      [2 ** 31 - 1, "2147483647"],
    ];
    for (const [value, text] of cases) {
      const number = Number.isInteger(value) && Math.abs(value) < 2 ** 32 ? value : Math.fround(value);
      expect(numberText(number)).toBe(text);
      expect(numberOf(text)).toBe(number);
    }
  });

  test("every f32 comes back", () => {
    const [float, bits] = [new Float32Array(1), new Uint32Array(1)];
    for (let i = 0; i < 20_000; i++) {
      bits[0] = Math.imul(i + 1, 0x9e3779b1);
      float.set(new Float32Array(bits.buffer));
      const value = float[0]!;
      expect(Object.is(numberOf(numberText(value)), value) || Number.isNaN(value)).toBe(true);
    }
  });

  test("what is none is refused", () => {
    for (const text of ["", "1x", "--1", "0x10", "1.", ".5", "Infinity", " 1"]) expect(numberOf(text)).toBeNull();
  });
});

test("names are quoted where they are no words", () => {
  expect(["h.0", "größe", "", "a b", "9", "a..b", 'say "x"'].map(nameText)).toEqual([
    "h.0",
    "größe",
    '""',
    '"a b"',
    '"9"',
    '"a..b"',
    '"say \\"x\\""',
  ]);
});
