/**
 * Arguments that not every device binds as a whole, such as large tables of words: they are read by functions, which the
 * host code replaces where it binds them in parts.
 */
import type { Buffer } from "../../src/ir/kernel/index.js";
import type { LargeArgument } from "../../src/runtime/host/device-limits.js";
import { constantOf } from "../../src/sizes/index.js";
import { isPacked } from "./packed.js";

/** What every device binds at once, in bytes: the default of maxStorageBufferBindingSize. */
export const alwaysBound = 2 ** 27;

/** A large argument, and the function that reads it. */
export interface LargeRead extends LargeArgument {
  readonly buffer: Buffer;
  readonly reader: string;
}

/** The large ones among the arguments. @param whole the bytes up to which an argument is not large */
export function largeReads(
  bindings: readonly { readonly name: string; readonly buffer: Buffer }[],
  access: readonly ("read" | "read_write")[],
  whole: number,
  memory: { elementType(buffer: Buffer): string },
  claim: (wanted: string) => string,
): LargeRead[] {
  return bindings.flatMap(({ name, buffer }, at) => {
    const extents = buffer.shape.map(constantOf);
    if (access[at] !== "read" || extents.includes(null)) return [];
    const count = extents.reduce<number>((product, extent) => product * extent!, 1);
    const [perElement, bytes] = isPacked(buffer) ? [2, 2] : [1, 4];
    if (bytes * count <= whole) return [];
    const type = memory.elementType(buffer);
    const elements = type.startsWith("vec") ? count / 4 : Math.ceil(count / perElement);
    return [{ at, name, type, elements, buffer, reader: claim(`${name}_at`) }];
  });
}

/** The function that reads an argument where it is bound as a whole. */
export function readerText({ name, type, reader }: LargeRead): string[] {
  return ["", `fn ${reader}(at: i32) -> ${type} {`, `  return ${name}[at];`, "}"];
}

/** What the host code is told of it. */
export const largeText = ({ at, name, type, elements }: LargeArgument): string =>
  `{ at: ${at}, name: ${JSON.stringify(name)}, type: "${type}", elements: ${elements} }`;
