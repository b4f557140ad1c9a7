/** Generating with a program: what stands before the decoder runs once, and the module's own `generate` does the rest. */
import { UserError } from "../diagnostics/index.js";
import { type Derived, tokensOf } from "../incremental/index.js";
import { givenElement } from "../ir/graph/index.js";
import type { BeamOptions, FoundSequence } from "../runtime/host/beam-search.js";
import type { GeneratedToken, GenerateOptions } from "../runtime/host/generation.js";
import type { Tensor } from "../runtime/host/tensors.js";
import { constantOf } from "../sizes/index.js";
import type { BackendName } from "./backends.js";
import { checkInputs, type Given, givenTensor, indexLimits, inputsOf } from "./inputs.js";
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

/** What a program generates with: the last entry that has tokens and scores. @throws UserError E0811 where none has */
function generatingOf({ decoders, name }: Compilation): Derived & { readonly tokens: string } {
  for (const derived of decoders.toReversed()) {
    const { tokens, scores } = tokensOf(derived);
    if (tokens !== null && scores !== null) return { ...derived, tokens };
  }
  throw UserError.of("E0811", `${name} generates no tokens`, {
    notes: ["an entry must be incremental, take tokens i32[B, T], and give a score for each token: [B, T, vocabulary]"],
  });
}

/**
 * Checks, before any weights are read, that a program goes on from prompts.
 * @throws UserError E0811 where no entry generates tokens; E0711 for what is no token, or more than an entry takes
 */
export function checkPrompts(compilation: Compilation, prompts: readonly (readonly number[])[]): void {
  const { entry, tokens, sizes } = generatingOf(compilation);
  const bound = indexLimits(entry).get(tokens);
  const limit = (bound === undefined ? null : constantOf(bound)) ?? Infinity;
  const most = sizes.capacity.max === null ? null : constantOf(sizes.capacity.max);
  for (const [row, prompt] of prompts.entries()) {
    const wrong = (what: string) => UserError.of("E0711", `entry ${entry.name}: ${what}`);
    const at = prompt.findIndex((token) => token >= limit);
    if (at >= 0)
      throw wrong(`prompt[${row}][${at}] is ${prompt[at]}, which is no token: they are from 0 to ${limit - 1}`);
    if (most !== null && prompt.length > most)
      throw wrong(`a prompt has ${prompt.length} tokens, and ${most} are taken`);
  }
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
  const { entry: decoder, begin } = generatingOf(compilation);
  const { decoded, model: module } = await loadedModel(target, compilation, weights);
  const runner = runnerOf(module, decoded);
  const values = new Map(given);
  const { entries } = compilation.program;
  const before = entries.findIndex(({ name }) => name === decoder.name);
  for (const entry of entries.slice(0, before)) {
    if (!canRun(entry, values)) continue;
    for (const [name, tensor] of await runner.run(entry.name, checkInputs(entry, values))) {
      if (!values.has(name)) values.set(name, givenTensor(tensor, `output ${name} of entry ${entry.name}`));
    }
  }
  const taken = new Set(begin === null ? [] : inputsOf(begin).map(({ name }) => name));
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
