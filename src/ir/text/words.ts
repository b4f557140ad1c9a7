/** Numbers and strings as dumps hold them: readable, and exact when read back. */

/**
 * A number of a Graph. All are f32 at the widest or whole, so that a fraction is written with the fewest digits that
 * round to it in f32 (0.1, not 0.10000000149011612), and a whole number with all of its digits.
 */
export function numberText(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (value === Infinity) return "inf";
  if (value === -Infinity) return "-inf";
  if (Object.is(value, -0)) return "-0";
  if (Number.isInteger(value) || Math.fround(value) !== value) return String(value);
  for (let digits = 1; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}

/** The inverse of numberText, or null where the text is no number. */
export function numberOf(text: string): number | null {
  if (text === "nan") return Number.NaN;
  if (text === "inf") return Infinity;
  if (text === "-inf") return -Infinity;
  if (!/^-?\d+(\.\d+)?(e[+-]?\d+)?$/.test(text)) return null;
  const value = Number(text);
  return Number.isInteger(value) ? value : Math.fround(value);
}

/** A string between quotes, with the escapes of JSON, on one line. */
export function quoted(text: string): string {
  return JSON.stringify(text);
}

/** The source of the pattern of a word: a name, with dots inside (`h.0.attn`). */
export const wordPattern = String.raw`[\p{L}_][\p{L}\p{N}_']*(?:\.[\p{L}\p{N}_']+)*`;

const isWord = new RegExp(`^${wordPattern}$`, "u");

/** Whether a dump and `parseSize` can hold a size variable of this name. */
export function isSizeName(name: string): boolean {
  return isWord.test(name) && !["min", "max", "inf"].includes(name);
}

/** A name as it is, or between quotes where it is no word. */
export function nameText(name: string): string {
  return isWord.test(name) ? name : quoted(name);
}
