/** Set-up of a clone, on a small one: it compiles once, notices edits, and bears being run twice at once. */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
let clone = "";
const at = (path: string) => join(clone, path);

/** A clone whose command prints a word. */
beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), "trafo-clone-"));
  for (const path of [
    ".ci/setup.mjs",
    ".ci/embed.mjs",
    "tsconfig.json",
    "package.json",
    "package-lock.json",
    "src/cli/short-run.mjs",
    "src/cli/trafo.mjs",
    "backends/common/erase.ts",
    "backends/dot/picture",
    "backends/dot/page",
  ])
    cpSync(join(root, path), at(path), { recursive: true });
  for (const folder of ["src/runtime/host", "dsl/std"]) mkdirSync(at(folder), { recursive: true });
  symlinkSync(join(root, "node_modules"), at("node_modules"), "dir");
  writeFileSync(at("dsl/std/a.trafo"), "fn one() -> int = 1\n");
  say("first");
});
afterEach(() => rmSync(clone, { recursive: true, force: true }));

function say(word: string): void {
  writeFileSync(at("src/cli/main.ts"), `export function main(): number {\n  console.log("${word}");\n  return 0;\n}\n`);
}

function node(...words: readonly string[]) {
  const result = spawnSync(process.execPath, words, { cwd: clone, encoding: "utf8" });
  return { status: result.status, out: result.stdout, err: result.stderr };
}

describe("set-up", () => {
  it("compiles once and notices edits", () => {
    expect(node(".ci/setup.mjs")).toEqual({ status: 0, out: "", err: "Compiling …\n" });
    expect(existsSync(at("dsl/std/sources.generated.ts"))).toBe(true);
    expect(node(".ci/setup.mjs")).toEqual({ status: 0, out: "", err: "" });
    expect(node("src/cli/trafo.mjs")).toEqual({ status: 0, out: "first\n", err: "" });
    say("second");
    expect(node("src/cli/trafo.mjs").out).toBe("second\n");
    writeFileSync(at("src/cli/old.ts"), "export const old = 1;\n");
    node(".ci/setup.mjs");
    expect(existsSync(at("dist/src/cli/old.js"))).toBe(true);
    rmSync(at("src/cli/old.ts"));
    node(".ci/setup.mjs");
    expect(existsSync(at("dist/src/cli/old.js"))).toBe(false);
  });

  it("says what the compiler finds, and never hides it", () => {
    writeFileSync(at("src/cli/wrong.ts"), 'export const wrong: number = "text";\n');
    const { status, err } = node(".ci/setup.mjs");
    expect(status).toBe(1);
    expect(err).toContain("src/cli/wrong.ts(1,14): error TS2322");
    const command = node("src/cli/trafo.mjs");
    expect(command.out).toBe("first\n");
    expect(command.err).toContain("the sources have errors; running what they compile to");
  });

  it("bears being run several times at once, and an abandoned lock", async () => {
    mkdirSync(at(".cache/setup.lock"), { recursive: true });
    writeFileSync(at(".cache/setup.lock/pid"), "999999999");
    const runs = [1, 2, 3].map(
      () =>
        new Promise<string>((resolve) => {
          const child = spawn(process.execPath, [".ci/setup.mjs"], { cwd: clone });
          let err = "";
          child.stderr.on("data", (data) => {
            err += data;
          });
          child.on("close", (status) => resolve(`${status} ${err}`));
        }),
    );
    const texts = await Promise.all(runs);
    expect(texts.every((text) => text.startsWith("0 "))).toBe(true);
    expect(texts.filter((text) => text.includes("Compiling"))).toHaveLength(1);
    expect(existsSync(at(".cache/setup.lock"))).toBe(false);
  });

  it("does not install behind the back of a command", () => {
    rmSync(at("node_modules"));
    const { status, err } = node("src/cli/trafo.mjs");
    expect(status).toBe(3);
    expect(err).toContain("run `npm ci`");
  });

  it("tells an old Node that it is too old", () => {
    const script = readFileSync(at(".ci/setup.mjs"), "utf8").replace("process.versions.node.split", '"18.0.0".split');
    writeFileSync(at(".ci/setup.mjs"), script);
    const { status, err } = node(".ci/setup.mjs");
    expect(status).toBe(1);
    expect(err).toContain("Trafo needs Node 20 or later");
    expect(err).not.toContain("    at ");
  });
});
