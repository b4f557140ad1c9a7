/** What options are called: those with which a model is loaded, and those of its methods. */
import { InputError } from "./elements.js";
import { nearestHint } from "./names.js";

/**
 * @param who takes what is given, in a message @param what it is one of: an option, an input
 * @throws InputError for one of another name, with the nearest
 */
export function checkNames(who: string, what: string, given: object, known: readonly string[]): void {
  for (const name in given) {
    if (!known.includes(name)) throw new InputError(`${who} has no ${what} "${name}"${nearestHint(name, known)}`);
  }
}

/** @throws InputError for an option that no target has, with the nearest name, and for a number of threads that is none */
export function checkOptions(options: object): void {
  // Whoever loads a model on any target may give the same.
  checkNames("the model", "option", options, ["weights", "sizes", "signal", "onProgress", "threads", "device"]);
  // Whoever gives no options at all is told about weights.
  const threads = (options as { readonly threads?: unknown } | undefined)?.threads ?? 1;
  if (!Number.isInteger(threads) || (threads as number) < 1)
    throw new InputError(`threads is ${threads}: it is a whole number from 1`);
}
