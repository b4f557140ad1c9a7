/**
 * Name resolution: every name is known, declared once and used; nothing is introduced inside a loop that exists
 * outside; no declaration uses itself (grammar.md, "Names"). Works on the syntax tree alone, so that a file is checked
 * as a whole, the parts included that no model reaches.
 */
import { type Diagnostics, nearest, type Span } from "../../src/diagnostics/index.js";
import type * as ast from "../syntax/index.js";
import { isLocal, NameScope, type NameSymbol, type SymbolKind } from "./scope.js";
import { childrenOf, dimensionExpressions, isStaticType } from "./syntax-facts.js";

export interface NameContext {
  /** The names of the built-in functions and constants. */
  readonly builtins: Iterable<string>;
  /** What the standard library declares, for the help of an unknown name. */
  readonly library: ReadonlySet<string>;
}

type Callable = ast.Function | ast.Block | ast.Entry;

/** Reports what is wrong with the names of a file. */
export function resolveNames(file: ast.File, context: NameContext, diagnostics: Diagnostics): void {
  new Resolver(context, diagnostics).file(file);
}

class Resolver {
  /** Which declarations of this file a declaration mentions, for cycles. */
  readonly #mentions = new Map<ast.Declaration | Callable, Set<Callable>>();
  readonly #callables = new Map<NameSymbol, Callable>();
  #inside: ast.Declaration | Callable | null = null;

  constructor(
    readonly context: NameContext,
    readonly diagnostics: Diagnostics,
  ) {}

  file(file: ast.File): void {
    const root = new NameScope(null, "builtin");
    for (const name of this.context.builtins) root.declare(name, "builtin", null);
    const scope = new NameScope(root, "file");
    for (const d of file.declarations) {
      if (d.kind === "import") for (const name of d.names) this.#declareOnce(scope, name, "import");
      else this.#callable(d, this.#declareOnce(scope, d.name, d.kind));
    }
    for (const d of file.declarations) if (d.kind !== "import") this.#declaration(d, scope);
    const models = file.declarations.filter((d) => d.kind === "model");
    if (models.length > 1)
      this.diagnostics.report("E0216", models[1]!.name.span, "a file holds one model", {
        labels: [{ span: models[0]!.name.span, text: "the first" }],
      });
    for (const d of file.declarations)
      if (d.kind === "import")
        for (const name of d.names)
          if (scope.names.get(name.name)?.uses === 0)
            this.diagnostics.report("E0214", name.span, `${name.name} is imported and never used`, {
              severity: "warning",
            });
    this.#cycles();
  }

