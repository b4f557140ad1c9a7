/**
 * Computes once what several statements of a block compute from arguments of the kernel: elements that they load, such
 * as `x0` and `w3` of a tile, and what is made of them.
 *
 * Needs arguments that nothing stores to, or workgroup memory that nothing in the block stores to. Guarantees: a value that moves stands before the first statement that used
 * it, in the same block, so that it is computed under the same conditions as before.
 */
import {
  Buffer,
  distinctExpressions,
  type Expression,
  expressionsOf,
  type Kernel,
  load,
  operandsOf,
  type Statement,
  storedBuffers,
} from "../../ir/kernel/index.js";
import { withParts } from "../rewrite.js";

export function shareLoads(kernel: Kernel): Kernel {
  const stored = [...storedBuffers(kernel.body)].filter(({ scope }) => scope !== "workgroup");
  return { ...kernel, body: sharedIn(kernel.body, stored) };
}

/** @param stored the buffers that the kernel stores to, but those in workgroup memory, which count block by block. */
function sharedIn(body: readonly Statement[], stored: readonly Buffer[]): readonly Statement[] {
  const own = [...storedBuffers(body)].filter(({ scope }) => scope === "workgroup");
  return new Sharing(stored, new Set([...stored, ...own])).block(body);
}

class Sharing {
  readonly #isShareable = new Map<Expression, boolean>();

  constructor(
    readonly always: readonly Buffer[],
    readonly stored: ReadonlySet<Buffer>,
  ) {}

  block(body: readonly Statement[]): readonly Statement[] {
    const scalars = this.#scalarsFor(body);
    const made = new Set<Expression>();
    const result: Statement[] = [];
    /** Where the statements begin that stand in a row without a loop: what they share is computed before them. */
    let start = 0;
    const use = (expression: Expression): Expression =>
      withParts(expression, (part) => {
        const scalar = scalars.get(part);
        if (scalar === undefined) return null;
        if (!made.has(part)) {
          made.add(part);
          const value = withParts(part, (inner) => (inner === part || !scalars.has(inner) ? null : use(inner)));
          result.splice(start, 0, allocation(scalar), {
            kind: "store",
            buffer: scalar,
            index: [],
            value,
            update: null,
          });
          start += 2;
        }
        return load(scalar, []);
      });
    for (const statement of body) {
      if (statement.kind === "store") {
        const after = { ...statement, index: statement.index.map(use), value: use(statement.value) };
        result.push(after);
        continue;
      }
      const isCompound = statement.kind === "for" || statement.kind === "if";
      result.push(isCompound ? { ...statement, body: sharedIn(statement.body, this.always) } : statement);
      if (isCompound || statement.kind === "barrier" || statement.kind === "meet") start = result.length;
    }
    return result;
  }

  /** A scalar for each value that is shared, numbered by the buffer that it is loaded from. */
  #scalarsFor(body: readonly Statement[]): ReadonlyMap<Expression, Buffer> {
    const stores = body.filter((each) => each.kind === "store");
    const users = new Map<Expression, number>();
    for (const store of stores) {
      for (const each of distinctExpressions(expressionsOf(store))) users.set(each, (users.get(each) ?? 0) + 1);
    }
    const shared = new Set<Expression>();
    const visited = new Set<Expression>();
    /** Marks the largest shared parts, and of what is in them only what is used elsewhere too. */
    const visit = (expression: Expression, around: number): void => {
      const count = users.get(expression) ?? 0;
      const isNews = count > around && this.#canShare(expression);
      if (isNews && count > 1) shared.add(expression);
      if (visited.has(expression)) return;
      visited.add(expression);
      const inside = shared.has(expression) ? count : around;
      for (const operand of operandsOf(expression)) visit(operand, inside);
    };
    for (const root of stores.flatMap(expressionsOf)) visit(root, 1);
    const counts = new Map<string, number>();
    const scalars = new Map<Expression, Buffer>();
    for (const each of shared) {
      const { name } = sourceOf(each);
      const number = counts.get(name) ?? 0;
      counts.set(name, number + 1);
      scalars.set(each, new Buffer(`${name}${/\d$/.test(name) ? "_" : ""}${number}`, each.element, [], "private"));
    }
    return scalars;
  }

  /** A float made of elements of arguments that nothing changes. */
  #canShare(expression: Expression): boolean {
    const known = this.#isShareable.get(expression);
    if (known !== undefined) return known;
    const loads = [...distinctExpressions([expression])].filter((each) => each.kind === "load");
    const result =
      (expression.element === "f32" || expression.element === "f16") &&
      loads.length > 0 &&
      loads.every(({ buffer }) => buffer.scope !== "private" && !this.stored.has(buffer));
    this.#isShareable.set(expression, result);
    return result;
  }
}

function allocation(buffer: Buffer): Statement {
  return { kind: "alloc", buffer };
}

/** The buffer that an expression loads from last. */
function sourceOf(expression: Expression): Buffer {
  const loads = [...distinctExpressions([expression])].filter((each) => each.kind === "load");
  return loads.at(-1)!.buffer;
}
