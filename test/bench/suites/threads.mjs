/** Whole models on the WebAssembly target with one thread and with two, in turn, by the clock on the wall. */
import { contestantsFor } from "../contestants.mjs";
import { table } from "../report.mjs";
import { models } from "../tasks.mjs";
import { dataOf, race, ratio, timesCell } from "./race.mjs";

const name = "trafo wasm";

export async function threads({ rounds = 15, only = /128/, threads = 2 }) {
  const counts = [1, threads];
  const named = (count) => `${name}, ${count} ${count === 1 ? "thread" : "threads"}`;
  const rows = [];
  const data = [];
  for (const [taskName, make] of Object.entries(models)) {
    if (!only.test(taskName)) continue;
    const task = make(taskName);
    const contestants = [];
    for (const count of counts)
      for (const each of await contestantsFor(task, [name], { threads: count }))
        contestants.push({ ...each, name: named(count) });
    if (contestants.length < counts.length) continue;
    const results = await race(task, contestants, { rounds, threads });
    const [one, several] = counts.map((count) => results.get(named(count)));
    rows.push([
      taskName,
      ...counts.map((count) => timesCell(results, named(count))),
      ratio(results, named(threads), named(1)),
      (one.times[0] / several.times[0]).toFixed(2),
    ]);
    data.push(dataOf(task, threads, results));
  }
  const header = ["milliseconds", ...counts.map(named), "times one thread", "of the least"];
  table("Threads of WebAssembly, on a machine that does nothing else", header, rows, data);
}
