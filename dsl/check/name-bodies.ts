/** Name resolution inside bodies: statements and expressions, in the scopes that they open. */
import { type Diagnostics, nearest, type Span } from "../../src/diagnostics/index.js";
import type * as ast from "../syntax/index.js";
import { isLocal, NameScope, type NameSymbol, type SymbolKind } from "./scope.js";
import { childrenOf, dimensionExpressions } from "./syntax-facts.js";

export interface NameContext {
  /** The names of the built-in functions and constants. */
  readonly builtins: Iterable<string>;
  /** What the standard library declares, for the help of an unknown name. */
  readonly library: ReadonlySet<string>;
}

export abstract class BodyResolver {
  /** The declaration whose body is being resolved. */
  protected inside: ast.Declaration | ast.Entry | null = null;

  constructor(
    readonly context: NameContext,
    readonly diagnostics: Diagnostics,
  ) {}

  /** A name was used in the current declaration. */
  protected abstract mention(symbol: NameSymbol): void;

  protected declareOnce(scope: NameScope, name: ast.Identifier, kind: SymbolKind): NameSymbol | null {
    const before = scope.names.get(name.name);
    // A name that was used too early stands there without a place: that was reported.
    const early = before?.kind === "let" && before.span === null;
    if (before && !early) {
      this.twice(name, before);
      return null;
    }
    const symbol = scope.declare(name.name, kind, name.span);
    if (early) symbol.uses = before.uses;
    return symbol;
  }

  protected twice(name: ast.Identifier, before: NameSymbol): void {
    this.diagnostics.report("E0202", name.span, `${name.name} is declared twice`, {
      labels: before.span ? [{ span: before.span, text: `first as ${article(before.kind)}` }] : [],
    });
  }

  /** Layers, params: an error; local names and arguments: a warning. */
  protected unused(scope: NameScope): void {
    for (const s of scope.names.values()) {
      if (s.uses > 0 || !s.span || s.name.startsWith("_")) continue;
      if (s.kind === "param" || s.kind === "layer")
        this.diagnostics.report("E0204", s.span, `the ${s.kind} ${s.name} is never used`);
      else if (s.kind === "let" || s.kind === "argument") this.unusedName(s);
    }
  }

  protected unusedName({ kind, name, span }: NameSymbol): void {
    if (!span || name.startsWith("_")) return;
    const what = kind === "argument" ? `the argument ${name}` : name;
    this.diagnostics.report("E0214", span, `${what} is never used`, { severity: "warning" });
  }

  protected typeUses(type: ast.Type, scope: NameScope): void {
    for (const e of dimensionExpressions(type)) this.expression(e, scope, true);
  }

  // ---- statements

  protected body(body: ast.Body, scope: NameScope, givesValue: boolean): void {
    this.statements(body.statements, scope, givesValue);
    if (givesValue) {
      const last = body.statements.at(-1);
      if (!last || (last.kind !== "expression" && last.kind !== "if"))
        this.diagnostics.report(
          "E0212",
          last?.span ?? body.span,
          "the body ends without an expression that gives its value",
          {
            help:
              last?.kind === "let" && last.names.length === 1
                ? [`end it with ${last.names[0]!.name}, or leave let out`]
                : ["the last expression of a body is its value"],
          },
        );
    }
  }

  protected statements(statements: readonly ast.Statement[], scope: NameScope, givesValue: boolean): void {
    for (const s of statements)
      for (const { name, span } of declaredBy(s)) if (!scope.ahead.has(name)) scope.ahead.set(name, span);
    statements.forEach((s, i) => {
      const last = givesValue && i === statements.length - 1;
      if (s.kind === "expression" && !last)
        this.diagnostics.report("E0203", s.span, "this value is not used", {
          help: ["let name = … keeps it; the last expression of a body is its value"],
        });
      this.statement(s, scope, last);
    });
  }

