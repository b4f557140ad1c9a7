/**
 * How long a model takes to load from its files, how large its code is to send, and how much memory it takes: each in a
 * process of its own.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { namedTensors } from "../../../dist/src/driver/module-runner.js";
import { writeSafetensors } from "../../../dist/src/runtime/host/safetensors-writer.js";
import { compiled } from "../contestants.mjs";
import { onnxBytes } from "../peers/onnxruntime.mjs";
import { folderOf, pathOf } from "../peers/packages.mjs";
import { table } from "../report.mjs";
import { models } from "../tasks.mjs";

const child = fileURLToPath(new URL("./footprint-child.mjs", import.meta.url));
const targets = ["typescript", "wasm"];
const peers = ["onnxruntime-web", "onnxruntime-node"];
const taskNames = ["MiniLM size, 128 tokens", "GPT-2 small, prefill of 128, all logits"];

const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

/** Writes what the processes read: modules, weights, the model for the peers, inputs. @returns the bytes of code, by name */
async function write(task, folder) {
  const code = new Map();
  for (const target of targets) {
    const compilation = await compiled(target, task);
    if (compilation === null) continue;
    const { javascript } = await compilation.get("emit");
    writeFileSync(join(folder, `trafo ${target}.mjs`), javascript);
    code.set(`trafo ${target}`, gzipSync(javascript).length);
  }
  writeFileSync(join(folder, "model.safetensors"), writeSafetensors(namedTensors([task.graph], task.weights)));
  const inputs = [...task.inputs].map(([name, { data, shape, type }]) => [name, { data: [...data], shape, type }]);
  writeFileSync(join(folder, "task.json"), JSON.stringify({ inputs, entry: task.entry, output: task.output }));
  const installed = peers.filter((name) => pathOf(name) !== null);
  if (installed.length > 0) writeFileSync(join(folder, "model.onnx"), onnxBytes(task));
  for (const name of installed) code.set(name, name === "onnxruntime-web" ? webBytes() : 0);
  return code;
}

/** The bytes of onnxruntime-web that a page loads, compressed. */
function webBytes() {
  const folder = folderOf("onnxruntime-web");
  const used = ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.wasm", "ort-wasm-simd-threaded.mjs"];
  return readdirSync(folder)
    .filter((file) => used.includes(file))
    .reduce((sum, file) => sum + gzipSync(readFileSync(join(folder, file))).length, 0);
}

function measured(name, folder) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [child, name, folder], { encoding: "utf8" });
  if (status !== 0) throw new Error(`${name}: ${stderr}`);
  return JSON.parse(stdout.trim().split("\n").at(-1));
}

export async function footprint({ rounds = 5, only = /./ }) {
  const rows = [];
  const data = [];
  for (const taskName of taskNames.filter((each) => only.test(each))) {
    const task = models[taskName](taskName);
    const folder = mkdtempSync(join(tmpdir(), "trafo-bench-"));
    try {
      const code = await write(task, folder);
      const runs = new Map([...code.keys()].map((name) => [name, []]));
      for (let round = 0; round < rounds; round++) for (const [name, all] of runs) all.push(measured(name, folder));
      for (const [name, all] of runs) {
        all.sort((a, b) => a.load - b.load);
        const { load, first, memory } = all[rounds >> 1];
        const [least, most] = [all[0].load, all.at(-1).load];
        rows.push([
          `${taskName}: ${name}`,
          `${load.toFixed(0)} (${least.toFixed(0)} – ${most.toFixed(0)})`,
          first.toFixed(0),
          (code.get(name) / 1e3).toFixed(1),
          megabytes(memory),
          (memory / task.bytes).toFixed(2),
        ]);
        data.push({
          task: taskName,
          name,
          load,
          least,
          most,
          first,
          code: code.get(name),
          memory,
          weights: task.bytes,
        });
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  const header = ["", "load ms", "first run ms", "code KB gzipped", "peak MB", "peak / weights"];
  table("Load from files, size and memory", header, rows, data);
}
