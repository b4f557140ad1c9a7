/** Whole models with made-up weights, batch 1. */
import { contestantsFor } from "../contestants.mjs";
import { table } from "../report.mjs";
import { models as tasks } from "../tasks.mjs";
import { dataOf, race, ratio, timesCell } from "./race.mjs";

async function compare(title, names, ratios, { only, rounds, threads = 1 }) {
  const rows = [];
  const data = [];
  for (const [name, make] of Object.entries(tasks)) {
    if (!only(name)) continue;
    const task = make(name);
    const contestants = await contestantsFor(task, names, { threads });
    if (contestants.length === 0) continue;
    const results = await race(task, contestants, { rounds, threads });
    rows.push([
      `${name} (${(task.work / 1e9).toFixed(1)} GFLOP)`,
      ...names.map((each) => timesCell(results, each)),
      ...ratios.map(([a, b]) => ratio(results, a, b)),
    ]);
    data.push(dataOf(task, threads, results));
  }
  table(title, ["milliseconds", ...names, ...ratios.map(([, peer]) => `times ${peer}`)], rows, data);
}

/** The TypeScript target against TensorFlow.js without WebAssembly. */
export function javascript({ rounds = 3, only = /MiniLM|GPT-2/ }) {
  return compare(
    "Whole models as JavaScript, one thread",
    ["trafo typescript", "tfjs-cpu"],
    [["trafo typescript", "tfjs-cpu"]],
    {
      only: (name) => only.test(name),
      rounds,
    },
  );
}

/** The WebAssembly target against the peers, with one thread or more. */
export function webassembly({ rounds = 7, only = /./, threads = 1 }) {
  const names = ["trafo wasm", "onnxruntime-web", "tfjs-wasm", "onnxruntime-node"];
  const title = `Whole models as WebAssembly, ${threads === 1 ? "one thread" : `${threads} threads`}`;
  const ratios = [
    ["trafo wasm", "onnxruntime-web"],
    ["trafo wasm", "tfjs-wasm"],
  ];
  return compare(title, names, ratios, { only: (name) => only.test(name), rounds, threads });
}
