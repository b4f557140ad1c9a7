/** Sessions, generation and beam search of generated modules, against the whole entries of the same modules. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { BeamOptions } from "../../src/runtime/host/beam-search.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { type Decoder, decoders } from "../support/decoders.js";
import {
  type DecodingModel,
  decodingTargets,
  entryOf,
  loadDecoding,
  loadText,
  sessionOf,
} from "../support/decoding-module.js";
import { Random } from "../support/random.js";

const named = (name: string): Decoder => decoders.find((each) => each.name === name)!;
const chosen = ["gpt2/checkpoint", "llama/checkpoint", "mistral/checkpoint", "gpt_oss/checkpoint", "bloom/checkpoint"];

const elsewhere = decodingTargets
  .slice(1, 3)
  .flatMap((target) => ["gpt2/checkpoint", "mistral/checkpoint"].map((name) => [name, target] as const));

async function tokensOf(model: DecodingModel, options: Parameters<DecodingModel["generate"]>[0]): Promise<number[][]> {
  const found: number[][] = [];
  for await (const { token, sequence } of model.generate(options)) {
    found[sequence] ??= [];
    found[sequence].push(token);
  }
  return found;
}

/** What choosing the likeliest token of the whole entry gives, again and again. */
async function greedily(
  run: (tokens: number[]) => Promise<Tensor>,
  prompt: readonly number[],
  count: number,
): Promise<number[]> {
  const tokens = [...prompt];
  for (let i = 0; i < count; i++) {
    const { data, shape } = await run(tokens);
    const row = Array.from(data.subarray((tokens.length - 1) * shape[2]!));
    tokens.push(row.indexOf(Math.max(...row)));
  }
  return tokens.slice(prompt.length);
}

describe.each([...chosen.map((name) => [name, "typescript"] as const), ...elsewhere])("%s, %s", (name, target) => {
  it("gives the whole entry's logits at every position, and its tokens", async () => {
    const model = await loadDecoding(named(name), target);
    const forward = entryOf(model, "forward");
    const random = new Random(4);
    const ids = [0, 1].map(() => Array.from({ length: 13 }, () => random.below(20)));
    const { logits } = await forward({ input_ids: ids });
    const vocabulary = logits!.shape[2]!;
    for (const chunks of [[13], [1, 2, 3, 7], [5, 1, 1, 1, 1, 1, 1, 1, 1]]) {
      const session = await sessionOf(model, "forward")({ capacity: 13 });
      let past = 0;
      for (const count of chunks) {
        const given = { input_ids: ids.map((row) => row.slice(past, past + count)) };
        const found = (await session.step(given)).logits!;
        for (let row = 0; row < 2; row++) {
          for (let i = 0; i < count * vocabulary; i++) {
            const expected = logits!.data[(row * 13 + past) * vocabulary + i]!;
            expect(Math.abs(found.data[row * count * vocabulary + i]! - expected)).toBeLessThan(1e-4);
          }
        }
        past += count;
      }
      expect(session.past).toBe(13);
    }
    const prompt = ids[0]!.slice(0, 5);
    const expected = await greedily(async (tokens) => (await forward({ input_ids: [tokens] })).logits!, prompt, 8);
    expect(await tokensOf(model, { prompt, maxTokens: 8 })).toEqual([expected]);
    model.dispose();
  });
});

