/** The checker of the ONNX project itself, with shape inference, on the models of the examples. It needs Python's onnx. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { nodeFiles } from "../../src/driver/node-files.js";
import { onnx } from "../../src/index.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const hasChecker = spawnSync("python3", ["-c", "import onnx"]).status === 0;
if (!hasChecker) console.log("skipped: the ONNX checker, as Python has no package onnx");

const script = `
import glob, onnx, sys
for path in sorted(glob.glob(sys.argv[1] + "/*.onnx")):
    onnx.checker.check_model(path, full_check=True)
    print(path.rsplit("/", 1)[-1])
`;

test.runIf(hasChecker)("the ONNX checker has nothing to say", async () => {
  const files = nodeFiles();
  const folder = mkdtempSync(join(tmpdir(), "trafo-onnx-"));
  try {
    for (const name of ["bert", "gpt2", "llama", "t5", "vaswani"]) {
      const path = join(root, "examples", name, `${name}.trafo`);
      const checkpoint = join(root, "examples", name, "checkpoint");
      for (const [file, parts] of await onnx({ path, files, checkpoint, weightsBeside: name === "t5" })) {
        files.write(join(folder, file), parts);
      }
    }
    const { stdout, stderr } = spawnSync("python3", ["-c", script, folder], { encoding: "utf8" });
    expect(stderr).toBe("");
    expect(stdout.trim().split("\n")).toEqual([
      "bert-forward.onnx",
      "gpt2-forward.onnx",
      "llama-forward.onnx",
      "t5-decode.onnx",
      "t5-encode.onnx",
      "vaswani-decode.onnx",
      "vaswani-encode.onnx",
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
