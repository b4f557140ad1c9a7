/** Decoding SmolLM2-135M-Instruct from its GGUF file of 4 bits (Q4_1), beside llama.cpp on the same file. */
import { readFileSync } from "node:fs";
import { fetchModel } from "../../../examples/fetch-model.mjs";
import { decodersFor } from "../contestants.mjs";
import { clockFor, median } from "../measure.mjs";
import { llamaCpp } from "../peers/llama-cpp.mjs";
import { spread, summary, table } from "../report.mjs";
import { publishedTask } from "../tasks.mjs";

const prompt = 128;
const steps = 8;
const warmUp = 8;
const names = ["trafo wasm", "trafo wasm int8", "trafo wasm int4"];

/** A real text, as tokens: prompts with what follows them. */
function textTokens() {
  const file = new URL("../../models/smollm2.json", import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")).flatMap(({ promptTokens, tokens }) => [...promptTokens, ...tokens]);
}

function likeliest(scores) {
  let best = 0;
  for (let i = 1; i < scores.length; i++) if (scores[i] > scores[best]) best = i;
  return best;
}

export async function smollm2({ rounds = 9, threads = 1 }) {
  const { weights } = await fetchModel("SmolLM2-135M-Instruct");
  const task = publishedTask("SmolLM2-135M-Instruct", "llama", weights);
  const contestants = [...(await decodersFor(task, names, { threads })), await llamaCpp(weights, { threads })];
  const now = clockFor(threads);
  const all = textTokens().slice(0, prompt + warmUp + rounds * steps);
  const states = [];
  for (const contestant of contestants.filter((each) => each !== null)) {
    const session = await contestant.open(all.length);
    await session.next(all.slice(0, prompt));
    for (let i = 0; i < warmUp; i++) await session.next(all.slice(prompt + i, prompt + i + 1));
    states.push({ ...contestant, session, times: [], chosen: [] });
  }
  for (let first = prompt + warmUp; first + steps <= all.length; first += steps)
    for (const { session, times, chosen } of states) {
      const found = [];
      const start = now();
      for (let i = first; i < first + steps; i++) found.push(await session.next(all.slice(i, i + 1)));
      times.push((now() - start) / steps);
      // What a session gives is overwritten only where it says so: these are the caller's.
      chosen.push(...found.map((each) => (typeof each === "number" ? each : likeliest(each))));
    }
  for (const { times } of states) times.sort((a, b) => a - b);
  const peer = states.find(({ name }) => name === "llama.cpp");
  const rows = states.map(({ name, times, chosen }) => [
    name,
    spread(times),
    (1000 / median(times)).toFixed(1),
    peer === undefined ? "–" : (median(peer.times) / median(times)).toFixed(2),
    `${chosen.filter((token, i) => token === states[0].chosen[i]).length} of ${chosen.length}`,
  ]);
  const data = states.map(({ name, times }) => ({ name, threads, milliseconds: summary(times) }));
  const title = `Decoding SmolLM2-135M-Instruct (Q4_1) behind ${prompt} tokens of text, ${threads} thread${threads === 1 ? "" : "s"}`;
  table(title, ["", "milliseconds a step", "tokens/s", "times llama.cpp", "same next token as f32"], rows, data);
  for (const { session, dispose } of states) {
    await session.dispose();
    await dispose();
  }
}
