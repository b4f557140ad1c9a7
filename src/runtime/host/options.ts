/** The options with which a model is loaded. */
import { InputError } from "./elements.js";
import { nearestHint } from "./names.js";

/** The options of all targets: whoever loads a model on any of them may give the same. */
const loadOptionNames = ["weights", "sizes", "signal", "onProgress", "threads", "device"];

/** @throws InputError for an option that no target has, with the nearest name, and for a number of threads that is none */
export function checkOptions(options: object): void {
  for (const name in options) {
    if (!loadOptionNames.includes(name))
      throw new InputError(`the model has no option "${name}"${nearestHint(name, loadOptionNames)}`);
  }
  // Whoever gives no options at all is told about weights.
  const threads = (options as { readonly threads?: unknown } | undefined)?.threads ?? 1;
  if (!Number.isSafeInteger(threads) || (threads as number) < 1)
    throw new InputError(`threads is ${String(threads)}, which is no whole number from 1`);
}
