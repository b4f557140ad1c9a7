/**
 * Times several contestants in turn, so that what disturbs the machine disturbs all alike.
 *
 * One sample repeats a run until it takes long enough to be told from the clock and from the call around it. One thread is
 * measured by the time that this process spends computing, which other processes on the machine do not change; several
 * threads by the clock on the wall, since theirs is what a user waits for.
 */

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** A sample is at least this long, in milliseconds. */
const leastSample = 20;
/** Runs before the first sample, at least: engines compile what runs often. */
const leastWarmUp = 400;

const processTime = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

export const clockFor = (threads) => (threads === 1 ? processTime : () => performance.now());

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");
/** Milliseconds for what the engine still does on threads of its own, whose time is the process's too. */
const settling = 40;

/** Before a sample: what the contestant before has left to threads of the engine is no work of the next. */
export const settled = () => new Promise((resolve) => setTimeout(resolve, settling));

/** As that, where contestants leave so much garbage that its collection would fall into the samples of others. */
export function withoutGarbage() {
  collectGarbage();
  return settled();
}

/** The milliseconds of one run, over `repeats` of them. */
async function sample(run, repeats, now) {
  const start = now();
  for (let i = 0; i < repeats; i++) await run();
  return (now() - start) / repeats;
}

/** Runs until the engine has had its time, after a first run whose output was compared, and tells how many one sample takes. */
async function warmedUp(run, now) {
  const start = performance.now();
  let last = 0;
  for (let repeats = 1; performance.now() - start < leastWarmUp; ) {
    last = await sample(run, repeats, now);
    if (last * repeats < leastSample) repeats *= 2;
  }
  return Math.max(1, Math.ceil(leastSample / Math.max(last, 1e-4)));
}

/**
 * @param contestants `{ name, run }` each
 * @returns milliseconds of each by name, sorted
 */
export async function interleaved(contestants, { rounds, threads = 1 }) {
  const now = clockFor(threads);
  const times = new Map();
  const repeats = new Map();
  for (const { name, run } of contestants) {
    repeats.set(name, await warmedUp(run, now));
    times.set(name, []);
  }
  for (let round = 0; round < rounds; round++)
    for (const { name, run } of contestants) {
      const count = repeats.get(name);
      await settled();
      // What a pause has made cold, code and caches, is warm again where runs are short.
      if (count > 1) await sample(run, count, now);
      times.get(name).push(await sample(run, count, now));
    }
  for (const each of times.values()) each.sort((a, b) => a - b);
  return times;
}

export const median = (sorted) => sorted[sorted.length >> 1];

/** The largest difference of two outputs, relative to the largest magnitude of the first. */
export function difference(expected, found) {
  if (expected.length !== found.length) return Number.NaN;
  let [most, scale] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const apart = Math.abs(expected[i] - found[i]);
    // A NaN must show.
    if (!(apart <= most)) most = apart;
    scale = Math.max(scale, Math.abs(expected[i]));
  }
  return scale === 0 ? most : most / scale;
}
