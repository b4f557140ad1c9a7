/**
 * Loads one contestant from the files of a folder and runs it once; prints what that took as JSON. Loading begins with the
 * code, and memory is what the process held at most above what it held before.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { onnxruntime } from "../peers/onnxruntime.mjs";

const [name, folder] = process.argv.slice(2);
const { inputs, entry, output } = JSON.parse(readFileSync(join(folder, "task.json"), "utf8"));
const arrays = { f32: Float32Array, i32: Int32Array };
const given = inputs.map(([key, { data, shape, type }]) => [key, { data: arrays[type].from(data), shape, type }]);

async function loaded() {
  if (name.startsWith("onnxruntime-")) {
    const task = { inputs: new Map(given), output };
    return onnxruntime(name.slice("onnxruntime-".length), task, { bytes: join(folder, "model.onnx") });
  }
  const { load } = await import(pathToFileURL(join(folder, `${name}.mjs`)).href);
  const model = await load({ weights: join(folder, "model.safetensors") });
  return { run: async () => (await model[entry](Object.fromEntries(given)))[output].data };
}

/**
 * The most bytes that this process has held. Linux tells; `resourceUsage` does elsewhere, and on Linux includes what the
 * process held that started this one.
 */
function peak() {
  const status = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : "";
  const [, kilobytes] = /^VmHWM:\s*(\d+) kB$/m.exec(status) ?? [];
  return 1024 * Number(kilobytes ?? process.resourceUsage().maxRSS);
}

const before = peak();
const start = performance.now();
const contestant = await loaded();
const load = performance.now() - start;
await contestant.run();
const first = performance.now() - start - load;
console.log(JSON.stringify({ load, first, memory: peak() - before }));
process.exit(0);
