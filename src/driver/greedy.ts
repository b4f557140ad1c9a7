/**
 * Greedy decoding, for expected outputs named `greedy`: the entry that gives scores for the next token runs again and
 * again, each time with the likeliest token of the last position added, whatever token that is. An entry that is
 * incremental is computed step by step, where the target can.
 *
 * Which entry and which input follow from types alone. The entry returns scores: floats of rank 3, with a run-time size
 * as its second axis, the positions. The tokens are its i32 input of rank 2 with the same second axis, that has no
 * default. If the case gives no such input (the decoder of an encoder-decoder), the first expected token starts it.
 */
import { UserError } from "../diagnostics/index.js";
import type { Derived } from "../incremental/index.js";
import { type Graph, isFloat, type Program } from "../ir/graph/index.js";
import type { Tensor } from "../runtime/host/tensors.js";
import { variablesOf } from "../sizes/index.js";
import type { Case } from "./cases.js";
import { numbersOf } from "./compare.js";
import { checkInputs, type Given, givenTensor, inputsOf, type Ready } from "./inputs.js";
import { canRun, type EntryRun } from "./run.js";
import { rowsOf, type Stepper, splitInputs } from "./stepping.js";
import type { Runner } from "./targets.js";

/** How an entry decodes. */
export interface Decoding {
  readonly entry: Graph;
  /** The output with the scores of every token. */
  readonly scores: string;
  /** The input with the tokens so far. */
  readonly tokens: string;
}

/** Finds how a program decodes: the last entry of the form above, or null. */
export function decodingOf(program: Program): Decoding | null {
  for (const entry of [...program.entries].reverse()) {
    for (const { name, value } of entry.outputs) {
      const type = entry.types[value];
      const positions = type?.shape[1];
      if (!type || !positions || type.shape.length !== 3 || !isFloat(type.element)) continue;
      if (variablesOf(positions).length === 0) continue;
      const tokens = inputsOf(entry).find(
        (input) =>
          input.element === "i32" && input.fill === null && input.shape.length === 2 && input.shape[1] === positions,
      );
      if (tokens) return { entry, scores: name, tokens: tokens.name };
    }
  }
  return null;
}

/** Stands for a token that cannot be chosen because a score is NaN. It equals no token. */
const NO_TOKEN = -1;

/** The index of the largest score of the last position, for each row; the lowest among equals. */
function likeliest(scores: Tensor): Int32Array {
  const [rows = 0, positions = 0, vocabulary = 0] = scores.shape;
  const numbers = numbersOf(scores);
  const chosen = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const start = (row * positions + positions - 1) * vocabulary;
    let best = 0;
    for (let token = 0; token < vocabulary && best !== NO_TOKEN; token++) {
      if (Number.isNaN(numbers[start + token]!)) best = NO_TOKEN;
      else if (numbers[start + token]! > numbers[start + best]!) best = token;
    }
    chosen[row] = best;
  }
  return chosen;
}

/** The first `count` columns of i32 of rank 2. */
function columns(tensor: Tensor, count: number): Tensor {
  const [rows = 0, width = 0] = tensor.shape;
  const data = new Int32Array(rows * count);
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < count; i++) data[row * count + i] = tensor.data[row * width + i] ?? 0;
  }
  return { data, shape: [rows, count], type: "i32" };
}

/** The tensor with one more column. */
function withColumn(tensor: Tensor, column: ArrayLike<number>): Tensor {
  const [rows = 0, width = 0] = tensor.shape;
  const grown = columns(tensor, width + 1);
  for (let row = 0; row < rows; row++) grown.data[row * (width + 1) + width] = column[row] ?? 0;
  return grown;
}

/**
 * An input of the same positions as the tokens that a case gives, such as a mask, for one more position: its last
 * column again.
 */
function lengthened(value: Given, length: number): Given {
  return {
    ...value,
    shape: [...value.shape.slice(0, -1), length],
    as: (type) => {
      let tensor = value.as("i32");
      while ((tensor.shape[1] ?? 0) < length) {
        const [rows = 0, width = 0] = tensor.shape;
        const last = Int32Array.from({ length: rows }, (_, row) => tensor.data[row * width + width - 1] ?? 0);
        tensor = withColumn(tensor, last);
      }
      return givenTensor(tensor, value.origin).as(type);
    },
  };
}

