/** Scopes of names for the resolver: what a name stands for, where it was declared, how often it is used. */
import type { Span } from "../../src/diagnostics/index.js";

export type SymbolKind =
  | "builtin"
  | "import"
  | "fn"
  | "block"
  | "model"
  | "argument"
  | "size"
  | "let"
  | "param"
  | "layer"
  | "index";

export interface NameSymbol {
  readonly name: string;
  readonly kind: SymbolKind;
  /** Null for a built-in, and for a name that was used and reported, but never declared. */
  readonly span: Span | null;
  uses: number;
}

/**
 * `declaration` is the one scope of a fn, block or entry with its arguments; `braces` those of `for` and of a
 * comprehension, `expression` an index that is visible in one expression only.
 */
export type ScopeKind = "builtin" | "file" | "model" | "declaration" | "for" | "comprehension" | "expression";

export class NameScope {
  readonly names = new Map<string, NameSymbol>();
  /** What the scope declares further down, to tell a name that is used too early from one that is nowhere. */
  readonly ahead = new Map<string, Span>();

  constructor(
    readonly parent: NameScope | null,
    readonly kind: ScopeKind,
  ) {}

  find(name: string): { scope: NameScope; symbol: NameSymbol } | null {
    for (let scope: NameScope | null = this; scope; scope = scope.parent) {
      const symbol = scope.names.get(name);
      if (symbol) return { scope, symbol };
    }
    return null;
  }

  declare(name: string, kind: SymbolKind, span: Span | null): NameSymbol {
    const symbol: NameSymbol = { name, kind, span, uses: 0 };
    this.names.set(name, symbol);
    return symbol;
  }

  /** Where an unknown name is declared after all, further down. */
  findAhead(name: string): Span | null {
    for (let scope: NameScope | null = this; scope; scope = scope.parent) {
      const span = scope.ahead.get(name);
      if (span) return span;
    }
    return null;
  }

  visible(): string[] {
    const all: string[] = [];
    for (let scope: NameScope | null = this; scope; scope = scope.parent) all.push(...scope.names.keys());
    return all;
  }
}

/** Names that `let` and assignment may replace. */
export function isLocal(kind: SymbolKind): boolean {
  return kind === "let" || kind === "argument" || kind === "index" || kind === "size";
}
