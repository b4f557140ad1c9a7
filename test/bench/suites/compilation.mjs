/**
 * Compiling to a TypeScript module, from the source to the texts, in a fresh process each: what a user of the command line
 * waits for after start-up. Wall and processor time; equal layers share their kernels, so that depth costs little.
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { spread, summary, table } from "../report.mjs";

const subjects = [
  ["gpt2", 12],
  ["gpt2", 96],
  ["llama", 16],
  ["t5", 6],
  ["bert", 12],
];

/** Run by a process of its own: the milliseconds of each stage. */
export async function compileOnce(name, layers) {
  // As the command line starts.
  await import("../../../src/cli/short-run.mjs");
  const { Compilation } = await import("../../../dist/src/driver/pipeline.js");
  const { nodeFiles } = await import("../../../dist/src/driver/node-files.js");
  const path = fileURLToPath(new URL(`../../../examples/${name}/${name}.trafo`, import.meta.url));
  // Loading the TypeScript compiler is start-up.
  await import("../../../dist/backends/typescript/index.js");
  const compilation = new Compilation({ files: nodeFiles(), path, settings: new Map([["layers", String(layers)]]) });
  const [start, before] = [performance.now(), process.cpuUsage()];
  await compilation.get("emit");
  const { user, system } = process.cpuUsage(before);
  return { wall: performance.now() - start, processor: (user + system) / 1000, stages: [...compilation.times] };
}

/** @param options.rounds how often each is compiled; 5 if not given */
export async function compilation({ rounds = 5, only } = {}) {
  const chosen = subjects.filter(([name]) => only === undefined || only.test(name));
  const samples = new Map(chosen.map((subject) => [subject, []]));
  for (let round = 0; round < rounds; round++)
    for (const subject of chosen) samples.get(subject).push(inProcess(subject));
  const sorted = (all, of) => all.map(of).sort((a, b) => a - b);
  const data = chosen.map((subject) => {
    const all = samples.get(subject);
    const [name, layers] = subject;
    const [wall, processor] = [sorted(all, (each) => each.wall), sorted(all, (each) => each.processor)];
    const stages = all[0].stages.map(([stage]) => [stage, sorted(all, (each) => new Map(each.stages).get(stage))]);
    return { name, layers, wall, processor, stages };
  });
  const rows = data.map(({ name, layers, wall, processor, stages }) => [
    `${name}, ${layers} layers`,
    spread(wall),
    spread(processor),
    ...stages.map(([, all]) => all[0].toFixed(0)),
  ]);
  const stages = data[0]?.stages.map(([stage]) => stage) ?? [];
  const header = ["model", "milliseconds", "of the processor", ...stages.map((stage) => `${stage}, least`)];
  const kept = data.map(({ name, layers, wall, processor }) => ({
    name,
    layers,
    wall: summary(wall),
    processor: summary(processor),
  }));
  table("Compiling to a TypeScript module, after start-up", header, rows, kept);
  const [shallow, deep] = [12, 96].map((layers) => data.find((each) => each.name === "gpt2" && each.layers === layers));
  if (shallow && deep) console.log(`  96 / 12 layers: ${(deep.processor[0] / shallow.processor[0]).toFixed(1)}`);
}

function inProcess([name, layers]) {
  const script = `import(${JSON.stringify(import.meta.url)}).then(async ({ compileOnce }) => console.log(JSON.stringify(await compileOnce(${JSON.stringify(name)}, ${layers}))))`;
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}
