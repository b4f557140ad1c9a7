/**
 * Loops that lanes share which run together, without a barrier: subgroups and quads do the same, each for itself.
 *
 * What must stay true: such a loop stands where all lanes of the workgroup pass, in a shader whose lanes are made of quads, and
 * nothing else is known of subgroups.
 */
import {
  allStatements,
  type Buffer,
  type Expression,
  index,
  type Statement,
  type UpdateOperator,
} from "../../src/ir/kernel/index.js";
import { identityOf } from "../../src/schedule/steps/rfactor.js";
import type { Names } from "../common/names.js";
import { functions } from "./meetings.js";
import type { ShaderMemory } from "./memory.js";
import type { Loop } from "./sections.js";
import { indented, plainName } from "./text.js";

type Store = Extract<Statement, { kind: "store" }>;

/** The shader that a loop is printed in. */
export interface SharedLoopContext {
  readonly names: Names;
  readonly variables: Map<object, string>;
  readonly memory: ShaderMemory;
  /** The place of a lane in its quad. */
  readonly quad: string;
  /** How often all lanes together run the loop. */
  readonly end: string;
  readonly code: (expression: Expression) => string;
  readonly block: (body: readonly Statement[]) => string[];
  /** Names what a store uses twice. */
  readonly prepare: (store: Store) => string[];
}

export function sharedLoopText(loop: Loop, context: SharedLoopContext): string[] {
  const lines = loop.loop === "quad" ? ofQuad(loop, context) : ofSubgroup(loop, context);
  return ["{", ...indented(lines), "}"];
}

/** The place of a lane in its quad, if the body of a kernel has loops that quads share. */
export function quadText(body: readonly Statement[], name: string): string[] {
  const hasAny = allStatements(body).some((each) => each.kind === "for" && each.loop === "quad");
  return hasAny ? [`let ${name} = i32(subgroupExclusiveAdd(1u) & 3u);`] : [];
}

/** Each lane of a subgroup runs every so many iterations: what it has updated meets behind the loop. */
function ofSubgroup(loop: Loop, { names, variables, memory, code, end, block }: SharedLoopContext): string[] {
  const scalars = [...updatedIn(loop)].map(([buffer, update]) => {
    const [name, part] = [variables.get(buffer)!, names.claim(`${buffer.name}_part`)];
    variables.set(buffer, part);
    return { buffer, update, name, part };
  });
  const variable = names.claim(plainName(loop.variable));
  variables.set(loop.variable, variable);
  const body = block(loop.body);
  const [count, first] = [names.claim("count"), names.claim("first")];
  for (const { buffer, name } of scalars) variables.set(buffer, name);
  for (const each of [variable, count, first, ...scalars.map(({ part }) => part)]) names.release(each);
  return [
    `let ${count} = i32(subgroupAdd(1u));`,
    `let ${first} = i32(subgroupExclusiveAdd(1u));`,
    ...scalars.map(({ buffer, update, part }) => {
      return `var ${part}: ${memory.elementType(buffer)} = ${code(identityOf(update, buffer.element))};`;
    }),
    `for (var ${variable} = ${first}; ${variable} < ${end}; ${variable} += ${count}) {`,
    ...indented(body),
    "}",
    ...scalars.map(({ name, part, update }) => {
      const all = `${functions[update]}(${part})`;
      return update === "add" ? `${name} += ${all};` : `${name} = ${update}(${name}, ${all});`;
    }),
  ];
}

/** The scalars that a loop updates and does not allocate itself, and how. */
function updatedIn({ body }: Loop): ReadonlyMap<Buffer, UpdateOperator> {
  const all = allStatements(body);
  const own = new Set(all.flatMap((each) => (each.kind === "alloc" ? [each.buffer] : [])));
  const found = new Map<Buffer, UpdateOperator>();
  for (const each of all) {
    if (each.kind === "store" && each.update !== null && !own.has(each.buffer)) found.set(each.buffer, each.update);
  }
  return found;
}

/** Each lane of a quad computes one element of an array, and tells the others. */
function ofQuad(
  { variable, body }: Loop,
  { names, variables, memory, quad, block, code, prepare }: SharedLoopContext,
): string[] {
  variables.set(variable, quad);
  const store = body.at(-1) as Store;
  const element = names.claim("element");
  const lines = memory.inBlock(() => {
    const before = [...block(body.slice(0, -1)), ...prepare(store)];
    return [...before, `let ${element} = ${code(store.value)};`];
  });
  names.release(element);
  const places = [0, 1, 2, 3].map((at) => memory.place(store.buffer, [index(at)]).text);
  return [...lines, ...places.map((place, at) => `${place} = quadBroadcast(${element}, ${at}u);`)];
}
