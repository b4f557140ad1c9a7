/** Bytes on the axis of a chart. */

const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** `1.5 MiB`. */
export function bytesText(bytes: number): string {
  let [unit, rest] = [0, bytes];
  for (; rest >= 1024 && unit < units.length - 1; unit++) rest /= 1024;
  return `${Number(rest.toPrecision(rest < 100 ? 3 : 4))} ${units[unit]}`;
}

/** Round numbers of bytes from 0 to at most `most`, some five of them. */
export function ticks(most: number): number[] {
  if (!(most > 0)) return [0];
  const unit = 1024 ** Math.min(units.length - 1, Math.floor(Math.log2(most) / 10));
  const rough = most / unit / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = (([1, 2, 5, 10] as const).find((each) => each * power >= rough) ?? 10) * power * unit;
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, i) => i * step);
}
