/**
 * Search by meaning: finds, of some passages, those that mean what you ask, whatever words they use. The passages are what
 * Trafo's diagnostics mean, or the paragraphs of a file.
 *
 *   node examples/minilm/search.mjs "my matrices do not fit together"
 *   node examples/minilm/search.mjs --passages notes.txt "where did I put the keys"
 *   node examples/minilm/search.mjs --serve          # the same as a page, on this machine
 *
 * The model is all-MiniLM-L6-v2, fetched once, or that of --checkpoint DIR; it is compiled to WebAssembly here.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { Tokenizer } from "@huggingface/tokenizers";
import { compile, reference } from "trafo";
import { nodeFiles } from "trafo/node";
import { FetchError, fetchModel } from "../fetch-model.mjs";
import { embedder, nearest } from "./embedder.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const { values: options, positionals: words } = parseArgs({
  allowPositionals: true,
  options: {
    checkpoint: { type: "string" },
    passages: { type: "string" },
    top: { type: "string", default: "3" },
    serve: { type: "boolean", default: false },
    port: { type: "string", default: "8080" },
    help: { type: "boolean", default: false },
  },
});

/** The passages to search: a title, if there is one, and a text. */
function passagesOf(path) {
  if (path === undefined)
    return Object.entries(reference).map(([code, { title, text }]) => ({ title: `${code} ${title}`, text }));
  const paragraphs = readFileSync(path, "utf8").split(/\n\s*\n/);
  return paragraphs
    .map((text) => ({ title: "", text: text.trim().replace(/\s+/g, " ") }))
    .filter(({ text }) => text !== "");
}

/** Compiles the program for a checkpoint, to a module of WebAssembly; where it lies. */
async function compiled(checkpoint) {
  const path = relative(process.cwd(), join(here, "minilm.trafo"));
  const { javascript } = await compile({ path, files: nodeFiles(), checkpoint, target: "wasm" });
  const folder = join(here, "..", "..", "out", "minilm");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  writeFileSync(join(folder, "minilm.js"), javascript);
  return join(folder, "minilm.js");
}

const json = (path) => JSON.parse(readFileSync(path, "utf8"));
const sentenceOf = ({ title, text }) => `${title.replace(/^E\d+ /, "")} ${text}`.trim();

/** Answers one question in the terminal. */
async function search(question, checkpoint, passages) {
  const { load } = await import(pathToFileURL(await compiled(checkpoint)).href);
  const model = await load({ weights: join(checkpoint, "model.safetensors") });
  const { max_position_embeddings: longest } = json(join(checkpoint, "config.json"));
  const embed = embedder(model, new Tokenizer(json(join(checkpoint, "tokenizer.json")), {}), longest);
  const progress = (done, of) => {
    if (process.stderr.isTTY)
      process.stderr.write(`\r\u001b[2Kreading passages ${done} of ${of}${done === of ? "\r\u001b[2K" : ""}`);
  };
  const vectors = await embed(passages.map(sentenceOf), progress);
  const [vector] = await embed([question]);
  for (const { at, score } of nearest(vector, vectors, Number(options.top))) {
    const { title, text } = passages[at];
    console.log(`${score.toFixed(3)}  ${title === "" ? text : `${title}\n       ${text}`}\n`);
  }
  model.dispose();
}

/** Serves the page to browsers of this machine. */
async function serve(checkpoint, passages) {
  const tokenizers = createRequire(import.meta.url).resolve("@huggingface/tokenizers");
  const script = "text/javascript";
  const file = (path, type) => ({ type, body: () => readFileSync(path) });
  const files = {
    "/": file(join(here, "search.html"), "text/html; charset=utf-8"),
    "/embedder.mjs": file(join(here, "embedder.mjs"), script),
    "/minilm.js": file(await compiled(checkpoint), script),
    "/tokenizers.mjs": file(join(dirname(tokenizers), "tokenizers.min.mjs"), script),
    "/config.json": file(join(checkpoint, "config.json"), "application/json"),
    "/tokenizer.json": file(join(checkpoint, "tokenizer.json"), "application/json"),
    "/model.safetensors": file(join(checkpoint, "model.safetensors"), "application/octet-stream"),
    "/passages.json": { type: "application/json", body: () => JSON.stringify(passages) },
  };
  const server = createServer((request, response) => {
    const found = files[new URL(request.url ?? "/", "http://page").pathname];
    response.writeHead(found ? 200 : 404, {
      "content-type": found?.type ?? "text/plain",
      "cross-origin-opener-policy": "same-origin",
      "cross-origin-embedder-policy": "require-corp",
    });
    response.end(found?.body() ?? "");
  });
  server.listen(Number(options.port), "127.0.0.1", () => {
    console.log(`http://127.0.0.1:${server.address().port}/ (Ctrl+C ends it)`);
  });
}

const question = words.join(" ");
if (options.help || (question === "" && !options.serve)) {
  const head = readFileSync(fileURLToPath(import.meta.url), "utf8").split("*/")[0];
  console.log(head.replace(/^\/?\s?\*{1,2} ?/gm, "").trim());
} else {
  try {
    const checkpoint = options.checkpoint ?? (await fetchModel("all-MiniLM-L6-v2")).folder;
    const passages = passagesOf(options.passages);
    await (options.serve ? serve(checkpoint, passages) : search(question, checkpoint, passages));
  } catch (error) {
    if (!(error instanceof FetchError)) throw error;
    console.error(`${error.message}\nor give a folder that holds the model: --checkpoint DIR`);
    process.exitCode = 1;
  }
}
