/** The nearest of some names to a misspelt one, for the help of a diagnostic. */

/** The Damerau-Levenshtein distance of two words, with a swap of neighbours as one step. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    const above = rows[i - 1]!;
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, rows[i - 2]![j - 2]! + 1);
      row.push(best);
    }
    rows.push(row);
  }
  return rows[a.length]![b.length]!;
}

/**
 * The name that a person most likely meant, or null if none is near: at most a third of the letters may differ, one at
 * least of three and more; of shorter names only the case.
 */
export function nearest(name: string, names: Iterable<string>): string | null {
  let best: string | null = null;
  let least = (name.length < 3 ? 0 : Math.max(1, Math.floor(name.length / 3))) + 0.75;
  for (const candidate of names) {
    if (candidate === name || Math.abs(candidate.length - name.length) > least) continue;
    const steps = candidate.toLowerCase() === name.toLowerCase() ? 0.5 : distance(name, candidate);
    if (steps < least) {
      best = candidate;
      least = steps;
    }
  }
  return best;
}
