/**
 * Texts that someone is in the middle of writing: programs with tokens left out, put in, exchanged, cut off. The parser
 * never throws, always ends, and says something wherever it leaves something out.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { format, parse, parseExpression } from "../../dsl/syntax/index.js";
import { Diagnostics, primarySpan, SourceFile } from "../../src/diagnostics/index.js";
import { randomProgram } from "../support/program-generator.js";
import { Random } from "../support/random.js";
import { mistakes, oneLine, read, withoutSpans } from "../support/syntax.js";

const root = join(fileURLToPath(import.meta.url), "../../..");
const programs = ["gpt2", "bert", "llama", "t5", "vaswani"].map((name) =>
  readFileSync(join(root, `examples/${name}/${name}.trafo`), "utf8"),
);
programs.push(readFileSync(join(root, "dsl/std/positions.trafo"), "utf8"));

/** A text in pieces: words, numbers, strings, comments, signs, space. */
const pieces = (text: string): string[] =>
  text.match(/\s+|\w+|"[^"\n]*"|#[^\n]*|\*\*|\/\/|->|=>|<=|\.\.\.|[^\s\w]/g) ?? [];

const junk = [
  ..."( ) [ ] { } , : ; = == => -> ... .. . | + - * / // % @ ** < <= ! && || ? $ \\ ' \" # \n".split(" "),
  ..."if then else let layer param for in as from block fn model entry import return def lambda not true x 3 .5".split(
    " ",
  ),
  "\u0000",
  "é",
  "→",
  "😀",
  "\r",
  '"s"',
];

function parseAnything(text: string): void {
  const { tree, diagnostics, file } = read(text);
  for (const diagnostic of diagnostics) {
    for (const span of [...diagnostic.labels, ...diagnostic.fixes.flatMap((fix) => fix.edits)].map(
      (each) => each.span,
    )) {
      const inside = span.file === file && 0 <= span.start && span.start <= span.end && span.end <= text.length;
      if (!inside) throw new Error(`a span outside of the text: ${oneLine(diagnostic)} ${span.start}–${span.end}`);
    }
    if (!diagnostic.code.startsWith("E01") || !primarySpan(diagnostic)) throw new Error(oneLine(diagnostic));
  }
  if (diagnostics.length === 0 && JSON.stringify(withoutSpans(tree)).includes('"missing"')) {
    throw new Error("something is missing in the tree, and nothing was said");
  }
  // The formatter takes every token from the tree: it throws if one was left out.
  if (diagnostics.length === 0) format(file);
}

/** Runs a test for many seeds; a failure names its seed and shows the text. */
function forSeeds(count: number, make: (random: Random) => string, test: (text: string) => void): void {
  for (let seed = 0; seed < count; seed++) {
    const text = make(new Random(seed));
    try {
      test(text);
    } catch (error) {
      throw new Error(`seed ${seed}: ${(error as Error).message}\n${text}`, { cause: error });
    }
  }
}

function changed(random: Random, text: string, changes: number): string {
  const all = pieces(text);
  for (let i = 0; i < changes; i++) {
    const at = random.below(all.length);
    const kind = random.below(4);
    if (kind === 0) all.splice(at, 1);
    else if (kind === 1) all.splice(at, 0, random.of(junk));
    else if (kind === 2) all[at] = random.of(junk);
    else [all[at], all[0]] = [all[0]!, all[at]!];
  }
  return all.join("");
}

describe("the parser never fails", () => {
  it("on programs with one change", () => {
    forSeeds(600, (random) => changed(random, random.of(programs), 1), parseAnything);
  });

  it("on programs with many changes", () => {
    forSeeds(300, (random) => changed(random, random.of(programs), 1 + random.below(100)), parseAnything);
  });

  it("on programs that are cut off, or begin in the middle", () => {
    const cut = (random: Random) => {
      const text = random.of(programs);
      return random.chance(0.7) ? text.slice(0, random.below(text.length)) : text.slice(random.below(text.length));
    };
    forSeeds(300, cut, parseAnything);
  });

  it("on generated programs with changes", () => {
    const make = (random: Random) =>
      changed(random, randomProgram(random.below(10_000), { wild: random.chance(0.5) }), 1 + random.below(5));
    forSeeds(300, make, parseAnything);
  });

  it("on junk", () => {
    const make = (random: Random) =>
      Array.from({ length: random.below(200) }, () => random.of(junk) + random.of(["", " ", "\n"])).join("");
    forSeeds(500, make, parseAnything);
  });

  it("on expressions", () => {
    const make = (random: Random) => Array.from({ length: random.below(20) }, () => random.of(junk)).join(" ");
    forSeeds(500, make, (text) => {
      const diagnostics = new Diagnostics();
      const tree = parseExpression(new SourceFile("expression", text), diagnostics);
      if (tree.kind === "missing" && !diagnostics.hasErrors) throw new Error("missing, and nothing was said");
    });
  });
});

describe("one mistake is said once, or nearly so", () => {
  it("where one token is left out or doubled", () => {
    let total = 0;
    const count = 400;
    let most = 0;
    forSeeds(
      count,
      (random) => {
        const all = pieces(random.of(programs));
        const tokens = all.flatMap((piece, at) => (/^\s|^#/.test(piece) ? [] : [at]));
        const at = random.of(tokens);
        if (random.chance(0.5)) all.splice(at, 1);
        else all.splice(at, 0, all[at]!, " ");
        return all.join("");
      },
      (text) => {
        const found = mistakes(text).length;
        total += found;
        most = Math.max(most, found);
      },
    );
    expect(total / count).toBeLessThan(1.1);
    expect(most).toBeLessThan(8);
  });
});

describe("the parser is at rest after a mistake", () => {
  it("and reads the next text as if nothing had been", () => {
    const text = programs[0]!;
    const before = withoutSpans(parse(new SourceFile("a", text), new Diagnostics()));
    for (const wrong of ["fn f( = (((", `fn f() = ${"(".repeat(5000)}`, "model M( {", "}"]) {
      parse(new SourceFile("b", wrong), new Diagnostics());
      expect(withoutSpans(parse(new SourceFile("a", text), new Diagnostics()))).toEqual(before);
    }
  });
});
