/**
 * What elaboration carries along: the graph under construction, the place in the source and among the layers, and the
 * way a mistake is reported.
 *
 * A mistake is thrown as a Problem, caught at the expression or statement that it stands in, reported once, and gives
 * the unknown value there, which silences whatever depends on it.
 */
import {
  type Code,
  type DiagnosticParts,
  type Diagnostics,
  diagnostic,
  type Location,
  locationOf,
  type Span,
} from "../../src/diagnostics/index.js";
import {
  type Attributes,
  type GraphBuilder,
  GraphTypeError,
  type OperatorName,
  type Scope,
  type TensorType,
} from "../../src/ir/graph/index.js";
import {
  compare,
  constantOf,
  divisibleBy,
  leastCommonMultiple,
  render,
  type Size,
  SizeOverflow,
  type SizeVariable,
} from "../../src/sizes/index.js";
import { Environment } from "../check/environment.js";
import type { Comprehension, Wire } from "../check/values.js";
import type { WeightTable } from "./weights.js";

/** A mistake of the program, on its way to the expression that it belongs to. */
export class Problem extends Error {
  constructor(
    readonly code: Code,
    message: string,
    readonly parts: DiagnosticParts & { readonly at?: Span | undefined } = {},
  ) {
    super(message);
  }
}

/** Stops the elaboration with a Problem. */
export function fail(
  code: Code,
  message: string,
  parts: DiagnosticParts & { readonly at?: Span | undefined } = {},
): never {
  throw new Problem(code, message, parts);
}

/** Calls within calls; published models need fewer than ten. */
const mostCalls = 100;

/** Where a value comes from: its expression, and the innermost call of the user's that led there. */
export interface Site {
  readonly at: Span;
  readonly frame: Frame | null;
}

/** A call on the way to the current place. */
export interface Frame {
  readonly call: Span;
  readonly what: string;
}

export class Context {
  /** The span of the expression that is being elaborated. */
  span: Span | null = null;
  /** The innermost comprehension whose body is being elaborated. */
  comprehension: Comprehension | null = null;
  scope: Scope | null;
  readonly frames: Frame[] = [];
  /** How the model's static arguments make up numbers: `width` 768, `4 * width` 3072. */
  readonly sizeNames = new Map<number, Set<string>>();
  /** Where nodes come from, by the location that they have. */
  readonly sites = new Map<Location, Site>();
  #assumed = 0;
  readonly #told = new Set<string>();

  /**
   * @param abstract true while a block is checked by itself, with sizes and static values that stand for any: only what
   *   no size could satisfy is a mistake then.
   */
  constructor(
    readonly diagnostics: Diagnostics,
    readonly builder: GraphBuilder,
    readonly weights: WeightTable,
    readonly abstract: boolean,
    root: Scope | null,
    /** What a size's asserts say: at least 0 each. */
    readonly requirements: Requirements,
  ) {
    this.scope = root;
  }

  // ---- the graph

  /** Emits an operator at the current place. */
  emit<K extends OperatorName>(operator: K, operands: readonly Wire[], attributes: Attributes[K]): Wire {
    this.builder.origin = { location: this.#location(), scope: this.scope };
    const id = this.builder.emit(
      operator,
      operands.map((w) => w.id),
      attributes,
    );
    return { id, type: this.builder.typeOf(id) };
  }

  /** In an abstract check: a value of the given type in place of one whose sizes only may differ. */
  assume(type: TensorType): Wire {
    return this.emit("input", [], {
      name: `#${this.#assumed++}`,
      element: type.element,
      shape: type.shape,
      fill: null,
    });
  }

  /** The current place as a location, which is remembered with how it was reached. */
  #location(): Location | null {
    if (this.span === null) return null;
    const location = locationOf(this.span);
    const frame = this.frames.findLast(({ call }) => !call.file.library) ?? null;
    this.sites.set(location, { at: this.span, frame });
    return location;
  }

