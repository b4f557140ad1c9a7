/** Generating with a program: what stands before the decoder runs once, and the module's own `generate` does the rest. */
import { UserError } from "../diagnostics/index.js";
import { givenElement } from "../ir/graph/index.js";
import type { BeamOptions, FoundSequence } from "../runtime/host/beam-search.js";
import type { GeneratedToken, GenerateOptions } from "../runtime/host/generation.js";
import type { Tensor } from "../runtime/host/tensors.js";
import type { BackendName } from "./backends.js";
import { checkInputs, type Given, givenTensor, inputsOf } from "./inputs.js";
import { asUser, loadedModel, runnerOf } from "./module-runner.js";
import type { Compilation } from "./pipeline.js";
import { canRun } from "./run.js";

/** What a module with a decoder has, as far as it is used here. */
interface Generating {
  generate(options: GenerateOptions): AsyncGenerator<GeneratedToken, void, undefined>;
  beamSearch(options: BeamOptions): Promise<readonly FoundSequence[]>;
}

export interface Generator {
  generate(options: Omit<GenerateOptions, "inputs">): AsyncGenerator<GeneratedToken, void, undefined>;
  search(options: Omit<BeamOptions, "inputs">): Promise<readonly FoundSequence[]>;
  dispose(): void;
}

/**
 * Loads a program for generating.
 * @param given inputs of entries before the decoder, such as an encoder's, and of the decoder without positions
 * @throws UserError E0811 where no entry generates tokens
 */
export async function startGenerating(
  target: BackendName,
  compilation: Compilation,
  weights: ReadonlyMap<string, Tensor>,
  given: ReadonlyMap<string, Given>,
): Promise<Generator> {
  const { decoded, model: module } = await loadedModel(target, compilation, weights);
  const generating = decoded.findLast(({ tokens, scores }) => tokens !== null && scores !== null);
  if (generating === undefined) {
    module.dispose();
    throw UserError.of(
      "E0811",
      `${compilation.name} generates no tokens${target === "typescript" ? "" : ` on ${target}`}`,
      {
        notes: [
          "an entry must be incremental, take tokens i32[B, T], and give a score for each token: [B, T, vocabulary]",
        ],
      },
    );
  }
  const runner = runnerOf(module, decoded);
  const values = new Map(given);
  const { entries } = compilation.program;
  const decoder = entries.find(({ name }) => name === generating.entry)!;
  for (const entry of entries.slice(0, entries.indexOf(decoder))) {
    if (!canRun(entry, values)) continue;
    for (const [name, tensor] of await runner.run(entry.name, checkInputs(entry, values))) {
      if (!values.has(name)) values.set(name, givenTensor(tensor, `output ${name} of entry ${entry.name}`));
    }
  }
  const taken = new Set(generating.begin?.inputs.map((id) => generating.begin!.buffers[id]!.name));
  const inputs = Object.fromEntries(
    inputsOf(decoder).flatMap(({ name, element }) => {
      const value = values.get(name);
      return taken.has(name) && value !== undefined ? [[name, value.as(givenElement(element))]] : [];
    }),
  );
  const model = module as unknown as Generating;
  return {
    async *generate(options) {
      const tokens = model.generate({ ...options, inputs });
      for (;;) {
        const next = await asUser(decoder.name, () => tokens.next());
        if (next.done) return;
        yield next.value;
      }
    },
    search: (options) => asUser(decoder.name, () => model.beamSearch({ ...options, inputs })),
    dispose: () => module.dispose(),
  };
}
