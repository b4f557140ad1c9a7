/**
 * `npm run bench`: how fast Trafo compiles, and how fast what it emits runs.
 *
 * Absolute times do not travel between machines, so everything of one table is measured in one process, interleaved,
 * and reported as median with its spread (minimum – maximum). Peers are installed by `npm install --prefix test/bench`;
 * a peer that is not there is named as left out.
 *
 *     npm run bench                  every suite
 *     npm run bench -- products      one of: elaboration, products, models
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { check, compile, graphs } from "../../dist/src/index.js";
import { constantOf } from "../../dist/src/sizes/index.js";

const here = dirname(fileURLToPath(import.meta.url));
const example = (name) => join(here, "..", "..", "examples", name, `${name}.trafo`);

/** Runs the contestants in turn, `rounds` times after one round to warm up; milliseconds of each, sorted. */
async function interleaved(contestants, rounds) {
  const times = new Map(contestants.map(({ name }) => [name, []]));
  for (let round = -1; round < rounds; round++)
    for (const { name, run } of contestants) {
      const start = performance.now();
      await run();
      if (round >= 0) times.get(name).push(performance.now() - start);
    }
  for (const each of times.values()) each.sort((a, b) => a - b);
  return times;
}

const median = (sorted) => sorted[sorted.length >> 1];
const spread = (sorted, digits = 1) =>
  `${median(sorted).toFixed(digits)} (${sorted[0].toFixed(digits)} – ${sorted.at(-1).toFixed(digits)})`;

function table(title, header, rows) {
  const all = [header, ...rows];
  const widths = header.map((_, i) => Math.max(...all.map((row) => String(row[i]).length)));
  console.log(`\n${title}`);
  for (const row of all)
    console.log(
      `  ${row.map((cell, i) => (i ? String(cell).padStart(widths[i]) : String(cell).padEnd(widths[i]))).join("  ")}`,
    );
}

/** A module that was compiled from a program's text, with weights of ones. */
async function moduleOf(path, text, options = {}) {
  const { javascript } = await compile({ path, text, ...options });
  return import(`data:text/javascript;base64,${Buffer.from(javascript).toString("base64")}`);
}

const suites = {
  /** Checking and elaborating grows linearly with the layers. */
  async elaboration() {
    const rows = [];
    for (const [name, set] of [
      ["gpt2", ["layers"]],
      ["llama", ["layers"]],
      ["t5", ["layers"]],
    ]) {
      const text = readFileSync(example(name), "utf8");
      const contestants = [12, 24, 48, 96].map((layers) => ({
        name: String(layers),
        run: () => check({ path: `${name}.trafo`, text, settings: new Map(set.map((key) => [key, layers])) }),
      }));
      const times = await interleaved(contestants, 7);
      rows.push([
        name,
        ...contestants.map((c) => spread(times.get(c.name), 0)),
        (median(times.get("96")) / median(times.get("12"))).toFixed(1),
      ]);
    }
    table("Checking and elaborating, milliseconds by layers", ["model", "12", "24", "48", "96", "96 / 12"], rows);
  },

  /** Matrix products of the emitted TypeScript kernels. */
  async products() {
    const require = createRequire(join(here, "package.json"));
    const peer = existsSync(join(here, "node_modules", "@tensorflow", "tfjs-backend-cpu"));
    let tf = null;
    if (peer) {
      tf = (await import(pathToFileURL(require.resolve("@tensorflow/tfjs-core")).href)).default;
      await import(pathToFileURL(require.resolve("@tensorflow/tfjs-backend-cpu")).href);
      await tf.setBackend("cpu");
    } else console.log("\ntfjs-cpu is left out: npm install --prefix test/bench");
    const rows = [];
    for (const [m, n, k] of [
      [64, 64, 64],
      [256, 256, 256],
      [128, 768, 768],
      [127, 777, 763],
      [1, 768, 768],
    ]) {
      const text = `model Product() {\n  param w: [${k}, ${n}]\n  entry forward(x: [M, ${k}]) -> (y: [M, ${n}]) { x @ w }\n}\n`;
      const { load } = await moduleOf("product.trafo", text);
      const w = Float32Array.from({ length: k * n }, (_, i) => Math.sin(i));
      const x = Float32Array.from({ length: m * k }, (_, i) => Math.cos(i));
      const model = await load({ weights: { w: { data: w, shape: [k, n] } } });
      const contestants = [{ name: "trafo", run: () => model.forward({ x: { data: x, shape: [m, k] } }) }];
      if (tf) {
        const [a, b] = [tf.tensor2d(x, [m, k]), tf.tensor2d(w, [k, n])];
        contestants.push({ name: "tfjs-cpu", run: () => tf.tidy(() => tf.matMul(a, b).dataSync()) });
      }
      const times = await interleaved(contestants, 9);
      const rate = (name) => (times.has(name) ? ((2 * m * n * k) / median(times.get(name)) / 1e6).toFixed(2) : "–");
      const ratio = tf ? (median(times.get("tfjs-cpu")) / median(times.get("trafo"))).toFixed(2) : "–";
      rows.push([`${m}×${n}×${k}`, spread(times.get("trafo"), 2), rate("trafo"), rate("tfjs-cpu"), ratio]);
      model.dispose();
    }
    table(
      "Matrix products, one thread",
      ["M×N×K", "trafo ms", "trafo GFLOP/s", "tfjs-cpu GFLOP/s", "times tfjs-cpu"],
      rows,
    );
  },

  /** GPT-2 small with made-up weights. */
  async models() {
    const text = readFileSync(example("gpt2"), "utf8");
    const start = performance.now();
    const { javascript, program, milliseconds } = await compile({ path: "gpt2.trafo", text });
    const compiled = performance.now() - start;
    const { load } = await import(`data:text/javascript;base64,${Buffer.from(javascript).toString("base64")}`);
    const weights = {};
    for (const { operator, attributes } of graphs({ path: "gpt2.trafo", text })[0].nodes) {
      if (operator !== "weight") continue;
      const shape = attributes.shape.map(constantOf);
      weights[attributes.name] = { data: new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.01), shape };
    }
    const model = await load({ weights });
    const contestants = [1, 16].map((T) => ({
      name: `T = ${T}`,
      run: () => model.forward({ input_ids: [Array.from({ length: T }, (_, i) => i)] }),
    }));
    const times = await interleaved(contestants, 3);
    table(
      `GPT-2 small, ${program.parameters.toLocaleString("en")} parameters, all logits, one thread (compiled in ${compiled.toFixed(0)} ms: ${[...milliseconds].map(([stage, ms]) => `${stage} ${ms.toFixed(0)}`).join(", ")})`,
      ["tokens", "ms"],
      contestants.map(({ name }) => [name, spread(times.get(name), 0)]),
    );
    model.dispose();
  },
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !(name in suites));
if (unknown.length) {
  console.error(`There is no suite ${unknown.join(", ")}; the suites are ${Object.keys(suites).join(", ")}.`);
  process.exit(2);
}
for (const [name, run] of Object.entries(suites)) if (!wanted.length || wanted.includes(name)) await run();
