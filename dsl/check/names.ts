/**
 * Name resolution: every name is known, declared once and used; nothing is introduced inside a loop that exists
 * outside; no declaration uses itself (grammar.md, "Names"). Works on the syntax tree alone, so that a file is checked
 * as a whole, the parts included that no model reaches.
 */
import { type Diagnostics, nearest } from "../../src/diagnostics/index.js";
import type * as ast from "../syntax/index.js";
import { BodyResolver, type NameContext } from "./name-bodies.js";
import { NameScope, type NameSymbol } from "./scope.js";
import { boundName, dimensionExpressions, isAnySize, isStaticType } from "./syntax-facts.js";

type Callable = ast.Function | ast.Block | ast.Entry;

/** Reports what is wrong with the names of a file. */
export function resolveNames(file: ast.File, context: NameContext, diagnostics: Diagnostics): void {
  new Resolver(context, diagnostics).file(file);
}

class Resolver extends BodyResolver {
  /** Which declarations of this file a declaration mentions, for cycles. */
  readonly #mentions = new Map<ast.Declaration | Callable, Set<Callable>>();
  readonly #callables = new Map<NameSymbol, Callable>();

  protected override mention(symbol: NameSymbol): void {
    const callable = this.#callables.get(symbol);
    if (callable && this.inside) this.#mentions.get(this.inside)?.add(callable);
  }

  file(file: ast.File): void {
    const root = new NameScope(null, "builtin");
    for (const name of this.context.builtins) root.declare(name, "builtin", null);
    const scope = new NameScope(root, "file");
    for (const d of file.declarations) {
      if (d.kind === "import") for (const name of d.names) this.declareOnce(scope, name, "import");
      else this.#callable(d, this.declareOnce(scope, d.name, d.kind));
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

  #declaration(d: Exclude<ast.Declaration, ast.Import> | Callable, parent: NameScope): void {
    const outer = this.inside;
    this.inside = d;
    if (d.kind === "model") this.#model(d, parent);
    else {
      const scope = new NameScope(parent, "declaration");
      this.#signature(d, scope);
      if (d.body.kind === "body") this.body(d.body, scope, true);
      else this.expression(d.body, scope);
      this.unused(scope);
      this.#warnOnce(scope);
    }
    this.inside = outer;
  }

  #model(d: ast.Model, parent: NameScope): void {
    const scope = new NameScope(parent, "model");
    for (const p of d.statics) scope.ahead.set(p.name.name, p.name.span);
    for (const p of d.statics) {
      this.#mustBeStatic(p, true);
      this.#parameterTypes(p, scope);
      this.#default(p, scope);
      this.declareOnce(scope, p.name, "argument");
    }
    const statements: ast.Statement[] = [];
    for (const m of d.members) {
      if (m.kind === "fn" || m.kind === "block") this.#callable(m, this.declareOnce(scope, m.name, m.kind));
      else if (m.kind !== "entry") statements.push(m);
    }
    this.statements(statements, scope, false);
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
    this.unused(scope);
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
    for (const p of all)
      if (p.keys[0])
        this.diagnostics.report("E0117", p.keys[0].span, "`from` stands behind a static argument of a model", {
          help: [`the model reads ${p.name.name}, and gives it to what needs it`],
        });
    // A tensor among the static arguments is reported above; its sizes are then not unknown as well.
    const tensors = [
      ...statics.filter((p) => !isStaticType(p.type, true)),
      ...d.parameters.filter((p) => !isStaticType(p.type, false)),
    ];
    this.#bindSizes(tensors, argumentNames, scope, d.kind === "entry");
    for (const p of all)
      if (scope.names.get(p.name.name)?.kind === "size") this.twice(p.name, scope.names.get(p.name.name)!);
    const signature = new NameScope(scope, "expression");
    for (const p of all) signature.declare(p.name.name, "argument", p.name.span);
    for (const p of all) this.#parameterTypes(p, signature);
    const declared = new NameScope(scope, "expression");
    for (const p of all) declared.ahead.set(p.name.name, p.name.span);
    for (const p of all) {
      this.#default(p, declared);
      if (declared.names.has(p.name.name)) this.twice(p.name, declared.names.get(p.name.name)!);
      declared.declare(p.name.name, "argument", p.name.span);
    }
    for (const [name, symbol] of declared.names) {
      symbol.uses += signature.names.get(name)?.uses ?? 0;
      scope.names.set(name, symbol);
    }
    for (const t of resultTypes(d)) this.typeUses(t, scope);
    if (d.kind === "entry") this.#resultsOnce(d);
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

  /** The outputs of an entry are known by their names. */
  #resultsOnce(d: ast.Entry): void {
    d.results.forEach(({ name }, i) => {
      const before = d.results.slice(0, i).find((r) => r.name.name === name.name);
      if (before)
        this.diagnostics.report("E0202", name.span, `the result ${name.name} is declared twice`, {
          labels: [{ span: before.name.span, text: "first here" }],
        });
    });
  }

  /**
   * A bare name among the dimensions, neither an argument nor static in the enclosing model, is bound by a tensor; in an
   * entry also one in a product with what is known.
   */
  #bindSizes(
    parameters: readonly ast.Parameter[],
    argumentNames: ReadonlySet<string>,
    scope: NameScope,
    multiples: boolean,
  ): void {
    const isKnown = (name: string) =>
      scope.names.has(name) || argumentNames.has(name) || this.#staticOfModel(scope, name);
    for (const p of parameters)
      for (const d of p.type.dimensions ?? []) {
        if (d.kind !== "size" || (d.size.kind !== "name" && !multiples)) continue;
        const bound = boundName(d.size, isKnown);
        if (bound) scope.declare(bound.name.name, "size", bound.name.span);
      }
  }

  #staticOfModel(scope: NameScope, name: string): boolean {
    const found = scope.find(name);
    return found?.scope.kind === "model" && (found.symbol.kind === "argument" || found.symbol.kind === "let");
  }

  #parameterTypes(p: ast.Parameter, scope: NameScope): void {
    for (const e of dimensionExpressions(p.type)) if (!isAnySize(e)) this.expression(e, scope, true);
  }

  #default(p: ast.Parameter, scope: NameScope): void {
    if (!p.default) return;
    const inner = new NameScope(scope, "expression");
    for (const d of p.type.dimensions ?? [])
      if (d.kind === "index") inner.declare(d.name.name, "index", d.name.span).uses++;
    this.expression(p.default, inner);
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
        // A size that stands alone is right: the axis that a sum runs over. One that is nearly another is a misspelling.
        if (near === null) continue;
        this.diagnostics.report("E0215", s.span, `the size ${s.name} is bound here and used nowhere else`, {
          severity: "warning",
          help: [`${near} is near; a name that begins with _ is meant to stand alone`],
        });
      }
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
  if (d.kind !== "entry") return d.result ?? [];
  return d.results.map((r) => r.type);
}
