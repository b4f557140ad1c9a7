/**
 * The script of a page: search, details, opening and closing of clusters. Runs in browsers.
 *
 * A drawing is made anew by the same code as on the command line: close clusters, print DOT, Graphviz, polish.
 */
import { boxesOf, type Cluster, clustersOf, type Picture, type PictureNode } from "../picture/picture.js";
import { polished } from "../picture/polish.js";
import { printPicture } from "../picture/print.js";
import { viewOf } from "../picture/view.js";
import type { PageData } from "./data.js";
import { Engine } from "./engine.js";
import { Viewport } from "./viewport.js";

const byId = <E extends HTMLElement>(id: string): E => document.getElementById(id) as E;
const textOf = (id: string): string => byId(id).textContent ?? "";

const data = JSON.parse(textOf("data")) as PageData;
const stage = byId("stage");
const viewport = new Viewport(stage);
const engine = new Engine(textOf("graphviz-script"), textOf("graphviz-wasm"));

/** What is drawn now, and what everything in it is. */
let view: Picture | null = data.picture === null ? null : viewOf(data.picture);
const chosen = new Map<string, boolean>();
const clusters = new Map<string, Cluster>([...clustersOf(data.picture?.items ?? [])].map((each) => [each.id, each]));
let elements = new Map<string, Element>();
let selected: string | null = null;

/** Graphviz keeps escapes in names that it undoes in labels. */
const plainName = (name: string): string => name.replaceAll("\\\\", "\\").replaceAll("&amp;", "&");

// ---- what is drawn

/** Finds the element of each box and cluster, and makes it something to point at and to reach by keys. */
function adopt(): void {
  elements = new Map();
  const names = new Map<string, string>();
  for (const { node } of boxesOf(view?.items ?? [])) names.set(plainName(node.id), node.id);
  for (const { id } of clustersOf(view?.items ?? [])) names.set(plainName(`cluster ${id}`), id);
  for (const link of stage.querySelectorAll("a")) link.removeAttribute("xlink:title");
  let charted = 0;
  for (const element of stage.querySelectorAll("g.node, g.cluster, g.buffer, g.run")) {
    const title = element.querySelector("title");
    const text = title?.textContent ?? "";
    const id = view === null ? `chart ${charted++}` : names.get(plainName(text));
    title?.remove();
    if (id === undefined || element.classList.contains("junction")) continue;
    if (view === null) chart.set(id, text.split("\n"));
    elements.set(id, element);
    element.setAttribute("tabindex", "0");
    element.setAttribute("role", "button");
    element.setAttribute("aria-label", linesOf(id).join(", "));
    element.setAttribute("data-id", id);
  }
  viewport.apply();
}

/** The lines of the things of a chart. */
const chart = new Map<string, string[]>();

function itemOf(id: string): PictureNode | Cluster | null {
  if (view === null) return null;
  for (const { node } of boxesOf(view.items)) if (node.id === id) return node;
  return [...clustersOf(view.items)].find((each) => each.id === id) ?? null;
}

function linesOf(id: string): string[] {
  const item = itemOf(id);
  if (item === null) return chart.get(id) ?? [];
  const { title, tooltip } = item;
  return [title, ...tooltip.filter((line) => line !== title && line !== "")];
}

let busy = false;

/** Draws anew; what `anchor` names stays where it is on the screen. */
async function redraw(anchor: string | null): Promise<void> {
  if (data.picture === null || busy) return;
  busy = true;
  stage.setAttribute("aria-busy", "true");
  try {
    const next = viewOf(data.picture, (id) => chosen.get(id) ?? null);
    const svg = polished(await engine.layOut(printPicture(next)));
    const before = anchor === null ? null : elements.get(anchor)?.getBoundingClientRect();
    view = next;
    stage.innerHTML = svg.slice(svg.indexOf("<svg"));
    adopt();
    const after = anchor === null ? null : elements.get(anchor)?.getBoundingClientRect();
    if (before && after) viewport.pan(before.left - after.left, before.top - after.top);
    else viewport.fit(false);
    if (selected !== null) select(elements.has(selected) ? selected : null);
    find();
  } catch (error) {
    byId("found").textContent = `cannot be drawn: ${String(error)}`;
  } finally {
    busy = false;
    stage.removeAttribute("aria-busy");
  }
}

function isClosed({ id, closed }: Cluster): boolean {
  return chosen.get(id) ?? closed;
}

function canToggle(id: string): boolean {
  return (clusters.get(id)?.box ?? null) !== null;
}

async function toggle(id: string): Promise<void> {
  const cluster = clusters.get(id);
  if (cluster === undefined || !canToggle(id) || busy) return;
  chosen.set(id, !isClosed(cluster));
  await redraw(id);
  (elements.get(id) as SVGElement | undefined)?.focus({ preventScroll: true });
}

async function toggleAll(close: boolean): Promise<void> {
  if (busy) return;
  for (const { id, box, closed, repeated } of clusters.values()) {
    if (box === null) continue;
    // All that can be open at once; and closed again as it was at first.
    if (close) chosen.set(id, closed || repeated);
    else chosen.set(id, false);
  }
  await redraw(null);
}

// ---- details

