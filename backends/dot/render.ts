/**
 * Draws DOT through Graphviz: SVG as Graphviz lays it out, PNG from that SVG.
 *
 * Graphviz runs as WebAssembly in a process of its own, so that its warnings stay off the user's terminal and a picture
 * that it cannot lay out takes nothing else down. Both PNG's rasteriser and its font are
 * packages: a picture needs no system font, no browser and no install script.
 */
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { gzipSync } from "node:zlib";
import { UserError } from "../../src/diagnostics/index.js";
import type { PackedGraphviz } from "./page/html.js";
import { polished } from "./picture/polish.js";

/** Pixels of a PNG for each pixel that a browser shows the SVG with. */
const pngScale = 2;
/** Limits of a PNG, beyond which its scale is lowered: what viewers and browsers still open. */
const largestSide = 16_384;
const mostPixels = 64_000_000;

/**
 * The picture that a text in DOT describes: the text itself, an SVG or the bytes of a PNG.
 * @throws UserError E0612 where Graphviz cannot read or lay out the text.
 */
export function renderDot(dot: string, format: "dot" | "svg"): Promise<string>;
export function renderDot(dot: string, format: "png"): Promise<Uint8Array>;
export function renderDot(dot: string, format: "dot" | "svg" | "png"): Promise<string | Uint8Array>;
export async function renderDot(dot: string, format: "dot" | "svg" | "png"): Promise<string | Uint8Array> {
  if (format === "dot") return dot;
  const svg = polished(await graphviz(dot));
  return format === "svg" ? svg : rasterised(svg);
}

// ---- Graphviz

async function graphviz(dot: string): Promise<string> {
  if (dot.trim() === "") throw cannotDraw("the text for Graphviz is empty");
  const library = createRequire(import.meta.url).resolve("graphviz-cli");
  const program = join(dirname(library), "..", "bin", "graphviz.cjs");
  const env = { ...process.env, ELECTRON_RUN_AS_NODE: "1", NODE_OPTIONS: "" };
  const child = spawn(process.execPath, [program, "-Tsvg"], { env, stdio: "pipe" });
  child.stdin.on("error", () => {}); // a child that stops early closes its end; its exit status says so
  child.stdin.end(dot);
  const [svg, complaints, status] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    new Promise<number | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", resolve);
    }),
  ]);
  if (status === 0 && svg.includes("</svg>")) return svg;
  throw cannotDraw(reason(complaints));
}

/** The error among what Graphviz wrote to stderr, in one line. */
function reason(complaints: string): string {
  const error = complaints.split("\n").findLast((line) => /error/i.test(line)) ?? "";
  const said = error.replace(/^(Error: )+/, "").trim();
  if (/syntax error/.test(said)) return `Graphviz cannot read the text: ${said}`;
  return `Graphviz cannot lay out the picture: ${said === "" ? "it gives no reason" : said}`;
}

function cannotDraw(message: string): UserError {
  return UserError.of("E0612", message);
}

/** Graphviz for pages: the library and its binary as they lie in the package that the command line runs. */
export async function packedGraphviz(): Promise<PackedGraphviz> {
  const { resolve } = createRequire(createRequire(import.meta.url).resolve("graphviz-cli"));
  const wasm = resolve("@aduh95/viz.js/wasm");
  const packed = async (file: string): Promise<string> =>
    gzipSync(await readFile(file), { level: 9 }).toString("base64");
  const [script, binary] = await Promise.all([packed(join(dirname(wasm), "render.browser.js")), packed(wasm)]);
  return { script, wasm: binary };
}

// ---- PNG

let ready: Promise<readonly Uint8Array[]> | null = null;

/** Starts the rasteriser once; gives the fonts. */
async function start(): Promise<readonly Uint8Array[]> {
  const { resolve } = createRequire(import.meta.url);
  const { initWasm } = await import("@resvg/resvg-wasm");
  const [wasm, ...fonts] = await Promise.all(
    [
      "@resvg/resvg-wasm/index_bg.wasm",
      "@expo-google-fonts/arimo/400Regular/Arimo_400Regular.ttf",
      "@expo-google-fonts/arimo/700Bold/Arimo_700Bold.ttf",
    ].map((file) => readFile(resolve(file))),
  );
  await initWasm(wasm!);
  return fonts;
}

/** An SVG as PNG. */
export async function rasterised(svg: string): Promise<Uint8Array> {
  ready ??= start();
  const fonts = await ready;
  const { Resvg } = await import("@resvg/resvg-wasm");
  const picture = new Resvg(svg, {
    fitTo: { mode: "zoom", value: scaleOf(svg) },
    background: "white",
    font: { fontBuffers: [...fonts], defaultFontFamily: "Arimo", sansSerifFamily: "Arimo", serifFamily: "Arimo" },
  });
  try {
    const image = picture.render();
    try {
      return image.asPng();
    } finally {
      image.free();
    }
  } finally {
    picture.free();
  }
}

/** The scale of a PNG, from the size in points that Graphviz gives to the SVG. */
function scaleOf(svg: string): number {
  const [, width = "0", height = "0"] = /<svg width="([\d.]+)pt" height="([\d.]+)pt"/.exec(svg) ?? [];
  const [w, h] = [Math.max(1, (Number(width) * 4) / 3), Math.max(1, (Number(height) * 4) / 3)];
  return Math.min(pngScale, largestSide / Math.max(w, h), Math.sqrt(mostPixels / (w * h)));
}
