/** The text of a lowered Graph, and back: that of a plan, with no place for what only lives between kernels. */
import type { ValueId } from "../ir/graph/index.js";
import type { Kernel } from "../ir/kernel/index.js";
import { type Dispatch, readSheet, type SheetPlace, sheetText } from "../ir/plan/index.js";
import type { DumpReader } from "../ir/text/reader.js";
import { nameText } from "../ir/text/words.js";
import type { Call, Home, LoweredGraph } from "./lowered.js";

/** The word that the text begins with. */
export const loweredWord = "kernels";

/** Buffers and calls, then each distinct kernel. */
export function printLowered(lowered: LoweredGraph): string {
  const kernels = [...new Set([...lowered.prepare, ...lowered.calls].map(({ kernel }) => kernel))];
  const numbers = new Map<Kernel, number>(kernels.map((kernel, number) => [kernel, number]));
  const buffers = lowered.buffers.map(({ name, element, shape, home, value, layout }) => {
    const place: SheetPlace = home.kind === "prepared" ? { kind: "prepared", name } : home;
    return { name, element, shape, place, tag: value, layout };
  });
  const numbered = (calls: readonly Call[]): readonly Dispatch[] =>
    calls.map((call) => ({ ...call, kernel: numbers.get(call.kernel)! }));
  const [prepare, dispatches] = [numbered(lowered.prepare), numbered(lowered.calls)];
  return sheetText(
    { ...lowered, buffers, kernels, prepare, dispatches },
    `${loweredWord} ${nameText(lowered.name)}`,
    {},
    true,
  );
}

/** Reads it from where the reader stands. @throws UserError E0690 */
export function readLowered(reader: DumpReader): LoweredGraph {
  const { sheet } = readSheet(reader, loweredWord, {});
  const { buffers, kernels, prepare, dispatches, ...rest } = sheet;
  const calls = (runs: readonly Dispatch[]): readonly Call[] =>
    runs.map(({ kernel, ...call }) => ({ ...call, kernel: kernels[kernel]! }));
  const homes = buffers.map(({ name, element, shape, place, tag, layout }, id) => {
    const held = layout === undefined ? {} : { layout };
    return { name, element, shape, home: homeOf(reader, place), value: (tag ?? id) as ValueId, ...held };
  });
  return { ...rest, buffers: homes, prepare: calls(prepare), calls: calls(dispatches) };
}

function homeOf(reader: DumpReader, place: SheetPlace): Home {
  if (place.kind === "arena") return reader.fail("no buffer has a place in an arena yet");
  if (place.kind === "prepared") return { kind: "prepared" };
  return place.kind === "output" ? { kind: "output", name: place.name } : place;
}