  protected statement(s: ast.Statement, scope: NameScope, last: boolean): void {
    switch (s.kind) {
      case "expression":
        return this.expression(s.value, scope);
      case "let":
        this.expression(s.value, scope);
        for (const name of s.names) this.let(name, scope);
        return;
      case "assign":
        this.expression(s.value, scope);
        return this.assign(s.name, scope);
      case "assert":
        return this.expression(s.condition, scope);
      case "if":
        return this.if(s, scope, last);
      case "for": {
        this.expression(s.over, scope);
        const inner = new NameScope(scope, "for");
        const outside = scope.find(s.name.name);
        if (outside && outside.scope.kind === "declaration" && isLocal(outside.symbol.kind))
          this.shadows(s.name, outside.symbol, "take another name");
        inner.declare(s.name.name, "index", s.name.span).uses++;
        this.body(s.body, inner, false);
        return this.unused(inner);
      }
      case "param": {
        const inner = new NameScope(scope, "expression");
        for (const d of s.type.dimensions ?? [])
          if (d.kind === "index") inner.declare(d.name.name, "index", d.name.span).uses++;
        this.typeUses(s.type, scope);
        for (const e of s.paths) this.expression(e, inner);
        this.declareOnce(scope, s.name, "param");
        return;
      }
      case "layer": {
        const inner = new NameScope(scope, "expression");
        if (s.array) {
          this.expression(s.array.count, scope);
          if (s.array.index) inner.declare(s.array.index.name, "index", s.array.index.span).uses++;
        }
        this.applied(s.value, inner);
        for (const e of s.paths) this.expression(e, inner);
        this.declareOnce(scope, s.name, "layer");
        return;
      }
    }
  }

  protected applied(a: ast.Applied, scope: NameScope): void {
    if (a.kind === "choose") {
      this.expression(a.condition, scope);
      this.applied(a.yes, scope);
      this.applied(a.no, scope);
    } else {
      this.use(a.block, scope);
      for (const g of a.arguments) this.expression(g.value, scope);
    }
  }

  /** The braces of `if` are no scope: what either branch introduces exists after it; each begins with what was before. */
  protected if(s: ast.IfStatement, scope: NameScope, last: boolean): void {
    this.expression(s.condition, scope);
    const before = new Map(scope.names);
    this.branch(s.yes, scope, last);
    const afterYes = new Map(scope.names);
    if (s.no || last) {
      scope.names.clear();
      for (const [name, symbol] of before) scope.names.set(name, symbol);
      if (s.no?.kind === "if") this.if(s.no, scope, last);
      else if (s.no) this.branch(s.no, scope, last);
      else this.diagnostics.report("E0212", s.span, "an if that gives the body's value needs an else", {});
    }
    for (const [name, symbol] of afterYes) {
      const other = scope.names.get(name);
      if (other && other !== symbol) other.uses += symbol.uses;
      else if (!other) scope.names.set(name, symbol);
    }
  }

  protected branch(body: ast.Body, scope: NameScope, last: boolean): void {
    this.statements(body.statements, scope, last);
    if (!last) return;
    const end = body.statements.at(-1);
    if (!end || (end.kind !== "expression" && end.kind !== "if"))
      this.diagnostics.report(
        "E0212",
        end?.span ?? body.span,
        "this branch ends without an expression that gives its value",
      );
  }

  protected let(name: ast.Identifier, scope: NameScope): void {
    if (name.name === "_") return;
    const before = scope.names.get(name.name);
    if (before && !isLocal(before.kind)) return this.twice(name, before);
    for (let s: NameScope | null = scope; s && (s.kind === "for" || s.kind === "comprehension"); s = s.parent) {
      const outside = s.parent?.names.get(name.name);
      if (outside && isLocal(outside.kind) && !before) {
        return this.shadows(
          name,
          outside,
          scope.kind === "for"
            ? `write ${name.name} = … to give the outer ${name.name} a new value`
            : "take another name",
        );
      }
    }
    if (before?.kind === "let" && before.uses === 0) this.unusedName(before);
    scope.declare(name.name, "let", name.span);
  }

  protected shadows(name: ast.Identifier, outside: NameSymbol, help: string): void {
    this.diagnostics.report("E0205", name.span, `${name.name} exists outside these braces`, {
      labels: outside.span ? [{ span: outside.span, text: `the outer ${name.name}` }] : [],
      help: [help],
    });
  }

  protected assign(name: ast.Identifier, scope: NameScope): void {
    let s: NameScope | null = scope;
    while (s && !s.names.has(name.name) && s.kind === "for") s = s.parent;
    const symbol = s?.names.get(name.name);
    if (!s || !symbol) {
      const found = scope.find(name.name);
      const elsewhere = found && found.scope.kind !== "file" && found.scope.kind !== "builtin";
      this.diagnostics.report(
        "E0206",
        name.span,
        elsewhere
          ? `${name.name} cannot be given a new value from here`
          : `there is no ${name.name} to give a new value`,
        {
          labels:
            elsewhere && found.symbol.span ? [{ span: found.symbol.span, text: `${name.name} is declared here` }] : [],
          help: elsewhere ? [] : [`let ${name.name} = … introduces it`],
        },
      );
      if (!found) scope.declare(name.name, "let", name.span).uses++;
      return;
    }
    if (!isLocal(symbol.kind) || symbol.kind === "size")
      this.diagnostics.report("E0206", name.span, `${name.name} is ${article(symbol.kind)}: it keeps its value`, {
        labels: symbol.span ? [{ span: symbol.span, text: "declared here" }] : [],
      });
  }

