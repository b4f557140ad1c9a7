/** Random attention layers as programs, decided by a seed: masks, scales, biases, caps, sinks, heads that share keys. */
import { Random } from "./random.js";

const masks = [
  "([t: T, s: S] => s >= 0)",
  "causal_mask(T, S)",
  "window_mask(T, W, S)",
  "chunk_mask(T, W + 1, S)",
  "padding_mask(keep, T)",
  "padding_mask(keep, T) and causal_mask(T, S)",
  "([t: T, s: S] => s < 3 or s <= t)",
  "([t: T, s: S] => not (s > t) and s + W > t)",
  "([t: T, s: S] => abs(t - s) <= W)",
  "([t: T, s: S] => s + 2 < t)",
  "([t: T, s: S] => s < 0)",
  "([t: T, s: S] => s == t or s == 0)",
  "([t: T, s: S] => 2 * s <= t + W)",
] as const;

const scores = [
  "q @ k.T * 0.5",
  "(q * 0.5) @ k.T",
  "q @ k.T",
  "q @ k.T / 1.7",
  "3 * tanh(q @ k.T * 0.3)",
  "q @ k.T * 0.5 + bias",
  "q @ k.T + ([h: H, t: T, s: S] => 0.25 * (s - t) / (h + 1))",
  "q @ k.T + ([h: H, t: T, s: S] => table[h, minimum(abs(s - t), 3)])",
] as const;

/** How the mask meets the scores. */
const meetings = [
  "where(mask, scores, -inf)",
  "where(not mask, -inf, scores)",
  "where(mask, where([t: T, s: S] => s < T + W, scores, -inf), -inf)",
  "where(mask, scores, -inf) * 1.5",
  "where(mask, scores, -inf) / 3",
  "scores + where(mask, 0, -inf)",
  "scores + (1 - f32(mask)) * -10000",
] as const;

const softmaxes = [
  "softmax(masked) @ v",
  "softmax(masked) @ v",
  'softmax(concat(masked, rearrange(sinks, "h -> h 1 1")))[..., 0:S] @ v',
  "(exp(masked - max(masked)) / sum(exp(masked - max(masked)))) @ v",
  'einsum("b h t s, b h s v -> b t h v", softmax(masked), v)',
] as const;

const keyForms = [
  "k",
  "repeat_heads(k, n)",
  "rope(k, frequencies(4, 10000))",
  "repeat_heads(rope(k, frequencies(4, 100)), n)",
];

export interface RandomAttention {
  readonly text: string;
  /** Whether finite numbers stand for -inf: rows that they hide are not zeros. */
  readonly isSoft: boolean;
}

export function randomAttention(seed: number): RandomAttention {
  const random = new Random(seed);
  const n = 1 + random.below(3);
  const keyHeads = 1 + random.below(2);
  const form = random.below(keyForms.length);
  const shares = form === 1 || form === 3;
  const heads = shares ? n * keyHeads : keyHeads;
  const size = random.of([4, 5, 8]);
  const values = random.of([1, 3, 4, 7]);
  const score = random.of(scores);
  const meeting = random.of(meetings);
  const softmax = random.of(softmaxes);
  const isCross = random.chance(0.6);
  const S = isCross ? "S" : "T";
  const turned = score.startsWith("q") && random.chance(0.5) ? "let q = rope(x, frequencies(4, 10000))" : "let q = x";
  const lines = [
    "import std: causal_mask, chunk_mask, frequencies, padding_mask, repeat_heads, rope, window_mask",
    `model M(H: int = ${heads}, n: int = ${n}, W: int = ${1 + random.below(4)}) {`,
    ...(score.includes("table") ? ["  param table: [H, 4]"] : []),
    ...(softmax.includes("sinks") ? ["  param sinks: [H]"] : []),
    `  entry e(x: [B, H, T, ${size}], key: [B, ${keyHeads}, ${S}, ${size}], value: [B, ${keyHeads}, ${S}, ${values}]`,
  ];
  const mask = random.of(masks);
  if (score.includes("bias")) lines.push(`    , bias: [T, ${S}]`);
  if (mask.includes("keep")) lines.push(`    , keep: i32[B, ${S}]`);
  lines.push(
    `  ) -> (y: [${softmax.startsWith("einsum") ? "B, T, H" : "B, H, T"}, ${values}]) {`,
    `    ${turned}`,
    `    let k = ${keyForms[form]!.replace(/\bk\b/, "key")}`,
    `    let v = ${shares ? "repeat_heads(value, n)" : "value"}`,
    `    let scores = ${score}`,
    `    let mask = ${mask}`,
    `    let masked = ${meeting}`,
    `    ${softmax}`,
    "  }",
    "}",
  );
  const text = lines.join("\n");
  return { text: isCross ? text : text.replaceAll(/\bS\b/g, "T"), isSoft: meeting.includes("10000") };
}
