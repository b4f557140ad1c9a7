/**
 * The normalization that SentencePiece stores in a model (`precompiled_charsmap`): how many bytes the tree has, the tree, in
 * the form of darts-clone (https://github.com/s-yata/darts-clone), that finds the longest rule at a place, and the
 * replacements, each ended by a zero.
 */

const units = (bytes: Uint8Array, count: number): Uint32Array => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint32Array.from({ length: count }, (_, i) => view.getUint32(4 + 4 * i, true));
};

const hasLeaf = (unit: number) => ((unit >>> 8) & 1) === 1;
const leafOf = (unit: number) => unit & 0x7fffffff;
const labelOf = (unit: number) => unit & 0x800000ff;
const offsetOf = (unit: number) => (unit >>> 10) << ((unit & 0x200) >>> 6);

/** A unicode character with those that combine with it, as the model's trainer saw them. */
const graphemes = new Intl.Segmenter("en", { granularity: "grapheme" });

/**
 * The function that a charsmap describes, or null if its bytes are no charsmap.
 *
 * Like the library `tokenizers`, it looks up a whole grapheme of fewer than 6 bytes first, then each of its characters.
 */
export function charsmapNormalizer(bytes: Uint8Array): ((text: string) => string) | null {
  if (bytes.length < 4) return null;
  const treeBytes = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  if (treeBytes % 4 !== 0 || treeBytes > bytes.length - 4) return null;
  const tree = units(bytes, treeBytes / 4);
  const replacements = bytes.subarray(4 + treeBytes);
  const encoder = new TextEncoder();
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  /** The replacement of the shortest rule that begins a text, which is what the library takes. */
  const find = (text: string): string | null => {
    let at = 0;
    let unit = tree[0] ?? 0;
    at ^= offsetOf(unit);
    for (const byte of encoder.encode(text)) {
      if (byte === 0) return null;
      at ^= byte;
      unit = tree[at] ?? 0;
      if (labelOf(unit) !== byte) return null;
      at ^= offsetOf(unit);
      if (!hasLeaf(unit)) continue;
      const start = leafOf(tree[at] ?? 0);
      const end = replacements.indexOf(0, start);
      return decoder.decode(replacements.subarray(start, end < 0 ? undefined : end));
    }
    return null;
  };

  return (text) => {
    let out = "";
    for (const { segment } of graphemes.segment(text)) {
      const whole = encoder.encode(segment).length < 6 ? find(segment) : null;
      if (whole !== null) out += whole;
      else for (const character of segment) out += find(character) ?? character;
    }
    return out;
  };
}
