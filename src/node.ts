/** What the library offers under Node alone: the files of the machine, and pictures drawn by Graphviz. */
export { renderDot } from "../backends/dot/render.js";
export { nodeFiles } from "./driver/node-files.js";
