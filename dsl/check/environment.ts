/** Names and their values while a program is elaborated: a chain of scopes. */
import type { Span } from "../../src/diagnostics/index.js";
import type { Value } from "./values.js";

/** Where a size's name was bound, for the messages about sizes that differ. */
export interface Origin {
  readonly span: Span;
  readonly text: string;
}

/** `file` holds a file's names, `model` the statics of a model; a signature mentions no name of a file. */
export type EnvironmentKind = "builtin" | "file" | "model" | "body" | "inner";

export class Environment {
  readonly #names = new Map<string, Value>();
  readonly #origins = new Map<string, Origin>();

  constructor(
    readonly parent: Environment | null,
    readonly kind: EnvironmentKind,
  ) {}

  get(name: string): Value | undefined {
    return this.find(name)?.own(name);
  }

  own(name: string): Value | undefined {
    return this.#names.get(name);
  }

  /** The nearest scope that has the name. */
  find(name: string): Environment | null {
    for (let scope: Environment | null = this; scope; scope = scope.parent) if (scope.#names.has(name)) return scope;
    return null;
  }

  set(name: string, value: Value, origin?: Origin): void {
    this.#names.set(name, value);
    if (origin) this.#origins.set(name, origin);
  }

  /** Where the name was bound, if that was noted. */
  originOf(name: string): Origin | null {
    const scope = this.find(name);
    return scope ? (scope.#origins.get(name) ?? null) : null;
  }

  /** All names of this scope alone, in order. */
  entries(): IterableIterator<[string, Value]> {
    return this.#names.entries();
  }

  /** Every name that can be seen from here. */
  visible(): Set<string> {
    const all = new Set<string>();
    for (let scope: Environment | null = this; scope; scope = scope.parent)
      for (const name of scope.#names.keys()) all.add(name);
    return all;
  }
}
