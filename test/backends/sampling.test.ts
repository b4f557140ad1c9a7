/** Choosing tokens: what the options mean, and that every target chooses the same. */
import { describe, expect, it } from "vitest";
import type { GenerateOptions } from "../../src/runtime/host/generation.js";
import { seededRandom, TokenSampler } from "../../src/runtime/host/sampling.js";
import { type DecodingModel, decodingTargets, loadText } from "../support/decoding-module.js";
import { Random } from "../support/random.js";

describe("choosing tokens", () => {
  it("follows the probabilities, among the likeliest only", () => {
    const logits = [0, Math.log(2), Math.log(4), -Infinity];
    const drawn = (options: ConstructorParameters<typeof TokenSampler>[0]) => {
      const [sampler, random] = [new TokenSampler(options, 4), seededRandom(1)];
      const counts = [0, 0, 0, 0];
      for (let i = 0; i < 7000; i++) counts[sampler.choose(logits, 0, false, new Set(), random)]!++;
      return counts.map((count) => count / 1000);
    };
    const near = (found: number[], expected: number[]) =>
      expected.forEach((each, i) => void expect(Math.abs(found[i]! - each)).toBeLessThan(0.2));
    near(drawn({ temperature: 1 }), [1, 2, 4, 0]);
    near(drawn({ temperature: 0.5 }), [1 / 3, 4 / 3, 16 / 3, 0]);
    near(drawn({ temperature: 1, topK: 2 }), [0, 7 / 3, 14 / 3, 0]);
    near(drawn({ temperature: 1, topP: 0.5 }), [0, 0, 7, 0]);
    near(drawn({ temperature: 1, topP: 0.6 }), [0, 7 / 3, 14 / 3, 0]);
    near(drawn({ temperature: 1, topK: 2, topP: 0.7 }), [0, 7 / 3, 14 / 3, 0]);
    near(drawn({ temperature: 1, topK: 2, topP: 0.6 }), [0, 0, 7, 0]);
    near(drawn({}), [0, 0, 7, 0]);
    const probabilities = new TokenSampler({}, 3).choose([0.2, 0.5, 0.3], 0, true, new Set(), () => 0);
    expect(probabilities).toBe(1);
  });

  it("makes repetition less likely", () => {
    const sampler = new TokenSampler({ repetitionPenalty: 2 }, 3);
    expect(sampler.choose([3, 2, -1], 0, false, new Set([0]), () => 0)).toBe(1);
    expect(sampler.choose([-3, -2, -2.5], 0, false, new Set([1]), () => 0)).toBe(2);
    expect(() => sampler.choose([0, Number.NaN, 1], 0, false, new Set(), () => 0)).toThrow("token 1 is not a number");
  });

  it("keeps the first of equal ones", () => {
    const chosen = (options: ConstructorParameters<typeof TokenSampler>[0]) => {
      const [sampler, random] = [new TokenSampler({ temperature: 1, ...options }, 6), seededRandom(2)];
      const found = Array.from({ length: 400 }, () => sampler.choose([1, 2, 1, 1, 2, 1], 0, false, new Set(), random));
      return [...new Set(found)].sort();
    };
    expect(chosen({ topK: 3 })).toEqual([0, 1, 4]);
    expect(chosen({ topK: 4, topP: 0.5 })).toEqual([1, 4]);
    expect(chosen({ topP: 0.3 })).toEqual([1, 4]);
    expect(chosen({ topP: 0.2 })).toEqual([1]);
    expect(chosen({ topP: 0.65 })).toEqual([0, 1, 4]);
  });
});

describe("every target", () => {
  const vocabulary = 700;
  const text = (scores: string) => `model Chain() {
  param table: [${vocabulary}, ${vocabulary}]

  entry forward(tokens: i32[B, T <= 64]) incremental T -> (scores: [B, T, ${vocabulary}]) { ${scores} }
}
`;
  const random = new Random(11);
  // Many equal ones, some that cannot be.
  const data = Float32Array.from({ length: vocabulary ** 2 }, () =>
    random.chance(0.1) ? -Infinity : Math.round(random.next() * 40) / 8,
  );
  const weights = { table: { data, shape: [vocabulary, vocabulary], type: "f32" } };
  const all: readonly Partial<GenerateOptions>[] = [
    {},
    { repetitionPenalty: 1.7 },
    { temperature: 1, seed: 1 },
    { temperature: 0.3, topK: 5, seed: 2 },
    { temperature: 2, topK: 100000, seed: 3 },
    { temperature: 1.5, topP: 0.8, seed: 4 },
    { temperature: 5, topP: 0.99, topK: 300, repetitionPenalty: 0.5, seed: 5 },
    { temperature: 1e-6, topP: 1e-6, seed: 6 },
    { temperature: 100, seed: -7 },
    { topK: 7, seed: 8 },
    { topP: 0.9, seed: 9 },
  ];
  const runs = async (model: DecodingModel, given = all): Promise<number[][]> => {
    const found: number[][] = [];
    for (const options of given) {
      const tokens: number[] = [];
      for await (const each of model.generate({
        prompt: [
          [1, 5],
          [2, 9],
          [3, 3],
        ],
        maxTokens: 12,
        ...options,
      }))
        tokens.push(each.token);
      found.push(tokens);
    }
    model.dispose();
    return found;
  };

  it.each(["table[tokens]", "softmax(table[tokens])"])("chooses the same by %s", async (scores) => {
    const expected = await runs(await loadText(text(scores), weights));
    // To ask for some of the likeliest is to draw one of them, unless the temperature says otherwise.
    const [drawn, same, greedy] = await runs(await loadText(text(scores), weights), [
      { topK: 7, seed: 8 },
      { topK: 7, seed: 8, temperature: 1 },
      { topK: 7, seed: 8, temperature: 0 },
    ]);
    expect([drawn, greedy]).toEqual([same, expected[0]]);
    expect(drawn).not.toEqual(greedy);
    expect(new Set(expected.map(String)).size).toBeGreaterThan(5);
    for (const target of decodingTargets.slice(1, 3))
      expect(await runs(await loadText(text(scores), weights, target))).toEqual(expected);
  });

  it.each(decodingTargets)("says which score is not a number, and ends cleanly: %s", async (target) => {
    const wrong = {
      table: { ...weights.table, data: data.map((each, i) => (i === 5 * vocabulary + 300 ? Number.NaN : each)) },
    };
    const model = await loadText(text("table[tokens]"), wrong, target);
    await expect(model.generate({ prompt: [5], maxTokens: 3 }).next()).rejects.toThrow(
      "the score of token 300 is not a number",
    );
    await expect(model.beamSearch({ prompt: [5], maxTokens: 3 })).rejects.toThrow(
      "the score of token 300 is not a number",
    );
    const generator = model.generate({ prompt: [1], maxTokens: 30 });
    await generator.next();
    expect(await generator.return()).toEqual({ value: undefined, done: true });
    expect(await generator.next()).toEqual({ value: undefined, done: true });
    model.dispose();
  });
});
