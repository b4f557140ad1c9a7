/** What callers of a module see of entries that are computed step by step: sessions, generated tokens, beam search. */
import { type PrintedDecoding, sessionMethod } from "./decoding.js";
import type { Loading } from "./interface.js";
import { lineText, type Module } from "./module.js";

/** The names of the host code that callers can use then. */
export const decodingTypes: readonly string[] = [
  "Session",
  "SessionOptions",
  "StepOutputs",
  "GenerateOptions",
  "SamplingOptions",
  "GeneratedToken",
  "BeamOptions",
  "FoundSequence",
];

/** A method for the sessions of each entry; `generate` and `beamSearch` with the last that has tokens and scores. */
export function decodingMethods(
  { plans }: Module,
  decodings: readonly PrintedDecoding[],
): NonNullable<Loading["more"]> {
  const isFree = (name: string): boolean => !plans.some((plan) => plan.name === name);
  const sessions = decodings.map(({ decoded, spec, target }) => {
    const name = sessionMethod(decoded.entry);
    return {
      signature: {
        name,
        parameters: [{ name: "options", type: "SessionOptions", hasQuestionToken: true }],
        returnType: "Promise<Session>",
        docs: [
          `Opens a session that computes ${lineText(decoded.entry)} step by step: each step takes new positions only.\nRejects with an InputError that names what does not fit.`,
        ],
      },
      code: `${name}: (options) => openSession(${spec}, ${target}(instance), options)`,
    };
  });
  const generating = decodings.findLast(({ decoded }) => decoded.tokens !== null && decoded.scores !== null);
  if (generating === undefined) return sessions;
  const { spec, target, decoded } = generating;
  const entry = lineText(decoded.entry);
  const generate = {
    signature: {
      name: "generate",
      parameters: [{ name: "options", type: "GenerateOptions" }],
      returnType: "AsyncGenerator<GeneratedToken, void, undefined>",
      docs: [
        `Generates tokens with ${entry}, one after the other:\n\n    for await (const { token } of model.generate({ prompt: [1, 2, 3], maxTokens: 20 })) …`,
      ],
    },
    code: `generate: (options) => generateTokens(${spec}, ${target}(instance), options)`,
  };
  const search = {
    signature: {
      name: "beamSearch",
      parameters: [{ name: "options", type: "BeamOptions" }],
      returnType: "Promise<readonly FoundSequence[]>",
      docs: [`The likeliest sequences that ${entry} gives, best first, of several that are followed at once.`],
    },
    code: `beamSearch: (options) => searchBeams(${spec}, ${target}(instance), options)`,
  };
  return [...sessions, ...[generate, search].filter(({ signature }) => isFree(signature.name))];
}
