/** Decoding token by token with what was computed before kept, batch 1, behind prompts of several lengths. */
import { decodersFor } from "../contestants.mjs";
import { clockFor, difference, median, withoutGarbage } from "../measure.mjs";
import { spread, summary, table } from "../report.mjs";
import { decodingTask } from "../tasks.mjs";

const name = "GPT-2 small";
const positions = [16, 128, 512];
const peers = ["onnxruntime-web", "onnxruntime-node"];
const quantized = ["trafo wasm f16", "trafo wasm int8", "trafo wasm int4"];
const contestantNames = ["trafo wasm", ...peers, ...quantized, "trafo typescript"];
/** Steps of a sample; those of one contestant follow each other, as when one decodes. */
const steps = 8;
/** Steps before each sample that are not measured: what others left in the caches is none of them. */
const leadIn = 1;
/** Before the first sample: engines compile what runs often. */
const warmUp = 8;
/** How far scores may be off, relative to the largest: of made-up weights, which are spread evenly, few bits keep less. */
const tolerances = { "trafo wasm f16": 0.02, "trafo wasm int8": 0.05, "trafo wasm int4": 0.5 };
const tolerance = (name) => tolerances[name] ?? 1e-3;

/** Decodes behind a prompt with each contestant in turn. @returns sorted milliseconds of a step, by name */
async function decoded(task, contestants, { prompt, rounds, now }) {
  const ofRound = leadIn + steps;
  const all = task.tokens(prompt + warmUp + rounds * ofRound);
  const states = [];
  for (const { name, open } of contestants) {
    const session = await open(all.length);
    await session.next(all.slice(0, prompt));
    for (let i = 0; i < warmUp; i++) await session.next(all.slice(prompt + i, prompt + i + 1));
    states.push({ name, session, times: [], scores: null });
  }
  for (let round = 0; round < rounds; round++) {
    const first = prompt + warmUp + round * ofRound;
    for (const state of states) {
      await withoutGarbage();
      let start = now();
      for (let i = 0; i < ofRound; i++) {
        if (i === leadIn) start = now();
        state.scores = await state.session.next(all.slice(first + i, first + i + 1));
      }
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
  const ratios = ["times ort-web", "times ort-node", "f16 times ort-web f32", "int8", "int4"];
  table(title, ["", ...contestantNames, "tokens/s: trafo", ...ratios], rows, data);
}
