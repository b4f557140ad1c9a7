/**
 * Sentences to vectors: a module that Trafo compiled, which takes and gives numbers, and a tokenizer library beside it. The
 * same file runs in Node and in a page.
 */

/** How many sentences are computed at once. */
const batch = 8;
/** The most tokens of a sentence that the published model was made for. */
const usual = 256;

/**
 * @param model what `load` of the compiled module gives
 * @param tokenizer of @huggingface/tokenizers
 * @param context the most positions that the model has; a sentence of more tokens is cut
 * @returns a function that gives an array of a Float32Array for each of some sentences
 */
export function embedder(model, tokenizer, context = usual) {
  const longest = Math.min(context, usual);
  return async (sentences, onProgress = () => {}) => {
    const rows = sentences.map((sentence, at) => ({ at, ids: cut(tokenizer.encode(sentence).ids, longest) }));
    // Sentences of about one length together, as they are padded to the longest.
    rows.sort((a, b) => a.ids.length - b.ids.length);
    const vectors = [];
    for (let start = 0; start < rows.length; start += batch) {
      const some = rows.slice(start, start + batch);
      const length = some.at(-1).ids.length;
      const padded = (of, filler) => some.map((row) => [...of(row), ...Array(length - row.ids.length).fill(filler)]);
      const { embedding } = await model.embed({
        input_ids: padded(({ ids }) => ids, 0),
        attention_mask: padded(({ ids }) => ids.map(() => 1), 0),
      });
      const width = embedding.shape[1];
      for (const [i, { at }] of some.entries()) vectors[at] = embedding.data.slice(i * width, (i + 1) * width);
      onProgress(Math.min(start + batch, rows.length), rows.length);
    }
    return vectors;
  };
}

/** The first tokens and the one that ends a sentence. */
function cut(ids, longest) {
  return ids.length <= longest ? ids : [...ids.slice(0, longest - 1), ids.at(-1)];
}

/** The passages that are nearest to a vector, best first: their places and how near they are, from -1 to 1. */
export function nearest(vector, vectors, count) {
  const scores = vectors.map((other, at) => ({
    at,
    score: other.reduce((sum, value, i) => sum + value * vector[i], 0),
  }));
  return scores.sort((a, b) => b.score - a.score).slice(0, count);
}
