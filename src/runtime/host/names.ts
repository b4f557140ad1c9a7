/** The name that was probably meant, for errors about names that are missing or unknown. */

/** The least number of letters to insert, delete or replace; stops counting above `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit) return limit + 1;
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    if (Math.min(...next) > limit) return limit + 1;
    row = next;
  }
  return row[b.length]!;
}

/**
 * The nearest of some names, or null: one that differs by leading parts of a dotted path (`transformer.wte.weight` for
 * `wte.weight`), else one that differs in at most a third of its letters.
 */
export function nearestName(name: string, names: Iterable<string>): string | null {
  let best: string | null = null;
  let limit = Math.max(1, Math.floor(name.length / 3));
  for (const candidate of names) {
    if (candidate.endsWith(`.${name}`) || name.endsWith(`.${candidate}`)) return candidate;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase(), limit);
    if (distance > limit || (best !== null && distance === limit)) continue;
    best = candidate;
    limit = distance;
  }
  return best;
}

/** The end of a sentence about a name: the nearest one, in parentheses, or nothing. */
export function nearestHint(name: string, names: Iterable<string>): string {
  const near = nearestName(name, names);
  return near === null ? "" : ` (the nearest name is "${near}")`;
}