  // ---- sizes

  /** Whether two sizes are one; while checking abstractly, whether they can be. */
  agrees(a: Size, b: Size): boolean {
    const answer = compare(a, b);
    return answer === "equal" || (answer === "unknown" && this.abstract);
  }

  sameShape(a: readonly Size[], b: readonly Size[]): boolean {
    return a.length === b.length && a.every((n, i) => this.agrees(n, b[i]!));
  }

  /** What would settle that two sizes may differ: an assert. Nothing for sizes that do differ, and for 1. */
  unproven(a: Size, b: Size): string[] {
    if (compare(a, b) !== "unknown") return [];
    if (constantOf(a) === 1 || constantOf(b) === 1) return ["a size of 1 does not broadcast against a named size here"];
    return [`the sizes may be equal when running; assert ${render(a)} == ${render(b)} in the entry says so`];
  }

  /** What would settle that a number divides a size: an assert. Nothing for sizes that no assert speaks of. */
  undivided(n: Size, by: Size): string[] {
    const divisor = constantOf(by);
    const found = divisor === null || divisor < 1 ? null : divisibleBy(n, divisor);
    return found === null ? [] : [`assert ${found.variable.name} % ${found.step} == 0 in the entry says so`];
  }

  /** Where numbers among the sizes come from: `768 is width`, for the static arguments of the model. */
  origins(...sizes: readonly Size[]): string[] {
    const told = new Set<string>();
    for (const s of sizes) {
      const n = constantOf(s);
      const names = n === null ? undefined : this.sizeNames.get(n);
      if (names) told.add(`${n} is ${[...names].join(", ")}`);
    }
    return [...told];
  }

  /** Remembers what makes up a number among the sizes; 0 and 1 are too common to tell anything. */
  nameSize(n: number, text: string): void {
    if (n < 2) return;
    const names = this.sizeNames.get(n) ?? new Set();
    if (names.size < 3) this.sizeNames.set(n, names.add(text));
  }

  // ---- mistakes

  /** Runs a part of the program; a mistake in it is reported at `span` unless it knows better, and gives `otherwise`. */
  guard<T>(span: Span, otherwise: T, run: () => T): T {
    const { scope, comprehension } = this;
    const facts = comprehension?.facts;
    const depth = this.frames.length;
    const outer = this.span;
    this.span = span;
    try {
      return run();
    } catch (e) {
      const problem = this.#problemOf(e);
      if (!(problem instanceof Problem)) throw e;
      this.report(problem, span);
      this.frames.length = depth;
      this.scope = scope;
      this.comprehension = comprehension;
      if (comprehension && facts) comprehension.facts = facts;
      return otherwise;
    } finally {
      this.span = outer;
    }
  }

