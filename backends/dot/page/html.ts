/**
 * A page with a drawing in it: one file, which needs no network and no server.
 *
 * It holds the SVG, the whole picture, the script (client.ts and what it imports) and Graphviz itself, packed, since
 * opening a cluster needs a new layout. All scripts stand in it as text, each a function of what it exports.
 */
import type { PageData } from "./data.js";
import { scripts } from "./scripts.generated.js";
import { styles } from "./styles.js";

/** The library that lays out DOT, and its binary, each gzipped and in base64. */
export interface PackedGraphviz {
  readonly script: string;
  readonly wasm: string;
}

/** @param svg the drawing as it is at first */
export function pageOf(data: PageData, svg: string, graphviz: PackedGraphviz | null): string {
  const title = escaped(data.title);
  const packed = (name: string, text: string): string => `<script type="text/plain" id="${name}">${text}</script>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${styles}</style>
</head>
<body>
<header>
<h1>${title}</h1>
<input id="search" type="search" placeholder="Search ( / )" aria-label="Search" autocomplete="off">
<output id="found" aria-live="polite"></output>
<nav aria-label="View">
<button id="open" title="Open all clusters">Open all</button>
<button id="close" title="Close what was closed at first, and all layers in a row">Close all</button>
<button id="out" title="Smaller ( - )" aria-label="Smaller">\u2212</button>
<button id="in" title="Larger ( + )" aria-label="Larger">+</button>
<button id="fit" title="The whole picture ( 0 )">Fit</button>
</nav>
</header>
<main id="stage" tabindex="0" aria-label="Drawing: arrows move it, + and - scale it, Tab goes from box to box, Enter shows details, o opens and closes">
${svg.slice(svg.indexOf("<svg"))}
</main>
<aside id="panel" hidden aria-label="Details">
<button id="dismiss" aria-label="Close the details ( Escape )" title="Escape">\u00d7</button>
<h2 id="panel-title"></h2>
<button id="toggle"></button>
<ul id="panel-lines"></ul>
<pre id="code" tabindex="0"></pre>
</aside>
<div id="hint" role="tooltip" hidden></div>
<script type="application/json" id="data">${JSON.stringify(data).replaceAll("<", "\\u003c")}</script>
${packed("graphviz-script", graphviz?.script ?? "")}
${packed("graphviz-wasm", graphviz?.wasm ?? "")}
<script>
${inScript(bundle())}
</script>
</body>
</html>
`;
}

/** The scripts as one: each is run when it is first required. */
function bundle(): string {
  const modules = Object.entries(scripts).map(
    ([name, text]) => `${JSON.stringify(name)}: (exports, require) => {\n${text}\n}`,
  );
  return `"use strict";
{
const modules = {\n${modules.join(",\n")}\n};
const made = {};
const require = (path) => {
  const name = path.slice(path.lastIndexOf("/") + 1).replace(/\\.js$/, "");
  if (!made[name]) { made[name] = {}; modules[name](made[name], require); }
  return made[name];
};
require("client");
}`;
}

/** Code that ends no script element: where it says so, it does in a string or a regular expression. */
function inScript(code: string): string {
  return code.replaceAll("</", "<\\/").replaceAll("<!--", "<\\x21--");
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
