/** The reference of the family E08 decoding: why an entry that is `incremental` cannot be computed step by step. */
import { entries } from "./entry.js";

export const decoding = entries({
  E0801: {
    title: "an entry that is incremental looks ahead",
    text: "`incremental T` asks for a step that takes only new positions. That is possible where the output at a position depends on no later position. Here a reduction, a softmax or an index reads later ones: no mask holds, or what masks is no longer one (a masked score must be -inf, or so far below all others that exp gives 0, until the softmax).",
    wrong:
      "model M(width: int = 8) {\n  entry forward(x: [B, T, width]) incremental T -> (y: [B, T, width]) {\n    softmax(x @ x.T) @ x\n  }\n}",
    right:
      "import std: causal_mask\n\nmodel M(width: int = 8) {\n  entry forward(x: [B, T, width]) incremental T -> (y: [B, T, width]) {\n    softmax(where(causal_mask(T), x @ x.T, -inf)) @ x\n  }\n}",
  },
  E0802: {
    title: "an entry that is incremental uses its length as a number",
    text: "A step does not know how long the sequence will be, so that T cannot be divided by, counted back from, or be a multiple of something.",
    wrong:
      "model M(width: int = 8) {\n  entry forward(x: [B, T, width]) incremental T -> (y: [B, T, width]) {\n    x / T\n  }\n}",
    right:
      "model M(width: int = 8) {\n  entry forward(x: [B, T, width]) incremental T -> (y: [B, T, width]) {\n    x / [t: T, k: width] => f32(t + 1)\n  }\n}",
  },
  E0803: {
    title: "an entry that is incremental counts rows from the end",
    text: "A table that is cut as `table[context - T : context]` has another row for position t at every length. Rows from the beginning, `table[0:T]`, stay.",
    wrong:
      "model M(width: int = 8, context: int = 64) {\n  param table: [context, width]\n\n  entry forward(x: [B, T <= context, width]) incremental T -> (y: [B, T, width]) {\n    x + table[context - T : context]\n  }\n}",
    right:
      "model M(width: int = 8, context: int = 64) {\n  param table: [context, width]\n\n  entry forward(x: [B, T <= context, width]) incremental T -> (y: [B, T, width]) {\n    x + table[0:T]\n  }\n}",
  },
  E0804: {
    title: "an entry that is incremental picks positions",
    text: "A step has its new positions only: the first, or all but the first, or the last of the whole sequence are not among them. For the scores of the last position give all; generating computes only the last.",
    wrong:
      "model M(width: int = 8) {\n  entry forward(x: [B, T, width]) incremental T -> (y: [B, width]) {\n    x[:, -1]\n  }\n}",
    right:
      "model M(width: int = 8) {\n  entry forward(x: [B, T, width]) incremental T -> (y: [B, T, width]) {\n    x\n  }\n}",
  },
  E0805: {
    title: "an entry that is incremental rearranges positions",
    text: "Positions are one row each along one axis. Where they are cut into blocks, merged with another axis, joined end to end, or have static rows among the new ones, a step cannot tell which rows are new.",
    wrong:
      'model M(width: int = 8) {\n  entry forward(x: [B, T, width]) incremental T -> (y: [B, T, width]) {\n    let both = rearrange(x, "b t (h k) -> b (t h) k", h = 2)\n    rearrange(tanh(both), "b (t h) k -> b t (h k)", h = 2)\n  }\n}',
  },
  E0806: {
    title: "an entry that is incremental combines shifted positions",
    text: "Two axes over T are combined, one of which has static rows before its positions: row i of one is not the position that row i of the other is.",
  },
  E0807: {
    title: "an entry that is incremental would keep a square of positions",
    text: "A value for every pair of positions would have to be kept from step to step, which costs more than computing everything again. Products associate: applied to a vector first, nothing square is kept.",
    wrong:
      "import std: causal_mask\n\nmodel M(width: int = 8) {\n  entry forward(x: [B, T, width]) incremental T -> (y: [B, T, width]) {\n    let mask = causal_mask(T)\n    let p = softmax(where(mask, x @ x.T, -inf))\n    (p @ p) @ x\n  }\n}",
    right:
      "import std: causal_mask\n\nmodel M(width: int = 8) {\n  entry forward(x: [B, T, width]) incremental T -> (y: [B, T, width]) {\n    let mask = causal_mask(T)\n    let p = softmax(where(mask, x @ x.T, -inf))\n    p @ (p @ x)\n  }\n}",
  },
  E0808: {
    title: "an entry that is incremental returns what is not made of positions",
    text: "A step gives the rows of its new positions. An output without an axis over T, or with two, has none.",
    wrong:
      "model M(width: int = 8) {\n  entry forward(x: [B, T, width]) incremental T -> (y: [B, T, T]) {\n    x @ x.T\n  }\n}",
  },
  E0809: {
    title: "an entry that is incremental has an input that does not grow by rows",
    text: "An input over T is given row by row. One with two axes over T, such as a mask of pairs, would need new columns for old rows too.",
    wrong:
      "model M(width: int = 8) {\n  entry forward(x: [B, T, width], mask: bool[T, T]) incremental T -> (y: [B, T, width]) {\n    softmax(where(mask, x @ x.T, -inf)) @ x\n  }\n}",
    right:
      "import std: causal_mask\n\nmodel M(width: int = 8) {\n  entry forward(x: [B, T, width]) incremental T -> (y: [B, T, width]) {\n    softmax(where(causal_mask(T), x @ x.T, -inf)) @ x\n  }\n}",
  },
  E0811: {
    title: "a program generates no tokens",
    text: "Generating needs an entry that is `incremental`, takes tokens as i32[B, T] without a default, and returns a score for each token of the vocabulary: floats of [B, T, vocabulary]. An encoder, or a decoder that returns vectors, has nothing to choose tokens from.",
  },
  E0812: {
    title: "a score is not a number",
    text: "The next token is the one whose score is highest, or drawn by scores; among scores that are not numbers (NaN) there is none. The checkpoint holds such numbers, or the model computes them: a weight that is too large for the format in which it is held, a division of 0 by 0.",
  },
  E0810: {
    title: "a row that a finite number masks as a whole looks ahead",
    text: "With a finite mask, such as -1e9 or the least float, a row all of whose keys are masked is the plain mean of all keys, later ones included: a step gives another one. With -inf such a row is zeros in both.",
    wrong:
      "model M(width: int = 8) {\n  entry forward(x: [B, T, width], keep: i32[B, T]) incremental T -> (y: [B, T, width]) {\n    let mask = [b: B, t: T, s: T] => s <= t and keep[b, s] != 0\n    softmax(where(mask, x @ x.T, -1e9)) @ x\n  }\n}",
    right:
      "model M(width: int = 8) {\n  entry forward(x: [B, T, width], keep: i32[B, T]) incremental T -> (y: [B, T, width]) {\n    let mask = [b: B, t: T, s: T] => s <= t and keep[b, s] != 0\n    softmax(where(mask, x @ x.T, -inf)) @ x\n  }\n}",
  },
});
