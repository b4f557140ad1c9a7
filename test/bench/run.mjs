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

/**
 * Runs the contestants in turn, `rounds` times after two rounds to warm up; milliseconds of each, sorted. What other
 * processes take of a busy machine is left out: times are those that this process spends computing.
 */
async function interleaved(contestants, rounds) {
  const times = new Map(contestants.map(({ name }) => [name, []]));
  const now = () => process.cpuUsage().user / 1000;
  for (let round = -2; round < rounds; round++)
    for (const { name, run } of contestants) {
      const start = now();
      await run();
      if (round >= 0) times.get(name).push(now() - start);
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

/**
 * The bound for matrix products: what one writes by hand in plain JavaScript. A tile of 3 rows by 4 columns whose sums
 * are variables; the rest row by row, column by column.
 */
function tiledByHand(x, w, out, M, N, K) {
  const rows = M - (M % 3);
  const columns = N - (N % 4);
  for (let j = 0; j < columns; j += 4)
    for (let i = 0; i < rows; i += 3) {
      let s00 = 0,
        s01 = 0,
        s02 = 0,
        s03 = 0;
      let s10 = 0,
        s11 = 0,
        s12 = 0,
        s13 = 0;
      let s20 = 0,
        s21 = 0,
        s22 = 0,
        s23 = 0;
      const x0 = i * K,
        x1 = (i + 1) * K,
        x2 = (i + 2) * K;
      for (let k = 0; k < K; k++) {
        const a0 = x[x0 + k],
          a1 = x[x1 + k],
          a2 = x[x2 + k];
        const at = k * N + j;
        const b0 = w[at],
          b1 = w[at + 1],
          b2 = w[at + 2],
          b3 = w[at + 3];
        s00 += a0 * b0;
        s01 += a0 * b1;
        s02 += a0 * b2;
        s03 += a0 * b3;
        s10 += a1 * b0;
        s11 += a1 * b1;
        s12 += a1 * b2;
        s13 += a1 * b3;
        s20 += a2 * b0;
        s21 += a2 * b1;
        s22 += a2 * b2;
        s23 += a2 * b3;
      }
      const o0 = i * N + j,
        o1 = (i + 1) * N + j,
        o2 = (i + 2) * N + j;
      out[o0] = s00;
      out[o0 + 1] = s01;
      out[o0 + 2] = s02;
      out[o0 + 3] = s03;
      out[o1] = s10;
      out[o1 + 1] = s11;
      out[o1 + 2] = s12;
      out[o1 + 3] = s13;
      out[o2] = s20;
      out[o2 + 1] = s21;
      out[o2 + 2] = s22;
      out[o2 + 3] = s23;
    }
  const one = (i, j) => {
    let sum = 0;
    for (let k = 0; k < K; k++) sum += x[i * K + k] * w[k * N + j];
    out[i * N + j] = sum;
  };
  for (let i = rows; i < M; i++)
    for (let j = 0; j < columns; j += 4) {
      let s0 = 0,
        s1 = 0,
        s2 = 0,
        s3 = 0;
      for (let k = 0; k < K; k++) {
        const a = x[i * K + k];
        const at = k * N + j;
        s0 += a * w[at];
        s1 += a * w[at + 1];
        s2 += a * w[at + 2];
        s3 += a * w[at + 3];
      }
      out[i * N + j] = s0;
      out[i * N + j + 1] = s1;
      out[i * N + j + 2] = s2;
      out[i * N + j + 3] = s3;
    }
  for (let i = 0; i < M; i++) for (let j = columns; j < N; j++) one(i, j);
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
      const naive = await moduleOf("product.trafo", text, { policy: null });
      const w = Float32Array.from({ length: k * n }, (_, i) => Math.sin(i));
      const x = Float32Array.from({ length: m * k }, (_, i) => Math.cos(i));
      const model = await load({ weights: { w: { data: w, shape: [k, n] } } });
      const weights = { w: { data: w, shape: [k, n] } };
      const unscheduled = await naive.load({ weights });
      const input = { x: { data: x, shape: [m, k] } };
      const contestants = [
        { name: "trafo", run: () => model.forward(input) },
        { name: "naive", run: () => unscheduled.forward(input) },
        { name: "by hand", run: () => tiledByHand(x, w, new Float32Array(m * n), m, n, k) },
      ];
      if (tf) {
        const [a, b] = [tf.tensor2d(x, [m, k]), tf.tensor2d(w, [k, n])];
        contestants.push({ name: "tfjs-cpu", run: () => tf.tidy(() => tf.matMul(a, b).dataSync()) });
      }
      const times = await interleaved(contestants, 9);
      const rate = (name) => (times.has(name) ? ((2 * m * n * k) / median(times.get(name)) / 1e6).toFixed(2) : "–");
      const ratio = (name) =>
        times.has(name) ? (median(times.get(name)) / median(times.get("trafo"))).toFixed(2) : "–";
      rows.push([
        `${m}×${n}×${k}`,
        spread(times.get("trafo"), 2),
        ...["trafo", "naive", "by hand", "tfjs-cpu"].map(rate),
        ...["by hand", "tfjs-cpu"].map(ratio),
      ]);
      model.dispose();
      unscheduled.dispose();
    }
    table(
      "Matrix products, one thread",
      ["M×N×K", "trafo ms", "GFLOP/s: trafo", "naive", "by hand", "tfjs-cpu", "times by hand", "times tfjs-cpu"],
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
