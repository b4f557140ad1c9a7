/**
 * spread: lets lanes share the loops of a row, each lane every so many elements of it.
 *
 *   for t in 0..T                        for t in 0..T: for lane in 0..64 lane.x
 *     sum = 0                              sum = 0
 *     for j in 0..N: sum += x[t, j]   →    sum_part = 0; for jo in 0..N/64: if 64*jo + lane < N: sum_part += x[t, 64*jo + lane]
 *     for i in 0..N: y[t, i] = …           sum_lanes[lane] = sum_part; …; sum += all of sum_lanes
 *                                          for io in 0..N/64: if 64*io + lane < N: y[t, 64*io + lane] = …
 *
 * What lanes have summed meets in two stages: some lanes sum the parts of as many lanes each, and every lane what those
 * have; or, where a step says `meeting`, `meet sum_part add; sum += sum_part`. Scalars and what is between the loops are
 * computed by every lane; what a row stores outside of its loops, by one. Loops `over` are run by all lanes, which share the
 * loops in them. An array of the row lies in workgroup memory, one for all, or where no lane reads what another has stored,
 * in parts in the private memory of each.
 *
 * Needs: loops directly in the given one that each only update scalars of the row, one way each, and store to arguments and
 * arrays of workgroup memory at places of their own; no argument that is both stored and read. Guarantees: sums of floats in another order.
 */
import {
  allExpressions,
  allStatements,
  Buffer,
  binary,
  index,
  type Kernel,
  load,
  loadedBuffers,
  type Statement,
  storedBuffers,
} from "../../ir/kernel/index.js";
import { add, constantOf, floorDiv, mul, type Size, SizeVariable, size } from "../../sizes/index.js";
import { ScheduleError } from "../errors.js";
import { loopNamed, loopsIn, replaceLoops, requireFree, requireIndependent } from "../loops.js";
import { type Loop, loopOver, Rewriter, type Store } from "../rewrite.js";
import type { Step } from "../step.js";
import { identityOf } from "./rfactor.js";

export function spread(kernel: Kernel, step: Extract<Step, { step: "spread" }>): Kernel {
  const row = loopNamed(kernel, step.loop, "spread");
  const groups = groupsOf(step.lanes);
  if (!step.isMeeting && groups === null) {
    throw new ScheduleError("spread", `${step.lanes} lanes are not made of equal groups`);
  }
  requireFree(kernel, step.names, "spread");
  const isLane = (each: Loop): boolean => each.loop.startsWith("lane.");
  if (isLane(row)) throw new ScheduleError("spread", `${step.loop} is one of the lanes itself`);
  const around = loopsIn(kernel.body).find((each) => isLane(each) && loopsIn(each.body).includes(row));
  if (around !== undefined) {
    throw new ScheduleError("spread", `${step.loop} stands in the lanes ${around.variable.name}`);
  }
  const inside = loopsIn(row.body).find(isLane);
  if (inside !== undefined)
    throw new ScheduleError("spread", `the lanes ${inside.variable.name} stand in ${step.loop}`);
  const written = storedBuffers(row.body);
  for (const buffer of loadedBuffers(row.body)) {
    if (buffer.scope === "global" && written.has(buffer)) {
      throw new ScheduleError("spread", `${buffer.name} is both stored and read in ${step.loop}`);
    }
  }
  const arrays = arraysOf(row, step);
  const sharing = new Rewriter();
  for (const [buffer, made] of arrays.shared) sharing.buffer(buffer, { buffer: made, index: (at) => at });
  const spreading = new Spreading({ ...row, body: sharing.statements(row.body) }, step, groups ?? 1, arrays.own);
  const made = replaceLoops(kernel, [row], () => [{ ...row, body: spreading.body() }]);
  requireIndependent(made, loopNamed(made, step.names[0]!, "spread"), "spread");
  return made;
}

/** How many lanes sum what as few lanes as possible have each; null where lanes are not made of such groups. */
function groupsOf(lanes: number): number | null {
  for (let groups = Math.ceil(Math.sqrt(lanes)); groups < lanes; groups++) if (lanes % groups === 0) return groups;
  return null;
}

/**
 * The private arrays of a row: those of which each lane has some elements, as every loop that lanes share touches its own
 * element only; and in their place, for what the lanes read of each other, arrays of workgroup memory.
 */
interface RowArrays {
  /** Each with what a lane has of it. */
  readonly own: ReadonlyMap<Buffer, Buffer>;
  readonly shared: ReadonlyMap<Buffer, Buffer>;
}