describe("a session", () => {
  it.each(decodingTargets)("is forked, saved and restored, each going on by itself: %s", async (target) => {
    const model = await loadDecoding(named("mistral/checkpoint"), target);
    const open = sessionOf(model, "forward");
    const session = await open();
    await session.step({ input_ids: [[1, 2, 3, 4, 5, 6]] });
    const saved = await session.save();
    const fork = session.fork();
    const pair = session.fork([0, 0]);
    const next = async (of: Awaited<ReturnType<typeof open>>, token: number) =>
      Array.from((await of.next({ input_ids: [[token]] })).logits!.data);
    const [seven, eight] = [await next(session, 7), await next(fork, 8)];
    expect(seven).not.toEqual(eight);
    const both = (await pair.next({ input_ids: [[7], [8]] })).logits!;
    expect(both.shape).toEqual([2, 1, both.shape[2]]);
    // Two rows may be summed in another order than one.
    for (const [i, each] of [...seven, ...eight].entries()) expect(Math.abs(both.data[i]! - each)).toBeLessThan(1e-4);
    const restored = await open({ saved });
    expect(restored.past).toBe(6);
    expect(await next(restored, 7)).toEqual(seven);
  });

  it("goes on from bytes on any target, with other room", async () => {
    const bytes = new Map<string, Uint8Array>();
    const found = new Map<string, number[]>();
    for (const target of decodingTargets.slice(0, 3)) {
      const model = await loadDecoding(named("mistral/checkpoint"), target);
      const session = await sessionOf(model, "forward")({ capacity: 20 });
      await session.step({ input_ids: [[1, 2, 3, 4, 5, 6, 7, 8, 9]] });
      bytes.set(target, await session.save());
      for (const saved of bytes.values()) {
        const restored = await sessionOf(model, "forward")({ saved, capacity: 11 });
        expect([restored.past, restored.capacity]).toEqual([9, 11]);
        found.set(target, Array.from((await restored.next({ input_ids: [[7]] })).logits!.data));
        const expected = found.get("typescript")!;
        for (const [i, each] of found.get(target)!.entries()) expect(Math.abs(each - expected[i]!)).toBeLessThan(1e-4);
      }
      model.dispose();
    }
  });

  it("is refused by another model, or where it has no room", async () => {
    const model = await loadDecoding(named("gpt2/checkpoint"));
    const open = sessionOf(model, "forward");
    const session = await open({ capacity: 8 });
    await session.step({ input_ids: [[1, 2, 3]] });
    const saved = await session.save();
    await expect(open({ saved, capacity: 2 })).rejects.toThrow(
      "the saved session has 3 positions, and the capacity is 2",
    );
    await expect(open({ saved, capacity: 65 })).rejects.toThrow("the capacity is 65");
    const other = sessionOf(await loadDecoding(named("llama/checkpoint")), "forward");
    await expect(other({ saved })).rejects.toThrow("the saved session is of another model");
    await expect(open({ saved: saved.subarray(0, 100) })).rejects.toThrow("the saved session");
    await expect(open({ saved: new Uint8Array(0) })).rejects.toThrow("the saved session is no safetensors file");
    const weights = readFileSync("examples/gpt2/checkpoint/model.safetensors");
    await expect(open({ saved: weights })).rejects.toThrow("is another kind of safetensors file");
    session.dispose();
    await expect(session.step({ input_ids: [[1]] })).rejects.toThrow("the session was disposed of");
  });

  it.each(decodingTargets.slice(0, 3))("ends with its model: %s", async (target) => {
    const model = await loadDecoding(named("gpt2/checkpoint"), target);
    const open = sessionOf(model, "forward");
    const [session, untouched] = [await open({ capacity: 8 }), await open({ capacity: 8 })];
    await session.step({ input_ids: [[1, 2, 3]] });
    const saved = await session.save();
    model.dispose();
    const gone = "the model was disposed of: load it again to run it";
    await expect(session.step({ input_ids: [[1]] })).rejects.toThrow(gone);
    for (const each of [session, untouched]) {
      await expect(each.save()).rejects.toThrow(gone);
      expect(() => each.fork()).toThrow(gone);
    }
    await expect(open({ saved })).rejects.toThrow(gone);
    await expect(open()).rejects.toThrow(gone);
    await expect(tokensOf(model, { prompt: [1] })).rejects.toThrow(gone);
    await expect(model.beamSearch({ prompt: [1], maxTokens: 2 })).rejects.toThrow(gone);
    session.dispose();
  });

  it.each(["typescript", "wasm"] as const)(
    "makes no arrays from step to step but of the tokens: %s",
    async (target) => {
      const model = await loadDecoding(named("gpt2/checkpoint"), target);
      const made: number[] = [];
      const kinds = ["ArrayBuffer", "Float32Array", "Float64Array", "Int32Array", "Uint8Array"] as const;
      const own = kinds.map((kind) => globalThis[kind]);
      const construct = (kind: (typeof own)[number], given: unknown[], target: unknown): object => {
        if (typeof given[0] === "number") made.push(given[0]);
        return Reflect.construct(kind, given, target as typeof Object) as object;
      };
      const lengths: number[] = [];
      try {
        for (const [i, kind] of kinds.entries())
          Object.assign(globalThis, { [kind]: new Proxy(own[i]!, { construct }) });
        for await (const { position } of model.generate({ prompt: [1, 2, 3], maxTokens: 9, temperature: 0 })) {
          lengths[position] = made.reduce((sum, each) => sum + each, 0);
        }
      } finally {
        for (const [i, kind] of kinds.entries()) Object.assign(globalThis, { [kind]: own[i]! });
      }
      // The first steps find the room that a step takes.
      const steps = lengths.slice(6).map((each, i) => each - lengths[5 + i]!);
      expect(lengths.length).toBe(12);
      expect(Math.max(...steps)).toBeLessThanOrEqual(4);
      model.dispose();
    },
  );

  it("says what does not fit", async () => {
    const model = await loadDecoding(named("gpt2/checkpoint"));
    const open = sessionOf(model, "forward");
    await expect(open({ capacity: 65 })).rejects.toThrow("the capacity is 65: it is a whole number from 1 to 64");
    const session = await open({ capacity: 4 });
    await session.step({ input_ids: [[1, 2, 3]] });
    await expect(session.step({ input_ids: [[1, 2]] })).rejects.toThrow(
      "the session has room for 4 positions, and holds 3: 2 more do not fit",
    );
    await expect(session.step({})).rejects.toThrow('step of forward needs the input "input_ids"');
    await expect(session.next({ ids: [[1]] })).rejects.toThrow('next of forward has no input "ids"');
    await expect(session.step({ input_ids: [[1], [2]] })).rejects.toThrow("B = 1 (from the session)");
    await expect(session.step({ input_ids: [[]] })).rejects.toThrow("N is 0, but at least 1");
    await expect(session.step({ input_ids: [[99]] })).rejects.toThrow("input_ids[0][0] is 99");
    expect(session.past).toBe(3);
    expect(() => session.fork([1])).toThrow("the session has 1 row, and row 1 is none of them");
    const outside = "prompt[1][0] is 99, which is no token: they are from 0 to 98";
    await expect(tokensOf(model, { prompt: [[1], [99]] })).rejects.toThrow(outside);
    await expect(tokensOf(model, { prompt: [] })).rejects.toThrow("prompt has no tokens");
    const near = 'generate has no option "max_tokens" (the nearest name is "maxTokens")';
    await expect(tokensOf(model, { prompt: [1], max_tokens: 3 } as never)).rejects.toThrow(near);
    await expect(model.beamSearch({ prompt: [1], maxTokens: 2, beam: 3 } as never)).rejects.toThrow('"beams"');
    await expect(open({ capcity: 4 } as never)).rejects.toThrow('the session has no option "capcity"');
    const wrong: readonly [object, string][] = [
      [{}, "prompt is no list of tokens"],
      [{ prompt: "text" }, "prompt is no list of tokens"],
      [{ prompt: [[1], 2] }, "prompt[1] is no list of tokens"],
      [{ prompt: [1.5] }, "prompt[0] is 1.5"],
      [{ prompt: [1], temperature: null }, "temperature is null"],
      [{ prompt: [1], topP: "0.5" }, "topP is 0.5"],
      [{ prompt: [1], stop: "end" }, 'stop has "end"'],
    ];
    for (const [options, message] of wrong)
      await expect(tokensOf(model, options as Parameters<typeof tokensOf>[1])).rejects.toThrow(message);
    for (const prompt of [Int32Array.of(1, 2), BigInt64Array.of(1n, 2n)])
      expect(await tokensOf(model, { prompt, maxTokens: 3 })).toEqual(
        await tokensOf(model, { prompt: [1, 2], maxTokens: 3 }),
      );
    await expect(tokensOf(model, { prompt: [1], temperature: -1 })).rejects.toThrow("temperature is -1");
    await expect(tokensOf(model, { prompt: [1], topP: 0 })).rejects.toThrow("topP is 0");
    await expect(tokensOf(model, { prompt: new Array(65).fill(1) })).rejects.toThrow("65 tokens, and 64 are taken");
  });
});

