/**
 * Loads one contestant with one task and runs it once; prints what that took as JSON. Memory is what the process held at
 * most above what it held before, the weights themselves counted once: contestants are given them in memory.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { compiled, contestantsFor } from "../contestants.mjs";
import { onnxBytes, onnxruntime } from "../peers/onnxruntime.mjs";
import { folderOf } from "../peers/packages.mjs";
import { models } from "../tasks.mjs";

const [name, taskName] = process.argv.slice(2);
const task = models[taskName](taskName);

/** The bytes of code that a page loads, compressed. */
async function codeBytes() {
  const size = (bytes) => gzipSync(bytes).length;
  if (name.startsWith("trafo")) {
    const { javascript } = await compilation.get("emit");
    return size(javascript);
  }
  if (name === "onnxruntime-node") return 0;
  const folder = folderOf("onnxruntime-web");
  const used = ["ort.wasm.min.mjs", "ort-wasm-simd-threaded.wasm", "ort-wasm-simd-threaded.mjs"];
  return readdirSync(folder)
    .filter((file) => used.includes(file))
    .reduce((sum, file) => sum + size(readFileSync(join(folder, file))), 0);
}

const peak = () => process.resourceUsage().maxRSS * 1024;

const isOnnx = name.startsWith("onnxruntime");
const bytes = isOnnx ? onnxBytes(task) : null;
// What compiling takes is no part of loading: a module is compiled once, and sent.
const compilation = isOnnx ? null : await compiled(name.slice("trafo ".length), task);
if (!isOnnx && compilation === null) {
  console.log("null");
  process.exit(0);
}
const code = await codeBytes();
const before = peak();
const start = performance.now();
const contestant = isOnnx
  ? await onnxruntime(name.slice("onnxruntime-".length), task, { bytes })
  : ((await contestantsFor(task, [name], { compilation }))[0] ?? null);
const load = performance.now() - start;
if (contestant === null) console.log("null");
else {
  await contestant.run();
  const first = performance.now() - start - load;
  const memory = peak() - before + task.bytes;
  console.log(JSON.stringify({ load, first, code, memory, weights: task.bytes }));
}
process.exit(0);
