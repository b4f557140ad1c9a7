/** all-MiniLM-L6-v2: the vectors of texts of several lengths are PyTorch's, within 1e-4, from text and on every target. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.js";
import { lacksDevice } from "../../src/driver/webgpu.js";
import { nodeFiles } from "../../src/node.js";
import { TensorFile } from "../../src/runtime/tensor-file.js";
import { fetched } from "./fetched.js";

const model = await fetched("all-MiniLM-L6-v2");
const files = nodeFiles();
const { texts, lengths }: { texts: string[]; lengths: number[] } = JSON.parse(
  readFileSync(join(import.meta.dirname, "minilm.json"), "utf8"),
);
const expected = new TensorFile(files, join(import.meta.dirname, "minilm.safetensors")).read("embedding", "f32");
const width = expected.shape[1]!;

/** The vectors of some texts, by the command line. */
async function vectorsOf(target: string, some: readonly string[]): Promise<Float32Array> {
  const folder = mkdtempSync(join(tmpdir(), "trafo-minilm-"));
  const [outputs, words] = [join(folder, "out.safetensors"), some.flatMap((text) => ["--text", text])];
  let err = "";
  const host = {
    files,
    out: () => {},
    err: (text: string) => {
      err += text;
    },
    colour: false,
    width: 120,
    watched: false,
  };
  try {
    const command = ["run", "examples/minilm/minilm.trafo", "--checkpoint", model!.folder, "--target", target];
    const status = await main([...command, ...words, "--outputs", outputs], host);
    // The published checkpoint holds BERT's pooler, which nothing reads.
    expect([status, err.replace(/^note\[E0716\][\s\S]*?\n\n/, "")]).toEqual([0, ""]);
    return new TensorFile(files, outputs).read("embedding", "f32").data;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The largest difference of the vectors of some texts from PyTorch's. */
async function largestError(target: string, at: readonly number[]): Promise<number> {
  const found = await vectorsOf(
    target,
    at.map((each) => texts[each]!),
  );
  expect(found).toHaveLength(at.length * width);
  return found.reduce((most, value, i) => {
    const wanted = expected.data[at[Math.floor(i / width)]! * width + (i % width)]!;
    return Math.max(most, Math.abs(value - wanted));
  }, 0);
}

describe.runIf(model)("all-MiniLM-L6-v2", () => {
  it.each(["typescript", "wasm"])("gives PyTorch's vectors on %s", async (target) => {
    for (const at of texts.keys()) expect(await largestError(target, [at])).toBeLessThan(1e-4);
    console.log(`${target}: texts of ${lengths.join(", ")} tokens`);
  });

  it("gives PyTorch's vectors of a padded batch", async () => {
    expect(await largestError("wasm", [3, 0, 2, 1])).toBeLessThan(1e-4);
  });

  const lacking = model === null ? "no model" : null;
  it("gives PyTorch's vectors on wgsl", async ({ annotate }) => {
    const reason = lacking ?? (await lacksDevice());
    if (reason !== null) {
      await annotate(`not run: ${reason}`);
      console.log(`wgsl: not run: ${reason}`);
      return;
    }
    expect(await largestError("wgsl", [1, 0])).toBeLessThan(1e-4);
  });
});
