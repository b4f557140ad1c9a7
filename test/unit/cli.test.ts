import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { wrapped } from "../../src/cli/commands/explain.js";
import { normalized, parseSettings, parseSizes } from "../../src/cli/options.js";
import { counted, errorText, json, short, table } from "../../src/cli/print.js";
import { writeSafetensors } from "../../src/runtime/host/safetensors-writer.js";
import { type Contents, f32, tinyFiles, trafo } from "./support/cli.js";

const M = ["--checkpoint", "m"];

describe("the command line", () => {
  it("brings arguments into one form", () => {
    const words = (text: string) => normalized(text.split(" "));
    expect(words("check --set a=1 b=2 f.trafo")).toEqual(["check", "--set=a=1", "--set=b=2", "f.trafo"]);
    expect(words("run f --random-weights --size B=1,T=2")).toEqual([
      "run",
      "f",
      "--random-weights=0",
      "--size=B=1,T=2",
    ]);
    expect(words("run f --random-weights=7")).toEqual(["run", "f", "--random-weights=7"]);
    expect(words("check --set")).toEqual(["check", "--set"]);
    expect(words("check --set --json")).toEqual(["check", "--set", "--json"]);
  });
  it("reads settings and sizes", () => {
    expect(parseSettings(["a=1", "b=[1,2]", "c=x=y"])).toEqual(
      new Map([
        ["a", "1"],
        ["b", "[1,2]"],
        ["c", "x=y"],
      ]),
    );
    expect(() => parseSettings(["a:1"])).toThrow("E0607");
    expect(parseSizes(["B=1,T=16", "S=3"])).toEqual(
      new Map([
        ["B", 1],
        ["T", 16],
        ["S", 3],
      ]),
    );
    expect(() => parseSizes(["B"])).toThrow("E0607");
    expect(() => parseSizes(["B=-1"])).toThrow("E0607");
  });
  it("lays answers out", () => {
    expect(
      table(
        [
          ["a", "1"],
          ["bb", "22"],
        ],
        "lr",
      ),
    ).toBe("a    1\nbb  22\n");
    expect([short(1.23456), short(12), short(1e-9), counted(124439808), counted(12)]).toEqual([
      "1.235",
      "12",
      "1e-9",
      "124,439,808",
      "12",
    ]);
    expect([errorText(0), errorText(3.14e-7), errorText(Number.NaN), errorText(null)]).toEqual([
      "0",
      "3.1e-7",
      "NaN",
      "–",
    ]);
    expect(JSON.parse(json({ a: Number.NaN, b: [1] }))).toEqual({ a: "NaN", b: [1] });
    expect(wrapped("aa bb cc", 5)).toBe("aa bb\ncc");
  });
  it("explains itself", async () => {
    const all = await trafo([]);
    expect([all.status, all.err]).toEqual([0, ""]);
    for (const name of ["check", "fmt", "compile", "graph", "run", "verify", "explain"]) {
      expect(all.out).toContain(`  ${name}`);
      const help = await trafo([name, "--help"]);
      expect([help.status, help.err]).toEqual([0, ""]);
      expect(help.out).toMatch(/Examples?:\n {2}trafo /);
    }
  });
  it("knows help and version", async () => {
    expect((await trafo(["help"])).out).toBe((await trafo([])).out);
    const run = await trafo(["help", "run"]);
    expect([run.status, run.out]).toEqual([0, (await trafo(["run", "--help"])).out]);
    expect(run.out).toContain("  --random-weights[=SEED]");
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    expect((await trafo(["--version"])).out).toBe(`${version}\n`);
  });
  it("names what is nearest to what is mistyped, with status 2", async () => {
    const chek = await trafo(["chek", "tiny.trafo"]);
    expect([chek.status, chek.out]).toEqual([2, ""]);
    expect(chek.err).toContain("error[E0605]: there is no command chek\n = help: the nearest is check");
    const option = await trafo(["check", "tiny.trafo", "--chekpoint", "m"]);
    expect(option.status).toBe(2);
    expect(option.err).toContain("trafo check has no option --chekpoint\n = help: the nearest is --checkpoint");
    expect((await trafo(["check"])).err).toContain("trafo check needs FILE");
    expect((await trafo(["compile", "tiny.trafo"])).err).toContain("trafo compile needs the option -o, --output <DIR>");
    expect((await trafo(["run", "tiny.trafo", "more.trafo"])).err).toContain("too many arguments");
    expect((await trafo(["check", "tiny.trafo", "--set"])).err).toContain("the option --set");
    const target = await trafo(["run", "tiny.trafo", "--target", "typscript", ...M]);
    expect(target.status).toBe(2);
    expect(target.err).toContain("error[E0606]: there is no target typscript");
    expect(target.err).toContain("the nearest is typescript");
    expect(target.err).toContain("note: interpreter: ");
    expect((await trafo(["compile", "tiny.trafo", "-o", "out", "--target", "interpreter"])).status).toBe(2);
  });
});

