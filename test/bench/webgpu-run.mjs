/**
 * Measures compiled WGSL modules on the adapter that Dawn finds: node webgpu-run.mjs FOLDER [OUT.json] [ADAPTER]
 *
 * FOLDER holds models.json and the modules that it names, as webgpu-pack.mjs makes them; weights and inputs are made up.
 * For each model: loading with all pipelines, the first run, the median of further ones with outputs read back and with
 * outputs left on the device, the dispatches of a run, and the device's own time for each kernel, with its source line.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [folder = ".", out, adapterName] = process.argv.slice(2);
const { create } = await import(process.env.WEBGPU_PACKAGE ?? "webgpu");
// Dawn's object must be kept as long as its devices are used.
const gpu = create(adapterName ? [`adapter=${adapterName}`] : []);
const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
if (!adapter) {
  console.error("WebGPU has no adapter here: no driver for Vulkan was found");
  process.exit(1);
}
const limits = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
  "maxComputeWorkgroupSizeX",
];
const device = await adapter.requestDevice({
  requiredLimits: Object.fromEntries(limits.map((name) => [name, adapter.limits[name]])),
  requiredFeatures: ["timestamp-query", "shader-f16", "subgroups"].filter((name) => adapter.features.has(name)),
});
const { vendor, architecture, device: card, description } = adapter.info;
console.log(`adapter: ${[vendor, architecture, card, description].filter(Boolean).join(", ")}`);

let state = 1;
function random() {
  state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return (state >>> 8) / 2 ** 24 - 0.5;
}

function tensor({ shape, type, below }, scale) {
  const count = shape.reduce((product, extent) => product * extent, 1);
  if (type === "i32") return { data: Int32Array.from({ length: count }, (_, i) => i % (below ?? 2)), shape, type };
  const data = new Float32Array(count);
  for (let i = 0; i < count; i++) data[i] = random() * scale;
  return { data, shape, type };
}

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];

async function timed(action) {
  const start = performance.now();
  const result = await action();
  return { milliseconds: performance.now() - start, result };
}

async function measure(model) {
  const module = await import(pathToFileURL(resolve(join(folder, model.module))).href);
  const weights = new Map(model.weights.map((each) => [each.name, tensor(each, 0.05)]));
  const loading = await timed(() => module.load({ weights, device }));
  const loaded = loading.result;
  const inputs = Object.fromEntries(model.inputs.map((each) => [each.name, tensor(each, 2)]));
  const run = loaded[model.entry].bind(loaded);
  const first = await timed(() => run(inputs));
  const [output] = Object.values(first.result);
  const finite = output.data.every((value) => Number.isFinite(value));
  const kept = async () => {
    const outputs = await run(inputs, { keepOnDevice: true });
    await device.queue.onSubmittedWorkDone();
    for (const each of Object.values(outputs)) each.destroy();
  };
  await kept();
  const turns = Math.max(3, Math.min(30, Math.ceil(2000 / Math.max(1, first.milliseconds))));
  const read = [];
  const stay = [];
  for (let turn = 0; turn < turns; turn++) {
    read.push((await timed(() => run(inputs))).milliseconds);
    stay.push((await timed(kept)).milliseconds);
  }
  let kernels = [];
  if (device.features.has("timestamp-query")) {
    const samples = [];
    for (let turn = 0; turn < 3; turn++) await run(inputs, { onTimes: (times) => samples.push(times) });
    const sums = new Map();
    for (const { kernel, about, milliseconds } of samples.at(-1)) {
      const known = sums.get(kernel) ?? { kernel, about, runs: 0, milliseconds: 0 };
      sums.set(kernel, { ...known, runs: known.runs + 1, milliseconds: known.milliseconds + milliseconds });
    }
    kernels = [...sums.values()].sort((a, b) => b.milliseconds - a.milliseconds);
  }
  loaded.dispose();
  const onDevice = kernels.reduce((sum, each) => sum + each.milliseconds, 0);
  const dispatches = kernels.reduce((sum, each) => sum + each.runs, 0);
  const [readBack, left] = [median(read), median(stay)];
  console.log(`\n${model.name}${finite ? "" : " (outputs are not finite)"}`);
  console.log(`  load ${loading.milliseconds.toFixed(1)} ms, first run ${first.milliseconds.toFixed(1)} ms`);
  console.log(
    `  run ${readBack.toFixed(3)} ms read back, ${left.toFixed(3)} ms left on the device (median of ${turns})`,
  );
  if (kernels.length > 0) console.log(`  on the device ${onDevice.toFixed(3)} ms in ${dispatches} dispatches`);
  if (model.flops) {
    const rate = (milliseconds) => (model.flops / milliseconds / 1e6).toFixed(1);
    console.log(`  ${rate(left)} GFLOP/s over the run${onDevice > 0 ? `, ${rate(onDevice)} on the device` : ""}`);
  }
  for (const each of kernels.slice(0, 12)) {
    console.log(`  ${each.milliseconds.toFixed(4).padStart(10)} ms  ${String(each.runs).padStart(3)} x  ${each.about}`);
  }
  return {
    name: model.name,
    finite,
    load: loading.milliseconds,
    first: first.milliseconds,
    readBack,
    left,
    onDevice,
    dispatches,
    kernels,
  };
}

const models = JSON.parse(readFileSync(join(folder, "models.json"), "utf8"));
const results = [];
for (const model of models) {
  try {
    results.push(await measure(model));
  } catch (error) {
    console.log(`\n${model.name}: ${error.message}`);
    results.push({ name: model.name, error: error.message });
  }
}
if (out)
  writeFileSync(out, `${JSON.stringify({ adapter: { vendor, architecture, card, description }, results }, null, 2)}\n`);
device.destroy();
process.exit(0);
