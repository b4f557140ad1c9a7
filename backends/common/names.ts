/**
 * Names in generated code: those of the model where the target's language allows them, each once in its scope.
 */

/** A scope's names. A name is not given if this scope, one around it or a reserved word has it. */
export class Names {
  readonly #taken = new Set<string>();

  constructor(
    /** Words that mean something in the language, or that the rest of the code needs. */
    readonly reserved: ReadonlySet<string>,
    readonly around: Names | null = null,
  ) {}

  has(name: string): boolean {
    return this.#taken.has(name) || this.reserved.has(name) || (this.around?.has(name) ?? false);
  }

  /** Takes the name, or the name with a number after it. */
  claim(wanted: string): string {
    const base = identifier(wanted);
    let name = base;
    for (let number = 2; this.has(name); number++) name = /\d$/.test(base) ? `${base}_${number}` : `${base}${number}`;
    this.#taken.add(name);
    return name;
  }

  /** Lets go of a name whose use has ended. */
  release(name: string): void {
    this.#taken.delete(name);
  }
}

/** The name as an identifier: letters, digits and underscores, no digit first. */
export function identifier(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9_]+/g, "_");
  if (plain === "" || plain === "_") return "value";
  return /^[0-9]/.test(plain) ? `_${plain}` : plain;
}

/** Words joined as `oneName`: each part's underscores and dots go too. */
export function camelCase(...parts: readonly string[]): string {
  const words = parts.flatMap((part) => part.split(/[^A-Za-z0-9]+/)).filter((word) => word !== "");
  return words.map((word, i) => (i === 0 ? lowerFirst(word) : upperFirst(word))).join("");
}

export function upperFirst(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}

/** `T` and `QKV` become `t` and `qkv`, `Attention` becomes `attention`. */
function lowerFirst(word: string): string {
  return /^[A-Z0-9]+$/.test(word) ? word.toLowerCase() : word.charAt(0).toLowerCase() + word.slice(1);
}
