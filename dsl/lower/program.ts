/**
 * From a file with a model to its Graphs: sets the model's static arguments, then elaborates each entry.
 *
 * What an entry asks of its run-time sizes is found while elaborating (context.ts, Requirements); it is then elaborated
 * again with sizes that fulfil it, until nothing new is asked.
 */
import { Diagnostics, type SourceFile, type Span } from "../../src/diagnostics/index.js";
import { type Graph, GraphBuilder, type Program, type Scope } from "../../src/ir/graph/index.js";
import { constantOf, type SizeVariable } from "../../src/sizes/index.js";
import { Environment } from "../check/environment.js";
import { type Module, Modules } from "../check/modules.js";
import { unknown, type Value } from "../check/values.js";
import type * as ast from "../syntax/index.js";
import { checkAlone } from "./alone.js";
import { builtins, constants } from "./builtins/index.js";
import { Context, fail, Requirements } from "./context.js";
import { checkIncremental } from "./decoding.js";
import { Elaborator } from "./elaborator.js";
import { declareInputs } from "./entry-inputs.js";
import { result } from "./result.js";
import { modelStatics, type Setting } from "./settings.js";
import { type Checkpoint, WeightTable } from "./weights.js";

/** Each round learns something of a size that the one before did not know; a few do for any entry. */
const mostRounds = 16;

export interface ElaborateOptions {
  /** The text of an imported file, or null. The path is relative to where the source's own name is. */
  readonly readFile: (path: string) => string | null;
  /** The contents of config.json. */
  readonly config?: unknown;
  /** Static arguments of the model, by name. */
  readonly settings?: ReadonlyMap<string, Setting>;
  /** The header of a checkpoint: names, shapes and types are then checked, and alternatives decided. */
  readonly checkpoint?: Checkpoint;
  /** Only these entries. */
  readonly entries?: readonly string[];
}

/** A static argument of the model with the value that it has. */
export interface StaticArgument {
  readonly name: string;
  readonly value: string | number | boolean | readonly (string | number | boolean)[];
  readonly from: "setting" | "config" | "default";
}

/** An entry beside its graph. */
export interface EntryFacts {
  readonly name: string;
  readonly documentation: string | null;
}

export interface Elaborated {
  readonly program: Program;
  readonly statics: readonly StaticArgument[];
  readonly entries: readonly EntryFacts[];
  readonly documentation: string | null;
  /** Tensors of the checkpoint that no param reads. */
  readonly unread: readonly string[];
  /** The texts that it was elaborated from, by the names that the graphs' locations give. */
  readonly sources: ReadonlyMap<string, SourceFile>;
}

/** The environments of modules: the names of each file, over the built-in ones. */
export class ModuleEnvironments {
  readonly #known = new Map<Module, Environment>();
  readonly #builtin = new Environment(null, "builtin");

  constructor() {
    for (const name of Object.keys(builtins)) this.#builtin.set(name, { kind: "builtin", name });
    for (const [name, { value }] of Object.entries(constants)) this.#builtin.set(name, value);
  }

  of(module: Module): Environment {
    const known = this.#known.get(module);
    if (known) return known;
    const env = new Environment(this.#builtin, "file");
    this.#known.set(module, env);
    // What could not be imported is reported, and unknown.
    for (const d of module.file.declarations)
      if (d.kind === "import") for (const { name } of d.names) env.set(name, unknown);
    for (const [name, from] of module.imports) env.set(name, this.of(from).own(name)!);
    for (const [name, d] of module.declarations) declare(env, name, d);
    return env;
  }
}

function declare(env: Environment, name: string, d: ast.Function | ast.Block): void {
  env.set(
    name,
    d.kind === "fn"
      ? { kind: "function", declaration: d, environment: env }
      : { kind: "block", declaration: d, environment: env },
  );
}

/**
 * Checks a file and elaborates its model. Reports everything that is wrong; null if anything is, or if the file holds no
 * model (a file of blocks and functions is checked for itself).
 */
export function elaborate(source: SourceFile, options: ElaborateOptions, diagnostics: Diagnostics): Elaborated | null {
  const modules = new Modules(
    { readFile: options.readFile, builtins: [...Object.keys(builtins), ...Object.keys(constants)] },
    diagnostics,
  );
  const module = modules.load(source);
  if (!module.parsed || diagnostics.has("E0207", "E0209")) return null;
  const environments = new ModuleEnvironments();
  const model = module.models[0];
  const weights = new WeightTable(options.checkpoint ?? null);
  const elaborated = model
    ? new ModelElaborator(model, environments.of(module), weights, options, diagnostics).run(modules.sources)
    : null;
  if (!source.library) checkAlone(module, environments.of(module), diagnostics);
  return diagnostics.hasErrors ? null : elaborated;
}

class ModelElaborator {
  constructor(
    readonly model: ast.Model,
    readonly file: Environment,
    readonly weights: WeightTable,
    readonly options: ElaborateOptions,
    readonly diagnostics: Diagnostics,
  ) {}

