/**
 * Packs the benchmark of the WGSL target for a Linux machine that has a GPU and its driver, and nothing else: the modules,
 * Node, Dawn and the Vulkan loader.
 *
 *   node test/bench/webgpu-pack.mjs [out/webgpu-bench]      makes out/webgpu-bench/ and out/webgpu-bench.tar.xz
 *   tar xJf webgpu-bench.tar.xz && webgpu-bench/run.sh      there, offline; RESULTS=FILE writes the figures as JSON
 *
 * With --here it runs at once, on what Dawn finds on this machine (--here=llvmpipe chooses an adapter by its name).
 */
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { softwareVulkan, vulkanEnvironment } from "../../.ci/vulkan.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const words = process.argv.slice(2);
const here = words.find((word) => word.startsWith("--here"));
const isSmall = words.includes("--small");
const folder = resolve(words.find((word) => !word.startsWith("--")) ?? join(root, "out", "webgpu-bench"));

const gpt2 = { n_layer: 12, n_embd: 768, n_head: 12, n_positions: 1024, vocab_size: isSmall ? 8192 : 50257 };
const bert = {
  hidden_size: 384,
  num_hidden_layers: 6,
  num_attention_heads: 12,
  intermediate_size: 1536,
  vocab_size: 30522,
  max_position_embeddings: 512,
  type_vocab_size: 2,
};
const products = isSmall
  ? [
      [128, 768, 768],
      [512, 512, 512],
    ]
  : [
      [1, 768, 768],
      [128, 768, 768],
      [128, 3072, 768],
      [512, 512, 512],
      [2048, 2048, 2048],
      [4096, 4096, 4096],
    ];

rmSync(folder, { recursive: true, force: true });
mkdirSync(join(folder, "models"), { recursive: true });

function trafo(...rest) {
  const { status, stderr } = spawnSync(process.execPath, [join(root, "src", "cli", "trafo.mjs"), ...rest], {
    encoding: "utf8",
    cwd: root,
  });
  if (status !== 0) throw new Error(`trafo ${rest.join(" ")}: ${stderr}`);
}

/** The weights that a module takes, from the table in its text. */
function weightsOf(text) {
  const table = /const weightTable = (\{[\s\S]*?\n\});?\n/.exec(text)?.[1] ?? "{}";
  const weights = new Function(`return ${table}`)();
  return Object.entries(weights).flatMap(([name, { type, shape, sources = [[name]] }]) => {
    const [parts] = sources;
    const part = parts.length > 1 ? shape.slice(1) : shape;
    return parts.map((each) => ({ name: each, type, shape: part }));
  });
}

const models = [];
function add(name, module, entry, inputs, flops) {
  const weights = weightsOf(readFileSync(join(folder, "models", `${module}.js`), "utf8"));
  models.push({ name, module: `models/${module}.js`, entry, inputs, weights, flops });
}

function compileExample(example, config) {
  const file = join(folder, "models", `${example}.json`);
  writeFileSync(file, JSON.stringify(config));
  // What kernels say of their source is relative: it is read elsewhere.
  const source = join("examples", example, `${example}.trafo`);
  trafo("compile", source, "--target", "wgsl", "--emit", "js", "--config", file, "-o", join(folder, "models"));
}

for (const [m, n, k] of products) {
  const name = `product_${m}_${n}_${k}`;
  const source = join(folder, "models", `${name}.trafo`);
  writeFileSync(
    source,
    `model Product() {\n  param w: [${k}, ${n}] as "w"\n  entry run(x: [M, ${k}]) -> (y: [M, ${n}]) { x @ w }\n}\n`,
  );
  trafo("compile", relative(root, source), "--target", "wgsl", "--emit", "js", "-o", join(folder, "models"));
  add(`product of ${m} by ${n} over ${k}`, name, "run", [{ name: "x", type: "f32", shape: [m, k] }], 2 * m * n * k);
}
compileExample("gpt2", gpt2);
const matrices = gpt2.n_layer * 12 * gpt2.n_embd ** 2 + gpt2.vocab_size * gpt2.n_embd;
for (const length of isSmall ? [32] : [1, 128, 512]) {
  const ids = { name: "input_ids", type: "i32", shape: [1, length], below: gpt2.vocab_size };
  add(`GPT-2 small, ${length} tokens`, "gpt2", "forward", [ids], 2 * length * matrices);
}
compileExample("bert", bert);
add("BERT of MiniLM's size, 128 tokens", "bert", "forward", [
  { name: "input_ids", type: "i32", shape: [1, 128], below: bert.vocab_size },
]);
writeFileSync(join(folder, "models.json"), `${JSON.stringify(models)}\n`);
copyFileSync(join(root, "test", "bench", "webgpu-run.mjs"), join(folder, "webgpu-run.mjs"));

