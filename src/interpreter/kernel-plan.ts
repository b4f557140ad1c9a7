/**
 * Runs a whole plan by interpreting its kernels, to test the plan and its kernels together.
 *
 * What must stay true: memory is as the plan has it. Before a kernel writes a buffer of the arena or of an output, all
 * that lay in those bytes is forgotten, so that a buffer that is read after its place was taken is an error and not a
 * wrong number. What the kernel itself reads from the same place is forgotten element by element, as they are written.
 */
import type { Attributes } from "../ir/graph/operators.js";
import { isFloat } from "../ir/graph/types.js";
import type { Buffer } from "../ir/kernel/index.js";
import { type BufferId, type Plan, type PlanBuffer, sizeWhere } from "../ir/plan/plan.js";
import { bindingOf, evaluate, type Size, type SizeVariable } from "../sizes/index.js";
import { InterpreterInputError, type Precision } from "./graph.js";
import { interpretKernel, KernelError, Memory } from "./kernel.js";
import { elementsOf, type Tensor, tensorOf } from "./tensor.js";

export interface PlanRun {
  /** By name. An input that is left out has its fill for every element. */
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly weights: (name: string, attributes: Attributes["weight"]) => Tensor;
  /** Values of sizes by name, where no given input shows them. */
  readonly sizes?: Readonly<Record<string, number>>;
  readonly precision: Precision;
  /** What the session keeps, by name, as it was before; it is changed as the plan says. */
  readonly states?: Map<string, Tensor>;
}

/**
 * @returns the outputs by name.
 * @throws InterpreterInputError where what is given does not fit the plan.
 * @throws KernelError where a kernel or the plan does something that it must not do.
 */
export function interpretPlan(plan: Plan, run: PlanRun): Record<string, Tensor> {
  return new PlanInterpretation(plan, run).run();
}

class PlanInterpretation {
  readonly #sizes = new Map<SizeVariable, number>();
  readonly #memories = new Map<BufferId, Memory>();

  constructor(
    readonly plan: Plan,
    readonly options: PlanRun,
  ) {
    for (const variable of plan.sizes) {
      const given = options.sizes?.[variable.name] ?? this.#shownBy(variable);
      if (given === undefined) continue;
      const { name, step } = variable;
      if (given % step !== 0) throw new InterpreterInputError(`${name} is ${given}, which is no multiple of ${step}`);
      this.#sizes.set(variable, given);
    }
  }

