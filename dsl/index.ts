/** The front end: from the text of a model to its Graphs. */

export { libraryNames } from "./check/modules.js";
export { type Builtin, builtins, constants } from "./lower/builtins/index.js";
export {
  type Elaborated,
  type ElaborateOptions,
  type EntryFacts,
  elaborate,
  type StaticArgument,
} from "./lower/program.js";
export type { Setting } from "./lower/settings.js";
export type { Checkpoint, TensorHeader } from "./lower/weights.js";
export * from "./syntax/index.js";
