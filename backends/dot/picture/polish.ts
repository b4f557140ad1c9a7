/** The SVG that Graphviz writes, made legible: fonts, titles over arrows, details less prominent than titles. */
import { fontName, inks } from "./style.js";

/** Fonts as wide as the one that Graphviz measured with, then whatever there is. */
const fontFamilies = `Arimo, ${fontName}, 'Liberation Sans', Helvetica, sans-serif`;

/**
 * What Graphviz cannot say in labels without the library that its WebAssembly build lacks: the first line of a box
 * is its title, the others are details. Titles of clusters move to the front, since arrows may pass them. Fonts get
 * fallbacks, so that the text fits its boxes on every system.
 */
export function polished(svg: string): string {
  const titles: string[] = [];
  const untitled = svg
    .replaceAll(`font-family="${fontName}"`, `font-family="${fontFamilies}"`)
    .replaceAll('stroke="transparent"', 'stroke="none"')
    .replace(/<g id="[^"]*" class="node [\s\S]*?\n<\/g>\n(?=<)/g, withDetails)
    .replace(/(<g id="[^"]*" class="cluster ((?:(?!<\/g>)[\s\S])*?))<text ([^\n]*)\n/g, (_, frame, kind, title) => {
      titles.push(
        `<text font-weight="bold" ${halo} ${/^(layer|function|kernel|loading|side)/.test(kind) ? leftOf(frame, title) : title}`,
      );
      return frame;
    })
    .replace(/(<g id="[^"]*" class="edge[^>]*>(?:(?!<\/g>)[\s\S])*?)<text /g, `$1<text ${halo} `);
  return untitled.replace(/<\/g>\s*<\/svg>\s*$/, `${titles.join("\n")}\n</g>\n</svg>\n`);
}

/** From the left edge of a frame to its title, in points. */
const titleInset = 8;

/** A title that begins at the left of its frame: bold, it is wider than Graphviz has measured, and would grow both ways. */
function leftOf(frame: string, title: string): string {
  const [, outline = ""] = / (?:d|points)="([^"]*)"/.exec(frame) ?? [];
  const left = Math.min(...[...outline.matchAll(/(-?[\d.]+),-?[\d.]+/g)].map(([, x]) => Number(x)));
  if (!Number.isFinite(left)) return title;
  return title.replace(/text-anchor="middle" x="[^"]*"/, `text-anchor="start" x="${left + titleInset}"`);
}

/** Makes text legible where an arrow passes behind it. */
const halo = 'stroke="#ffffff" stroke-width="3" stroke-linejoin="round" paint-order="stroke"';

function withDetails(node: string): string {
  let line = 0;
  // On the strongest fills grey is hard to read.
  const detail = /^<g id="[^"]*" class="[^"]*\bhot\b/.test(node) ? inks.text : inks.detail;
  return node.replace(/<text ([^>]*?)(?: fill="[^"]*")?>(?=([^<]*))/g, (_, attributes: string, said: string) => {
    line++;
    if (line === 1) return `<text ${attributes} fill="${inks.text}">`;
    const smaller = attributes.replace(
      /font-size="([\d.]+)"/,
      (_, size: string) => `font-size="${Number(size) - 1.5}"`,
    );
    return `<text ${smaller} fill="${said.startsWith("\u2192") ? inks.text : detail}">`;
  });
}