  run(sources: ReadonlyMap<string, SourceFile>): Elaborated | null {
    const { model, options, diagnostics } = this;
    const entries = model.members.filter((m) => m.kind === "entry");
    for (const name of options.entries ?? [])
      if (!entries.some((x) => x.name.name === name))
        diagnostics.report("E0608", model.name.span, `the model ${model.name.name} has no entry ${name}`, {
          help: [`its entries are ${entries.map((x) => x.name.name).join(", ")}`],
        });
    const wanted = entries.filter((x) => !options.entries || options.entries.includes(x.name.name));
    let statics: StaticArgument[] | null = null;
    const graphs: Graph[] = [];
    for (const entry of wanted) {
      const requirements = new Requirements();
      for (let round = 1; ; round++) {
        requirements.changed = false;
        // What an earlier round reports may be settled by what it requires: only the last one counts.
        const reported = new Diagnostics(diagnostics);
        const done = this.#entry(entry, requirements, reported);
        statics ??= done.statics;
        if (requirements.changed && round < mostRounds) continue;
        if (requirements.changed) this.#unsettled(entry, requirements);
        else for (const d of reported.sorted) diagnostics.add(d);
        if (done.graph) graphs.push(done.graph);
        break;
      }
    }
    if (!statics || graphs.length !== wanted.length || diagnostics.hasErrors) return null;
    return {
      program: { name: model.name.name, entries: graphs },
      statics,
      entries: wanted.map((x) => ({
        name: x.name.name,
        documentation: x.documentation,
      })),
      documentation: model.documentation,
      unread: this.weights.unread(),
      sources,
    };
  }

  /** Each round of an entry asked more of its sizes than the one before. */
  #unsettled(entry: ast.Entry, requirements: Requirements): void {
    const asked = requirements.texts();
    const help = `an assert at the beginning of ${entry.name.name} may say at once what all of it needs`;
    this.diagnostics.report("E0419", entry.name.span, `${entry.name.name} asks more and more of its run-time sizes`, {
      notes: [`it was elaborated ${mostRounds} times, and asks by now: ${asked.join(", ")}`],
      help: [help],
    });
  }

  /** Elaborates one entry in a graph of its own: the model's statics, weights and layers first. */
  #entry(
    entry: ast.Entry,
    requirements: Requirements,
    diagnostics: Diagnostics,
  ): { statics: StaticArgument[] | null; graph: Graph | null } {
    const { model } = this;
    const root: Scope = { parent: null, name: "", block: model.name.name, kind: "model" };
    const sizes: SizeVariable[] = [];
    const ctx = new Context(
      diagnostics,
      new GraphBuilder(entry.name.name, sizes),
      this.weights,
      false,
      root,
      requirements,
    );
    const e = new Elaborator(ctx);
    const known = new Environment(this.file, "model");
    const statics = ctx.guard(model.name.span, null, () => modelStatics(e, model, this.options, known));
    if (!statics) return { statics: null, graph: null };
    const env = new Environment(known, "model");
    for (const m of model.members) if (m.kind === "fn" || m.kind === "block") declare(known, m.name.name, m);
    for (const m of model.members) {
      if (m.kind === "fn" || m.kind === "block" || m.kind === "entry") continue;
      e.statements([m], env);
      // Functions and blocks of the model see its static lets; not its weights and layers.
      for (const [name, value] of env.entries()) if (isStatic(value)) known.set(name, value);
    }
    const body = new Environment(env, "body");
    const inputs = ctx.guard(entry.name.span, false, () => {
      declareInputs(e, entry, body, sizes);
      return true;
    });
    if (!inputs) return { statics, graph: null };
    const value = e.body(entry.body, body);
    const outputs = ctx.guard(lastSpan(entry), null, () => this.#outputs(e, entry, value, body));
    if (!outputs || diagnostics.hasErrors) return { statics, graph: null };
    const graph = ctx.builder.finish(outputs);
    if (entry.incremental !== null && !requirements.changed) {
      const { name } = entry.incremental;
      // A name that is no size of the entry has been reported with its names.
      const isSize = sizes.some((each) => each.name === name) || requirements.sameAs(name).size > 1;
      if (isSize) checkIncremental(graph, name, ctx, entry.name.span, diagnostics);
      return { statics, graph: { ...graph, incremental: name } };
    }
    return { statics, graph };
  }

  #outputs(e: Elaborator, entry: ast.Entry, value: Value, env: Environment) {
    if (value.kind === "unknown") return null;
    const values = value.kind === "tuple" ? value.items : [value];
    if (values.length !== entry.results.length)
      fail(
        "E0319",
        `${entry.name.name} gives ${entry.results.length} result${entry.results.length === 1 ? "" : "s"}; its body gives ${values.length}`,
        { help: ["several are written (a, b)"] },
      );
    const outputs = entry.results.map(({ name, type }, i) => {
      const v = e.ctx.guard(lastSpan(entry), null, () =>
        result(e, `${entry.name.name}: ${name.name}`, type, values[i]!, env, []),
      );
      if (v?.kind !== "tensor") return null;
      return { name: name.name, value: v.id };
    });
    return outputs.every((o) => o !== null) ? outputs : null;
  }
}

function isStatic(v: Value): boolean {
  if (v.kind === "list") return v.items.every(isStatic);
  return (
    v.kind === "boolean" ||
    v.kind === "string" ||
    v.kind === "float" ||
    v.kind === "function" ||
    (v.kind === "integer" && constantOf(v.size) !== null)
  );
}

function lastSpan(entry: ast.Entry): Span {
  return entry.body.statements.at(-1)?.span ?? entry.body.span;
}
