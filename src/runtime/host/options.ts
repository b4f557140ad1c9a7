/** The options with which a model is loaded. */
import { InputError } from "./elements.js";
import { nearestHint } from "./names.js";

/** The options of all targets: whoever loads a model on any of them may give the same. */
const loadOptionNames = ["weights", "sizes", "signal", "onProgress", "threads", "device"];

/** @throws InputError for an option that no target has, with the nearest name */
export function checkOptions(options: object): void {
  for (const name in options) {
    if (!loadOptionNames.includes(name))
      throw new InputError(`the model has no option "${name}"${nearestHint(name, loadOptionNames)}`);
  }
}