/** @throws ScheduleError for an array whose length is not known. */
function arraysOf({ variable, body }: Loop, { lanes, over }: Extract<Step, { step: "spread" }>): RowArrays {
  const own = new Map<Buffer, Buffer>();
  const shared = new Map<Buffer, Buffer>();
  const inRow = (block: readonly Statement[]): readonly Statement[] =>
    block.flatMap((each) => (each.kind === "for" && over.includes(each.variable.name) ? inRow(each.body) : [each]));
  const statements = inRow(body);
  for (const each of statements) {
    if (each.kind !== "alloc" || each.buffer.scope !== "private" || each.buffer.shape.length === 0) continue;
    const { name, element, shape } = each.buffer;
    const [length = null, ...others] = shape.map(constantOf);
    if (length === null || others.includes(null)) {
      throw new ScheduleError("spread", `${name} is an array of ${variable.name} whose length is not known`);
    }
    const isOwn = others.length === 0 && statements.every((part) => touchesOwn(part, each.buffer));
    const turns = [size(Math.ceil(length / lanes))];
    if (isOwn) own.set(each.buffer, new Buffer(name, element, turns, "private"));
    else shared.set(each.buffer, new Buffer(name, element, shape, "workgroup"));
  }
  return { own, shared };
}

/** Whether a statement touches an array only where its loop stands, if at all. */
function touchesOwn(statement: Statement, buffer: Buffer): boolean {
  const places = [
    ...allStatements([statement]).flatMap((each) =>
      each.kind === "store" && each.buffer === buffer ? [each.index] : [],
    ),
    ...[...allExpressions([statement])].flatMap((each) =>
      each.kind === "load" && each.buffer === buffer ? [each.index] : [],
    ),
  ];
  if (places.length === 0) return true;
  if (statement.kind !== "for") return false;
  const here = size(statement.variable);
  return places.every(([at]) => at?.kind === "index" && at.value === here);
}

class Spreading {
  readonly #names: string[];
  readonly #lane: SizeVariable;
  readonly #scalars = new Set<Buffer>();
  readonly #shared: Buffer[] = [];
  /** The memory of the row that lanes share. */
  readonly #arrays = new Set<Buffer>();

  constructor(
    readonly row: Loop,
    readonly step: Extract<Step, { step: "spread" }>,
    /** How many lanes sum the parts of others, of as many each as there are lanes for one. */
    readonly groups: number,
    /** Arrays of which each lane has the elements that it computes, with what it has. */
    readonly own: ReadonlyMap<Buffer, Buffer>,
  ) {
    this.#names = [...step.names];
    this.#lane = new SizeVariable(this.#name(), 0, step.lanes - 1);
  }