function select(id: string | null): void {
  for (const element of stage.querySelectorAll(".selected, .near")) element.classList.remove("selected", "near");
  selected = id;
  byId("panel").hidden = id === null;
  document.body.classList.toggle("split", id !== null);
  if (id === null) return;
  elements.get(id)?.classList.add("selected");
  view?.edges.forEach(({ from, to }, i) => {
    if (from === id || to === id) stage.querySelector(`#edge${i + 1}`)?.classList.add("near");
  });
  const [title = "", ...lines] = linesOf(id);
  byId("panel-title").textContent = title;
  byId("panel-lines").replaceChildren(
    ...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })),
  );
  const button = byId<HTMLButtonElement>("toggle");
  button.hidden = !canToggle(id);
  button.textContent = canToggle(id) && isClosed(clusters.get(id)!) ? "Open" : "Close";
  const code = data.codes[itemOf(id)?.code ?? ""] ?? "";
  byId("code").textContent = code;
  byId("code").hidden = code === "";
}

function idAt(target: EventTarget | null): string | null {
  return target instanceof Element ? (target.closest("[data-id]")?.getAttribute("data-id") ?? null) : null;
}

function hint(event: PointerEvent): void {
  const box = byId("hint");
  const id = event.buttons === 0 ? idAt(event.target) : null;
  box.hidden = id === null;
  if (id === null) return;
  box.textContent = linesOf(id).join("\n");
  const { innerWidth, innerHeight } = window;
  box.style.left = `${Math.min(event.clientX + 14, innerWidth - box.offsetWidth - 6)}px`;
  box.style.top = `${Math.min(event.clientY + 16, innerHeight - box.offsetHeight - 6)}px`;
}

// ---- search

let matches: string[] = [];
let current = -1;

/** Marks what the words are found in; what lies in a closed cluster is found by the box of that. */
function find(): void {
  const words = byId<HTMLInputElement>("search")
    .value.toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  const found = new Set<string>();
  const look = (id: string, shown: string | undefined, texts: readonly string[]): void => {
    const text = [id, ...texts].join("\n").toLowerCase();
    if (shown !== undefined && words.every((word) => text.includes(word))) found.add(shown);
  };
  if (words.length > 0) {
    const isShown = (id: string): boolean => elements.has(id);
    for (const { node, path } of boxesOf(data.picture?.items ?? [])) {
      if (node.isPlumbing) continue;
      look(node.id, [node.id, ...[...path].reverse()].find(isShown), [node.title, ...node.tooltip]);
    }
    for (const { id, title, tooltip } of clusters.values()) if (isShown(id)) look(id, id, [title, ...tooltip]);
    for (const [id, lines] of chart) look("", id, lines);
  }
  matches = [...elements.keys()].filter((id) => found.has(id));
  current = -1;
  for (const [id, element] of elements) element.classList.toggle("match", found.has(id));
  byId("found").textContent = words.length === 0 ? "" : `${matches.length} found`;
}

function step(by: number): void {
  if (matches.length === 0) return;
  current = (current + by + matches.length) % matches.length;
  const id = matches[current]!;
  viewport.show(elements.get(id)!, true);
  select(id);
  byId("found").textContent = `${current + 1} of ${matches.length}`;
}

// ---- events

stage.addEventListener("pointermove", hint);
stage.addEventListener("pointerleave", () => (byId("hint").hidden = true));
stage.addEventListener("click", (event) => {
  if (!viewport.wasDragged) select(idAt(event.target));
});
stage.addEventListener("dblclick", (event) => {
  const id = idAt(event.target);
  if (id !== null) void toggle(id);
});
byId("search").addEventListener("input", find);
byId("search").addEventListener("keydown", (event) => {
  if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
});
const buttons: Record<string, () => unknown> = {
  in: () => viewport.zoom(1.25),
  out: () => viewport.zoom(0.8),
  fit: () => viewport.fit(true),
  open: () => toggleAll(false),
  close: () => toggleAll(true),
  toggle: () => selected !== null && toggle(selected),
  dismiss: () => select(null),
};
for (const [id, act] of Object.entries(buttons)) byId(id).addEventListener("click", act);
if (data.picture === null) for (const id of ["open", "close"]) byId(id).hidden = true;

document.addEventListener("keydown", (event) => {
  const isTyping = event.target instanceof HTMLInputElement;
  if (event.key === "Escape") {
    select(null);
    stage.focus();
    return;
  }
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const id = idAt(event.target);
  const keys: Record<string, () => unknown> = {
    "/": () => byId("search").focus(),
    "+": () => viewport.zoom(1.25),
    "=": () => viewport.zoom(1.25),
    "-": () => viewport.zoom(0.8),
    "0": () => viewport.fit(true),
    ArrowLeft: () => viewport.pan(60, 0),
    ArrowRight: () => viewport.pan(-60, 0),
    ArrowUp: () => viewport.pan(0, 60),
    ArrowDown: () => viewport.pan(0, -60),
    ...(id === null ? {} : { Enter: () => select(id), " ": () => select(id), o: () => toggle(id) }),
  };
  const act = event.target instanceof HTMLButtonElement ? undefined : keys[event.key];
  if (act === undefined) return;
  event.preventDefault();
  act();
});
stage.addEventListener("focusin", (event) => {
  const id = idAt(event.target);
  if (id !== null && (event.target as Element).matches(":focus-visible")) viewport.show(elements.get(id)!);
});

adopt();
viewport.fit(false);
