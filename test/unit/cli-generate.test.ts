/** `trafo generate`, and what `trafo explain` says of steps, on files in memory. */
import { describe, expect, it } from "vitest";
import { writeSafetensors } from "../../src/runtime/host/safetensors-writer.js";
import { f32, trafo } from "./support/cli.js";

/** Each token is followed by the next; the mask makes it a decoder that keeps keys. */
const source = `import std: window_mask

model Next(vocab: int = 5, window: int = 0) {
  param table: [vocab, vocab]

  entry forward(ids: i32[B, T <= 12]) incremental T -> (logits: [B, T, vocab]) {
    let x = table[ids]
    x + 0 * (softmax(where(window_mask(T, window), x @ x.T, -inf)) @ x)
  }
}
`;
const files = { "next.trafo": source, "plain.trafo": source.replace(" incremental T", "") };
const made = ["--random-weights"];

describe("trafo generate", () => {
  it("goes on from tokens, and says how fast", async () => {
    const words = ["generate", "next.trafo", ...made, "--prompt-ids", "1,2", "--max-tokens", "4"];
    const { status, out, err } = await trafo(words, files);
    expect(status).toBe(0);
    expect(out).toMatch(/^\d( \d){3}\n$/);
    expect(err).toMatch(/^read 2 tokens in [\d.]+ s, [\d.]+ tokens per second; generated 4 tokens in .* second\n$/);
    const json = JSON.parse((await trafo([...words, "--json"], files)).out);
    expect(json.sequences).toEqual([out.trim().split(" ").map(Number)]);
  });

  it("takes a batch, and options of sampling", async () => {
    const words = ["generate", "next.trafo", ...made, "--prompt-ids", "1", "--prompt-ids", "2 3", "--max-tokens", "3"];
    const { out, status } = await trafo([...words, "--temperature", "0.7", "--top-k", "3", "--seed", "4"], files);
    expect(status).toBe(0);
    expect(out.trim().split("\n")).toHaveLength(2);
    const beams = await trafo([...words.slice(0, 5), "--beams", "2", "--max-tokens", "3"], files);
    expect(beams.out.trim().split("\n")).toHaveLength(2);
  });

  const failures: [string, string[], string, string][] = [
    ["no prompt", [], "E0610", "generating needs a prompt"],
    ["a prompt of words", ["--prompt-ids", "one"], "E0607", "--prompt-ids takes tokens, but is one"],
    ["a token that there is not", ["--prompt-ids", "5"], "E0711", "prompt[0][0] is 5"],
    ["a temperature below 0", ["--prompt-ids", "1", "--temperature", "-1"], "E0607", "--temperature is -1"],
    [
      "no likeliest at all",
      ["--prompt-ids", "1", "--top-k", "0"],
      "E0607",
      "--top-k is 0: it is a whole number from 1",
    ],
    ["half a token", ["--prompt-ids", "1", "--max-tokens", "1.5"], "E0607", "--max-tokens takes a whole number"],
    ["no beam", ["--prompt-ids", "1", "--beams", "0"], "E0607", "--beams is 0: it is a whole number from 1"],
    ["a prompt that is too long", ["--prompt-ids", `${"1,".repeat(12)}1`], "E0711", "a prompt has 13 tokens, and 12"],
    ["a target without modules", ["--prompt-ids", "1", "--target", "interpreter"], "E0606", "makes no module"],
  ];
  it.each(failures)("refuses %s", async (_, words, code, text) => {
    const { status, err } = await trafo(["generate", "next.trafo", ...made, ...words], files);
    expect(status).not.toBe(0);
    expect(err).toContain(code);
    expect(err).toContain(text);
  });

  it("reads no weights before its options are found to be right", async () => {
    const given = { ...files, "c/config.json": "{}", "c/model.safetensors": new Uint8Array(9) };
    for (const words of [
      ["--prompt-ids", "5"],
      ["--prompt-ids", "1", "--top-p", "2"],
      ["--prompt-ids", "1", "--beams", "x"],
    ]) {
      const { status, err } = await trafo(["generate", "next.trafo", "--config", "c/config.json", ...words], given);
      expect([status, /E0711|E0607/.test(err)]).toEqual([1, true]);
    }
  });

  it.each([[], ["--beams", "2"]])("says that a score is not a number %j", async (...more) => {
    const table = f32([5, 5], new Array(25).fill(Number.NaN));
    const given = { ...files, "c/config.json": "{}", "c/model.safetensors": writeSafetensors([["table", table]]) };
    const { status, err } = await trafo(
      ["generate", "next.trafo", "--checkpoint", "c", "--prompt-ids", "1", ...more],
      given,
    );
    expect([status, err.includes("E0812")]).toEqual([1, true]);
  });

  it("refuses an entry that is not incremental", async () => {
    const { status, err } = await trafo(["generate", "plain.trafo", ...made, "--prompt-ids", "1"], files);
    expect([status, err.includes("E0811")]).toEqual([1, true]);
  });
});

describe("the dump of a graph", () => {
  it("still says what is incremental", async () => {
    const { out: dump } = await trafo(["compile", "next.trafo", "--dump-after", "graph"], files);
    expect(dump).toContain(" incremental T {");
    const words = [...made, "--prompt-ids", "1,2", "--max-tokens", "4"];
    const of = async (file: string) => trafo(["generate", file, ...words], { ...files, "next.graph": dump });
    expect((await of("next.graph")).out).toBe((await of("next.trafo")).out);
  });

  it("is refused where a change made it look ahead", async () => {
    const { out: dump } = await trafo(["compile", "next.trafo", "--dump-after", "graph"], files);
    const flipped = dump.replace(/= le (%\d+), (%\d+) /, "= le $2, $1 ");
    expect(flipped).not.toBe(dump);
    const { status, err } = await trafo(["compile", "next.graph", "-o", "out"], { "next.graph": flipped });
    expect([status, err.includes("E0801")]).toEqual([1, true]);
  });
});

describe("trafo explain", () => {
  it("says what a step costs and what is kept", async () => {
    const all = (await trafo(["explain", "next.trafo"], files)).out;
    expect(all).toContain("20·B bytes for each position, 0 bytes for all");
    expect(all).toContain("1 append");
    expect(all).toMatch(/a step {4}.*B·N·P.* FLOPs for N positions after P/);
    expect(all).toMatch(/a token {3}\d+ runs of kernels/);
    const refused = await trafo(["explain", "next.trafo", "--target", "onnx"], files);
    expect([refused.status, refused.err.includes("E0606")]).toEqual([2, true]);
    const windowed = await trafo(["explain", "next.trafo", "--set", "window=4", "--json"], files);
    const { decoding } = JSON.parse(windowed.out).entries[0];
    expect(decoding).toMatchObject({
      bytesPerPosition: "0",
      bytes: "80*B",
      states: [{ kind: "ring", shape: ["B", "4", "5"] }],
    });
    expect(decoding.flops).not.toContain("P");
    expect((await trafo(["explain", "plain.trafo"], files)).out).not.toContain("Step by step");
  });
});
