/** What sessions keep in the memory of WebAssembly: behind the weights, before what a run needs for a while. */
import { dimensionValue, type Sizes } from "./inputs.js";
import type { DecodingSpec, KeptArrays, StateSpec, StepTarget } from "./session.js";
import { selectStates, writeStates } from "./session-arrays.js";
import { elementCount } from "./tensors.js";
import type { WasmEntry, WasmInstance } from "./wasm.js";
import { aligned, slackBytes, wasmBytes } from "./wasm-memory.js";

/** The memory of a session: where each state begins. */
export interface WasmKept {
  readonly base: number;
  readonly addresses: Readonly<Record<string, number>>;
  readonly counts: Readonly<Record<string, number>>;
}

function stateCount({ shape }: StateSpec, sizes: Sizes): number {
  return elementCount(shape.map((dimension) => dimensionValue(dimension, sizes)));
}

/** Runs the steps of an entry in WebAssembly. */
export function wasmStepTarget(
  instance: WasmInstance,
  spec: DecodingSpec,
  entries: { readonly begin: WasmEntry | null; readonly step: WasmEntry; readonly last: WasmEntry },
): StepTarget<WasmKept> {
  const create = (sizes: Sizes): WasmKept => {
    const addresses: Record<string, number> = {};
    const counts: Record<string, number> = {};
    let bytes = 0;
    for (const state of spec.states) {
      counts[state.name] = stateCount(state, sizes);
      addresses[state.name] = bytes;
      bytes += aligned(wasmBytes(state.type, counts[state.name]!)) + slackBytes;
    }
    const base = instance.keep(bytes);
    for (const { name, type } of spec.states) {
      addresses[name]! += base;
      instance.memory.fill(addresses[name]!, type, counts[name]!, 0);
    }
    return { base, addresses, counts };
  };
  const read = ({ addresses, counts }: WasmKept): KeptArrays =>
    Object.fromEntries(
      spec.states.map(({ name, type }) => [name, instance.memory.read(addresses[name]!, type, counts[name]!)]),
    );
  const write = (kept: WasmKept, arrays: KeptArrays): void => {
    const own = read(kept);
    writeStates(own, arrays);
    for (const { name, type } of spec.states) instance.memory.write(kept.addresses[name]!, type, own[name]!);
  };
  return {
    create,
    begin: (kept, inputs) => {
      if (entries.begin !== null) instance.run(entries.begin, inputs, kept.addresses);
    },
    step: (kept, inputs, last) => instance.run(last ? entries.last : entries.step, inputs, kept.addresses),
    select: (kept, sizes, rows) => {
      const arrays = selectStates(spec, read(kept), sizes, rows);
      const made = create(spec.batch === null ? sizes : { ...sizes, [spec.batch]: rows.length });
      write(made, arrays);
      return made;
    },
    read,
    write,
    dispose: ({ base }) => instance.release(base),
    requireOpen: () => instance.requireOpen(),
  };
}
