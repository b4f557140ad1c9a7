/**
 * Which buffers share bytes on purpose, and from when to when those bytes are needed.
 *
 * A block is a chain of buffers, each taking the place of the one before it in the call that reads that for the last time:
 * in-place.ts proves that the kernel allows it. A chain that reaches an output lies in the caller's memory, and takes
 * nothing of the arena. A call that would copy what lies in the arena to an output, element by element, is left out: its
 * source is written to the output in the first place.
 *
 * What must stay true: a buffer lies in one block; all of a block hold equally many elements of equally large types.
 */
import type { BufferId } from "../ir/plan/plan.js";
import type { Call, LoweredGraph } from "../lower/index.js";
import type { Size } from "../sizes/index.js";
import { arenaBytesOf, type MemoryUnits, roomOf } from "./bytes.js";
import { haveSameLayout, isIdentity, type Replacements } from "./in-place.js";

export interface Block {
  readonly members: BufferId[];
  /** The calls that first write and last use it. */
  readonly first: number;
  last: number;
  readonly bytes: Size;
  /** The output that it lies in; null in the arena. */
  output: BufferId | null;
  /** Where no call writes the output: the member that holds what it shall. */
  holds: BufferId | null;
}

export interface Blocks {
  readonly blocks: readonly Block[];
  /** The calls that are left. */
  readonly calls: readonly Call[];
}

/** @param replacements which buffers may take each other's place within a call; null for none. */
export function blocksOf(lowered: LoweredGraph, replacements: Replacements | null, memory: MemoryUnits): Blocks {
  return new Finder(lowered, replacements, memory).find();
}

class Finder {
  readonly #ofBuffer = new Map<BufferId, Block>();
  readonly #lastUse = new Map<BufferId, number>();
  readonly #blocks: Block[] = [];

  constructor(
    readonly lowered: LoweredGraph,
    readonly replacements: Replacements | null,
    readonly memory: MemoryUnits,
  ) {
    for (const [at, { reads, writes }] of lowered.calls.entries()) {
      for (const id of [...reads, ...writes]) this.#lastUse.set(id, at);
    }
  }

  find(): Blocks {
    const calls = this.lowered.calls.filter((call, at) => {
      if (this.replacements !== null && this.#isNeedlessCopy(call, at)) return false;
      const taken = new Set<Block>();
      for (const [position, id] of call.writes.entries()) {
        // A state has memory of its own, which outlives the run.
        if (this.lowered.buffers[id]!.home.kind !== "state") this.#write(call, at, position, id, taken);
      }
      return true;
    });
    return { blocks: this.#blocks, calls };
  }

  #write(call: Call, at: number, position: number, id: BufferId, taken: Set<Block>): void {
    const before = this.#replaceable(call, at, position, id, taken);
    const last = this.#lastUse.get(id)!;
    if (before !== null) {
      taken.add(before);
      before.members.push(id);
      before.last = Math.max(before.last, last);
      before.output = this.#outputOf(id);
      this.#ofBuffer.set(id, before);
      return;
    }
    const bytes = roomOf(this.lowered, arenaBytesOf(this.lowered.buffers[id]!, this.memory));
    const block: Block = { members: [id], first: at, last, bytes, output: this.#outputOf(id), holds: null };
    this.#blocks.push(block);
    this.#ofBuffer.set(id, block);
  }

  #outputOf(id: BufferId): BufferId | null {
    return this.lowered.buffers[id]!.home.kind === "output" ? id : null;
  }

  /** The block of something that this call reads for the last time, and whose bytes its result may take. */
  #replaceable(call: Call, at: number, position: number, id: BufferId, taken: ReadonlySet<Block>): Block | null {
    const { lowered, replacements } = this;
    if (replacements === null) return null;
    const { buffers } = lowered;
    for (const read of new Set(call.reads)) {
      const block = this.#ofBuffer.get(read);
      if (block === undefined || block.output !== null || taken.has(block) || block.last !== at) continue;
      // It holds what was written to it last.
      if (block.members.at(-1) !== read || !haveSameLayout(buffers[read]!, buffers[id]!)) continue;
      const positions = call.reads.flatMap((each, i) => (each === read ? [i] : []));
      if (this.#outputOf(id) !== null && !this.#mayMove(block, id)) continue;
      if (positions.every((each) => replacements.allow(call.kernel, each, position))) return block;
    }
    return null;
  }

  /** An output is an array of its own element type. */
  #mayMove(block: Block, output: BufferId): boolean {
    const { element } = this.lowered.buffers[output]!;
    return block.members.every((each) => this.lowered.buffers[each]!.element === element);
  }

  /** Whether a call copies to an output what could have been written there. From then on nothing replaces it. */
  #isNeedlessCopy({ kernel, reads, writes }: Call, at: number): boolean {
    const [[from], [to]] = [reads, writes];
    if (from === undefined || to === undefined || this.#outputOf(to) === null) return false;
    if (this.#lastUse.get(to) !== at || !isIdentity(kernel)) return false;
    const block = this.#ofBuffer.get(from);
    if (block === undefined || block.output !== null || block.members.at(-1) !== from) return false;
    if (!this.#mayMove(block, to)) return false;
    block.members.push(to);
    block.output = to;
    block.holds = from;
    this.#ofBuffer.set(to, block);
    return true;
  }
}
