export * from "./diagnostic.js";
export { nearest } from "./nearest.js";
export { type Code, reference } from "./reference/index.js";
export * from "./source.js";
