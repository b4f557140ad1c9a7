/**
 * Makes scalars of private arrays all of whose indices are known numbers: `sum[1, 2]` becomes `sum12`. What vector loops
 * access becomes vectors: `sum[1, 4 + v]` is `sum11[v]`.
 *
 * After it such a tile lies in variables, which an engine keeps in registers. An array with one index that is not known
 * stays an array.
 */
import {
  allStatements,
  Buffer,
  distinctExpressions,
  type Expression,
  expressionsOf,
  index,
  type Kernel,
  load,
  loadedBuffers,
  type Statement,
  storedBuffers,
} from "../../ir/kernel/index.js";
import { constantOf, type SizeVariable, size } from "../../sizes/index.js";
import { withParts } from "../rewrite.js";
import { dependsOn, lanes, vectorPlace } from "./vectors.js";

/** Larger tiles are left in memory: no engine has as many registers. */
const mostElements = 64;

export function registers(kernel: Kernel): Kernel {
  const tiles = tilesOf(kernel.body);
  if (tiles.size === 0) return kernel;
  const scalars = new Map<Buffer, Parts>();
  for (const [tile, { isOfVectors, keys }] of tiles) {
    const named = [...keys].map((key): [string, Buffer] => [key, partOf(tile, key, isOfVectors)]);
    scalars.set(tile, { isOfVectors, named: new Map(named) });
  }
  return { ...kernel, body: replaced(kernel.body, scalars) };
}

/** Where an element lies: the name of its scalar or vector, and its place in the vector. */
interface Place {
  readonly key: string;
  readonly lane: Expression | null;
}

interface Tile {
  /** Whether its elements are accessed as vectors somewhere. */
  isOfVectors: boolean;
  readonly accesses: { readonly index: readonly Expression[]; readonly vector: SizeVariable | null }[];
}

/** The private arrays that are only accessed at known indices or as known vectors, and the parts that are. */
function tilesOf(body: readonly Statement[]): ReadonlyMap<Buffer, { isOfVectors: boolean; keys: ReadonlySet<string> }> {
  const found = new Map<Buffer, Tile>();
  for (const statement of allStatements(body)) {
    if (statement.kind !== "alloc" || statement.buffer.scope !== "private") continue;
    const { shape } = statement.buffer;
    const count = shape.reduce((product, extent) => product * (constantOf(extent) ?? Number.NaN), 1);
    if (shape.length > 0 && count <= mostElements) found.set(statement.buffer, { isOfVectors: false, accesses: [] });
  }
  const access = (buffer: Buffer, index: readonly Expression[], vector: SizeVariable | null): void => {
    const tile = found.get(buffer);
    if (tile === undefined) return;
    tile.accesses.push({ index, vector });
    if (vector !== null && dependsOn(index.at(-1)!, vector)) tile.isOfVectors = true;
  };
  const visit = (statements: readonly Statement[], vector: SizeVariable | null): void => {
    for (const each of statements) {
      if (each.kind === "store") access(each.buffer, each.index, vector);
      for (const part of distinctExpressions(expressionsOf(each))) {
        if (part.kind === "load") access(part.buffer, part.index, vector);
      }
      if (each.kind === "for") visit(each.body, each.loop === "vector" ? each.variable : vector);
      if (each.kind === "if") visit(each.body, vector);
    }
  };
  visit(body, null);
  const tiles = new Map<Buffer, { isOfVectors: boolean; keys: ReadonlySet<string> }>();
  for (const [buffer, { isOfVectors, accesses }] of found) {
    const places = accesses.map(({ index, vector }) => placeOf(index, isOfVectors, vector));
    if (!places.includes(null)) tiles.set(buffer, { isOfVectors, keys: new Set(places.map((place) => place!.key)) });
  }
  return tiles;
}

/** Where an element lies, or null where an index is not known. */
function placeOf(at: readonly Expression[], isOfVectors: boolean, vector: SizeVariable | null): Place | null {
  const numbers = at.map((each) => (each.kind === "index" ? constantOf(each.value) : null));
  if (!isOfVectors) return numbers.includes(null) ? null : { key: numbers.join(), lane: null };
  const last = at.at(-1)!;
  const number = numbers.pop() ?? null;
  if (numbers.includes(null)) return null;
  if (number !== null) {
    return { key: [...numbers, Math.floor(number / lanes)].join(), lane: index(number % lanes) };
  }
  const group = vector !== null && last.kind === "index" ? vectorPlace(last.value, vector) : null;
  const place = group === null ? null : constantOf(group);
  return place === null ? null : { key: [...numbers, place].join(), lane: index(size(vector!)) };
}

/** `sum12`, or `sum_1_12` where a digit would not do. */
function partOf(tile: Buffer, key: string, isOfVectors: boolean): Buffer {
  const numbers = key.split(",");
  const plain = tile.shape.every((extent) => (constantOf(extent) ?? 0) <= 10) && !/\d$/.test(tile.name);
  const name = plain ? tile.name + numbers.join("") : [tile.name, ...numbers].join("_");
  return new Buffer(name, tile.element, isOfVectors ? [size(lanes)] : [], tile.scope);
}

/** The scalars or vectors that a tile becomes. */
interface Parts {
  readonly isOfVectors: boolean;
  readonly named: ReadonlyMap<string, Buffer>;
}

type Scalars = ReadonlyMap<Buffer, Parts>;

interface Moved {
  readonly buffer: Buffer;
  readonly index: readonly Expression[];
}

function replaced(body: readonly Statement[], scalars: Scalars): readonly Statement[] {
  let vector: SizeVariable | null = null;
  const of = (buffer: Buffer, at: readonly Expression[]): Moved | null => {
    const parts = scalars.get(buffer);
    if (parts === undefined) return null;
    const { key, lane } = placeOf(at, parts.isOfVectors, vector)!;
    return { buffer: parts.named.get(key)!, index: lane === null ? [] : [lane] };
  };
  const value = (expression: Expression): Expression =>
    withParts(expression, (part) => {
      const moved = part.kind === "load" ? of(part.buffer, part.index) : null;
      return moved === null ? null : load(moved.buffer, moved.index);
    });
  const visit = (statement: Statement): Statement => {
    if (statement.kind === "for") {
      const around = vector;
      if (statement.loop === "vector") vector = statement.variable;
      const made = { ...statement, body: block(statement.body) };
      vector = around;
      return made;
    }
    if (statement.kind === "if") {
      return { ...statement, condition: value(statement.condition), body: block(statement.body) };
    }
    if (statement.kind !== "store") return statement;
    const place = of(statement.buffer, statement.index) ?? { index: statement.index.map(value) };
    return { ...statement, ...place, value: value(statement.value) };
  };
  /** Each scalar is allocated before the statement that mentions it first, which mostly gives it its first value. */
  const block = (statements: readonly Statement[]): readonly Statement[] => {
    const waiting = new Set<Buffer>();
    return statements.flatMap((statement): readonly Statement[] => {
      if (statement.kind === "alloc" && scalars.has(statement.buffer)) {
        for (const part of scalars.get(statement.buffer)!.named.values()) waiting.add(part);
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