  run(): Record<string, Tensor> {
    const { plan } = this;
    for (const id of [...plan.inputs, ...plan.weights]) this.#memories.set(id, this.#given(plan.buffers[id]!));
    for (const [id, buffer] of plan.buffers.entries()) {
      if (this.#isState(id as BufferId)) this.#memories.set(id as BufferId, this.#state(buffer));
    }
    for (const [at, dispatch] of [...plan.prepare, ...plan.dispatches].entries()) {
      const kernel = plan.kernels[dispatch.kernel]!;
      const reads = dispatch.reads.map((id) => this.#memories.get(id));
      const wide = this.options.precision === "f64" && reads.some((memory) => memory?.wide);
      const written = dispatch.writes.map((id) => this.#begin(id, wide, dispatch.reads));
      const sizeOf = (each: SizeVariable): number => this.#value(sizeWhere(dispatch, kernel, each));
      const argument = ({ shape }: Buffer, memory: Memory | undefined): Memory | undefined =>
        dispatch.sizes === undefined ? memory : memory?.in(shape.map((each) => evaluate(each, sizeOf)));
      const memories = new Map([
        ...kernel.reads.map((buffer, i) => [buffer, argument(buffer, reads[i])] as const),
        ...kernel.writes.map((buffer, i) => [buffer, argument(buffer, written[i])] as const),
      ]);
      const missing = [...memories].find(([, memory]) => memory === undefined);
      if (missing) throw new KernelError(`dispatch ${at} reads ${missing[0].name} before it is written`);
      const given = memories as ReadonlyMap<Buffer, Memory>;
      interpretKernel(kernel, { sizeOf, memories: given, precision: this.options.precision });
    }
    this.#keepStates();
    return Object.fromEntries(plan.outputs.map((id) => [plan.buffers[id]!.name, this.#output(id)]));
  }

  /** The number that an axis of a given input shows for a size. */
  #shownBy(variable: SizeVariable): number | undefined {
    for (const id of this.plan.inputs) {
      const { name, shape } = this.plan.buffers[id]!;
      const given = this.options.inputs.get(name);
      for (const [axis, declared] of shape.entries()) {
        const bound = bindingOf(declared);
        if (bound?.variable !== variable || given === undefined) continue;
        const [length, { times }] = [given.shape[axis]!, bound];
        if (length % times === 0) return length / times;
        throw new InterpreterInputError(`axis ${axis} of ${name} is ${length}, which is no multiple of ${times}`);
      }
    }
    return undefined;
  }

  #sizeOf(variable: SizeVariable): number {
    const value = this.#sizes.get(variable);
    if (value === undefined) throw new InterpreterInputError(`no input shows the size ${variable.name}`);
    return value;
  }

  #value(of: Size): number {
    return evaluate(of, (variable) => this.#sizeOf(variable));
  }

  /** The memory of an input or a weight. Only floats have more digits than their element type. */
  #given({ name, element, shape, place }: PlanBuffer): Memory {
    const extents = shape.map((each) => this.#value(each));
    const tensor =
      place.kind === "weight"
        ? this.options.weights(name, { name, element, shape, sources: place.sources })
        : (this.options.inputs.get(name) ?? filled(name, element, extents, place.kind === "input" ? place.fill : null));
    if (tensor.element !== element || String(tensor.shape) !== String(extents)) {
      throw new InterpreterInputError(`${name} is ${tensor.element}[${tensor.shape}], not ${element}[${extents}]`);
    }
    return Memory.of(tensor, this.options.precision === "f64" && isFloat(element));
  }

  #isState(id: BufferId): boolean {
    return this.plan.buffers[id]!.place.kind === "state";
  }

  /** What a session holds, or zeros at its beginning. */
  #state({ name, element, shape }: PlanBuffer): Memory {
    const extents = shape.map((each) => this.#value(each));
    const tensor = this.options.states?.get(name) ?? filled(name, element, extents, 0);
    return Memory.of(tensor, this.options.precision === "f64" && isFloat(element));
  }

  #keepStates(): void {
    for (const [id, { name, shape }] of this.plan.buffers.entries()) {
      if (!this.#isState(id as BufferId)) continue;
      const { element, data } = this.#memories.get(id as BufferId)!.tensor();
      this.options.states?.set(name, { element, data: data.slice(), shape: shape.map((each) => this.#value(each)) });
    }
  }

  /** New memory for a buffer that is about to be written; what lay in its bytes is forgotten. */
  #begin(id: BufferId, wide: boolean, reads: readonly BufferId[]): Memory {
    const { element, shape } = this.plan.buffers[id]!;
    // A state is written in place: what is not written stays.
    const kept = this.#isState(id) ? this.#memories.get(id) : undefined;
    if (kept !== undefined) return kept;
    const extents = shape.map((each) => this.#value(each));
    const memory = new Memory(element, extents, wide);
    const place = this.#region(id);
    for (const [other, before] of this.#memories) {
      const taken = this.#region(other);
      if (place === null || taken === null || place.space !== taken.space) continue;
      if (Math.max(place.start, taken.start) >= Math.min(place.end, taken.end)) continue;
      const isSame = place.start === taken.start && before.data.length === memory.data.length;
      if (isSame && reads.includes(other)) memory.replaces = before;
      else before.forget();
    }
    this.#memories.set(id, memory);
    return memory;
  }

  /** The bytes that a buffer lies in: of the arena, or of an output. Null for what is only read. */
  #region(id: BufferId): { readonly space: string; readonly start: number; readonly end: number } | null {
    const { place } = this.plan.buffers[id]!;
    if (place.kind === "output") return { space: `output ${place.name}`, start: 0, end: Number.POSITIVE_INFINITY };
    if (place.kind !== "arena") return null;
    const [start, length] = [this.#value(place.offset), this.#value(place.bytes)];
    const arena = this.#value(this.plan.arenaBytes);
    if (start < 0 || start + length > arena) throw new KernelError(`${start} to ${start + length} is not in the arena`);
    return { space: "arena", start, end: start + length };
  }

  #output(id: BufferId): Tensor {
    const { name, shape, place } = this.plan.buffers[id]!;
    const memory = this.#memories.get(place.kind === "output" ? (place.holds ?? id) : id);
    if (memory === undefined) throw new KernelError(`output ${name} is never written`);
    return { ...memory.tensor(), shape: shape.map((each) => this.#value(each)) };
  }
}

function filled(name: string, element: Tensor["element"], shape: readonly number[], fill: number | null): Tensor {
  if (fill === null) throw new InterpreterInputError(`input ${name} is missing`);
  return tensorOf(element, shape, new Array<number>(elementsOf(shape)).fill(fill));
}
