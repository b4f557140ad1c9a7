/**
 * The compiler as one list: source → graph → optimize → kernels → schedule → plan → emit.
 *
 * A stage reads what stands before it and gives one artifact; a Compilation runs stages in the order of the list, each
 * once, as far as is asked. A source that is the dump of a stage stands for that stage's artifact. The command line, the
 * library and the targets all compile through here.
 */
import type { EmittedModule } from "../../backends/common/emit.js";
import type { DecodedEntry } from "../../backends/common/module.js";
import { type Elaborated, type ElaborateOptions, elaborate, parse, type Setting } from "../../dsl/index.js";
import { Diagnostics, InternalError, type Location, SourceFile, UserError } from "../diagnostics/index.js";
import type { Derived } from "../incremental/index.js";
import type { Graph, Program } from "../ir/graph/index.js";
import type { Plan } from "../ir/plan/plan.js";
import { type LoweredGraph, lowerGraph } from "../lower/index.js";
import { planGraphs } from "../memory/index.js";
import {
  type FewRows,
  type OptimizeOptions,
  optimizeGraph,
  type PassReport,
  passes,
  storageOf,
  type WeightsFormat,
} from "../passes/index.js";
import type { Checkpoint, Config } from "../runtime/checkpoint.js";
import { baseOf, type Files, memoryFiles, readText } from "../runtime/files.js";
import type { GraphScheduler, TypeScriptPolicy } from "../schedule/index.js";
import { type Backend, type BackendName, backends } from "./backends.js";
import { decodedEntry, decoderOf, derivedOf, lowerDecoder } from "./decoders.js";
import { type Dump, isDump, readDump, requireScheduledFor, requireUnsettled } from "./dump.js";
import { type PrecisionName, requireWide, withPrecision } from "./precision.js";

/** What to compile. */
export interface Request {
  readonly files: Files;
  /** The program's file. */
  readonly path: string;
  /** Its text, where it is not read from the file. */
  readonly text?: string;
  /** The model, if the file has several. */
  readonly model?: string;
  /** The entries to compile; all if not given. */
  readonly entries?: readonly string[];
  readonly settings?: ReadonlyMap<string, Setting>;
  readonly checkpoint?: Checkpoint | null;
  /** Where no checkpoint brings one. */
  readonly config?: Config | null;
  /** Which passes run over the graphs, and what is kept of them. */
  readonly optimize?: OptimizeOptions;
  /** How large weights are held; as f32 if not given. */
  readonly weights?: WeightsFormat;
  /** What lies between kernels is kept in this; f32 if not given. f16 is for targets that compute with it. */
  readonly precision?: PrecisionName;
  /** What it is compiled for; TypeScript if not given. */
  readonly target?: BackendName;
  /** How kernels are made fast; the target's own policy if not given, null to leave them as lowering gives them. */
  readonly policy?: TypeScriptPolicy | null;
}

/** How to compile what a request names. */
export type How = Pick<Request, "checkpoint" | "optimize" | "policy" | "precision" | "target" | "weights">;

/** The texts of a generated module. */
export type Emitted = EmittedModule;

/** What each stage gives. */
export interface Artifacts {
  readonly source: SourceFile;
  readonly graph: Program;
  readonly optimize: Program;
  readonly kernels: readonly LoweredGraph[];
  readonly schedule: readonly LoweredGraph[];
  readonly plan: readonly Plan[];
  /** A promise, as the emitter is loaded only when it is needed: it carries a TypeScript compiler. */
  readonly emit: Promise<Emitted>;
}

export type StageName = keyof Artifacts;

/** The stages in their order. */
export const stageNames = [
  "source",
  "graph",
  "optimize",
  "kernels",
  "schedule",
  "plan",
  "emit",
] as const satisfies readonly StageName[];

interface Stage<K extends StageName> {
  readonly about: string;
  readonly run: (compilation: Compilation) => Artifacts[K];
}

