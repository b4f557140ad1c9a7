/**
 * How what a session keeps from step to step lies in memory that outlives a run, and how a step writes it in place.
 *
 * - Rows that are appended are written behind those that are there: the joined value is the memory itself, which holds up
 *   to C rows. Whoever reads the joined value reads the memory, after the call that writes the new rows.
 * - Of a ring the new rows are written to their slots, when all that reads the old ones has run; but a row that whoever
 *   reads the ring finds in its slot is written before, so that the ring is the memory itself. What else is kept is computed
 *   first, and copied at the end.
 */
import { InternalError } from "../diagnostics/index.js";
import type { State } from "../incremental/index.js";
import type { Graph, GraphOutput, ValueId } from "../ir/graph/index.js";
import { constantOf, type Size, type SizeVariable, size } from "../sizes/index.js";
import { movedFrom } from "./in-place.js";

/** What a graph of a session keeps, and the sizes that count it. */
export interface StepMemory {
  readonly states: readonly State[];
  /** Positions before the step. */
  readonly past: SizeVariable;
  /** New positions. */
  readonly count: SizeVariable;
  /** Positions that there is room for. */
  readonly capacity: SizeVariable;
}

/** New rows and those that are there, which lie in the memory of a state. */
export interface JoinedRows {
  readonly kind: "append";
  readonly state: State;
  readonly value: ValueId;
  readonly rows: ValueId;
  /** Of a ring, position p being in slot p modulo this; null where rows lie behind each other. */
  readonly slots: number | null;
}

/** How the next value of a state is written. */
export type StateWrite =
  /** By a call that computes it, like any other output. */
  | { readonly kind: "result"; readonly state: State; readonly value: ValueId }
  /** New rows behind those that are there, or in their slots, before whoever reads them all. */
  | JoinedRows
  /** New rows in their slots, at the end. */
  | { readonly kind: "ring"; readonly state: State; readonly rows: ValueId; readonly slots: number }
  /** A value that has memory of its own, at the end. */
  | { readonly kind: "copy"; readonly state: State; readonly value: ValueId };

/** The states of a graph by its inputs and outputs, which have their names. */
export class GraphStates {
  readonly writes: readonly StateWrite[];
  /** The outputs that are no states. */
  readonly outputs: readonly GraphOutput[];
  readonly #byName: ReadonlyMap<string, State>;
  /** Values that lie in the memory of a state. */
  readonly #held = new Map<ValueId, State>();

  constructor(
    readonly graph: Graph,
    readonly memory: StepMemory | null,
  ) {
    this.#byName = new Map(memory?.states.map((state) => [state.name, state]) ?? []);
    for (const [id, node] of graph.nodes.entries()) {
      const state = node.operator === "input" ? this.#byName.get(node.attributes.name) : undefined;
      if (state !== undefined) this.#held.set(id as ValueId, state);
    }
    this.outputs = graph.outputs.filter(({ name }) => !this.#byName.has(name));
    this.writes = graph.outputs.flatMap(({ name, value }) => {
      const state = this.#byName.get(name);
      return state === undefined ? [] : [this.#writeOf(state, value)];
    });
    for (const write of this.writes) if (write.kind === "append") this.#held.set(write.value, write.state);
  }

  #writeOf(state: State, value: ValueId): StateWrite {
    const { nodes } = this.graph;
    const node = nodes[value]!;
    if (state.kind === "once") return { kind: "result", state, value };
    const isState = (id: ValueId | undefined): boolean => id !== undefined && this.#held.get(id) === state;
    if (state.kind === "append" && node.operator === "concat" && node.attributes.axis === state.axis) {
      const [before, rows] = node.operands;
      if (node.operands.length === 2 && isState(before))
        return { kind: "append", state, value, rows: rows!, slots: null };
    }
    if (state.kind === "ring" && node.operator === "where" && isState(node.operands[2])) {
      const taken = nodes[node.operands[1]!]!;
      const slots = constantOf(state.shape[state.axis!]!);
      if (taken.operator === "take" && taken.attributes.axis === state.axis && slots !== null) {
        const rows = taken.operands[0]!;
        const [own, past] = [this.#readers(value), this.#readers(node.operands[2]!)];
        if (own.length === 0) return { kind: "ring", state, rows, slots };
        const isOne = constantOf(this.graph.types[rows]!.shape[state.axis!]!) === 1;
        if (isOne && past.every((each) => each === value)) return { kind: "append", state, value, rows, slots };
      }
    }
    return { kind: "copy", state, value };
  }

  #readers(value: ValueId): readonly number[] {
    return [...this.graph.nodes.keys()].filter((id) => this.graph.nodes[id]!.operands.includes(value));
  }

  /** The state whose memory a value lies in. */
  heldBy(value: ValueId): State | null {
    return this.#held.get(value) ?? null;
  }

  /** The shape of a state in memory. */
  shapeOf({ kind, shape, axis }: State): readonly Size[] {
    if (kind !== "append" || axis === null) return shape;
    if (this.memory === null) throw new InternalError("a graph without memory has a state");
    return shape.with(axis, size(this.memory.capacity));
  }

  /** Values that have memory of their own: what is copied at the end must not be computed then, of what has changed. */
  get stored(): readonly ValueId[] {
    return this.writes.flatMap((write) => {
      if (write.kind === "append" || write.kind === "result") return [];
      const value = write.kind === "ring" ? write.rows : write.value;
      // New rows that are but moved elements of what lies in memory anyway can be read from there.
      const from = movedFrom(this.graph, value);
      return write.kind === "ring" && from !== value && this.heldBy(from) === null ? [from] : [value];
    });
  }
}