describe("generate", () => {
  it.each(decodingTargets.slice(0, 3))("gives a sequence of a batch what it gives it alone: %s", async (target) => {
    const model = await loadDecoding(named("mistral/checkpoint"), target);
    const prompts = [[1, 2, 3, 4, 5, 6, 7], [8], [9, 10], [11, 12]];
    for (const options of [{}, { temperature: 0.9, topK: 12, topP: 0.95, repetitionPenalty: 1.3, seed: 5 }]) {
      const together = await tokensOf(model, { prompt: prompts, maxTokens: 6, ...options });
      const { seed = 0 } = options as { seed?: number };
      for (const [i, prompt] of prompts.entries()) {
        const alone = await tokensOf(model, { prompt, maxTokens: 6, ...options, seed: seed + i });
        expect(together[i]).toEqual(alone[0]);
      }
    }
  });

  it.each(decodingTargets.slice(0, 3))("and sessions keep apart what runs at once: %s", async (target) => {
    const model = await loadDecoding(named("gpt2/checkpoint"), target);
    const prompts = [[1, 2, 3], [7, 8], [40]];
    const one = (prompt: readonly number[]) => tokensOf(model, { prompt, maxTokens: 7 });
    const alone: number[][][] = [];
    for (const prompt of prompts) alone.push(await one(prompt));
    expect(await Promise.all(prompts.map(one))).toEqual(alone);
    const search = (prompt: readonly number[]) => model.beamSearch({ prompt, beams: 2, maxTokens: 3 });
    const found = [await search(prompts[0]!), await search(prompts[1]!)];
    expect(await Promise.all([search(prompts[0]!), search(prompts[1]!)])).toEqual(found);
    // Steps that are begun before those before them are awaited.
    const { logits } = await entryOf(model, "forward")({ input_ids: [[5, 6, 7]] });
    const session = await sessionOf(model, "forward")();
    const steps = await Promise.all([5, 6, 7].map((token) => session.step({ input_ids: [[token]] })));
    const vocabulary = logits!.shape[2]!;
    for (const [at, step] of steps.entries())
      for (let i = 0; i < vocabulary; i++)
        expect(step.logits!.data[i]).toBeCloseTo(logits!.data[at * vocabulary + i]!, 4);
    model.dispose();
  });

  it("ends at the most tokens, the room there is, a stop, or a signal", async () => {
    const model = await loadDecoding(named("gpt2/checkpoint"));
    const prompt = [1, 2, 3];
    const [tokens] = await tokensOf(model, { prompt });
    // The last token is never read: there is room for 64 positions, and one more is given.
    expect(tokens).toHaveLength(62);
    expect(await tokensOf(model, { prompt, maxTokens: 0 })).toEqual([]);
    expect((await tokensOf(model, { prompt, maxTokens: 4 }))[0]).toEqual(tokens!.slice(0, 4));
    const stop = tokens!.findIndex((token, i) => tokens!.indexOf(token) === i && i > 0);
    if (stop > 0) expect((await tokensOf(model, { prompt, stop: tokens![stop]! }))[0]).toEqual(tokens!.slice(0, stop));
    // A stop of several tokens is not given, nor is what could have been its beginning kept back at the end.
    const [first, second] = [tokens![2]!, tokens![3]!];
    const end = tokens!.findIndex((token, i) => token === first && tokens![i + 1] === second);
    expect((await tokensOf(model, { prompt, stop: [[first, second]] }))[0]).toEqual(tokens!.slice(0, end));
    const near = { prompt, maxTokens: 5, stop: [[tokens![4]!, 98, 98]] };
    expect((await tokensOf(model, near))[0]).toEqual(tokens!.slice(0, 5));
    await expect(tokensOf(model, { prompt, stop: [[]] })).rejects.toThrow("stop has []");
    const abort = new AbortController();
    const seen: number[] = [];
    const run = async () => {
      for await (const { token } of model.generate({ prompt, signal: abort.signal })) {
        seen.push(token);
        if (seen.length === 3) abort.abort();
      }
    };
    await expect(run()).rejects.toThrow("aborted");
    expect(seen).toHaveLength(3);
  });

  it("decodes behind an encoder, which runs once", async () => {
    const model = await loadDecoding(named("t5/checkpoint"));
    const source = {
      input_ids: [
        [5, 6, 7, 8],
        [9, 10, 11, 1],
      ],
      attention_mask: [
        [1, 1, 1, 1],
        [1, 1, 1, 0],
      ],
    };
    const { encoder } = await entryOf(model, "encode")(source);
    const inputs = { encoder, attention_mask: source.attention_mask };
    const found = await tokensOf(model, { prompt: [[0], [0]], inputs, maxTokens: 6 });
    for (const row of [0, 1]) {
      const one = { input_ids: [source.input_ids[row]!], attention_mask: [source.attention_mask[row]!] };
      const encoded = (await entryOf(model, "encode")(one)).encoder;
      const run = async (tokens: number[]) =>
        (
          await entryOf(
            model,
            "decode",
          )({ decoder_input_ids: [tokens], encoder: encoded, attention_mask: one.attention_mask })
        ).logits!;
      expect(found[row]).toEqual(await greedily(run, [0], 6));
    }
  });
});

