/** Texts that are deep, long or large: a diagnostic at the limits, never a crash, time linear in the text. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { mistakes, read } from "../support/syntax.js";

const deep = "expressions and bodies stand more than 100 deep inside of each other";

describe("nesting", () => {
  const shapes: Record<string, (n: number) => string> = {
    parentheses: (n) => `${"(".repeat(n)}x${")".repeat(n)}`,
    lists: (n) => `${"[".repeat(n)}x${"]".repeat(n)}`,
    calls: (n) => `${"f(a, ".repeat(n)}x${")".repeat(n)}`,
    indices: (n) => `${"x[".repeat(n)}x${"]".repeat(n)}`,
    choices: (n) => `${"if a then b else ".repeat(n)}x`,
    conditions: (n) => `${"if ".repeat(n)}x${" then b else c".repeat(n)}`,
    bodies: (n) => `${"if a { ".repeat(n)}x${" }".repeat(n)}`,
    chains: (n) => `${"if a { b } else ".repeat(n)}{ x }`,
    comprehensions: (n) => `${"[i: 3] => ".repeat(n)}x`,
  };

  it.each(Object.entries(shapes))("of %s has a limit", (_, shape) => {
    const text = (n: number) => `fn f() {\n  let a = 1\n  ${shape(n)}\n}\nfn g() = 3 4\n`;
    const after = "5:12 E0106 expected the end of the statement, found `4`";
    expect(mistakes(text(90))).toEqual([after]);
    for (const n of [110, 10_000]) {
      const found = mistakes(text(n));
      expect(found).toHaveLength(2);
      expect(found[0]).toContain(`E0120 ${deep}`);
      expect(found[1]).toBe(after);
    }
  });

  it.each([
    ["minuses", (n: number) => `${"-".repeat(n)}x`],
    ["operators", (n: number) => `${"x + ".repeat(n)}x`],
    ["powers", (n: number) => `${"x ** ".repeat(n)}x`],
    ["calls", (n: number) => `f${"(1)".repeat(n)}`],
  ])("of %s in a row has a limit", (_, shape) => {
    expect(mistakes(`fn f() = ${shape(280)}`)).toEqual([]);
    expect(mistakes(`fn f() = ${shape(10_000)}`)).toMatchObject([expect.stringContaining("E0120")]);
  });

  it("of chains within chains has a limit", () => {
    let text = "x";
    for (let i = 0; i < 10; i++) text = `(${text})${" + x".repeat(250)}`;
    expect(mistakes(`fn f() = ${text}`)).toMatchObject([expect.stringContaining("E0120")]);
  });

  it.each([
    ["opened", "fn f() = ((((((["],
    ["opened far", `fn f() {\n  let y = ${"(".repeat(20_000)}1\n  y\n}`],
    ["closed", `fn f() = 1${")".repeat(20_000)}`],
    ["bodies", `fn f() ${"{".repeat(20_000)}1`],
    ["lines of brackets", `fn f() = ${"(\n".repeat(20_000)}`],
  ])("that is wrong ends: %s", (_, text) => {
    expect(mistakes(text).length).toBeGreaterThan(0);
  });
});

describe("size", () => {
  const std = join(fileURLToPath(import.meta.url), "../../../examples/llama/llama.trafo");
  const program = readFileSync(std, "utf8");

  /**
   * The processor's time that a text takes to be read: other work on the machine does not count. The texts are so large that
   * they take a second or two where that grows with their length, and many minutes where it grows with its square.
   */
  function seconds(text: string): number {
    const start = process.cpuUsage();
    read(text);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1e6;
  }

  const most = 60;

  it("is no matter: 60 000 lines", () => {
    let text = "";
    for (let lines = 0; lines < 60_000; lines += 66) text += program;
    expect(seconds(text)).toBeLessThan(most);
  });

  it("is no matter: a list of 800 000 numbers, a line of a million characters", () => {
    expect(seconds(`fn f() = [${"1, ".repeat(800_000)}1]`)).toBeLessThan(most);
    expect(mistakes(`fn f() = "${"ü".repeat(1_000_000)}" # ${"x".repeat(1_000_000)}`)).toEqual([]);
  });

  it("is no matter where there are mistakes", () => {
    expect(seconds("fn f( = 3 $ }\n".repeat(40_000))).toBeLessThan(most);
  });
});