  #callable(d: ast.Declaration | Callable, symbol: NameSymbol | null): void {
    if (symbol && (d.kind === "fn" || d.kind === "block")) this.#callables.set(symbol, d);
    this.#mentions.set(d, new Set());
  }

  #declareOnce(scope: NameScope, name: ast.Identifier, kind: SymbolKind): NameSymbol | null {
    const before = scope.names.get(name.name);
    if (before) {
      this.#twice(name, before);
      return null;
    }
    return scope.declare(name.name, kind, name.span);
  }

  #twice(name: ast.Identifier, before: NameSymbol): void {
    this.diagnostics.report("E0202", name.span, `${name.name} is declared twice`, {
      labels: before.span ? [{ span: before.span, text: `first as ${article(before.kind)}` }] : [],
    });
  }

  #declaration(d: Exclude<ast.Declaration, ast.Import> | Callable, parent: NameScope): void {
    const outer = this.#inside;
    this.#inside = d;
    if (d.kind === "model") this.#model(d, parent);
    else {
      const scope = new NameScope(parent, "declaration");
      this.#signature(d, scope);
      if (d.body.kind === "body") this.#body(d.body, scope, true);
      else this.#expression(d.body, scope);
      this.#unused(scope);
      this.#warnOnce(scope);
    }
    this.#inside = outer;
  }

  #model(d: ast.Model, parent: NameScope): void {
    const scope = new NameScope(parent, "model");
    for (const p of d.statics) {
      this.#mustBeStatic(p, true);
      this.#parameterTypes(p, scope);
      this.#default(p, scope);
      this.#declareOnce(scope, p.name, "argument");
    }
    const statements: ast.Statement[] = [];
    for (const m of d.members) {
      if (m.kind === "fn" || m.kind === "block") this.#callable(m, this.#declareOnce(scope, m.name, m.kind));
      else if (m.kind !== "entry") statements.push(m);
    }
    this.#statements(statements, scope, false);
    const entries = new Map<string, ast.Entry>();
    for (const m of d.members) {
      if (m.kind === "entry") {
        const before = entries.get(m.name.name);
        if (before)
          this.diagnostics.report("E0202", m.name.span, `the entry ${m.name.name} is declared twice`, {
            labels: [{ span: before.name.span, text: "first here" }],
          });
        entries.set(m.name.name, m);
        this.#mentions.set(m, new Set());
      }
      if (m.kind === "fn" || m.kind === "block" || m.kind === "entry") this.#declaration(m, scope);
    }
    if (entries.size === 0)
      this.diagnostics.report("E0216", d.name.span, `the model ${d.name.name} has no entry`, {
        help: ["an entry names the inputs and outputs: entry forward(x: [B, T]) -> (y: [B, T]) { … }"],
      });
    this.#unused(scope);
  }

  /** Layers, params: an error; lets: a warning. */
  #unused(scope: NameScope): void {
    for (const s of scope.names.values()) {
      if (s.uses > 0 || !s.span || s.name.startsWith("_")) continue;
      if (s.kind === "param" || s.kind === "layer")
        this.diagnostics.report("E0204", s.span, `the ${s.kind} ${s.name} is never used`);
      else if (s.kind === "let") this.#unusedLet(s);
    }
  }

  #unusedLet(symbol: NameSymbol): void {
    if (symbol.span && !symbol.name.startsWith("_"))
      this.diagnostics.report("E0214", symbol.span, `${symbol.name} is never used`, { severity: "warning" });
  }

  // ---- signatures

  #mustBeStatic(p: ast.Parameter, amongStatics: boolean): void {
    if (!isStaticType(p.type, amongStatics))
      this.diagnostics.report("E0217", p.span, `${p.name.name} is a tensor: it belongs in the second parentheses`);
  }

  #signature(d: Callable, scope: NameScope): void {
    const statics = d.kind === "block" ? d.statics : [];
    for (const p of statics) this.#mustBeStatic(p, true);
    if (d.kind === "block")
      for (const p of d.parameters)
        if (isStaticType(p.type, false))
          this.diagnostics.report("E0217", p.span, `${p.name.name} is no tensor: it belongs in the first parentheses`);
    const all = [...statics, ...d.parameters];
    const argumentNames = new Set(all.map((p) => p.name.name));
    this.#bindSizes(
      d.parameters.filter((p) => !isStaticType(p.type, false)),
      argumentNames,
      scope,
    );
    for (const p of all)
      if (scope.names.get(p.name.name)?.kind === "size") this.#twice(p.name, scope.names.get(p.name.name)!);
    const signature = new NameScope(scope, "expression");
    for (const p of all) signature.declare(p.name.name, "argument", p.name.span);
    for (const p of all) this.#parameterTypes(p, signature);
    const declared = new NameScope(scope, "expression");
    for (const p of all) {
      this.#default(p, declared);
      if (declared.names.has(p.name.name)) this.#twice(p.name, declared.names.get(p.name.name)!);
      declared.declare(p.name.name, "argument", p.name.span);
    }
    for (const [name, symbol] of declared.names) scope.names.set(name, symbol);
    for (const t of resultTypes(d)) this.#typeUses(t, scope);
    if (d.kind === "entry" && d.incremental) {
      const size = scope.names.get(d.incremental.name);
      if (size?.kind === "size") size.uses++;
      else {
        const sizes = [...scope.names.values()].filter((s) => s.kind === "size").map((s) => s.name);
        this.diagnostics.report(
          "E0219",
          d.incremental.span,
          `the entry ${d.name.name} has no size ${d.incremental.name}`,
          {
            help: sizes.length ? [`its sizes are ${sizes.join(", ")}`] : [],
          },
        );
      }
    }
  }

  /** A bare name among the dimensions, neither an argument nor static in the enclosing model, is bound by a tensor. */
  #bindSizes(parameters: readonly ast.Parameter[], argumentNames: ReadonlySet<string>, scope: NameScope): void {
    for (const p of parameters)
      for (const d of p.type.dimensions ?? []) {
        if (d.kind !== "size" || d.size.kind !== "name") continue;
        const name = d.size.name;
        if (argumentNames.has(name) || this.#staticOfModel(scope, name)) continue;
        if (!scope.names.has(name)) scope.declare(name, "size", d.size.span);
      }
  }

  #staticOfModel(scope: NameScope, name: string): boolean {
    const found = scope.find(name);
    return found?.scope.kind === "model" && (found.symbol.kind === "argument" || found.symbol.kind === "let");
  }

  #parameterTypes(p: ast.Parameter, scope: NameScope): void {
    this.#typeUses(p.type, scope);
  }

  #typeUses(type: ast.Type, scope: NameScope): void {
    for (const e of dimensionExpressions(type)) this.#expression(e, scope, true);
  }

  #default(p: ast.Parameter, scope: NameScope): void {
    if (!p.default) return;
    const inner = new NameScope(scope, "expression");
    for (const d of p.type.dimensions ?? [])
      if (d.kind === "index") inner.declare(d.name.name, "index", d.name.span).uses++;
    this.#expression(p.default, inner);
  }

  #warnOnce(scope: NameScope): void {
    for (const s of scope.names.values())
      if (s.kind === "size" && s.uses === 1 && s.span && !s.name.startsWith("_")) {
        const near = nearest(
          s.name,
          [...scope.names.values()]
            .filter((o) => o !== s && (o.kind === "size" || o.kind === "argument"))
            .map((o) => o.name),
        );
        this.diagnostics.report("E0215", s.span, `the size ${s.name} is bound here and used nowhere else`, {
          severity: "warning",
          help: [
            near
              ? `${near} is near; a name that begins with _ is meant to stand alone`
              : "a name that begins with _ is meant to stand alone",
          ],
        });
      }
  }

  // ---- statements

  #body(body: ast.Body, scope: NameScope, givesValue: boolean): void {
    this.#statements(body.statements, scope, givesValue);
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

  #statements(statements: readonly ast.Statement[], scope: NameScope, givesValue: boolean): void {
    statements.forEach((s, i) => {
      const last = givesValue && i === statements.length - 1;
      if (s.kind === "expression" && !last)
        this.diagnostics.report("E0203", s.span, "this value is not used", {
          help: ["let name = … keeps it; the last expression of a body is its value"],
        });
      this.#statement(s, scope, last);
    });
  }

  #statement(s: ast.Statement, scope: NameScope, last: boolean): void {
    switch (s.kind) {
      case "expression":
        return this.#expression(s.value, scope);
      case "let":
        this.#expression(s.value, scope);
        for (const name of s.names) this.#let(name, scope);
        return;
      case "assign":
        this.#expression(s.value, scope);
        return this.#assign(s.name, scope);
      case "assert":
        return this.#expression(s.condition, scope);
      case "if":
        return this.#if(s, scope, last);
      case "for": {
        this.#expression(s.over, scope);
        const inner = new NameScope(scope, "for");
        const outside = scope.find(s.name.name);
        if (outside && outside.scope.kind === "declaration" && isLocal(outside.symbol.kind))
          this.#shadows(s.name, outside.symbol, "take another name");
        inner.declare(s.name.name, "index", s.name.span).uses++;
        this.#body(s.body, inner, false);
        return this.#unused(inner);
      }
      case "param": {
        const inner = new NameScope(scope, "expression");
        for (const d of s.type.dimensions ?? [])
          if (d.kind === "index") inner.declare(d.name.name, "index", d.name.span).uses++;
        this.#typeUses(s.type, scope);
        for (const e of s.paths) this.#expression(e, inner);
        this.#declareOnce(scope, s.name, "param");
        return;
      }
      case "layer": {
        const inner = new NameScope(scope, "expression");
        if (s.array) {
          this.#expression(s.array.count, scope);
          if (s.array.index) inner.declare(s.array.index.name, "index", s.array.index.span).uses++;
        }
        this.#applied(s.value, inner);
        for (const e of s.paths) this.#expression(e, inner);
        this.#declareOnce(scope, s.name, "layer");
        return;
      }
    }
  }

  #applied(a: ast.Applied, scope: NameScope): void {
    if (a.kind === "choose") {
      this.#expression(a.condition, scope);
      this.#applied(a.yes, scope);
      this.#applied(a.no, scope);
    } else {
      this.#use(a.block, scope);
      for (const g of a.arguments) this.#expression(g.value, scope);
    }
  }

  /** The braces of `if` are no scope: what either branch introduces exists after it; each begins with what was before. */
  #if(s: ast.IfStatement, scope: NameScope, last: boolean): void {
    this.#expression(s.condition, scope);
    const before = new Map(scope.names);
    this.#branch(s.yes, scope, last);
    const afterYes = new Map(scope.names);
    if (s.no || last) {
      scope.names.clear();
      for (const [name, symbol] of before) scope.names.set(name, symbol);
      if (s.no?.kind === "if") this.#if(s.no, scope, last);
      else if (s.no) this.#branch(s.no, scope, last);
      else this.diagnostics.report("E0212", s.span, "an if that gives the body's value needs an else", {});
    }
    for (const [name, symbol] of afterYes) {
      const other = scope.names.get(name);
      if (other && other !== symbol) other.uses += symbol.uses;
      else if (!other) scope.names.set(name, symbol);
    }
  }

  #branch(body: ast.Body, scope: NameScope, last: boolean): void {
    this.#statements(body.statements, scope, last);
    if (!last) return;
    const end = body.statements.at(-1);
    if (!end || (end.kind !== "expression" && end.kind !== "if"))
      this.diagnostics.report(
        "E0212",
        end?.span ?? body.span,
        "this branch ends without an expression that gives its value",
      );
  }

  #let(name: ast.Identifier, scope: NameScope): void {
    if (name.name === "_") return;
    const before = scope.names.get(name.name);
    if (before && !isLocal(before.kind)) return this.#twice(name, before);
    for (let s: NameScope | null = scope; s && (s.kind === "for" || s.kind === "comprehension"); s = s.parent) {
      const outside = s.parent?.names.get(name.name);
      if (outside && isLocal(outside.kind) && !before) {
        return this.#shadows(
          name,
          outside,
          scope.kind === "for"
            ? `write ${name.name} = … to give the outer ${name.name} a new value`
            : "take another name",
        );
      }
    }
    if (before?.kind === "let" && before.uses === 0) this.#unusedLet(before);
    scope.declare(name.name, "let", name.span);
  }

  #shadows(name: ast.Identifier, outside: NameSymbol, help: string): void {
    this.diagnostics.report("E0205", name.span, `${name.name} exists outside these braces`, {
      labels: outside.span ? [{ span: outside.span, text: `the outer ${name.name}` }] : [],
      help: [help],
    });
  }

  #assign(name: ast.Identifier, scope: NameScope): void {
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

  #expression(e: ast.Expression, scope: NameScope, inSignature = false): void {
    switch (e.kind) {
      case "name":
        return this.#use(e, scope, inSignature);
      case "comprehension": {
        const inner = new NameScope(scope, "comprehension");
        for (const { name, size } of e.indices) {
          this.#expression(size, scope);
          inner.declare(name.name, "index", name.span).uses++;
        }
        if (e.body.kind === "body") this.#body(e.body, inner, true);
        else this.#expression(e.body, inner);
        return this.#unused(inner);
      }
      default:
        for (const child of childrenOf(e)) this.#expression(child, scope, inSignature);
    }
  }

  #use(name: { readonly name: string; readonly span: Span }, scope: NameScope, inSignature = false): void {
    const found = scope.find(name.name);
    if (!found || (inSignature && found.scope.kind === "file")) {
      this.#unknown(name, scope, inSignature);
      return;
    }
    found.symbol.uses++;
    const callable = this.#callables.get(found.symbol);
    if (callable && this.#inside) this.#mentions.get(this.#inside)?.add(callable);
    const { kind } = found.symbol;
    if (
      found.scope.kind === "model" &&
      (kind === "param" || kind === "layer") &&
      (this.#inside?.kind === "fn" || this.#inside?.kind === "block")
    )
      this.diagnostics.report(
        "E0213",
        name.span,
        `${this.#inside.name.name} cannot see the ${kind} ${name.name} of the model`,
        {
          labels: found.symbol.span ? [{ span: found.symbol.span, text: "declared here" }] : [],
          help: ["pass it as a tensor"],
        },
      );
  }

  #unknown(name: { readonly name: string; readonly span: Span }, scope: NameScope, inSignature: boolean): void {
    const help: string[] = [];
    const near = nearest(name.name, scope.visible());
    if (inSignature) help.push("a size is bound where it stands alone in the type of a tensor argument");
    else if (name.name === "None") help.push('rearrange(x, "… -> … 1") adds an axis; a default leaves an argument out');
    else if (this.context.library.has(name.name)) help.push(`import std: ${name.name}`);
    else if (near) help.push(`${near} is near`);
    const what = inSignature ? `nothing binds the size ${name.name}` : `there is no ${name.name}`;
    this.diagnostics.report("E0201", name.span, what, {
      help,
      fixes:
        near && !help[0]?.startsWith("import") && !inSignature
          ? [{ message: `replace it by ${near}`, edits: [{ span: name.span, text: near }] }]
          : [],
    });
    // Reported once: from here on it counts as known in this declaration.
    let home = scope;
    while (home.parent && home.kind !== "declaration" && home.kind !== "model") home = home.parent;
    home.declare(name.name, "let", null).uses++;
  }

  // ---- cycles

  #cycles(): void {
    const done = new Set<object>();
    const path: (ast.Declaration | Callable)[] = [];
    const visit = (d: ast.Declaration | Callable): void => {
      const at = path.indexOf(d);
      if (at >= 0) {
        const circle = [...path.slice(at), d].map((x) => (x.kind === "import" ? "import" : x.name.name));
        if (d.kind !== "import")
          this.diagnostics.report("E0207", d.name.span, `${d.name.name} uses itself: ${circle.join(" → ")}`, {
            help: ["repetition is written with for, over a count or an array of layers"],
          });
        return;
      }
      if (done.has(d)) return;
      done.add(d);
      path.push(d);
      for (const next of this.#mentions.get(d) ?? []) visit(next);
      path.pop();
    };
    for (const d of this.#mentions.keys()) visit(d);
  }
}

function resultTypes(d: Callable): readonly ast.Type[] {
  if (d.kind === "fn") return d.result ?? [];
  if (d.kind === "block") return [d.result];
  return d.results.map((r) => r.type);
}

function article(kind: SymbolKind): string {
  const word = { builtin: "built-in", import: "import", fn: "function", let: "local name", index: "index" } as const;
  const name = word[kind as keyof typeof word] ?? kind;
  return `${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`;
}
