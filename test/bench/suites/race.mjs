/** One task, several contestants: timed in turn, their outputs compared with those of the first. */
import { difference, interleaved, median } from "../measure.mjs";
import { spread, summary } from "../report.mjs";

/** Outputs that differ by more are no outputs of one model. */
const tolerance = 1e-3;

/** @returns for each contestant its times in milliseconds, the GFLOP/s of the median, and how far its output is off */
export async function race(task, contestants, options) {
  const expected = Float32Array.from(await contestants[0].run());
  const off = new Map();
  for (const { name, run, bound } of contestants) {
    if (bound) continue;
    const apart = difference(expected, await run());
    if (!(apart < tolerance)) throw new Error(`${task.name}: ${name} is off by ${apart} of ${contestants[0].name}`);
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
