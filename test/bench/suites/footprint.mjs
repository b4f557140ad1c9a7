/** How long a model takes to load, how large it is to send, and how much memory it takes: each in a process of its own. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { table } from "../report.mjs";

const child = fileURLToPath(new URL("./footprint-child.mjs", import.meta.url));
const names = ["trafo typescript", "trafo wasm", "onnxruntime-web", "onnxruntime-node"];
const tasks = ["MiniLM size, 128 tokens", "GPT-2 small, prefill of 128, all logits"];

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

export function footprint({ rounds = 3 }) {
  const rows = [];
  const data = [];
  for (const task of tasks)
    for (const name of names) {
      const runs = [];
      for (let round = 0; round < rounds; round++) {
        const { status, stdout, stderr } = spawnSync(process.execPath, [child, name, task], { encoding: "utf8" });
        if (status !== 0) throw new Error(`${name}: ${stderr}`);
        runs.push(JSON.parse(stdout.trim().split("\n").at(-1)));
      }
      if (runs[0] === null) continue;
      runs.sort((a, b) => a.load - b.load);
      const { load, first, code, memory, weights } = runs[rounds >> 1];
      const factor = (memory / weights).toFixed(2);
      rows.push([
        `${task}: ${name}`,
        load.toFixed(0),
        first.toFixed(0),
        (code / 1e3).toFixed(1),
        megabytes(memory),
        factor,
      ]);
      data.push({ task, name, load, first, code, memory, weights });
    }
  const header = ["", "load ms", "first run ms", "code KB gzipped", "peak MB", "peak / weights"];
  table("Load, size and memory (weights are given as bytes in memory)", header, rows, data);
}
