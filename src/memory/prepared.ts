/**
 * The names of what is prepared, in all entries of a module: buffers have one name exactly if one kernel computes them of
 * the same weights, so that a module computes and keeps them once.
 */
import { kernelKey } from "../ir/kernel/index.js";
import type { BufferId } from "../ir/plan/plan.js";
import type { Call, LoweredGraph } from "../lower/index.js";

export class PreparedNames {
  readonly #taken = new Set<string>();
  /** By what they hold. */
  readonly #names = new Map<string, string>();

  constructor(entries: readonly LoweredGraph[]) {
    for (const { buffers } of entries)
      for (const { home } of buffers) if (home.kind === "weight") this.#taken.add(home.name);
  }

  /** The names of what an entry prepares. */
  of({ buffers, prepare }: LoweredGraph): ReadonlyMap<BufferId, string> {
    const found = new Map<BufferId, string>();
    const nameOf = (id: BufferId): string => {
      const { home } = buffers[id]!;
      return home.kind === "weight" ? `weight ${home.name}` : `prepared ${found.get(id)}`;
    };
    for (const call of prepare) {
      const held = [kernelKey(call.kernel), ...call.reads.map(nameOf)].join("\n");
      for (const [position, id] of call.writes.entries()) {
        found.set(id, this.#name(`${position} ${held}`, wantedName(call, buffers[id]!.name)));
      }
    }
    return found;
  }

  #name(held: string, wanted: string): string {
    const known = this.#names.get(held);
    if (known !== undefined) return known;
    let name = wanted;
    for (let number = 2; this.#taken.has(name); number++) name = `${wanted}${number}`;
    this.#taken.add(name);
    this.#names.set(held, name);
    return name;
  }
}

/** A path is kept; what has a name of one word is named after the layer that it belongs to, as weights are. */
function wantedName({ scope }: Call, name: string): string {
  return scope === "" || name.includes(".") ? name : `${scope}.${name}`;
}
