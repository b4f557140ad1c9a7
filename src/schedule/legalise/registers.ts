/**
 * Makes scalars of private arrays all of whose indices are known numbers: `sum[1, 2]` becomes `sum12`.
 *
 * After it such a tile lies in variables, which an engine keeps in registers. An array with one index that is not known
 * stays an array.
 */
import {
  allExpressions,
  allStatements,
  Buffer,
  type Expression,
  type Kernel,
  load,
  loadedBuffers,
  type Statement,
  storedBuffers,
} from "../../ir/kernel/index.js";
import { constantOf } from "../../sizes/index.js";
import { withParts } from "../rewrite.js";

/** Larger tiles are left in memory: no engine has as many registers. */
const mostElements = 64;

export function registers(kernel: Kernel): Kernel {
  const tiles = tilesOf(kernel.body);
  if (tiles.size === 0) return kernel;
  const scalars = new Map<Buffer, ReadonlyMap<string, Buffer>>();
  for (const [tile, elements] of tiles) {
    const named = [...elements].map((key): [string, Buffer] => [key, scalarOf(tile, key)]);
    scalars.set(tile, new Map(named));
  }
  return { ...kernel, body: replaced(kernel.body, scalars) };
}

/** The private arrays that are only accessed at known indices, and at which. */
function tilesOf(body: readonly Statement[]): ReadonlyMap<Buffer, ReadonlySet<string>> {
  const found = new Map<Buffer, Set<string>>();
  for (const statement of allStatements(body)) {
    if (statement.kind !== "alloc" || statement.buffer.scope !== "private") continue;
    const { shape } = statement.buffer;
    const count = shape.reduce((product, extent) => product * (constantOf(extent) ?? Number.NaN), 1);
    if (shape.length > 0 && count <= mostElements) found.set(statement.buffer, new Set());
  }
  const access = (buffer: Buffer, index: readonly Expression[]): void => {
    const key = keyOf(index);
    if (key === null) found.delete(buffer);
    else found.get(buffer)?.add(key);
  };
  for (const each of allStatements(body)) if (each.kind === "store") access(each.buffer, each.index);
  for (const each of allExpressions(body)) if (each.kind === "load") access(each.buffer, each.index);
  return found;
}

/** The indices as numbers, or null where one is not known. */
function keyOf(index: readonly Expression[]): string | null {
  const numbers = index.map((each) => (each.kind === "index" ? constantOf(each.value) : null));
  return numbers.includes(null) ? null : numbers.join();
}

/** `sum12`, or `sum_1_12` where a digit would not do. */
function scalarOf(tile: Buffer, key: string): Buffer {
  const numbers = key.split(",");
  const plain = tile.shape.every((extent) => (constantOf(extent) ?? 0) <= 10) && !/\d$/.test(tile.name);
  const name = plain ? tile.name + numbers.join("") : [tile.name, ...numbers].join("_");
  return new Buffer(name, tile.element, [], tile.scope);
}

type Scalars = ReadonlyMap<Buffer, ReadonlyMap<string, Buffer>>;

function replaced(body: readonly Statement[], scalars: Scalars): readonly Statement[] {
  const of = (buffer: Buffer, index: readonly Expression[]): Buffer | null => {
    const key = scalars.has(buffer) ? keyOf(index) : null;
    return key === null ? null : (scalars.get(buffer)?.get(key) ?? null);
  };
  const value = (expression: Expression): Expression =>
    withParts(expression, (part) => {
      const scalar = part.kind === "load" ? of(part.buffer, part.index) : null;
      return scalar === null ? null : load(scalar, []);
    });
  const visit = (statement: Statement): Statement => {
    if (statement.kind === "for") return { ...statement, body: block(statement.body) };
    if (statement.kind === "if") {
      return { ...statement, condition: value(statement.condition), body: block(statement.body) };
    }
    if (statement.kind !== "store") return statement;
    const scalar = of(statement.buffer, statement.index);
    const place = scalar === null ? { index: statement.index.map(value) } : { buffer: scalar, index: [] };
    return { ...statement, ...place, value: value(statement.value) };
  };
  /** Each scalar is allocated before the statement that mentions it first, which mostly gives it its first value. */
  const block = (statements: readonly Statement[]): readonly Statement[] => {
    const waiting = new Set<Buffer>();
    return statements.flatMap((statement): readonly Statement[] => {
      if (statement.kind === "alloc" && scalars.has(statement.buffer)) {
        for (const scalar of scalars.get(statement.buffer)!.values()) waiting.add(scalar);
        return [];
      }
      const made = visit(statement);
      const mentioned = [...storedBuffers([made]), ...loadedBuffers([made])];
      return [...mentioned.filter((each) => waiting.delete(each)).map(allocation), made];
    });
  };
  return block(body);
}

function allocation(buffer: Buffer): Statement {
  return { kind: "alloc", buffer };
}