if (here !== undefined) {
  const adapter = here.split("=")[1];
  const env = { ...process.env, ...(process.env.VK_DRIVER_FILES ? {} : vulkanEnvironment(softwareVulkan())) };
  const run = [join(root, "test", "bench", "webgpu-run.mjs"), folder, join(folder, "results.json"), adapter ?? ""];
  process.exit(spawnSync(process.execPath, run, { stdio: "inherit", cwd: root, env }).status ?? 1);
}

// What a bare machine lacks.
copyFileSync(process.execPath, join(folder, "node"));
spawnSync("strip", [join(folder, "node")]);
const dawn = dirname(fileURLToPath(import.meta.resolve("webgpu")));
for (const path of ["package.json", "index.js", `dist/linux-${process.arch}`]) {
  cpSync(join(dawn, path), join(folder, "webgpu", path), { recursive: true });
}
const libraries = join(folder, "lib");
mkdirSync(libraries);
const { libraries: found } = softwareVulkan((line) => console.log(line));
const loader = found.map((each) => join(each, "libvulkan.so.1")).find((file) => existsSync(file));
if (loader === undefined) throw new Error("there is no Vulkan loader to pack");
copyFileSync(loader, join(libraries, "libvulkan.so.1"));
// NVIDIA's driver for Vulkan is linked with these, whether there is a display or not.
const needed = [
  "libX11.so.6",
  "libXext.so.6",
  "libxcb.so.1",
  "libXau.so.6",
  "libXdmcp.so.6",
  "libbsd.so.0",
  "libmd.so.0",
];
for (const name of [...needed, "libEGL.so.1", "libGLdispatch.so.0", "libstdc++.so.6", "libgcc_s.so.1"]) {
  const folders = [`/usr/lib/${process.arch === "x64" ? "x86_64" : "aarch64"}-linux-gnu`, "/usr/lib64"];
  const file = folders.map((each) => join(each, name)).find((each) => existsSync(each));
  if (file !== undefined) cpSync(file, join(libraries, name), { dereference: true });
}
writeFileSync(
  join(libraries, "nvidia_icd.json"),
  `${JSON.stringify({ file_format_version: "1.0.0", ICD: { library_path: "libGLX_nvidia.so.0", api_version: "1.3.0" } })}\n`,
);
writeFileSync(
  join(libraries, "nvidia_egl_icd.json"),
  `${JSON.stringify({ file_format_version: "1.0.0", ICD: { library_path: "libEGL_nvidia.so.0", api_version: "1.3.0" } })}\n`,
);
writeFileSync(
  join(folder, "run.sh"),
  `#!/bin/sh
# Runs the benchmark; RESULTS names a file for the figures. The machine's own driver is used, or NVIDIA's by its library.
cd "$(dirname "$0")"
export LD_LIBRARY_PATH="\${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$PWD/lib"
export WEBGPU_PACKAGE="$PWD/webgpu/index.js"
run() { ./node webgpu-run.mjs . "\${RESULTS:-results.json}"; }
ls /usr/share/vulkan/icd.d/*.json /etc/vulkan/icd.d/*.json 2>/dev/null
run && exit 0
for driver in nvidia_icd nvidia_egl_icd; do
  echo "once more with $driver.json"
  VK_DRIVER_FILES="$PWD/lib/$driver.json" run && exit 0
done
echo "libraries of the driver:"; ldconfig -p 2>/dev/null | grep -i nvidia | head -20
exit 1
`,
);
chmodSync(join(folder, "run.sh"), 0o755);
const archive = `${folder}.tar.xz`;
const packed = spawnSync("tar", ["-C", dirname(folder), "-cJf", archive, basename(folder)], {
  env: { ...process.env, XZ_OPT: "-6 -T2" },
  stdio: "inherit",
});
if (packed.status !== 0) throw new Error("tar did not succeed");
console.log(`${archive}: ${(readFileSync(archive).length / 2 ** 20).toFixed(1)} MiB`);
console.log(`there: tar xJf ${basename(archive)} && ${basename(folder)}/run.sh`);
