/**
 * A chart of the memory of an entry as SVG: kernels from left to right in the order in which they run, bytes of the arena
 * upwards, and each buffer as long as it lives, where it lies. The line is what lives at one time.
 */
import { hueOf, inks } from "../picture/style.js";
import { bytesText, ticks } from "./bytes.js";

export interface ChartBuffer {
  readonly name: string;
  readonly type: string;
  /** In the arena. */
  readonly offset: number;
  readonly bytes: number;
  /** The runs that first write and last use it. */
  readonly first: number;
  readonly last: number;
  /** Buffers of one number look alike: equal layers have equal colours. */
  readonly hue: number;
}

export interface ChartRun {
  readonly kernel: string;
  /** The layer that it belongs to. */
  readonly layer: string;
  /** For people who point at it. */
  readonly about: readonly string[];
}

export interface MemoryChart {
  readonly title: string;
  readonly notes: readonly string[];
  readonly arena: number;
  readonly runs: readonly ChartRun[];
  readonly buffers: readonly ChartBuffer[];
}

const height = 420;
const margin = { left: 78, right: 24, top: 76, bottom: 26 } as const;
/** A letter of the small font, in pixels, on the safe side. */
const letter = 5.6;
const longestLabel = 26;

/** The chart; its size in points is that of its pixels at 96 per inch. */
export function memoryChart(chart: MemoryChart): string {
  return new Draughtsman(chart).draw();
}

class Draughtsman {
  readonly #lines: string[] = [];
  readonly #column: number;
  readonly #named: boolean;
  readonly #width: number;
  readonly #total: number;

  constructor(readonly chart: MemoryChart) {
    const count = Math.max(1, chart.runs.length);
    this.#column = Math.min(34, Math.max(2, 1500 / count));
    this.#named = this.#column >= 11;
    this.#width = Math.max(560, margin.left + margin.right + this.#column * count);
    const longest = this.#named
      ? Math.max(0, ...chart.runs.map(({ kernel }) => Math.min(longestLabel, kernel.length)))
      : 0;
    this.#total = margin.top + height + margin.bottom + longest * letter;
  }

  draw(): string {
    const [width, total] = [Math.ceil(this.#width), Math.ceil(this.#total)];
    const { title, notes } = this.chart;
    this.#lines.push(
      '<?xml version="1.0" encoding="UTF-8" standalone="no"?>',
      `<svg width="${(width * 3) / 4}pt" height="${(total * 3) / 4}pt" viewBox="0 0 ${width} ${total}" xmlns="http://www.w3.org/2000/svg" font-family="Arimo, Arial, 'Liberation Sans', Helvetica, sans-serif" font-size="10">`,
      `<rect width="${width}" height="${total}" fill="white"/>`,
      this.#text(16, 24, title, `font-size="15" fill="${inks.text}"`),
      this.#text(16, 42, notes.join(" \u00b7 "), `font-size="11" fill="${inks.detail}"`),
    );
    this.#layers();
    this.#scale();
    for (const buffer of this.chart.buffers) this.#buffer(buffer);
    this.#live();
    this.#runs();
    return `${this.#lines.join("\n")}\n</svg>\n`;
  }

  #x(run: number): number {
    return margin.left + run * this.#column;
  }

