/** The built command as a process of its own: exit statuses, streams and files. */
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const bin = join(root, "src", "cli", "trafo.mjs");
const gpt2 = join(root, "examples", "gpt2", "gpt2.trafo");
const checkpoint = join(root, "examples", "gpt2", "checkpoint");
let folder = "";

function trafo(...words: readonly string[]) {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const result = spawnSync(process.execPath, [bin, ...words], { cwd: folder, encoding: "utf8", env });
  return { status: result.status, out: result.stdout, err: withoutSetUp(result.stderr) };
}

/** What set-up says where the sources changed while the tests run is none of the command's. */
function withoutSetUp(err: string): string {
  return err.replace(/^(Compiling|Waiting for another set-up to end) …\n/gm, "");
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "trafo-"));
  // Compiles the sources if they changed, so that no test waits for it or sees its messages.
  trafo("--help");
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the trafo command", () => {
  it("ends with 0 when done", () => {
    const { status, out, err } = trafo("check", gpt2, "--checkpoint", checkpoint);
    expect([status, err]).toEqual([0, ""]);
    expect(out).toContain("GPT2: 30,688 parameters in 28 tensors");
  });

  it("ends with 1 for what is wrong with files, and shows no stack", () => {
    writeFileSync(join(folder, "wrong.trafo"), "model M() {\n  entry forward(x: [B, 2]) -> (y: [B, 2]) { x @ z }\n}\n");
    const wrong = trafo("check", "wrong.trafo");
    expect(wrong.status).toBe(1);
    expect(wrong.err).toMatch(/^error\[E02\d\d\]/m);
    expect(wrong.err).toMatch(/┌─ wrong\.trafo:2:\d+\n2 │ {3}entry/);
    for (const words of [
      ["check", "none.trafo"],
      ["check", "."],
      ["check", gpt2, "--checkpoint", "none"],
    ]) {
      const { status, out, err } = trafo(...words);
      expect([status, out]).toEqual([1, ""]);
      expect(err).toMatch(/^error\[E0[67]\d\d\]: /);
      expect(err).not.toMatch(/\n\s+at /);
    }
  });

  it("ends with 2 for an unknown command, option or target", () => {
    expect(trafo("chek", gpt2).status).toBe(2);
    expect(trafo("check", "--chekpoint", "x", gpt2).status).toBe(2);
    expect(trafo("run", gpt2, "--target", "wasn", "--random-weights", "--size", "B=1,T=1").status).toBe(2);
  });

  it("ends with 3 for an internal error, with the command that reproduces it", async () => {
    const { main } = await import(pathToFileURL(join(root, "dist/src/cli/main.js")).href);
    let err = "";
    const refuse = () => {
      throw new TypeError("broken");
    };
    const files = { kind: refuse, list: refuse, size: refuse, read: refuse, write: refuse };
    const host = {
      files,
      out: () => {},
      err: (text: string) => (err += text),
      colour: false,
      width: 80,
      watched: false,
    };
    expect(await main(["check", "it's.trafo"], host)).toBe(3);
    expect(err).toContain("internal error: broken");
    expect(err).toContain("  trafo check 'it'\\''s.trafo'");
  });

  it.runIf(existsSync("/dev/full"))("says that what it prints has no room", () => {
    const command = `"${process.execPath}" "${join(root, "src/cli/trafo.mjs")}" check "${gpt2}" > /dev/full`;
    const { status, stderr } = spawnSync("sh", ["-c", command], { encoding: "utf8" });
    expect(stderr).toMatch(/^error\[E0604\]: the standard output cannot be written: ENOSPC/);
    expect(status).toBe(1);
  });

  it("compiles to a module that runs", async () => {
    const { status } = trafo("compile", gpt2, "--config", join(checkpoint, "config.json"), "-o", "deep/out");
    expect(status).toBe(0);
    expect(readdirSync(join(folder, "deep/out")).sort()).toEqual(["gpt2.d.ts", "gpt2.js", "gpt2.js.map", "gpt2.ts"]);
    writeFileSync(join(folder, "deep/out/package.json"), '{ "type": "module" }');
    const { load } = await import(pathToFileURL(join(folder, "deep/out/gpt2.js")).href);
    const model = await load({ weights: join(checkpoint, "model.safetensors") });
    const { logits } = await model.forward({ input_ids: [[1, 2, 3]] });
    expect(logits.shape).toEqual([1, 3, 99]);
    model.dispose();
  });

  it("verifies on every target", () => {
    const { status, out } = trafo("verify", gpt2, "--checkpoint", checkpoint, "--json");
    expect(status).toBe(0);
    const { rows } = JSON.parse(out);
    const targets = new Set(rows.map(({ target }: { target: string }) => target));
    expect([...targets].slice(0, 2)).toEqual(["interpreter", "typescript"]);
    // Every target gives each case once; targets with sessions give the logits by steps as well.
    for (const target of targets) {
      const outputs = rows.filter((row: { target: string }) => row.target === target);
      const steps = outputs.filter(({ output }: { output: string }) => output.endsWith("by steps"));
      expect(outputs.length - steps.length).toBe(4);
      expect([0, 3]).toContain(steps.length);
    }
    for (const row of rows) expect(row.absolute).toBeLessThan(1e-4);
  });

  it("draws", () => {
    const { status } = trafo("graph", gpt2, "--set", "layers=2", "-o", "pictures/gpt2.svg");
    expect(status).toBe(0);
    expect(readFileSync(join(folder, "pictures/gpt2.svg"), "utf8")).toContain("</svg>");
  });

  it("says why it cannot write, and leaves nothing behind", () => {
    writeFileSync(join(folder, "file"), "");
    const under = trafo("compile", gpt2, "-o", "file/out");
    expect(under.status).toBe(1);
    expect(under.err).toContain("error[E0604]");
    mkdirSync(join(folder, "taken", "gpt2.js"), { recursive: true });
    const taken = trafo("compile", gpt2, "-o", "taken", "--emit", "js");
    expect(taken.err).toContain("error[E0604]: cannot write taken/gpt2.js: it is a folder");
    if (process.getuid?.() !== 0) {
      mkdirSync(join(folder, "locked"));
      chmodSync(join(folder, "locked"), 0o500);
      const locked = trafo("graph", gpt2, "-o", "locked/a.dot");
      expect(locked.err).toContain("this user may not");
      expect(readdirSync(join(folder, "locked"))).toEqual([]);
    }
  });

  it("takes it well if its reader stops", async () => {
    const child = spawn(process.execPath, [bin, "graph", gpt2, "--expand"], { cwd: folder });
    let err = "";
    child.stderr.on("data", (data) => {
      err += data;
    });
    child.stdout.once("data", () => child.stdout.destroy());
    const status = await new Promise((resolve) => child.on("close", resolve));
    expect(withoutSetUp(err)).toBe("");
    expect(status).toBe(0);
  });

  it.runIf(process.platform === "linux")("says how to get an adapter where WebGPU has none", () => {
    const words = [bin, "verify", gpt2, "--checkpoint", checkpoint, "--target", "wgsl"];
    const env = { ...process.env, VK_DRIVER_FILES: join(folder, "none.json") };
    const { status, stderr } = spawnSync(process.execPath, words, { cwd: folder, encoding: "utf8", env });
    expect(status).toBe(1);
    expect(stderr).toContain("E0503");
    expect(stderr).toContain("VK_DRIVER_FILES");
  });
});
