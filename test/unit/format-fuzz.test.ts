/**
 * The formatter on generated programs, tidy and wild: the same tree, the same comments in the same order, and printing
 * twice is printing once.
 */
import { describe, expect, it } from "vitest";
import { format } from "../../dsl/syntax/index.js";
import { SourceFile } from "../../src/diagnostics/index.js";
import { type ProgramOptions, randomProgram } from "../support/program-generator.js";
import { commentsOf, treeOf, withoutSpans } from "../support/syntax.js";

const formatted = (text: string) => format(new SourceFile("generated.trafo", text));

function check(text: string): void {
  const tree = withoutSpans(treeOf(text));
  const once = formatted(text);
  expect(withoutSpans(treeOf(once)), "the tree").toEqual(tree);
  expect(commentsOf(once), "the comments").toEqual(commentsOf(text));
  expect(formatted(once), "once more").toBe(once);
  expect(once, "space at the ends of lines").not.toMatch(/[ \t]\n|\n\n\n|\n\n$|^\n/);
}

function checkSeeds(from: number, count: number, options: ProgramOptions): void {
  for (let seed = from; seed < from + count; seed++) {
    try {
      check(randomProgram(seed, options));
    } catch (error) {
      throw new Error(`randomProgram(${seed}, ${JSON.stringify(options)}): ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
}

describe("generated programs", () => {
  it("that are tidy", () => checkSeeds(0, 60, {}));
  it("with space, lines and comments everywhere", () => checkSeeds(1000, 150, { wild: true, declarations: 2 }));
  it("that are small and wild", () => checkSeeds(2000, 300, { wild: true, declarations: 1, depth: 1 }));
  it("that are deep", () => checkSeeds(3000, 15, { wild: true, declarations: 1, depth: 5 }));

  it("are the same for the same seed", () => {
    expect(randomProgram(7, { wild: true })).toBe(randomProgram(7, { wild: true }));
  });
});
