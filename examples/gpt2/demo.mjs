/**
 * A tour of Trafo with GPT-2: checks the program, compiles it, runs the module that comes out on a tiny checkpoint, and
 * compares with the values that PyTorch computed. `npm start` runs it.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { check, compile, graph, readCases } from "trafo";
import { nodeFiles, renderDot } from "trafo/node";

const here = dirname(fileURLToPath(import.meta.url));
const out = join(here, "..", "..", "out");
const files = nodeFiles();
const checkpoint = join(here, "checkpoint");
const program = { path: relative(process.cwd(), join(here, "gpt2.trafo")), files, checkpoint };

const say = (name, text) => console.log(`  ${name.padEnd(14)}${text}`);
const shown = (path) => relative(process.cwd(), path);
const milliseconds = (value) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;

// ---- Check: every name and size, and every weight of the checkpoint from its header alone.
console.log(`\nTrafo compiles ${program.path}\n`);
const facts = check(program).program;
say("model", `${facts.model}: ${facts.parameters.toLocaleString("en")} parameters in ${facts.weights} tensors`);
say("sizes", facts.statics.map(({ name, value }) => `${name} ${value}`).join(", "));
for (const { signature } of facts.entries) say("entry", signature);

// ---- Compile: one module without dependencies, in TypeScript and JavaScript.
const start = performance.now();
const module = await compile(program);
const took = performance.now() - start;
const folder = join(out, "gpt2");
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
writeFileSync(join(folder, "gpt2.ts"), module.typescript);
writeFileSync(join(folder, "gpt2.js"), module.javascript);
writeFileSync(join(folder, "gpt2.d.ts"), module.declarations);
writeFileSync(join(folder, "gpt2.js.map"), module.sourceMap);
const lines = module.typescript.split("\n").length;
say("compiled", `${module.kernels} kernels, ${lines} lines of TypeScript, in ${milliseconds(took)}`);

// ---- Run: the module as any program would use it.
const { load } = await import(pathToFileURL(join(folder, "gpt2.js")).href);
const model = await load({ weights: join(checkpoint, "model.safetensors") });

/** The index of the largest of the last `count` numbers. */
function likeliest(numbers, count) {
  const last = numbers.subarray(numbers.length - count);
  return last.reduce((best, value, i) => (value > last[best] ? i : best), 0);
}

console.log("\nAgainst the values that PyTorch computed\n");
let failed = false;
for (const each of readCases(files, join(checkpoint, "io.safetensors"))) {
  const prompt = each.inputs.get("input_ids").as("i32");
  const expected = each.outputs.get("logits");
  if (expected) {
    await model.forward({ input_ids: prompt }); // the first run of a shape also compiles in the engine
    const before = performance.now();
    const { logits } = await model.forward({ input_ids: prompt });
    const time = performance.now() - before;
    const largest = logits.data.reduce((most, value, i) => Math.max(most, Math.abs(value - expected.data[i])), 0);
    failed ||= !(largest < 1e-3);
    const shape = `[${prompt.shape.join(", ")}]`;
    say(
      each.name,
      `tokens ${shape.padEnd(8)} largest difference ${largest.toExponential(1)}, run in ${milliseconds(time)}`,
    );
    continue;
  }
  const greedy = each.outputs.get("greedy");
  const tokens = [...prompt.data];
  while (tokens.length < greedy.data.length) {
    const { logits } = await model.forward({ input_ids: [tokens] });
    tokens.push(likeliest(logits.data, logits.shape[2]));
  }
  failed ||= tokens.join() !== greedy.data.join();
  say(each.name, `greedy decoding of ${tokens.length - prompt.data.length} tokens after ${prompt.data.join(" ")}`);
  say("  Trafo", tokens.slice(prompt.data.length).join(" "));
  say("  PyTorch", [...greedy.data].slice(prompt.data.length).join(" "));
}
model.dispose();

// ---- Draw.
const [{ dot }] = graph(program);
writeFileSync(join(out, "gpt2.svg"), await renderDot(dot, "svg"));
writeFileSync(join(out, "gpt2.png"), await renderDot(dot, "png"));

console.log("\nWritten\n");
say("module", `${shown(join(folder, "gpt2.ts"))}, and gpt2.js, gpt2.d.ts beside it`);
say("picture", `${shown(join(out, "gpt2.svg"))}, ${shown(join(out, "gpt2.png"))}`);
console.log("\n`npx trafo --help` lists the commands; examples/README.md the other models.\n");
if (failed) {
  console.error("The values depart from PyTorch's.");
  process.exitCode = 1;
}
