/**
 * `npm run bench`: how fast Trafo compiles, and how fast what it emits runs. README.md says what is measured, and how.
 *
 *     npm run bench                                       every suite
 *     npm run bench -- products javascript                some of them
 *     npm run bench -- webassembly --threads 2 --only BERT --rounds 5 --json result.json
 */
import { parseArgs } from "node:util";
import { writeJson } from "./report.mjs";
import { compilation } from "./suites/compilation.mjs";
import { decoding } from "./suites/decoding.mjs";
import { elaboration } from "./suites/elaboration.mjs";
import { footprint } from "./suites/footprint.mjs";
import { javascript, webassembly } from "./suites/models.mjs";
import { products } from "./suites/products.mjs";
import { smollm2 } from "./suites/smollm2.mjs";
import { threads } from "./suites/threads.mjs";
import { webgpu } from "./suites/webgpu.mjs";

const suites = {
  elaboration,
  compilation,
  products,
  javascript,
  webassembly,
  threads,
  decoding,
  smollm2,
  webgpu,
  footprint,
};

function fail(message) {
  console.error(message);
  process.exit(2);
}

function wanted() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        full: { type: "boolean" },
        json: { type: "string" },
        only: { type: "string" },
        rounds: { type: "string" },
        threads: { type: "string" },
      },
    });
  } catch (error) {
    return fail(error.message);
  }
}

const { positionals, values } = wanted();
const unknown = positionals.filter((name) => !(name in suites));
if (unknown.length > 0)
  fail(`There is no suite ${unknown.join(", ")}; the suites are ${Object.keys(suites).join(", ")}.`);
const options = {
  ...(values.only === undefined ? {} : { only: new RegExp(values.only) }),
  ...(values.full ? { full: true } : {}),
  ...(values.rounds === undefined ? {} : { rounds: Number(values.rounds) }),
  ...(values.threads === undefined ? {} : { threads: Number(values.threads) }),
};
for (const [name, run] of Object.entries(suites))
  if (positionals.length === 0 || positionals.includes(name)) await run(options);
if (values.json !== undefined) writeJson(values.json);
// Worker threads of peers would keep the process alive.
process.exit(0);