/** What decoding gives. */
export interface Decoded {
  /** Prompt and new tokens, as the expected ones are laid out; -1 from where a score was NaN. */
  readonly tokens: Tensor;
  /** What ran: the entries before, and the first step. */
  readonly runs: readonly EntryRun[];
}

/**
 * Decodes greedily to the length of the expected tokens.
 * @throws UserError where the inputs of the case do not fit.
 */
export async function decodeGreedily(
  runner: Runner,
  program: Program,
  { entry, scores, tokens: input }: Decoding,
  { inputs }: Case,
  expected: Tensor,
  decoders: readonly Derived[] = [],
): Promise<Decoded> {
  const values = new Map<string, Given>(inputs);
  const runs: EntryRun[] = [];
  const run = async (graph: Graph) => {
    const ready = checkInputs(graph, values);
    const outputs = await runner.run(graph.name, ready);
    runs.push({ entry: graph, ready, outputs });
    return outputs;
  };
  for (const before of program.entries) {
    if (before === entry) break;
    if (!canRun(before, values)) continue;
    for (const [output, tensor] of await run(before))
      if (!inputs.has(output)) values.set(output, givenTensor(tensor, `output ${output}`));
  }
  const first = runs.length + 1;
  const length = expected.shape[1] ?? 0;
  let tokens = inputs.get(input)?.as("i32") ?? columns(expected, 1);
  if (tokens.shape.length !== 2 || tokens.shape[0] !== expected.shape[0]) {
    throw UserError.of("E0715", `the prompt ${input} and the expected tokens have different rows`);
  }
  const beside = besideTokens(entry, input).filter((each) => inputs.has(each));
  const derived = decoders.find((each) => each.entry.name === entry.name);
  let stepper: Stepper | null = null;
  let read = 0;
  const scoresNow = async (): Promise<Tensor | undefined> => {
    if (!derived || !runner.open) return (await run(entry)).get(scores);
    const ready = checkInputs(entry, values);
    if (stepper === null) {
      // The whole prompt at once is what a departure is traced with.
      await run(entry);
      stepper = await runner.open(derived, splitInputs(derived, ready.inputs).once, length, ready);
    }
    const rows = newRows(derived, ready, read);
    read = tokens.shape[1] ?? 0;
    return (await stepper.step(rows)).get(scores);
  };
  while ((tokens.shape[1] ?? 0) < length) {
    values.set(input, givenTensor(tokens, `input ${input}`));
    for (const each of beside) values.set(each, lengthened(inputs.get(each)!, tokens.shape[1] ?? 0));
    const found = await scoresNow();
    const next = found ? likeliest(found) : Int32Array.of(NO_TOKEN);
    tokens = withColumn(tokens, next);
    if (!next.includes(NO_TOKEN)) continue;
    while ((tokens.shape[1] ?? 0) < length) tokens = withColumn(tokens, next.fill(NO_TOKEN));
  }
  (stepper as Stepper | null)?.dispose();
  return { tokens, runs: runs.slice(0, first) };
}

/** The rows of inputs over positions that have not been read. */
function newRows(derived: Derived, { inputs }: Ready, read: number): Map<string, Tensor> {
  const { over } = splitInputs(derived, inputs);
  return new Map(
    [...over].map(([name, axis]) => {
      const tensor = inputs.get(name)!;
      return [name, rowsOf(tensor, axis, read, tensor.shape[axis]!)];
    }),
  );
}

/** The other i32 inputs that have one element per token, such as a mask. */
function besideTokens(entry: Graph, tokens: string): string[] {
  const inputs = inputsOf(entry);
  const positions = inputs.find(({ name }) => name === tokens)?.shape[1];
  return inputs
    .filter(
      ({ name, element, shape }) =>
        name !== tokens && element === "i32" && shape.length === 2 && shape[1] === positions,
    )
    .map(({ name }) => name);
}