export const stages: { readonly [K in StageName]: Stage<K> } = {
  source: {
    about: "the text of the program",
    run: ({ request }) => sourceOf(request),
  },
  graph: {
    about: "parsed, checked and elaborated: one Graph per entry",
    run: (compilation) => compilation.elaborated.program,
  },
  optimize: {
    about: "what the passes made of the graphs, which say what has a buffer",
    run: (compilation) => compilation.optimized(),
  },
  kernels: {
    about: "each operator or group of operators as a kernel",
    run: (compilation) => compilation.get("optimize").entries.map((graph) => lowerGraph(graph)),
  },
  schedule: {
    about: "each kernel in the order of loops, tiled and unrolled, that is fast on the target",
    run: (compilation) => compilation.get("kernels").map(compilation.scheduler),
  },
  plan: {
    about: "the order of the kernels and the place of every buffer",
    run: (compilation) => compilation.planned(),
  },
  emit: {
    about: "the text of the module",
    run: async (compilation) => {
      compilation.requireTarget();
      const plans = compilation.get("plan");
      return compilation.backend.emit({
        name: compilation.name,
        plans,
        decoded: compilation.decoded,
        documentation: compilation.documentation ?? undefined,
        sourceLine: compilation.sourceLine,
      });
    },
  },
};

export class Compilation {
  /** What was found on the way: warnings, where nothing was thrown. */
  readonly diagnostics = new Diagnostics();
  /** The milliseconds that each stage took. */
  readonly times = new Map<StageName, number>();
  /** What each pass did to each entry. */
  readonly reports: PassReport[] = [];
  readonly #done: { [K in StageName]?: Artifacts[K] } = {};
  #elaborated: Elaborated | null = null;
  /** What the source holds, where it is no program but the text of a stage. */
  #dump: Dump | null = null;
  #program: Program | null = null;
  #decoders: readonly Derived[] | null = null;
  #scheduler: GraphScheduler | null = null;
  /** How the incremental entries are computed step by step; known from the plan on. */
  decoded: readonly DecodedEntry[] = [];
  #isStarted = false;

  constructor(
    readonly request: Request,
    /** What the module is called: the file's name without its ending. */
    readonly name = baseOf(request.path).replace(/\.[^.]*$/, ""),
  ) {}

  /** A compilation that starts from graphs. */
  static ofGraphs(name: string, graphs: readonly Graph[], how: How = {}): Compilation {
    const compilation = new Compilation({ files: noFiles, path: name, ...how }, name);
    compilation.#program = { name, entries: graphs };
    compilation.#done.graph = compilation.#program;
    return compilation;
  }