describe("trafo check", () => {
  it("says what a sound program is", async () => {
    const { status, out, err } = await trafo(["check", "tiny.trafo", ...M]);
    expect([status, err]).toEqual([0, ""]);
    expect(out).toBe(
      "tiny.trafo: sound\nTiny: 6 parameters in 1 tensor\n  forward(ids: i32[B, T], mask?: i32[B, T]) -> (logits: f32[B, T, 3])\n    where T <= 16\n",
    );
  });
  it("takes sizes from --set before the configuration", async () => {
    const { out } = await trafo(["check", "--set", "vocab=5", "width=3", "tiny.trafo"]);
    expect(out).toContain("15 parameters");
  });
  it("answers in JSON", async () => {
    const sound = await trafo(["check", "--json", "tiny.trafo"]);
    expect(JSON.parse(sound.out)).toMatchObject({
      errors: 0,
      files: [{ file: "tiny.trafo", model: "Tiny", parameters: 16 }],
    });
    const wrong = await trafo(["check", "--json", "a.trafo", "tiny.trafo"], { ...tinyFiles, "a.trafo": "model A( {" });
    expect(wrong.status).toBe(1);
    expect(wrong.err).toBe("");
    const answer = JSON.parse(wrong.out);
    expect(answer.errors).toBeGreaterThan(0);
    expect(answer.diagnostics[0].labels[0]).toMatchObject({ file: "a.trafo", line: 1 });
    const none = await trafo(["check", "--json", "none.trafo"]);
    expect(JSON.parse(none.out)).toMatchObject({ errors: 1, diagnostics: [{ code: "E0601", labels: [] }] });
  });
  it("goes on with the next file", async () => {
    const { status, out, err } = await trafo(["check", "none.trafo", "m", "empty.trafo", "tiny.trafo"], {
      ...tinyFiles,
      "empty.trafo": " \n",
    });
    expect(status).toBe(1);
    expect(err).toContain("E0601");
    expect(err).toContain("E0602");
    expect(err).toContain("E0603");
    expect(err).toContain("3 errors");
    expect(out).toContain("tiny.trafo: sound");
  });
  it("tells once what is wrong with a file that several import", async () => {
    const files = {
      "a.trafo": "fn one(x: [D]) -> [D] = y\n",
      "b.trafo": 'import "./a.trafo": one\n\nfn two(x: [D]) -> [D] = one(one(x))\n',
    };
    const { err } = await trafo(["check", "a.trafo", "b.trafo"], files);
    expect(err.match(/error\[E0201\]/g)).toHaveLength(1);
    expect(err).toContain("┌─ a.trafo:1:25");
  });
  it("compares with a checkpoint", async () => {
    const bad = { ...tinyFiles, "m/model.safetensors": writeSafetensors([["tabel", f32([3, 2], [1, 2, 3, 4, 5, 6])]]) };
    const lacking = await trafo(["check", "tiny.trafo", ...M], bad);
    expect(lacking.status).toBe(1);
    expect(lacking.err).toContain("E0706");
    expect(lacking.err).toContain("tabel");
    const more = {
      ...tinyFiles,
      "m/model.safetensors": writeSafetensors([
        ["table", f32([3, 2], [1, 2, 3, 4, 5, 6])],
        ["more", f32([1], [1])],
      ]),
    };
    const unread = await trafo(["check", "tiny.trafo", ...M], more);
    expect(unread.status).toBe(0);
    expect(unread.err).toContain("note[E0716]: no param reads a tensor of the checkpoint");
    expect(unread.err).toContain("more");
    const shape = await trafo(["check", "tiny.trafo", ...M, "--set", "width=3"]);
    expect(shape.err).toContain("E0707");
  });
  it("does not fall back on defaults where a configuration is read and missing", async () => {
    const { "m/config.json": _, ...rest } = tinyFiles;
    const { status, err } = await trafo(["check", "tiny.trafo", ...M], rest);
    expect(status).toBe(1);
    expect(err).toContain("error[E0703]");
    expect(err).toContain("it reads vocab");
    expect((await trafo(["check", "tiny.trafo", ...M, "--set", "vocab=3"], rest)).status).toBe(0);
    expect(
      (await trafo(["check", "tiny.trafo", ...M, "--config", "c.json"], { ...rest, "c.json": '{"vocab":3}' })).status,
    ).toBe(0);
  });
  it("names an unknown setting and its nearest", async () => {
    const { status, err } = await trafo(["check", "tiny.trafo", "--set", "widht=3"]);
    expect(status).toBe(1);
    expect(err).toContain("E0414");
    expect(err).toContain("width");
    expect((await trafo(["check", "tiny.trafo", "--set", "width"])).err).toContain("E0607");
  });
  it("names an unknown entry", async () => {
    const { status, err } = await trafo(["check", "tiny.trafo", "--entry", "forwards"]);
    expect(status).toBe(1);
    expect(err).toContain("E0608");
  });
});

