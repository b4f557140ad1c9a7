/**
 * In which order the functions of a module stand, for its compressed size: a compressor finds what is equal only in the
 * last 32 KB, so that similar functions must be near each other.
 *
 * Each place is given to the function of which most is in those before it, by samples of its bytes. The order means
 * nothing for what the functions do.
 */

/** Bytes back that are looked at: what a compressor sees of a text with a character for a byte. */
const reach = 24_000;
/** Bytes of a sample. */
const length = 6;
/** One sample in so many is kept: those whose hash divides by it, so that equal ones are kept in all functions. */
const rarity = 4;

/**
 * The items, each behind those that it is most like, the longest first.
 * @param bytesOf the bytes of an item
 */
export function inSimilarOrder<Item>(
  items: readonly Item[],
  bytesOf: (item: Item) => readonly number[],
): readonly Item[] {
  const left = items
    .map((item) => ({ item, size: bytesOf(item).length, samples: samplesOf(bytesOf(item)) }))
    .sort((a, b) => b.size - a.size);
  const placed: typeof left = [];
  while (left.length > 0) {
    const near = new Set<number>();
    let size = 0;
    for (let at = placed.length - 1; at >= 0 && size < reach; at--) {
      size += placed[at]!.size;
      for (const each of placed[at]!.samples) near.add(each);
    }
    let [best, most] = [0, -1];
    for (const [at, { samples }] of left.entries()) {
      let count = 0;
      for (const each of samples) if (near.has(each)) count++;
      const share = count / Math.max(samples.length, 1);
      if (share > most) [best, most] = [at, share];
    }
    placed.push(...left.splice(best, 1));
  }
  return placed.map(({ item }) => item);
}

/** Hashes of bytes in a row, some of all that there are. */
function samplesOf(bytes: readonly number[]): readonly number[] {
  const found = new Set<number>();
  for (let from = 0; from + length <= bytes.length; from++) {
    let hash = 0;
    for (let at = from; at < from + length; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0;
    hash ^= hash >>> 15;
    if (hash % rarity === 0) found.add(hash);
  }
  return [...found];
}
