/**
 * SmolLM2-135M-Instruct from its GGUF file: prompts become the tokens that the library `tokenizers` gives, and greedy decoding
 * gives, token for token, what transformers computes from the same weights, on every target with sessions.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { main } from "../../src/cli/main.js";
import { type BackendName, backends } from "../../src/driver/backends.js";
import { startGenerating } from "../../src/driver/generate.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { lacksDevice } from "../../src/driver/webgpu.js";
import { nodeFiles } from "../../src/node.js";
import type { WeightsFormat } from "../../src/passes/index.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { openModelText } from "../../src/runtime/text/model-text.js";
import { checkpointWeights, readWeights } from "../../src/runtime/weights.js";
import { fetched } from "./fetched.js";

const model = await fetched("SmolLM2-135M-Instruct");
const program = "examples/llama/llama.trafo";

interface Reference {
  /** The message of a user, or a text to go on from. */
  readonly chat?: string;
  readonly prompt?: string;
  readonly system?: string | null;
  readonly promptTokens: readonly number[];
  readonly tokens: readonly number[];
  readonly count: number;
  /** Whether the model ended the text by itself. */
  readonly ended: boolean;
  readonly text: string;
}
const references: readonly Reference[] = JSON.parse(readFileSync(join(import.meta.dirname, "smollm2.json"), "utf8"));

const open = () => Checkpoint.open(nodeFiles(), model!.weights);

/** Decodes with the module of a target; as many tokens of each reference as are asked for. */
async function decode(
  target: BackendName,
  some: readonly Reference[],
  most: number,
  held: WeightsFormat = "f32",
): Promise<number[][]> {
  const checkpoint = open();
  const compilation = new Compilation({ files: nodeFiles(), path: program, checkpoint, target, weights: held });
  const weights = readWeights(compilation.program.entries, checkpointWeights(checkpoint));
  const generator = await startGenerating(target, compilation, weights, new Map());
  const found: number[][] = [];
  try {
    for (const { promptTokens, count } of some) {
      const start = performance.now();
      const [tokens, maxTokens]: [number[], number] = [[], Math.min(count, most)];
      for await (const { token } of generator.generate({ prompt: promptTokens, maxTokens, stop: 2 }))
        tokens.push(token);
      found.push(tokens);
      const seconds = (performance.now() - start) / 1000;
      console.log(`${target}, ${held}: ${promptTokens.length} + ${tokens.length} tokens in ${seconds.toFixed(1)} s`);
    }
  } finally {
    generator.dispose();
  }
  return found;
}

describe.runIf(model)("SmolLM2-135M-Instruct", () => {
  it("makes the tokens of its tokenizer and chat template", async () => {
    const { tokenizer, chat, stops } = await openModelText(nodeFiles(), open());
    expect(stops).toEqual([2]);
    for (const { chat: content, system, prompt, promptTokens, tokens, text } of references) {
      const before = system ? [{ role: "system", content: system }] : [];
      const written = prompt ?? (await chat!.render([...before, { role: "user", content: content! }]));
      expect(tokenizer.encode(written, prompt !== undefined)).toEqual(promptTokens);
      expect(tokenizer.decode(tokens)).toBe(text);
    }
  });

  it.each([
    ["wasm", references, 64],
    ["typescript", [references[0]!, references[3]!, references[4]!], 32],
  ] as const)("decodes on %s, token for token, what transformers does", async (target, some, most) => {
    const found = await decode(target, some, most);
    expect(found).toEqual(some.map(({ tokens, count }) => tokens.slice(0, Math.min(count, most))));
  });

  // int4 holds the numbers of the file. Those of f16 nearly are; int8 and bf16 are too coarse for all of a long text.
  it.each([
    ["f16", references],
    ["int4", references],
    ["int8", [references[0]!, references[4]!]],
    ["bf16", [references[0]!]],
  ] as const)("decodes on wasm with weights of %s", async (held, some) => {
    const found = await decode("wasm", some, 64, held);
    expect(found).toEqual(some.map(({ tokens, count }) => tokens.slice(0, Math.min(count, 64))));
  });

  it("decodes on wgsl, token for token, what transformers does", async ({ annotate }) => {
    const reason = backends.wgsl.decodes ? await lacksDevice() : "its modules have no sessions";
    if (reason !== null) {
      console.log(`wgsl: not run: ${reason}`);
      await annotate(`not run: ${reason}`);
      return;
    }
    // The adapter may be a processor, so these are the shortest: a whole answer, and a text that is gone on from.
    const some = [references[0]!, references[4]!];
    expect(await decode("wgsl", some, 64)).toEqual(some.map(({ tokens, count }) => tokens.slice(0, count)));
  });

  it("answers in English on the command line", async () => {
    const [first] = references;
    let [out, err] = ["", ""];
    const host = {
      files: nodeFiles(),
      out: (text: string) => {
        out += text;
      },
      err: (text: string) => {
        err += text;
      },
      colour: false,
      width: 120,
      watched: false,
    };
    const words = ["generate", program, "--checkpoint", model!.folder, "--target", "wasm", "--chat"];
    expect(await main([...words, "--prompt", first!.chat!], host)).toBe(0);
    expect(out).toBe("The capital of France is Paris.\n");
    console.log(err.trim());
  });
});