  /** The same graphs, or others, compiled in the same way but for what is given. @throws UserError E0616 */
  again(how: How, graphs = this.get("graph").entries): Compilation {
    const { checkpoint, optimize, policy, precision, target, weights } = this.request;
    const given = Object.entries({ checkpoint, optimize, policy, precision, target, weights });
    const same: How = Object.fromEntries(given.filter(([, value]) => value !== undefined));
    const made = Compilation.ofGraphs(this.name, graphs, { ...same, ...how });
    if (graphs === this.#done.graph?.entries) made.#decoders = this.decoders;
    return made;
  }

  /**
   * The artifact of a stage; runs what is missing up to it.
   * @throws UserError with everything that is wrong with the program.
   */
  get<K extends StageName>(name: K): Artifacts[K] {
    this.#start();
    const known: Artifacts[K] | undefined = this.#done[name];
    if (known !== undefined) return known;
    const last = stageNames.indexOf(name);
    let first = last;
    while (first > 0 && this.#done[stageNames[first - 1]!] === undefined) first--;
    if (this.#dump !== null && first <= stageNames.indexOf("graph")) this.#refuse(name, this.#dump);
    for (const each of stageNames.slice(first, last + 1)) this.#run(each);
    const artifact: Artifacts[K] | undefined = this.#done[name];
    if (artifact === undefined) throw new InternalError(`the stage ${name} gave nothing`);
    return artifact;
  }

  get backend(): Backend {
    return withPrecision(backends[this.target], this.request.precision);
  }

  get target(): BackendName {
    return this.request.target ?? "typescript";
  }

  /** @throws UserError E0616 where its source is scheduled for another target */
  requireTarget(): void {
    this.#start();
    if (this.#dump !== null) requireScheduledFor(this.target, this.#dump, this.request.path);
  }

  /** What schedules its graphs: the same for entries and steps, which have kernels in common. */
  get scheduler(): GraphScheduler {
    this.#scheduler ??= this.backend.scheduler(this.request.policy);
    return this.#scheduler;
  }

  /** This compilation, or where it is for another target the same graphs compiled for that. @throws UserError E0616 */
  compiledFor(target: BackendName): Compilation {
    return this.target === target ? this : this.again({ target });
  }

  /** What the program takes and gives: its graphs, or where only later stages are known, graphs that say no more. */
  get program(): Program {
    this.#start();
    this.#program ??= this.get("graph");
    return this.#program;
  }

  /** Whether its graphs are known: not where it started from the dump of a later stage. */
  get hasGraphs(): boolean {
    this.#start();
    return this.#dump === null || this.#done.graph !== undefined;
  }

  /** Takes what the source holds, if it is the dump of a stage. */
  #start(): void {
    if (this.#program !== null || this.#isStarted) return;
    this.#isStarted = true;
    this.#run("source");
    const source = this.#done.source!;
    if (!isDump(source)) return;
    const dump = readDump(source, this.request.entries);
    this.#dump = dump;
    this.#program = dump.program;
    if (dump.stage === "graph" || dump.stage === "optimize") this.#done.graph = dump.program;
    if (dump.stage === "optimize") this.#done.optimize = dump.program;
    if ("lowered" in dump) this.#done[dump.stage] = dump.lowered;
    if ("plans" in dump) this.#done.plan = dump.plans;
    requireUnsettled(dump, this.request);
  }

  #refuse(name: StageName, { stage }: Dump): never {
    const what = name === "graph" || name === "optimize" ? "has no graphs" : `has nothing of the stage ${name}`;
    throw UserError.of("E0616", `${this.request.path} is a dump of the stage ${stage}, and ${what}`, {
      notes: [`${name}: ${stages[name].about}`],
      help: ["start from the source, or from a dump of an earlier stage"],
    });
  }

  /** What decodes the incremental entries; only graphs before any pass say what is incremental. @throws UserError E08 */
  get decoders(): readonly Derived[] {
    this.#decoders ??= this.hasGraphs ? derivedOf(this.get("graph").entries) : [];
    return this.#decoders;
  }

  /** Plans the entries and, with what they prepare alike, the steps of those that are incremental. */
  planned(): readonly Plan[] {
    const entries = this.get("schedule");
    const { backend, scheduler } = this;
    const decoders = (backend.decodes ? this.decoders : []).map((each) => decoderOf(each, backend.fewRows ?? null));
    const optimize = (graph: Graph, fewRows: FewRows | null): Graph =>
      optimizeGraph(graph, passes, { ...this.optimizing, fewRows }).graph;
    const steps = decoders.flatMap((decoder) => lowerDecoder(decoder, optimize)).map(scheduler);
    const plans = planGraphs([...entries, ...steps], backend.planning);
    this.decoded = decoders.map((decoder) => decodedEntry(decoder, plans.slice(entries.length)));
    return plans.slice(0, entries.length);
  }

  /** How the passes run: with weights held as the target can compute with them. */
  get optimizing(): OptimizeOptions {
    const { optimize, weights = "f32", checkpoint } = this.request;
    const { arithmetic, mostBuffers } = this.backend;
    return { ...optimize, weights: storageOf(weights, arithmetic, checkpoint?.tensors), mostBuffers };
  }

  /** A graph as the interpreter evaluates it: the passes run only where weights are not held as they are. */
  readonly interpreted = (graph: Graph): Graph => {
    if ((this.request.weights ?? "f32") === "f32") return graph;
    return optimizeGraph(graph, passes, this.optimizing).graph;
  };

  /** Runs the passes over every entry. */
  optimized(): Program {
    const { name, entries } = this.get("graph");
    requireWide(this.backend, this.request.precision, entries);
    const optimized = entries.map((graph) => optimizeGraph(graph, passes, this.optimizing));
    for (const { reports } of optimized) this.reports.push(...reports);
    return { name, entries: optimized.map(({ graph }) => graph) };
  }

  #run<K extends StageName>(name: K): void {
    if (this.#done[name] !== undefined) return;
    const start = performance.now();
    const stage: Stage<K> = stages[name];
    const artifact = stage.run(this);
    this.#done[name] = artifact;
    const stop = () => void this.times.set(name, performance.now() - start);
    if (artifact instanceof Promise) artifact.then(stop, stop);
    else stop();
  }

  /**
   * Checks the program. Null if the file is sound and declares no model.
   * @throws UserError with everything that is wrong with it.
   */
  check(): Elaborated | null {
    if (this.#elaborated) return this.#elaborated;
    const source = this.get("source");
    if (this.#dump !== null) {
      this.#elaborated = elaboratedDump(this.#dump.program);
      return this.#elaborated;
    }
    requireConfig(this.request, source);
    const result = elaborate(source, elaborateOptions(this.request), this.diagnostics);
    if (this.diagnostics.hasErrors) throw new UserError(this.diagnostics.sorted);
    this.#elaborated = result;
    return result;
  }

  /** The comment above the model in its source, if the compilation started there and there is one. */
  get documentation(): string | null {
    return this.#elaborated?.documentation ?? null;
  }

  /** The line of the source at a location, if the compilation started from source. */
  readonly sourceLine = ({ file, line }: Location): string | null => {
    return this.#elaborated?.sources.get(file)?.line(line) ?? null;
  };

  /** The checked program. @throws UserError with everything that is wrong with it, E0614 if there is no model. */
  get elaborated(): Elaborated {
    const result = this.check();
    if (result) return result;
    throw UserError.of("E0614", `${this.request.path} declares no model`, {
      help: ["a model holds layers and one or more entries: model Name() { … entry forward(…) -> (…) { … } }"],
    });
  }
}

/** Files for a compilation that starts from graphs and reads none. */
const noFiles = memoryFiles();

/** The text of the program. @throws UserError E0601, E0602, E0603. */
function sourceOf({ files, path, text }: Request): SourceFile {
  const found = text ?? readText(files, path, "a program");
  if (found.trim() === "") throw UserError.of("E0603", `${path} is empty: a program declares a model with an entry`);
  return new SourceFile(path, found);
}

/** A program that was elaborated before, and printed. */
function elaboratedDump(program: Program): Elaborated {
  const entries = program.entries.map(({ name }) => ({ name, documentation: null }));
  return { program, statics: [], entries, documentation: null, unread: [], sources: new Map() };
}

/** The part of the request that elaboration takes. @throws UserError E0703. */
function elaborateOptions(request: Request): ElaborateOptions {
  const { files, checkpoint, model, entries, settings } = request;
  const config = request.config ?? checkpoint?.config ?? null;
  return {
    readFile: (path) => (files.kind(path) === "file" ? readText(files, path) : null),
    ...(config ? { config: config.value } : {}),
    ...(settings ? { settings } : {}),
    ...(checkpoint ? { checkpoint: checkpoint.tensors } : {}),
    ...(model === undefined ? {} : { model }),
    ...(entries ? { entries } : {}),
  };
}

/**
 * A checkpoint without a configuration will not do for a program that reads one: what shows in no weight, such as the
 * number of heads, would silently be the default.
 * @throws UserError E0703
 */
function requireConfig({ checkpoint, config, settings }: Request, source: SourceFile): void {
  if (!checkpoint || checkpoint.config || config) return;
  const read = parse(source, new Diagnostics()).declarations.flatMap((declaration) =>
    declaration.kind === "model"
      ? declaration.statics.filter(({ name, keys }) => keys.length > 0 && !settings?.has(name.name))
      : [],
  );
  if (read.length === 0) return;
  const names = read.map(({ name }) => name.name).join(", ");
  throw UserError.of("E0703", `the checkpoint ${checkpoint.path} has no config.json, and the program reads one`, {
    notes: [`it reads ${names}`],
    help: ["give the configuration with --config FILE, or each of these with --set"],
  });
}