  #y(bytes: number): number {
    return margin.top + height - (bytes / Math.max(1, this.chart.arena)) * height;
  }

  #text(x: number, y: number, text: string, attributes: string): string {
    return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped(text)}</text>`;
  }

  /** Bands for the layers, of which as many are named as have room. */
  #layers(): void {
    const { runs } = this.chart;
    let named = -1;
    for (let first = 0, band = 0; first < runs.length; band++) {
      let end = first + 1;
      while (end < runs.length && runs[end]!.layer === runs[first]!.layer) end++;
      const [x, width] = [this.#x(first), (end - first) * this.#column];
      const fill = band % 2 === 0 ? "#f6f8fa" : "#ffffff";
      this.#lines.push(
        `<rect x="${round(x)}" y="${margin.top - 18}" width="${round(width)}" height="${height + 18}" fill="${fill}"/>`,
      );
      const { layer } = runs[first]!;
      if (layer !== "" && x > named && width >= Math.min(24, layer.length * letter)) {
        this.#lines.push(this.#text(x + 3, margin.top - 6, layer, `fill="${inks.text}" font-weight="bold"`));
        named = x + layer.length * letter + 6;
      }
      first = end;
    }
  }

  #scale(): void {
    for (const bytes of ticks(this.chart.arena)) {
      const y = round(this.#y(bytes));
      this.#lines.push(
        `<path d="M${margin.left} ${y}H${round(this.#x(this.chart.runs.length))}" stroke="#d0d7de" stroke-width="0.6"/>`,
        this.#text(margin.left - 6, y + 3.5, bytesText(bytes), `text-anchor="end" fill="${inks.detail}"`),
      );
    }
  }

  #buffer({ name, type, offset, bytes, first, last, hue }: ChartBuffer): void {
    const [x, y] = [this.#x(first), this.#y(offset + bytes)];
    const [width, tall] = [(last - first + 1) * this.#column, this.#y(offset) - y];
    const { fill, border } = hueOf(hue);
    const about = [`${name}: ${type}`, `${bytesText(bytes)} at ${offset}`, this.#life(first, last)];
    const lines = [name, type].filter((line, i) => line.length * letter < width - 4 && tall > 12 * (i + 1));
    this.#lines.push(
      `<g class="buffer"><title>${escaped(about.join("\n"))}</title>`,
      `<rect x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(Math.max(0.6, tall))}" fill="${fill}" stroke="${border}" stroke-width="0.8"/>`,
      ...lines.map((line, i) =>
        this.#text(
          x + width / 2,
          y + tall / 2 + 3.5 + (i - (lines.length - 1) / 2) * 12,
          line,
          `text-anchor="middle" fill="${i === 0 ? inks.text : inks.detail}"`,
        ),
      ),
      "</g>",
    );
  }

  #life(first: number, last: number): string {
    const at = (run: number): string => `${this.chart.runs[run]?.kernel ?? ""} (${run + 1})`;
    return first === last ? `lives in ${at(first)}` : `lives from ${at(first)} to ${at(last)}`;
  }

  /** What lives at each run, as a line of steps. */
  #live(): void {
    const live = liveBytes(this.chart);
    if (live.length === 0) return;
    const steps = live.map(
      (bytes, run) =>
        `${run === 0 ? "M" : "V"}${run === 0 ? `${round(this.#x(0))} ` : ""}${round(this.#y(bytes))}H${round(this.#x(run + 1))}`,
    );
    this.#lines.push(
      `<path d="${steps.join("")}" fill="none" stroke="#c5221f" stroke-width="1.4" stroke-dasharray="4 2"/>`,
    );
  }

  #runs(): void {
    const bottom = margin.top + height;
    for (const [run, { kernel, about }] of this.chart.runs.entries()) {
      const x = this.#x(run);
      this.#lines.push(
        `<g class="run"><title>${escaped(about.join("\n"))}</title>`,
        `<rect x="${round(x)}" y="${bottom}" width="${round(this.#column)}" height="${round(this.#total - bottom - 8)}" fill="white" fill-opacity="0"/>`,
      );
      if (this.#named) {
        const at = `${round(x + this.#column / 2 + 3.5)} ${bottom + 8}`;
        const name = kernel.length > longestLabel ? `${kernel.slice(0, longestLabel - 1)}\u2026` : kernel;
        this.#lines.push(`<text transform="translate(${at}) rotate(90)" fill="${inks.text}">${escaped(name)}</text>`);
      }
      this.#lines.push("</g>");
    }
    if (!this.#named) {
      this.#lines.push(
        this.#text(margin.left, bottom + 16, `${this.chart.runs.length} runs of kernels`, `fill="${inks.detail}"`),
      );
    }
  }
}

/** The bytes that live during each run. */
export function liveBytes({ runs, buffers }: MemoryChart): number[] {
  const live = runs.map(() => 0);
  for (const { first, last, bytes } of buffers) for (let run = first; run <= last; run++) live[run]! += bytes;
  return live;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(text: string): string {
  return text
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(/[^\P{Control}\n]/gu, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}
