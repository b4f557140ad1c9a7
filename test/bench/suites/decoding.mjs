/** Decoding token by token with what was computed before kept, batch 1, behind prompts of several lengths. */
import { decodersFor } from "../contestants.mjs";
import { clockFor, difference, median } from "../measure.mjs";
import { spread, summary, table } from "../report.mjs";
import { decodingTask } from "../tasks.mjs";

const name = "GPT-2 small, f32";
const positions = [16, 128, 512];
const contestantNames = ["trafo wasm", "onnxruntime-web", "onnxruntime-node", "trafo typescript"];
/** Steps of a sample; those of one contestant follow each other, as when one decodes. */
const steps = 4;
/** Before the first sample: engines compile what runs often. */
const warmUp = 8;
const tolerance = 1e-3;

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
      const start = now();
      for (let i = first; i < first + steps; i++) state.scores = await state.session.next(all.slice(i, i + 1));
      state.times.push((now() - start) / steps);
      const apart = difference(states[0].scores, state.scores);
      if (!(apart < tolerance)) throw new Error(`${task.name}: ${state.name} is off by ${apart} of ${states[0].name}`);
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
    const own = median(times.get("trafo wasm"));
    rows.push([
      `behind ${prompt}`,
      ...contestantNames.map((name) => cell(name, spread)),
      (1000 / own).toFixed(1),
      ...["onnxruntime-web", "onnxruntime-node"].map((name) => cell(name, (all) => (median(all) / own).toFixed(2))),
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
  const title = `Decoding ${name}, ${threads} thread${threads === 1 ? "" : "s"}: milliseconds of a step, which reads ${(bytes / 1e6).toFixed(0)} MB of weights`;
  table(title, ["", ...contestantNames, "tokens/s: trafo", "times ort-web", "times ort-node"], rows, data);
}
