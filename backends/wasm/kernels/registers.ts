/**
 * Which private buffers of a kernel are local variables: those all of whose indices are known numbers, but for the lane of
 * a vector along the last axis. What vectors touch is held in vectors of four; the others of its elements are their lanes.
 */
import {
  allStatements,
  type Buffer,
  distinctExpressions,
  type Expression,
  expressionsOf,
  type Statement,
} from "../../../src/ir/kernel/index.js";
import { constantOf, type SizeVariable, size, substitute, variablesOf } from "../../../src/sizes/index.js";
import { Local } from "../code/tree.js";
import { isNarrow, valueType } from "./elements.js";

/** Larger tiles lie in memory: no engine has as many registers. */
const mostElements = 256;

/** A register and, where it is a vector, the lane of it; null for all four lanes. */
export interface Register {
  readonly local: Local;
  readonly isVector: boolean;
  readonly lane: number | null;
}

export class Registers {
  readonly #wide = new Map<Buffer, boolean>();
  readonly #locals = new Map<Buffer, Map<string, Local>>();

  /** @param lane the variable of all vector loops */
  constructor(
    body: readonly Statement[],
    readonly lane: SizeVariable,
  ) {
    for (const statement of allStatements(body)) {
      if (statement.kind === "alloc" && countOf(statement.buffer) <= mostElements) {
        this.#wide.set(statement.buffer, false);
      }
    }
    for (const statement of allStatements(body)) {
      if (statement.kind === "store") this.#access(statement.buffer, statement.index);
      for (const each of distinctExpressions(expressionsOf(statement))) {
        if (each.kind === "load") this.#access(each.buffer, each.index);
      }
    }
  }

  has(buffer: Buffer): boolean {
    return this.#wide.has(buffer);
  }

  #access(buffer: Buffer, index: readonly Expression[]): void {
    if (!this.#wide.has(buffer)) return;
    const numbers = index.map((each) => (each.kind === "index" ? constantOf(each.value) : null));
    if (!numbers.includes(null)) return;
    const wide = numbers.slice(0, -1).includes(null) ? null : this.#wideStart(index.at(-1)!);
    if (wide === null || wide % 4 !== 0 || isNarrow(buffer.element)) this.#wide.delete(buffer);
    else this.#wide.set(buffer, true);
  }

  /** The index of lane 0, where lane i is i after it. */
  #wideStart(index: Expression): number | null {
    if (index.kind !== "index" || variablesOf(index.value).some((each) => each !== this.lane)) return null;
    const at = (lane: number): number | null =>
      constantOf(substitute(index.value, (each) => (each === this.lane ? size(lane) : null)));
    const [first, second] = [at(0), at(1)];
    return first !== null && second === first + 1 ? first : null;
  }

  /** The register of an element, or of the four that the lanes are. */
  of(buffer: Buffer, index: readonly Expression[]): Register {
    const numbers = index.map((each) => (each.kind === "index" ? constantOf(each.value) : null));
    const isVector = this.#wide.get(buffer) === true;
    const last = numbers.at(-1);
    const start = last === null ? this.#wideStart(index.at(-1)!) : (last ?? null);
    const group = isVector ? Math.floor(start! / 4) : start;
    const key = [...numbers.slice(0, -1), ...(index.length > 0 ? [group] : [])].join("_");
    const locals = this.#locals.get(buffer) ?? new Map<string, Local>();
    this.#locals.set(buffer, locals);
    let local = locals.get(key);
    if (local === undefined) {
      const name = key === "" ? buffer.name : `${buffer.name}_${key}`;
      local = new Local(name, isVector ? "v128" : valueType(buffer.element));
      locals.set(key, local);
    }
    return { local, isVector, lane: isVector && last !== null ? start! % 4 : null };
  }
}

function countOf({ shape }: Buffer): number {
  return shape.reduce((product, extent) => product * (constantOf(extent) ?? Number.POSITIVE_INFINITY), 1);
}