  #name(): string {
    return this.#names.shift() ?? this.#fail("too few names are given");
  }

  #fail(message: string): never {
    throw new ScheduleError("spread", message);
  }

  body(): readonly Statement[] {
    const inner = this.row.body.flatMap((each) => this.#statement(each));
    if (this.#names.length > 0) this.#fail(`${this.#names.length} names too many are given`);
    const lanes: Statement = {
      kind: "for",
      variable: this.#lane,
      extent: size(this.step.lanes),
      loop: "lane.x",
      body: inner,
    };
    return [...this.#shared.map((buffer): Statement => ({ kind: "alloc", buffer })), lanes];
  }

  #statement(statement: Statement): readonly Statement[] {
    switch (statement.kind) {
      case "alloc":
        if (statement.buffer.scope === "workgroup") {
          this.#arrays.add(statement.buffer);
          this.#shared.push(statement.buffer);
          return [];
        }
        if (this.own.has(statement.buffer)) return [{ kind: "alloc", buffer: this.own.get(statement.buffer)! }];
        this.#scalars.add(statement.buffer);
        return [statement];
      case "store": {
        if (this.#scalars.has(statement.buffer)) return [statement];
        const condition = binary("eq", index(size(this.#lane)), index(0));
        return [{ kind: "if", condition, body: [statement] }];
      }
      case "for":
        if (!this.step.over.includes(statement.variable.name)) return this.#loop(statement);
        return [{ ...statement, body: statement.body.flatMap((each) => this.#statement(each)) }];
      case "if":
        return [{ ...statement, body: statement.body.flatMap((each) => this.#guarded(each)) }];
      default:
        return this.#fail(`a ${statement.kind} stands directly in ${this.step.loop}`);
    }
  }

  /** What a row stores outside of its loops under a condition, which is the same for all lanes. */
  #guarded(statement: Statement): readonly Statement[] {
    if (statement.kind !== "store") this.#fail(`a ${statement.kind} stands under a condition in ${this.step.loop}`);
    return this.#statement(statement);
  }

  #loop(loop: Loop): readonly Statement[] {
    if (loop.loop !== "serial") this.#fail(`${loop.variable.name} is a loop of the kind ${loop.loop}`);
    const exchanged = [...storedBuffers([loop])].find(
      (each) => this.#arrays.has(each) && loadedBuffers([loop]).has(each),
    );
    if (exchanged !== undefined) this.#fail(`${loop.variable.name} stores to ${exchanged.name} and reads it`);
    const updates = this.#updatesIn(loop);
    const parts = new Map(
      updates.map(({ buffer }) => [buffer, new Buffer(`${buffer.name}_part`, buffer.element, [], "private")]),
    );
    const { lanes } = this.step;
    const exact = constantOf(loop.extent) !== null && constantOf(loop.extent)! % lanes === 0;
    const turns = floorDiv(add(loop.extent, lanes - 1), lanes);
    const walk = loopOver(this.#name(), turns, "serial", (turn) => {
      const at = add(mul(turn, lanes), size(this.#lane));
      const rewriter = new Rewriter().variable(loop.variable, at);
      for (const [buffer, made] of this.own) rewriter.buffer(buffer, { buffer: made, index: () => [index(turn)] });
      const body = rewriter.statements(loop.body.map((each) => inParts(each, parts)));
      return exact ? body : [{ kind: "if", condition: binary("lt", index(at), index(loop.extent)), body }];
    });
    const begin = [...parts].flatMap(([buffer, part]): Statement[] => {
      const { update } = updates.find((each) => each.buffer === buffer)!;
      return [{ kind: "alloc", buffer: part }, set(part, [], identityOf(update!, part.element))];
    });
    return [...begin, walk, ...[...parts].flatMap(([buffer, part]) => this.#meet(buffer, part, updates))];
  }

  /** Lets what each lane has meet in the scalar, on all lanes. */
  #meet(buffer: Buffer, part: Buffer, updates: readonly Store[]): readonly Statement[] {
    const update = updates.find((each) => each.buffer === buffer)!.update!;
    if (this.step.isMeeting) {
      if (part.element === "bool") this.#fail(`lanes do not meet in ${buffer.name} of the type bool`);
      const together: Statement = { kind: "store", buffer, index: [], value: load(part, []), update };
      return [{ kind: "meet", buffer: part, update }, together];
    }
    const { groups } = this;
    const lane = size(this.#lane);
    const ofLanes = new Buffer(`${buffer.name}_lanes`, buffer.element, [size(this.step.lanes)], "workgroup");
    const ofGroups = new Buffer(`${buffer.name}_groups`, buffer.element, [size(groups)], "workgroup");
    const group = new Buffer(`${buffer.name}_group`, buffer.element, [], "private");
    this.#shared.push(ofLanes, ofGroups);
    const each = this.step.lanes / groups;
    const combine = (into: Buffer, from: Buffer, count: number, place: (at: Size) => Size): Statement =>
      loopOver(this.#name(), size(count), "serial", (at) => [
        { kind: "store", buffer: into, index: [], value: load(from, [index(place(at))]), update },
      ]);
    return [
      set(ofLanes, [lane], load(part, [])),
      {
        kind: "if",
        condition: binary("lt", index(lane), index(groups)),
        body: [
          { kind: "alloc", buffer: group },
          set(group, [], identityOf(update, group.element)),
          combine(group, ofLanes, each, (at) => add(mul(lane, each), at)),
          set(ofGroups, [lane], load(group, [])),
        ],
      },
      combine(buffer, ofGroups, groups, (at) => at),
    ];
  }

  /** The updates of the row's scalars in a loop. */
  #updatesIn(loop: Loop): readonly Store[] {
    const own = new Set<Buffer>();
    for (const each of allStatements(loop.body)) if (each.kind === "alloc") own.add(each.buffer);
    const updates: Store[] = [];
    for (const each of allStatements(loop.body)) {
      if (each.kind === "barrier" || each.kind === "meet") this.#fail(`lanes wait in ${loop.variable.name}`);
      if (each.kind !== "store" || own.has(each.buffer) || each.buffer.scope === "global") continue;
      if (this.#arrays.has(each.buffer) || this.own.has(each.buffer)) continue;
      if (each.update === null) this.#fail(`${loop.variable.name} stores to ${each.buffer.name}`);
      updates.push(each);
    }
    for (const { buffer } of updates) {
      const isRead = [...allExpressions(loop.body)].some((each) => each.kind === "load" && each.buffer === buffer);
      if (isRead || updates.filter((each) => each.buffer === buffer).length > 1) {
        this.#fail(`${loop.variable.name} does more with ${buffer.name} than to update it at one place`);
      }
    }
    return updates;
  }
}

function set(buffer: Buffer, at: readonly Size[], value: Store["value"]): Statement {
  return { kind: "store", buffer, index: at.map(index), value, update: null };
}

function inParts(statement: Statement, parts: ReadonlyMap<Buffer, Buffer>): Statement {
  if (statement.kind === "for" || statement.kind === "if") {
    return { ...statement, body: statement.body.map((each) => inParts(each, parts)) };
  }
  const part = statement.kind === "store" ? parts.get(statement.buffer) : undefined;
  return statement.kind === "store" && part !== undefined ? { ...statement, buffer: part } : statement;
}
