/**
 * The reference of the language: its generated pages are current (`BLESS=1` writes them), every example compiles or is
 * wrong as it says, and is laid out as `trafo fmt` does; links lead somewhere; and the examples of the diagnostics hold.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { format, parse } from "../../dsl/index.js";
import { generatedPages } from "../../dsl/reference/generate.js";
import { sources } from "../../dsl/std/sources.generated.js";
import { type Code, Diagnostics, reference, SourceFile } from "../../src/diagnostics/index.js";
import { renderDiagnostics } from "../../src/diagnostics/render.js";
import { check } from "../support/program.js";
import {
  type Example,
  examplesOf,
  instancesOf,
  layoutOf,
  programOf,
  referencePages,
} from "../support/reference-examples.js";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const generated = [...generatedPages()];

describe("generated pages", () => {
  test.each(generated)("%s is current", (name, text) => {
    const path = join(root, "dsl/reference", name);
    if (process.env.BLESS) writeFileSync(path, text);
    expect(existsSync(path) ? readFileSync(path, "utf8") : "").toBe(text);
  });
});

const pages = [...referencePages(root)];
const examples = pages.flatMap(([page, text]) => examplesOf(page, text));
const named = (all: readonly Example[]) =>
  all.map((each) => [`${each.page}:${each.line} ${each.text.split("\n")[0]!.slice(0, 50)}`, each] as const);

describe("examples", () => {
  test("are found", () => {
    expect(examples.length).toBeGreaterThan(40);
  });

  test.each(named(examples.filter(({ error }) => error === null)))("%s is right", (_, each) => {
    const { diagnostics } = check(programOf(each));
    // A fragment introduces names only to show how.
    const told = diagnostics.filter(({ code }) => each.kind === "file" || !["E0214", "E0204", "E0215"].includes(code));
    expect(told.map((d) => [d.code, d.message, ...d.help].join(" | "))).toEqual([]);
  });

  test.each(named(examples.filter(({ error }) => error === null)))("%s is right with sizes", (_, each) => {
    for (const text of instancesOf(each)) {
      const told = check(text).diagnostics.filter(({ severity }) => severity === "error");
      expect(told.map((d) => [d.code, d.message, ...d.help, text].join(" | "))).toEqual([]);
    }
  });

  test.each(named(examples.filter(({ error }) => error !== null)))("%s is wrong", (_, each) => {
    const { codes } = check(programOf(each));
    expect([...new Set(codes.map((code) => code.slice(0, 5)))]).toEqual([each.error]);
  });

  test.each(named(examples.filter(({ rendering }) => rendering !== null)))("%s is rendered", (_, each) => {
    const { diagnostics } = check(programOf(each), {}, "model.trafo");
    expect(renderDiagnostics(diagnostics)).toContain(each.rendering!.trimEnd());
  });

  test.each(named(examples.filter(({ error, unformatted }) => !unformatted && !error?.startsWith("E01"))))(
    "%s is laid out",
    (_, each) => {
      const text = layoutOf(each);
      expect(format(new SourceFile(each.page, text))).toBe(text);
    },
  );
});

describe("the library", () => {
  test.each(Object.entries(sources))("%s is right, documented and laid out", (name, text) => {
    expect(check(text, { readFile: (path) => sources[path] ?? null }, name).codes).toEqual([]);
    const file = parse(new SourceFile(name, text), new Diagnostics());
    const silent = file.declarations.filter((d) => d.kind !== "import" && !d.documentation);
    expect(silent.map((d) => d.kind !== "import" && d.name.name)).toEqual([]);
    expect(format(new SourceFile(name, text))).toBe(text);
  });
});

describe("links", () => {
  const anchors = new Map(pages.map(([page, text]) => [page, anchorsOf(text)]));
  test.each(pages)("of %s lead somewhere", (page, text) => {
    const broken: string[] = [];
    for (const [, target] of text.replaceAll(/^```[\s\S]*?^```$/gm, "").matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target!)) continue;
      const [path, anchor] = target!.split("#") as [string, string | undefined];
      const to = path === "" ? page : normalize(join(dirname(page), path));
      if (!existsSync(join(root, to))) broken.push(target!);
      else if (anchor !== undefined && anchors.get(to)?.has(anchor) === false) broken.push(target!);
    }
    expect(broken).toEqual([]);
  });
});

/** The anchors that GitHub gives to the headings of a page. */
function anchorsOf(markdown: string): Set<string> {
  const headings = [...markdown.replaceAll(/^```[\s\S]*?^```$/gm, "").matchAll(/^#+ (.*)$/gm)];
  return new Set(
    headings.map(([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replaceAll(/\s/g, "-"),
    ),
  );
}

describe("the examples of diagnostics", () => {
  const isProgram = (text: string | undefined) => /^(import|fn|block|model) /.test(text ?? "");
  const codesOf = (text: string) => [...new Set(check(text).codes.map((code) => code.slice(0, 5)))];
  const all = (Object.entries(reference) as [Code, { wrong?: string; right?: string }][]).filter(([code]) =>
    /^E0[1-48]/.test(code),
  );

  test.each(all.filter(([, { wrong }]) => isProgram(wrong)))("%s: the wrong one is wrong", (code, { wrong }) => {
    expect(codesOf(wrong!)).toEqual([code]);
  });

  test.each(all.filter(([, { right }]) => isProgram(right)))("%s: the right one is right", (_, { right }) => {
    expect(codesOf(right!)).toEqual([]);
  });

  // What stands around the parts of programs of these codes, as in a fragment of the pages.
  const around: Partial<Record<Code, string>> = {
    E0202: "# x: [B, T, D]\n",
    E0203: "# x: [B, T, D]\nlayer norm = Identity()\nlayer mlp = Identity()\n",
    E0205: "# x: [B, T, D]\nlayer h[2] = Identity()\n",
    E0206: "# x: [B, T, D]\nlayer norm = Identity()\n",
    E0304: "# x: [B, T, D]\n",
    E0309: "# mask: bool[B, T], x: [B, T]\n",
    E0311: "# x: [B, T, D], heads: int\n",
    E0314: "# x: [T]\n",
    E0401: "",
    E0416: "# x: [B, T, D]\n",
  };
  const inside = (code: Code, text: string) => {
    const codes = codesOf(programOf({ kind: "fragment", text: `${around[code]}${text}` }));
    return codes.filter((each) => each === code || !["E0204", "E0214", "E0215"].includes(each));
  };
  test.each(all.filter(([code]) => code in around))("%s: the wrong part is wrong", (code, { wrong, right }) => {
    expect(inside(code, wrong!)).toEqual([code]);
    expect(inside(code, right!)).toEqual([]);
  });

  test("are all checked", () => {
    const unchecked = all.filter(
      ([code, { wrong }]) => wrong !== undefined && !isProgram(wrong) && !code.startsWith("E01") && !(code in around),
    );
    expect(unchecked.map(([code]) => code)).toEqual([]);
  });

  // Parts of programs are read wherever they may stand: syntax is all that can be checked of them.
  const places = [
    (text: string) => text,
    (text: string) => `fn f() {\n${text}\n}\n`,
    (text: string) => `fn f() ${text}\n`,
    (text: string) => `fn f(${text}) = 0\n`,
  ];
  const syntax = (text: string) => codesOf(text).filter((each) => each.startsWith("E01"));
  const partial = all.filter(([code, { wrong }]) => code.startsWith("E01") && wrong !== undefined && !isProgram(wrong));
  test.each(partial)("%s: the wrong part is wrong, the right one is right", (code, { wrong, right }) => {
    expect(places.map((place) => syntax(place(wrong!)).join())).toContain(code);
    expect(places.map((place) => syntax(place(right!)).join())).toContain("");
  });
});
