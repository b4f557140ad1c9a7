/** Products of matrices, one thread: against a plain loop by hand, and against the peers. */
import { byHand, contestantsFor, kernelAlone } from "../contestants.mjs";
import { peak } from "../peak.mjs";
import { table } from "../report.mjs";
import { productTask } from "../tasks.mjs";
import { dataOf, race, rateCell, ratio, share, timesCell } from "./race.mjs";

const shapes = [
  [64, 64, 64],
  [256, 256, 256],
  [512, 512, 512],
  [128, 768, 768],
  [128, 3072, 768],
  [127, 777, 763],
  [1, 768, 768],
  [1, 50257, 768],
];

const names = ["trafo typescript", "trafo wasm", "onnxruntime-web", "tfjs-wasm", "tfjs-cpu", "onnxruntime-node"];

export async function products({ rounds = 9, only = /./ }) {
  const rows = [];
  const native = [];
  const data = [];
  for (const shape of shapes) {
    const task = productTask(shape);
    if (!only.test(task.name)) continue;
    const alone = await kernelAlone(shape, task);
    const contestants = [
      ...(await contestantsFor(task, names)),
      byHand(shape, task),
      ...(alone ? [alone] : []),
      peak(),
    ];
    const results = await race(task, contestants, { rounds });
    const typescript = "trafo typescript";
    const wasm = "trafo wasm";
    rows.push([
      task.name,
      timesCell(results, typescript),
      rateCell(results, typescript),
      rateCell(results, "by hand"),
      rateCell(results, "tfjs-cpu"),
      ratio(results, typescript, "by hand"),
      ratio(results, "kernel alone", "by hand"),
      ratio(results, typescript, "tfjs-cpu"),
    ]);
    native.push([
      task.name,
      timesCell(results, wasm),
      ...[wasm, "onnxruntime-web", "tfjs-wasm", "onnxruntime-node"].map((name) => rateCell(results, name)),
      share(results, wasm, "peak"),
      ratio(results, wasm, "onnxruntime-web"),
      ratio(results, wasm, "tfjs-wasm"),
    ]);
    data.push(dataOf(task, 1, results));
  }
  const start = ["M×N×K", "trafo ms", "GFLOP/s: trafo"];
  table(
    "Products of matrices as JavaScript, one thread",
    [...start, "by hand", "tfjs-cpu", "times by hand", "kernel alone", "times tfjs-cpu"],
    rows,
    data,
  );
  const web = ["onnxruntime-web", "tfjs-wasm", "onnxruntime-node", "of peak", "times ort-web", "times tfjs-wasm"];
  table("Products of matrices as WebAssembly, one thread", [...start, ...web], native, data);
}