  // ---- expressions

  protected expression(e: ast.Expression, scope: NameScope, inSignature = false): void {
    switch (e.kind) {
      case "name":
        return this.use(e, scope, inSignature);
      case "comprehension": {
        const inner = new NameScope(scope, "comprehension");
        for (const { name, size } of e.indices) {
          this.expression(size, scope);
          inner.declare(name.name, "index", name.span).uses++;
        }
        if (e.body.kind === "body") this.body(e.body, inner, true);
        else this.expression(e.body, inner);
        return this.unused(inner);
      }
      default:
        for (const child of childrenOf(e)) this.expression(child, scope, inSignature);
    }
  }

  protected use(name: { readonly name: string; readonly span: Span }, scope: NameScope, inSignature = false): void {
    const found = scope.find(name.name);
    if (!found) {
      this.unknown(name, scope, inSignature);
      return;
    }
    found.symbol.uses++;
    if (inSignature && found.scope.kind === "file") {
      const what = `the ${symbolWord(found.symbol.kind)} ${name.name}`;
      const isEntry = this.inside?.kind === "entry";
      this.diagnostics.report("E0220", name.span, `a size in a signature cannot use ${what}`, {
        help: [`${isEntry ? "a let of the model" : "the default of a static argument"} can: the size is its name then`],
      });
      return;
    }
    this.mention(found.symbol);
    const { kind } = found.symbol;
    if (
      found.scope.kind === "model" &&
      (kind === "param" || kind === "layer") &&
      (this.inside?.kind === "fn" || this.inside?.kind === "block")
    )
      this.diagnostics.report(
        "E0213",
        name.span,
        `${this.inside.name.name} cannot see the ${kind} ${name.name} of the model`,
        {
          labels: found.symbol.span ? [{ span: found.symbol.span, text: "declared here" }] : [],
          help: ["pass it as a tensor"],
        },
      );
  }

  protected unknown(
    name: { readonly name: string; readonly span: Span },
    scope: NameScope,
    inSignature: boolean,
  ): void {
    const help: string[] = [];
    const near = nearest(name.name, scope.visible());
    const ahead = inSignature ? null : scope.findAhead(name.name);
    if (inSignature)
      help.push(
        this.inside?.kind === "entry"
          ? "a size is bound where it, or a multiple of it such as 4 * N, is an axis of an input"
          : "a size is bound where it stands alone in the type of a tensor argument",
      );
    else if (ahead) help.push("a name is seen only below its declaration: move that up");
    else if (this.context.library.has(name.name)) help.push(`import std: ${name.name}`);
    const what = inSignature
      ? `nothing binds the size ${name.name}`
      : ahead
        ? `${name.name} is used before it is declared`
        : `there is no ${name.name}`;
    this.diagnostics.report("E0201", name.span, what, {
      labels: ahead ? [{ span: ahead, text: "declared here" }] : [],
      help,
      fixes:
        near && !ahead && !help[0]?.startsWith("import") && !inSignature
          ? [{ message: `write ${near}`, edits: [{ span: name.span, text: near }] }]
          : [],
    });
    const meant = near === null || ahead ? null : scope.find(near);
    if (meant) meant.symbol.uses++;
    // Reported once: from here on it counts as known in this declaration.
    let home = scope;
    while (home.parent && home.kind !== "declaration" && home.kind !== "model") home = home.parent;
    home.declare(name.name, "let", null).uses++;
  }
}

/** The names that a statement introduces in the scope that it stands in. */
function declaredBy(s: ast.Statement): readonly ast.Identifier[] {
  if (s.kind === "let") return s.names;
  return s.kind === "param" || s.kind === "layer" ? [s.name] : [];
}

function symbolWord(kind: SymbolKind): string {
  const word = { builtin: "built-in", import: "import", fn: "function", let: "local name", index: "index" } as const;
  return word[kind as keyof typeof word] ?? kind;
}

function article(kind: SymbolKind): string {
  const word = symbolWord(kind);
  return `${/^[aeiou]/.test(word) ? "an" : "a"} ${word}`;
}
