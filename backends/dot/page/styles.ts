/** How a page looks, by day and by night: the drawing keeps its hues and changes its brightness. */
export const styles = `
:root { --ink: #1b1f24; --faint: #57606a; --paper: #ffffff; --shade: #f6f8fa; --line: #d0d7de; --accent: #0072b2; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --faint: #9da7b1; --paper: #141414; --shade: #1d1e21; --line: #3d4046; --accent: #6cb8e8; }
  #stage svg { filter: invert(0.92) hue-rotate(180deg); }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; height: 100vh; display: grid; grid-template: auto 1fr / 1fr; color: var(--ink); background: var(--paper);
  font: 14px/1.45 Arimo, Arial, "Liberation Sans", Helvetica, sans-serif; }
body.split { grid-template-columns: 1fr minmax(18rem, 34%); }
header { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: 0.5rem 0.75rem; align-items: center; padding: 0.5rem 0.75rem;
  background: var(--shade); border-bottom: 1px solid var(--line); }
h1 { font-size: 1rem; margin: 0 auto 0 0; }
h2 { font-size: 1rem; margin: 0 2rem 0.5rem 0; overflow-wrap: anywhere; }
input, button { font: inherit; color: inherit; background: var(--paper); border: 1px solid var(--line); border-radius: 6px;
  padding: 0.2rem 0.6rem; }
button { cursor: pointer; }
button:hover { border-color: var(--accent); }
input { width: 13rem; }
output { color: var(--faint); min-width: 5rem; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
#stage { overflow: hidden; position: relative; touch-action: none; cursor: grab; user-select: none; min-height: 0; min-width: 0; }
#stage[aria-busy] { cursor: progress; opacity: 0.6; }
#stage svg { position: absolute; left: 0; top: 0; transform-origin: 0 0; max-width: none; }
#stage [data-id] { cursor: pointer; outline: none; }
#stage a { cursor: pointer; }
.node:focus-visible polygon, .node:focus-visible path, .node:focus-visible ellipse, .cluster:focus-visible path,
.selected polygon, .selected path, .selected ellipse, .selected rect { stroke: #d1570a; stroke-width: 3.2; }
.match polygon, .match path, .match ellipse, .match rect { stroke: #c2185b; stroke-width: 3; }
.near path { stroke: #d1570a; stroke-width: 2.4; }
.near polygon { stroke: #d1570a; fill: #d1570a; }
#panel { position: relative; overflow: auto; padding: 0.75rem 1rem; border-left: 1px solid var(--line); background: var(--shade); }
#dismiss { position: absolute; right: 0.5rem; top: 0.5rem; }
#panel-lines { padding-left: 1.1rem; color: var(--faint); overflow-wrap: anywhere; white-space: pre-wrap; }
#code { font: 12px/1.5 ui-monospace, Menlo, Consolas, "Liberation Mono", monospace; padding: 0.6rem; overflow: auto;
  background: var(--paper); border: 1px solid var(--line); border-radius: 6px; tab-size: 2; }
#hint { position: fixed; z-index: 2; max-width: 28rem; padding: 0.35rem 0.6rem; white-space: pre-wrap; overflow-wrap: anywhere;
  pointer-events: none; background: var(--paper); border: 1px solid var(--line); border-radius: 6px;
  box-shadow: 0 2px 8px rgb(0 0 0 / 20%); font-size: 12px; }
@media (max-width: 700px) {
  body.split { grid-template: auto 1fr 40% / 1fr; }
  #panel { border-left: none; border-top: 1px solid var(--line); }
}
`;