describe("beam search", () => {
  // Tokens follow one another by a table of logits, so that every sequence's probability is known.
  const table = [
    [0.3, 1.2, 0.9],
    [2, 0.1, 0.4],
    [0.2, 0.5, 3],
  ];
  const text = `model Chain() {
  param table: [3, 3]

  entry forward(tokens: i32[B, T <= 16]) incremental T -> (logits: [B, T, 3]) { table[tokens] }
}
`;
  const weights = { table: { data: Float32Array.from(table.flat()), shape: [3, 3], type: "f32" } };
  const logProbability = (from: number, to: number) =>
    table[from]![to]! - Math.log(table[from]!.reduce((sum, each) => sum + Math.exp(each), 0));

  /** All sequences that end with the stop, or are of full length. */
  function all(length: number, stop: number, penalty: number): { tokens: number[]; score: number }[] {
    const found: { tokens: number[]; score: number }[] = [];
    const follow = (tokens: number[], last: number, sum: number): void => {
      for (let next = 0; next < 3; next++) {
        const total = sum + logProbability(last, next);
        const count = tokens.length + 1;
        if (next === stop) found.push({ tokens, score: total / count ** penalty });
        else if (count === length) found.push({ tokens: [...tokens, next], score: total / count ** penalty });
        else follow([...tokens, next], next, total);
      }
    };
    follow([], 0, 0);
    return found.sort((a, b) => b.score - a.score);
  }

  it.each([0, 0.6, 1, 2])("with room for all finds the likeliest of all, length penalty %s", async (lengthPenalty) => {
    const model = await loadText(text, weights);
    const beams = 27;
    const found = await model.beamSearch({ prompt: [0], beams, maxTokens: 4, stop: 2, lengthPenalty });
    const expected = all(4, 2, lengthPenalty);
    // Sequences of equal probability may come in any order.
    const scoreOf = new Map(expected.map(({ tokens, score }) => [tokens.join(), score]));
    for (const [i, each] of found.slice(0, 5).entries()) {
      expect(each.score).toBeCloseTo(expected[i]!.score, 4);
      expect(each.score).toBeCloseTo(scoreOf.get(each.tokens.join())!, 4);
    }
  });

  it("finds the same on every target", async () => {
    const options = { prompt: [0], beams: 4, maxTokens: 5, stop: 2 };
    const expected = await (await loadText(text, weights)).beamSearch(options);
    for (const target of decodingTargets.slice(1, 3)) {
      const found = await (await loadText(text, weights, target)).beamSearch(options);
      expect(found.map(({ tokens }) => tokens)).toEqual(expected.map(({ tokens }) => tokens));
      for (const [i, { score }] of found.entries()) expect(score).toBeCloseTo(expected[i]!.score, 4);
    }
  });

  it.each(decodingTargets.slice(0, 3))("behind an encoder finds what transformers finds: %s", async (target) => {
    const { source, cases } = JSON.parse(readFileSync("test/fixtures/beams.json", "utf8")) as {
      source: number[];
      cases: { options: Omit<BeamOptions, "prompt">; sequences: number[][]; scores: number[] }[];
    };
    const model = await loadDecoding(named("t5/checkpoint"), target);
    const { encoder } = await entryOf(model, "encode")({ input_ids: [source] });
    for (const { options, sequences, scores } of cases) {
      const found = await model.beamSearch({ prompt: [0], inputs: { encoder }, ...options });
      expect(found.map(({ tokens }) => tokens)).toEqual(sequences);
      for (const [i, { score }] of found.entries()) expect(score).toBeCloseTo(scores[i]!, 4);
    }
    model.dispose();
  });

  it("with one beam is greedy", async () => {
    const model = await loadText(text, weights);
    const [found] = await model.beamSearch({ prompt: [0], beams: 1, maxTokens: 5 });
    expect([found!.tokens]).toEqual(await tokensOf(model, { prompt: [0], maxTokens: 5 }));
  });
});