  /** What a part of the program threw, as a mistake of the program where it is one. */
  #problemOf(thrown: unknown): unknown {
    if (thrown instanceof SizeOverflow) return new Problem("E0417", "a size passes 2^53");
    // What the graph cannot hold: numbers beyond a type's range, tensors of more elements than can be counted.
    if (thrown instanceof GraphTypeError && !this.abstract) return new Problem("E0307", thrown.message);
    return thrown;
  }

  /** Reports a problem where the user can act on it: in a library, at the call that led there. */
  report(problem: Problem, span: Span): void {
    const { at = span, ...parts } = problem.parts;
    const inside = at.file.library ? this.frames.findLastIndex((f) => !f.call.file.library) : -1;
    const calls = this.frames.slice(inside < 0 ? 0 : inside + 1);
    if (inside < 0) {
      this.diagnostics.add(
        diagnostic(problem.code, at, problem.message, { ...parts, notes: [...(parts.notes ?? []), ...this.#trail()] }),
      );
      return;
    }
    // Several calls in one file that fail alike at one place of the library are one mistake.
    const mistake = `${problem.code} ${at.file.name} ${at.start} ${problem.message}`;
    if (this.#told.has(mistake)) return;
    this.#told.add(mistake);
    const frame = this.frames[inside]!;
    const labels = [{ span: at, text: parts.label ?? "here" }, ...(parts.labels ?? [])];
    this.diagnostics.add(
      diagnostic(problem.code, frame.call, problem.message, {
        ...parts,
        label: `in this call of ${frame.what}`,
        labels,
        fixes: [],
        notes: [...(parts.notes ?? []), ...calls.slice(1, 4).map((f) => `there, in the call of ${f.what}`)],
      }),
    );
  }

  /** From which layers the current place was reached, as notes: innermost first. */
  #trail(): string[] {
    if (this.abstract) return [];
    return this.frames
      .filter((f) => !f.call.file.library)
      .slice(-3)
      .reverse()
      .map((f) => {
        const { file, line } = locationOf(f.call);
        return `in ${f.what}, called at ${file}:${line}`;
      });
  }

  /** Runs the body of a called function or layer. */
  inside<T>(call: Span, what: string, scope: Scope | null, run: () => T): T {
    // Name resolution finds what uses itself by name; a function that is passed to itself is found here.
    if (this.frames.length >= mostCalls)
      fail("E0207", `${what} is called within ${mostCalls} calls: it uses itself without end`, {
        help: ["repetition is written with for, over a count or an array of layers"],
      });
    const outer = this.scope;
    this.frames.push({ call, what });
    this.scope = scope;
    try {
      return run();
    } finally {
      this.scope = outer;
      this.frames.pop();
    }
  }
}

/**
 * What an entry asks of its run-time sizes beyond their declared bounds: a least value, a greatest, a number that divides
 * it, or equality with another. Found while elaborating (an `assert`, an element read at a fixed place); the entry is then elaborated again
 * with sizes that fulfil it, and the generated code checks it before a run.
 */
export class Requirements {
  readonly least = new Map<string, number>();
  readonly most = new Map<string, number>();
  /** What divides a size. */
  readonly steps = new Map<string, number>();
  /** The names of sizes that are the same, in classes of two or more. */
  #same: ReadonlySet<string>[] = [];
  changed = false;

  atLeast(v: SizeVariable, n: number): void {
    if (n <= (this.least.get(v.name) ?? 0)) return;
    this.least.set(v.name, n);
    this.changed = true;
  }

  atMost(v: SizeVariable, n: number): void {
    if (n >= (this.most.get(v.name) ?? Number.POSITIVE_INFINITY)) return;
    this.most.set(v.name, n);
    this.changed = true;
  }

  multipleOf(v: SizeVariable, n: number): void {
    const before = this.steps.get(v.name) ?? 1;
    const step = leastCommonMultiple(before, n);
    if (step === before) return;
    this.steps.set(v.name, step);
    this.changed = true;
  }

  equal(a: SizeVariable, b: SizeVariable): void {
    const [x, y] = [this.sameAs(a.name), this.sameAs(b.name)];
    if (x.has(b.name)) return;
    this.#same = [...this.#same.filter((names) => names !== x && names !== y), new Set([...x, ...y])];
    this.changed = true;
  }

  /** The names of the sizes that are the same as this one, itself included. */
  sameAs(name: string): ReadonlySet<string> {
    return this.#same.find((names) => names.has(name)) ?? new Set([name]);
  }

  /** What is asked, as assertions say it. */
  texts(): string[] {
    return [
      ...[...this.least].map(([name, n]) => `${name} >= ${n}`),
      ...[...this.most].map(([name, n]) => `${name} <= ${n}`),
      ...[...this.steps].map(([name, n]) => `${name} % ${n} == 0`),
      ...this.#same.map((names) => [...names].join(" == ")),
    ];
  }
}

/** A new scope of names inside another. */
export function inner(parent: Environment): Environment {
  return new Environment(parent, "inner");
}
