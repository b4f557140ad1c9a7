/** The front end: from the text of a model to its Graphs. */
export { type Builtin, builtins, constants } from "./lower/builtins/index.js";
export { libraryNames } from "./check/modules.js";
export {
  type Elaborated,
  type ElaborateOptions,
  elaborate,
  type EntryFacts,
  type StaticArgument,
} from "./lower/program.js";
export type { Setting } from "./lower/settings.js";
export type { Checkpoint, TensorHeader } from "./lower/weights.js";
export * from "./syntax/index.js";
