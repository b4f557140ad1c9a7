/** One task, several contestants: timed in turn, their outputs compared with those of the first. */
import { difference, interleaved, median } from "../measure.mjs";
import { spread, summary } from "../report.mjs";

/** Outputs that differ by more are no outputs of one model. */
const tolerance = 1e-3;

/** @returns for each contestant its times in milliseconds, the GFLOP/s of the median, and how far its output is off */
export async function race(task, entered, options) {
  const expected = Float32Array.from(await entered[0].run());
  const off = new Map();
  const contestants = [];
  for (const contestant of entered) {
    const { name, run, bound } = contestant;
    const output = bound ? null : await outputOf(task, contestant);
    if (!bound && output === null) continue;
    contestants.push(contestant);
    if (bound) continue;
    const apart = difference(expected, output);
    if (!(apart < tolerance)) throw new Error(`${task.name}: ${name} is off by ${apart} of ${entered[0].name}`);
    // Once more: some peers fail only where memory of the run before is used again.
    if ((await outputOf(task, { name, run })) === null) contestants.pop();
    off.set(name, apart);
  }
  const times = await interleaved(contestants, options);
  for (const contestant of contestants) await contestant.dispose();
  return new Map(
    contestants.map(({ name, work = task.work }) => {
      const all = times.get(name);
      return [name, { times: all, median: median(all), rate: work / median(all) / 1e6, off: off.get(name) ?? null }];
    }),
  );
}

/** The output of a contestant; null, and a line that says so, where it breaks, as a peer may that runs out of memory. */
async function outputOf(task, { name, run }) {
  try {
    return await run();
  } catch (error) {
    console.error(`${task.name}: ${name} is left out: ${error.message}`);
    return null;
  }
}

/** How many times the first is as fast as the second, by the medians; `–` where one did not run. */
export function ratio(results, first, second) {
  const [a, b] = [results.get(first), results.get(second)];
  return a && b ? (b.median / a.median).toFixed(2) : "–";
}

/** The share of a bound that one reaches, by GFLOP/s. */
export function share(results, name, bound) {
  const [a, b] = [results.get(name), results.get(bound)];
  return a && b ? (a.rate / b.rate).toFixed(2) : "–";
}

export const cell = (results, name, what) => (results.has(name) ? what(results.get(name)) : "–");
export const timesCell = (results, name) => cell(results, name, ({ times }) => spread(times));
export const rateCell = (results, name) => cell(results, name, ({ rate }) => rate.toFixed(rate < 10 ? 2 : 1));

/** The results as data. */
export const dataOf = (task, threads, results) => ({
  task: task.name,
  threads,
  gigaflop: task.work / 1e9,
  results: Object.fromEntries(
    [...results].map(([name, { times, rate, off }]) => [name, { milliseconds: summary(times), gflops: rate, off }]),
  ),
});
