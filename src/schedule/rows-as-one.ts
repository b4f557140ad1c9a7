/**
 * Kernels that compute each row by itself become kernels over all rows of their first two axes as one: of all sequences and
 * all their positions.
 *
 *   for b in 0..B, t in 0..T: y[b, t, i] = f(x[b, t, …])   →   for t in 0..rows: y[t, i] = f(x[t, …]),   rows = B*T
 *
 * What a weight is multiplied with then fills tiles though each sequence has a single position, and what takes one
 * position of each sequence is the same kernel as what takes all.
 *
 * Needs: kernels as lowering gives them. Guarantees: the arguments are the same memory, and calls say how many rows there
 * are; nothing that the kernel computes depends on that, as neither the sizes nor the two loops stand anywhere else.
 */
import {
  allStatements,
  Buffer,
  type Expression,
  index,
  type Kernel,
  KernelMemo,
  type Statement,
} from "../ir/kernel/index.js";
import type { Call, LoweredGraph } from "../lower/index.js";
import { constantOf, mul, type Size, SizeVariable, size, substitute, variablesOf } from "../sizes/index.js";
import { loopsIn } from "./loops.js";
import { type Loop, loopOver, Rewriter } from "./rewrite.js";

export interface KernelOverRows {
  /** Over one size, the number of rows. */
  readonly kernel: Kernel;
  /** The number of rows, in the sizes of the other kernel. */
  readonly count: Size;
}

/** What runs kernels over all rows as one wherever it can, for the graphs of one module. */
export function rowsAsOne(): (lowered: LoweredGraph) => LoweredGraph {
  const made = new KernelMemo<KernelOverRows | null>();
  // Kernels over the same size are equal where they do the same.
  const count = new SizeVariable("rows", 0, null);
  return (lowered) => {
    const calls = lowered.calls.map((call): Call => {
      const over = made.of(
        call.kernel,
        () => overRows(call.kernel, count),
        (found, of) => overSizes(found, of, call.kernel),
      );
      return over === null ? call : { ...call, kernel: over.kernel, sizes: [over.count] };
    });
    return { ...lowered, calls };
  };
}

/** What was found for `other`, for a kernel that equals it up to the names of sizes. */
function overSizes(found: KernelOverRows | null, other: Kernel, { sizes }: Kernel): KernelOverRows | null {
  if (found === null) return null;
  const count = substitute(found.count, (variable) => size(sizes[other.sizes.indexOf(variable)]!));
  return { ...found, count };
}

/**
 * The kernel over all rows; null where its rows are not proven to be apart.
 * @param count the number of rows.
 */
export function overRows(kernel: Kernel, count = new SizeVariable("rows", 0, null)): KernelOverRows | null {
  const [outer, ...others] = kernel.body;
  if (outer?.kind !== "for" || others.length > 0 || constantOf(outer.extent) !== null) return null;
  const [first, ...rest] = outer.body;
  const isPair = first?.kind === "for" && rest.length === 0 && constantOf(first.extent) === null;
  const rows = new Rows(kernel, outer, isPair ? first : null);
  return rows.areApart() ? rows.asOne(count) : null;
}

class Rows {
  readonly #extents: readonly [Size, Size];
  readonly #place: readonly [Size, Size];
  /** What nothing but the first two axes of rows may depend on. */
  readonly #own: ReadonlySet<SizeVariable>;

  /** @param inner the loop over positions; null where each sequence has one */
  constructor(
    readonly kernel: Kernel,
    readonly outer: Loop,
    readonly inner: Loop | null,
  ) {
    this.#extents = [outer.extent, inner?.extent ?? size(1)];
    this.#place = [size(outer.variable), inner === null ? size(0) : size(inner.variable)];
    this.#own = new Set([...this.#extents, ...this.#place].flatMap(variablesOf));
  }

  get #innermost(): Loop {
    return this.inner ?? this.outer;
  }

  areApart(): boolean {
    const { reads, writes, sizes } = this.kernel;
    const isArgument = (each: Buffer): boolean =>
      (this.#isOfRows(each) ? each.shape.slice(2) : each.shape).every(this.#isFree);
    return (
      sizes.every((each) => this.#own.has(each)) &&
      (this.inner === null || !variablesOf(this.inner.extent).includes(this.outer.variable)) &&
      [...reads, ...writes].every(isArgument) &&
      allStatements(this.#innermost.body).every((each) => this.#isApart(each))
    );
  }

  #isOfRows({ scope, shape }: Buffer): boolean {
    return scope === "global" && shape[0] === this.#extents[0] && shape[1] === this.#extents[1];
  }

  readonly #isFree = (value: Size): boolean => !variablesOf(value).some((each) => this.#own.has(each));

  #isApart(statement: Statement): boolean {
    switch (statement.kind) {
      case "for":
        return this.#isFree(statement.extent);
      case "alloc":
        return statement.buffer.shape.every(this.#isFree);
      case "if":
        return this.#isOfRow(statement.condition);
      case "store":
        return this.#isAccessOfRow(statement.buffer, statement.index) && this.#isOfRow(statement.value);
      default:
        return false;
    }
  }

  /** Whether an expression reads nothing of other rows, and not which row it is. */
  readonly #isOfRow = (expression: Expression): boolean => {
    switch (expression.kind) {
      case "constant":
        return true;
      case "index":
        return this.#isFree(expression.value);
      case "unary":
      case "cast":
        return this.#isOfRow(expression.operand);
      case "binary":
        return this.#isOfRow(expression.left) && this.#isOfRow(expression.right);
      case "select":
        return [expression.condition, expression.yes, expression.no].every(this.#isOfRow);
      case "load":
        return this.#isAccessOfRow(expression.buffer, expression.index);
    }
  };

  #isAccessOfRow(buffer: Buffer, at: readonly Expression[]): boolean {
    if (!this.#isOfRows(buffer)) return at.every(this.#isOfRow);
    const isRow = this.#place.every((place, axis) => at[axis] === index(place));
    return isRow && at.slice(2).every(this.#isOfRow);
  }

  asOne(wanted: SizeVariable): KernelOverRows {
    const { kernel } = this;
    const { variable, loop, body } = this.#innermost;
    const names = new Set(loopsIn(kernel.body).map((each) => each.variable.name));
    let { name } = wanted;
    while (names.has(name)) name += "_";
    const count = name === wanted.name ? wanted : new SizeVariable(name, 0, null);
    const made = new Map<Buffer, Buffer>();
    for (const each of [...kernel.reads, ...kernel.writes]) {
      if (!this.#isOfRows(each)) continue;
      const shape = [size(count), ...each.shape.slice(2)];
      made.set(each, new Buffer(each.name, each.element, shape, each.scope, each.facts));
    }
    const nest = loopOver(variable.name, size(count), loop, (at) => {
      const rewriter = new Rewriter();
      for (const [from, buffer] of made) {
        rewriter.buffer(from, { buffer, index: (all) => [index(at), ...all.slice(2)] });
      }
      return rewriter.statements(body);
    });
    const argument = (each: Buffer): Buffer => made.get(each) ?? each;
    const [reads, writes] = [kernel.reads.map(argument), kernel.writes.map(argument)];
    return { kernel: { ...kernel, reads, writes, sizes: [count], body: [nest] }, count: mul(...this.#extents) };
  }
}