describe("trafo compile", () => {
  it("writes the module, all of it or a part", async () => {
    const { status, out, err, files } = await trafo([
      "compile",
      "tiny.trafo",
      "-o",
      "out",
      "--config",
      "m/config.json",
      "--time",
    ]);
    expect([status, err]).toEqual([0, ""]);
    expect([...files.keys()].filter((name) => name.startsWith("out/")).sort()).toEqual([
      "out/tiny.d.ts",
      "out/tiny.js",
      "out/tiny.js.map",
      "out/tiny.ts",
    ]);
    expect(out).toContain("Tiny: 6 parameters");
    expect(out).toMatch(/emit +\d+\.\d ms/);
    const some = await trafo(["compile", "tiny.trafo", "-o", "o", "--emit", "dts", "--random-weights"]);
    expect([...some.files.keys()].filter((name) => name.startsWith("o/"))).toEqual([
      "o/tiny.d.ts",
      "o/tiny.safetensors",
    ]);
    expect((await trafo(["compile", "tiny.trafo", "-o", "o", "--emit", "tss"])).err).toContain("E0607");
    const other = await trafo(["compile", "tiny.trafo", "-o", "o", "--emit", "wat"]);
    expect(other.err).toContain("wat is written with --target wasm");
    const shaders = await trafo(["compile", "tiny.trafo", "-o", "o", "--emit", "wgsl", "--target", "wgsl"]);
    expect(new TextDecoder().decode(shaders.files.get("o/tiny.wgsl"))).toMatch(/^\/\/ tiny\.trafo:[\s\S]*@compute/);
  });
  it("prints the graphs after a pass, which can be compiled again", async () => {
    const dump = await trafo(["compile", "tiny.trafo", "--dump-after", "algebra"]);
    expect([dump.status, dump.err]).toEqual([0, ""]);
    expect(dump.out).toMatch(/^program @Tiny\n\ngraph @forward\(/);
    const again = await trafo(["compile", "tiny.graph", "--dump-after", "algebra"], { "tiny.graph": dump.out });
    expect([again.status, again.out]).toEqual([0, dump.out]);
    const written = await trafo(["compile", "tiny.graph", "-o", "out", "--emit", "ts"], { "tiny.graph": dump.out });
    expect([written.status, [...written.files.keys()].includes("out/tiny.ts")]).toEqual([0, true]);
    const all = await trafo(["compile", "tiny.trafo", "--dump-after", "all"]);
    expect(all.out).toMatch(/^; (after algebra|algebra \(unchanged\))$/m);
    expect(all.out).toContain("; after fusion\n");
    expect(all.out).toContain("; after plan\n");
    expect((await trafo(["compile", "tiny.trafo", "--dump-after", "fuson"])).err).toContain("the nearest is fusion");
  });
  it.each(["schedule", "plan"])(
    "says what the dump after %s was scheduled for, and compiles it for that",
    async (stage) => {
      const target = ["--target", "wasm"];
      const { out } = await trafo(["compile", "tiny.trafo", ...target, "--dump-after", stage]);
      expect(out).toMatch(/^program @Tiny for wasm\n/);
      const dump = { "tiny.dump": out };
      const written = await trafo(["compile", "tiny.dump", ...target, "-o", "out"], dump);
      expect([written.status, [...written.files.keys()].filter((name) => name.endsWith(".fallback.js"))]).toEqual([
        0,
        [],
      ]);
      expect(written.out).toContain("there is no tiny.fallback.js");
      const direct = await trafo(["compile", "tiny.trafo", ...target, "-o", "out"]);
      expect(written.files.get("out/tiny.wasm")).toEqual(direct.files.get("out/tiny.wasm"));
      const other = await trafo(["compile", "tiny.dump", "-o", "out"], dump);
      expect([other.status, other.err]).toEqual([
        1,
        expect.stringContaining("for the target wasm, not for typescript"),
      ]);
    },
  );
  it.each(["fusion", "kernels"])("says what a target lacks that the dump after %s holds", async (stage) => {
    const text = "model M() {\n  param w: [32, 32]\n  entry forward(x: [T, 32]) -> (y: [T, 32]) { x @ w }\n}\n";
    const { out } = await trafo(
      ["compile", "m.trafo", "--target", "wasm", "--weights", "int8", "--dump-after", stage],
      { "m.trafo": text },
    );
    const again = (target: string) => trafo(["compile", "m.dump", "--target", target, "-o", "o"], { "m.dump": out });
    const other = await again("wgsl");
    expect([other.status, other.files.size]).toEqual([1, 1]);
    expect(other.err).toContain("error[E0616]: m.dump holds weights as i8, which the target wgsl does not have");
    expect((await again("typescript")).status).toBe(0);
  });
  it.each([
    ["graph", false],
    ["algebra", true],
    ["plan", true],
  ] as const)("says whether the dump after %s has no sessions", async (stage, hasNone) => {
    const text =
      "model M() {\n  param w: [9, 4]\n  entry forward(x: i32[B, T <= 8]) incremental T -> (y: [B, T, 4]) { w[x] * 2 * 3 }\n}\n";
    const { out } = await trafo(["compile", "m.trafo", "--dump-after", stage], { "m.trafo": text });
    const { status, out: told } = await trafo(["compile", "m.dump", "-o", "o"], { "m.dump": out });
    expect([status, told.includes("there are no sessions")]).toEqual([0, hasNone]);
  });
  it.each(["graph", "fusion", "kernels", "schedule", "plan"])("goes on from the program after %s", async (stage) => {
    const module = async (file: string, more: Contents = {}) => {
      const { status, err, files } = await trafo(
        ["compile", file, "-o", "out", "--emit", "js", ...(file.endsWith(".trafo") ? M : [])],
        {
          ...tinyFiles,
          ...more,
        },
      );
      expect([status, err]).toEqual([0, ""]);
      // The comment about the model, and lines of the source above kernels, are the source's.
      return new TextDecoder().decode(files.get("out/tiny.js")).replace(/^ \*(?: .*)?$\n/gm, "");
    };
    const { out } = await trafo(["compile", "tiny.trafo", ...M, "--dump-after", stage]);
    const dump = { "tiny.dump": out };
    expect(await module("tiny.dump", dump)).toBe(await module("tiny.trafo"));
    const again = await trafo(["compile", "tiny.dump", "--dump-after", stage === "fusion" ? "plan" : stage], {
      ...tinyFiles,
      ...dump,
    });
    if (stage !== "fusion") expect(again.out).toBe(out);
    const run = await trafo(["verify", "tiny.dump", "--checkpoint", "m", "--target", "kernels,typescript"], {
      ...tinyFiles,
      ...dump,
    });
    expect([run.status, run.err]).toEqual([0, ""]);
  });
  it("says what a dump does not hold", async () => {
    const { out } = await trafo(["compile", "tiny.trafo", "--dump-after", "plan"]);
    const files = { ...tinyFiles, "tiny.plan": out };
    const told = async (...words: string[]) => {
      const { status, err } = await trafo(words, files);
      expect(status).toBe(1);
      return err;
    };
    expect(
      await told("run", "tiny.plan", "--random-weights", "--target", "interpreter", "--size", "B=1,T=2"),
    ).toContain("E0616");
    expect(await told("explain", "tiny.plan")).toContain("has no graphs");
    expect(await told("graph", "tiny.plan")).toContain("start from the source");
    expect(await told("compile", "tiny.plan", "--dump-after", "algebra")).toContain("E0616");
    expect(await told("compile", "tiny.plan", "--set", "vocab=3", "-o", "out")).toContain("no static arguments");
    expect(await told("compile", "tiny.plan", "--entry", "other", "-o", "out")).toContain("it holds forward");
    expect(await told("compile", "tiny.trafo", "--disable", "algebra", "--dump-after", "algebra")).toContain(
      "does not run",
    );
  });
  it("leaves out passes by name", async () => {
    const kernels = async (...words: string[]) => {
      const { out, err } = await trafo(["compile", "tiny.trafo", "-o", "out", "--emit", "ts", ...words]);
      expect(err).toBe("");
      return Number(/(\d+) kernels?/.exec(out)?.[1]);
    };
    expect(await kernels("--disable", "fusion")).toBe(await kernels("--no-fuse"));
    expect(await kernels("--disable=algebra,movement", "--disable", "fusion")).toBeGreaterThan(0);
    const wrong = await trafo(["run", "tiny.trafo", "--checkpoint", "m", "--size", "B=1,T=2", "--disable", "fuson"]);
    expect(wrong.err).toContain("the nearest is fusion");
    for (const command of ["run", "verify", "explain", "graph"])
      expect((await trafo([command, "--help"])).out).toContain("--disable <PASS>");
  });
  it("writes ONNX models, with weights within or beside them", async () => {
    const onnx = ["compile", "tiny.trafo", "--target", "onnx", "-o", "o"];
    const { status, out, files } = await trafo([...onnx, "--checkpoint", "m"]);
    expect(status).toBe(0);
    expect(out).toMatch(/^Tiny: 6 parameters, 1 file\n {2}o\/tiny-forward\.onnx +[\d.]+ (KiB|bytes)\n$/);
    expect([...files.keys()].filter((name) => name.startsWith("o/"))).toEqual(["o/tiny-forward.onnx"]);
    const beside = await trafo([...onnx, "--random-weights", "--weights-beside"]);
    expect([...beside.files.keys()].filter((name) => name.startsWith("o/"))).toEqual([
      "o/tiny.onnx.data",
      "o/tiny-forward.onnx",
    ]);
    expect(beside.files.get("o/tiny.onnx.data")).toHaveLength(4 * 8 * 2);
    const refused = await trafo(onnx);
    expect([refused.status, refused.err]).toEqual([1, expect.stringContaining("an ONNX model holds its weights")]);
    const tiled = await trafo([...onnx, "--random-weights", "--tile", "3x4"]);
    expect([tiled.status, tiled.err]).toEqual([1, expect.stringContaining("E0610")]);
  });
  it("says what the passes did, and leaves fusion out if told to", async () => {
    const { out } = await trafo(["compile", "tiny.trafo", "-o", "out", "--emit", "ts", "--remarks", "--time"]);
    expect(out).toMatch(/fusion +\d+\.\d ms/);
    expect(out).toMatch(/\d+ {2}fusion: /);
    expect(out).toContain(" in one kernel (");
    // Under the source line that it is about.
    expect(out).toMatch(/^tiny\.trafo:7 {2}\S.*\n {2}× 1 +\w+: /m);
    const plain = await trafo(["compile", "tiny.trafo", "-o", "out", "--emit", "ts", "--no-fuse", "--remarks"]);
    expect(plain.out).not.toContain("fusion: ");
    const count = (text: string) => Number(/(\d+) kernels?/.exec(text)?.[1]);
    expect(count(plain.out)).toBeGreaterThanOrEqual(count(out));
  });
  it("warns of a configuration of something else", async () => {
    const files = { ...tinyFiles, "c.json": '{ "hidden_size": 768 }' };
    const { status, err } = await trafo(["check", "tiny.trafo", "--config", "c.json"], files);
    expect(status).toBe(0);
    expect(err).toContain("warning[E0722]");
    expect(err).toContain("it reads vocab, and takes its defaults");
    expect((await trafo(["check", "tiny.trafo", "--config", "c.json", "--set", "vocab=3"], files)).err).toBe("");
  });
  it("needs a model", async () => {
    const blocks = { "b.trafo": "fn double(x: [..., D]) -> [..., D] = 2 * x\n" };
    const checked = await trafo(["check", "b.trafo"], blocks);
    expect([checked.status, checked.err]).toEqual([0, ""]);
    const { status, err } = await trafo(["compile", "b.trafo", "-o", "out"], blocks);
    expect(status).toBe(1);
    expect(err).toContain("E0614");
  });

  it("schedules matrix products, as it is told", async () => {
    const text = async (...words: string[]) => {
      const { status, files } = await trafo(["compile", "tiny.trafo", "-o", "o", "--emit", "ts", ...M, ...words]);
      expect(status).toBe(0);
      return new TextDecoder().decode(files.get("o/tiny.ts"));
    };
    expect(await text()).toMatch(/Schedule: .*split t 3 peel/);
    expect(await text("--tile", "2x1")).toMatch(/Schedule: .*split t 2 peel/);
    expect(await text("--no-schedule")).not.toContain("Schedule:");
    expect((await trafo(["compile", "tiny.trafo", "-o", "o", "--tile", "9"])).err).toContain("E0607");
    const both = await trafo(["compile", "tiny.trafo", "-o", "o", "--tile", "3x4", "--no-schedule"]);
    expect(both.err).toContain("error[E0610]: --tile and --no-schedule exclude each other");
  });
});

describe("trafo graph", () => {
  it("draws every stage to every kind of file", async () => {
    const marks = { dot: /^digraph/, svg: /^<\?xml/, html: /^<!doctype html>/, png: /^.PNG/ } as const;
    for (const words of [[], ["--stage", "optimized"], ["--stage", "kernels"], ["--diff"], ["--stage", "plan"]]) {
      for (const [format, mark] of Object.entries(marks)) {
        if (words[1] === "plan" && format === "dot") continue;
        const { status, err, files } = await trafo(["graph", "tiny.trafo", ...words, "-o", `a.${format}`]);
        expect([status, err], `${words} ${format}`).toEqual([0, ""]);
        expect(new TextDecoder("latin1").decode(files.get(`a.${format}`)), `${words} ${format}`).toMatch(mark);
      }
    }
  });

  it("prints DOT and refuses other endings", async () => {
    const { status, out } = await trafo(["graph", "tiny.trafo"]);
    expect(status).toBe(0);
    expect(out).toMatch(/^digraph/);
    const file = await trafo(["graph", "tiny.trafo", "-o", "a/b.dot"]);
    expect(new TextDecoder().decode(file.files.get("a/b.dot"))).toBe(out);
    const wrong = async (...words: string[]) => (await trafo(["graph", "tiny.trafo", ...words])).err;
    expect(await wrong("-o", "b.jpg")).toContain("none of .dot, .svg, .png, .html");
    expect(await wrong("--stage", "sources")).toContain("--stage takes source, optimized, kernels, plan");
    expect(await wrong("--focus", "blocks")).toContain("the model has no layer blocks");
    expect(await wrong("--diff", "fuson")).toContain("the nearest is fusion");
    expect(await wrong("--stage", "plan", "-o", "b.dot")).toContain("E0612");
    expect(await wrong("--stage", "plan", "--focus", "a")).toContain("E0610");
    expect(await wrong("--diff", "--stage", "source")).toContain("E0610");
    expect(await wrong("--size", "T=17", "--colour", "flops")).toContain("E0611");
    expect(await wrong("--size", "Q=1")).toContain("has no size Q");
  });
});

describe("trafo explain", () => {
  it("prints the reference", async () => {
    const { status, out } = await trafo(["explain", "e0706"]);
    expect(status).toBe(0);
    expect(out).toMatch(/^E0706: a checkpoint lacks a tensor/);
    expect(out).toContain("\nWrong:\n  param weight");
    const { status: unknown, err } = await trafo(["explain", "E0760"]);
    expect(unknown).toBe(1);
    expect(err).toContain("E0609");
    expect(err).toMatch(/the nearest is E0\d{3}: /);
  });
});

describe("trafo fmt", () => {
  const untidy = "fn  double(x: [..., D]) -> [..., D] = 2*x  # twice\n";
  it("rewrites, or says what it would rewrite", async () => {
    const check = await trafo(["fmt", "--check", "a.trafo"], { "a.trafo": untidy });
    expect(check.status).toBe(1);
    expect(check.err).toContain("E0613");
    expect(new TextDecoder().decode(check.files.get("a.trafo"))).toBe(untidy);
    const write = await trafo(["fmt", "a.trafo"], { "a.trafo": untidy });
    expect([write.status, write.out]).toEqual([0, "a.trafo\n"]);
    const text = new TextDecoder().decode(write.files.get("a.trafo"));
    expect(text).toContain("# twice");
    expect(text).not.toContain("fn  double");
    expect((await trafo(["fmt", "--check", "a.trafo"], { "a.trafo": text })).status).toBe(0);
    expect((await trafo(["fmt", "b.trafo"], {})).err).toContain("E0601");
  });
});
