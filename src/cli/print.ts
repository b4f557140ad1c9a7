/** How answers are laid out on a terminal. */

/** A table with columns as wide as needed; the alignment of each is `l` or `r`. Two blanks stand between columns. */
export function table(rows: readonly (readonly string[])[], alignment: string): string {
  const widths: number[] = [];
  for (const row of rows) for (const [i, cell] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  const lines = rows.map((row) =>
    row
      .map((cell, i) => (alignment[i] === "r" ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join("  ")
      .trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

/** A number with up to `digits` significant ones, short. */
export function short(value: number, digits = 4): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e7) return String(value);
  return String(Number(value.toPrecision(digits)));
}

/** An error: `3.1e-7`, `0`, `NaN`. */
export function errorText(value: number | null): string {
  if (value === null) return "–";
  if (value === 0) return "0";
  return Number.isFinite(value) ? value.toExponential(1) : String(value);
}

/** A count with separators: `124,439,808`. */
export function counted(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 entry`, `2 entries`. */
export function plural(count: number, word: string, many = `${word}s`): string {
  return `${counted(count)} ${count === 1 ? word : many}`;
}

/** Bytes in the unit that reads best. */
export function bytesText(bytes: number): string {
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

/** JSON with what JSON does not have, NaN and infinities, as strings. */
export function json(value: unknown): string {
  const plain = (_key: string, item: unknown) =>
    typeof item === "number" && !Number.isFinite(item) ? String(item) : item;
  return `${JSON.stringify(value, plain, 2)}\n`;
}
