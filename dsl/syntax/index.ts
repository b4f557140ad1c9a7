/** The syntax of Trafo: the tree, the parser and the formatter. */
export * from "./ast.js";
export { format } from "./format.js";
export { parse, parseExpression } from "./parser.js";
export { nearest } from "./words.js";
