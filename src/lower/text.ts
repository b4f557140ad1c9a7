/** The text of a lowered Graph, and back: that of a plan, with no place for what only lives between kernels. */
import type { ValueId } from "../ir/graph/index.js";
import type { Kernel } from "../ir/kernel/index.js";
import { readSheet, type SheetPlace, sheetText } from "../ir/plan/index.js";
import type { DumpReader } from "../ir/text/reader.js";
import { nameText } from "../ir/text/words.js";
import type { Call, Home, LoweredGraph } from "./lowered.js";

/** The word that the text begins with. */
export const loweredWord = "kernels";

/** Buffers and calls, then each distinct kernel. */
export function printLowered(lowered: LoweredGraph): string {
  const kernels = [...new Set(lowered.calls.map(({ kernel }) => kernel))];
  const numbers = new Map<Kernel, number>(kernels.map((kernel, number) => [kernel, number]));
  const buffers = lowered.buffers.map(({ name, element, shape, home, value }) => {
    return { name, element, shape, place: home, tag: value };
  });
  const dispatches = lowered.calls.map((call) => ({ ...call, kernel: numbers.get(call.kernel)! }));
  return sheetText({ ...lowered, buffers, kernels, dispatches }, `${loweredWord} ${nameText(lowered.name)}`, {}, true);
}

/** Reads it from where the reader stands. @throws UserError E0690 */
export function readLowered(reader: DumpReader): LoweredGraph {
  const { sheet } = readSheet(reader, loweredWord, {});
  const { buffers, kernels, dispatches, ...rest } = sheet;
  const calls = dispatches.map(({ kernel, ...call }): Call => ({ ...call, kernel: kernels[kernel]! }));
  const homes = buffers.map(({ name, element, shape, place, tag }, id) => {
    return { name, element, shape, home: homeOf(reader, place), value: (tag ?? id) as ValueId };
  });
  return { ...rest, buffers: homes, calls };
}

function homeOf(reader: DumpReader, place: SheetPlace): Home {
  if (place.kind === "arena") return reader.fail("no buffer has a place in an arena yet");
  return place.kind === "output" ? { kind: "output", name: place.name } : place;
}
