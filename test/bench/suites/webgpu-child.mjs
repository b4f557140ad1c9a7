/** Runs one task on one adapter, on the WGSL target and its peers, and sends its table to the process that made this one. */
import { compiled, contestantsFor } from "../contestants.mjs";
import { counted, reset, webgpu } from "../peers/webgpu.mjs";
import { models, productTask, shallowModels } from "../tasks.mjs";
import { cell, dataOf, race, rateCell, ratio, timesCell } from "./race.mjs";

const everyone = ["trafo wgsl", "onnxruntime-web webgpu", "onnxruntime-node webgpu", "tfjs-webgpu", "jax-js"];

const { shape, full, names, rounds } = JSON.parse(process.argv[2]);
const [name] = names;
const task = shape ? productTask(shape) : (full ? models : shallowModels)[name](name);
const found = await webgpu();
if (found === null) {
  console.error("WebGPU has no adapter here");
  process.exit(1);
}

// What compiling takes is no part of loading: a module is compiled once, and sent.
const compilation = await compiled("wgsl", task);
const contestants = [];
/** What was counted of each until its first output, and in a second run. */
const made = new Map();
for (const each of everyone) {
  try {
    reset();
    const start = performance.now();
    const [contestant] = await contestantsFor(task, [each], { compilation });
    if (contestant === undefined) continue;
    await contestant.run();
    const first = performance.now() - start;
    const { pipelines, pipelineMilliseconds } = counted;
    reset();
    await contestant.run();
    const isCounted = contestant.isCounted !== false;
    made.set(each, {
      first,
      ...(isCounted ? { pipelines, pipelineMilliseconds, dispatches: counted.dispatches } : {}),
    });
    contestants.push(contestant);
    const { keep } = contestant;
    if (keep) contestants.push({ name: `${each}, kept`, run: keep, bound: true, dispose: () => {} });
  } catch (error) {
    console.log(`${task.name}: ${each} is left out: ${error.message.split("\n")[0]}`);
  }
}
// On a processor, the time that the process computes: the device's is in it, and what else the machine does is not. On
// a GPU, the clock on the wall.
const results = await race(task, contestants, { rounds, threads: found.isSoftware ? 1 : 2 });
const [ours] = everyone;
const number = (value, digits = 0) => value?.toFixed(digits) ?? "–";
const rows = everyone
  .filter((each) => results.has(each))
  .map((each) => {
    const { first, pipelines, pipelineMilliseconds, dispatches } = made.get(each);
    return [
      each,
      timesCell(results, each),
      timesCell(results, `${each}, kept`),
      rateCell(results, each),
      number(dispatches),
      number(pipelines),
      number(pipelineMilliseconds),
      number(first),
      each === ours ? "" : ratio(results, ours, each),
      cell(results, each, ({ off }) => off.toExponential(0)),
    ];
  });
const { adapter } = found;
const card = adapter.info.description || adapter.info.device;
const clock = found.isSoftware ? "milliseconds of the processor" : "milliseconds";
process.send({
  title: `${task.name} (${(task.work / 1e9).toFixed(2)} GFLOP) on WebGPU, ${card}, ${clock}`,
  header: [
    "",
    "read back",
    "left on the device",
    "GFLOP/s",
    "dispatches",
    "pipelines",
    "made in ms",
    "load and first run ms",
    "trafo times",
    "off by",
  ],
  rows,
  data: { adapter: card, ...dataOf(task, 1, results), made: Object.fromEntries(made) },
});
process.disconnect();
// The devices of peers would keep the process alive.
setTimeout(() => process.exit(0), 10);
