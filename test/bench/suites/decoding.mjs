/** Decoding token by token with what was computed before kept, batch 1, behind prompts of several lengths. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { decodersFor } from "../contestants.mjs";
import { clockFor, difference, median } from "../measure.mjs";
import { spread, summary, table } from "../report.mjs";
import { decodingTask } from "../tasks.mjs";

const name = "GPT-2 small";
const positions = [16, 128, 512];
const peers = ["onnxruntime-web", "onnxruntime-node"];
const quantized = ["trafo wasm int8", "trafo wasm int4"];
const contestantNames = ["trafo wasm", ...peers, ...quantized, "trafo typescript"];
/** Steps of a sample; those of one contestant follow each other, as when one decodes. */
const steps = 4;
/** Before the first sample: engines compile what runs often. */
const warmUp = 8;
/** How far scores may be off, relative to the largest: of made-up weights, which are spread evenly, few bits keep less. */
const tolerances = { "trafo wasm int8": 0.05, "trafo wasm int4": 0.5 };
const tolerance = (name) => tolerances[name] ?? 1e-3;

setFlagsFromString("--expose-gc");
/** What one contestant leaves behind is no work of the next. */
const collectGarbage = runInNewContext("gc");

/** Decodes behind a prompt with each contestant in turn. @returns sorted milliseconds of a step, by name */
async function decoded(task, contestants, { prompt, rounds, now }) {
  const all = task.tokens(prompt + warmUp + rounds * steps);
  const states = [];
  for (const { name, open } of contestants) {
    const session = await open(all.length);
    await session.next(all.slice(0, prompt));
    for (let i = 0; i < warmUp; i++) await session.next(all.slice(prompt + i, prompt + i + 1));
    states.push({ name, session, times: [], scores: null });
  }
  for (let round = 0; round < rounds; round++) {
    const first = prompt + warmUp + round * steps;
    for (const state of states) {
      collectGarbage();
      const start = now();
      for (let i = first; i < first + steps; i++) state.scores = await state.session.next(all.slice(i, i + 1));
      state.times.push((now() - start) / steps);
      const apart = difference(states[0].scores, state.scores);
      if (!(apart < tolerance(state.name)))
        throw new Error(`${task.name}: ${state.name} is off by ${apart} of ${states[0].name}`);
    }
  }
  for (const { session } of states) session.dispose();
  return new Map(states.map(({ name, times }) => [name, times.sort((a, b) => a - b)]));
}

export async function decoding({ rounds = 9, only = /./, threads = 1 }) {
  if (!only.test(name)) return;
  const task = decodingTask(name);
  const contestants = await decodersFor(task, contestantNames, { threads });
  const now = clockFor(threads);
  const rows = [];
  const data = [];
  for (const prompt of positions) {
    // A prompt of 512 takes half a minute as JavaScript.
    const racing = contestants.filter(({ name }) => prompt < 512 || name !== "trafo typescript");
    const times = await decoded(task, racing, { prompt, rounds, now });
    const cell = (name, show) => (times.has(name) ? show(times.get(name)) : "–");
    const own = (name, peer) => cell(peer, (all) => cell(name, (each) => (median(all) / median(each)).toFixed(2)));
    rows.push([
      `behind ${prompt}`,
      ...contestantNames.map((name) => cell(name, spread)),
      (1000 / median(times.get("trafo wasm"))).toFixed(1),
      ...peers.map((peer) => own("trafo wasm", peer)),
      ...quantized.map((name) => own(name, "onnxruntime-web")),
    ]);
    data.push({
      prompt,
      threads,
      milliseconds: Object.fromEntries([...times].map(([key, all]) => [key, summary(all)])),
    });
  }
  for (const contestant of contestants) await contestant.dispose();
  const bytes = [...task.weights].reduce(
    (sum, [name, { data: all }]) => sum + (/wpe/.test(name) ? 0 : all.byteLength),
    0,
  );
  const title = `Decoding ${name}, ${threads} thread${threads === 1 ? "" : "s"}: milliseconds of a step, which reads ${(bytes / 1e6).toFixed(0)} MB of weights as f32`;
  const ratios = ["times ort-web", "times ort-node", "int8 times ort-web f32", "int4"];
  table(title, ["", ...contestantNames, "tokens/s: trafo", ...ratios], rows, data);
}
