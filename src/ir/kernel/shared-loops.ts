/**
 * Loops that lanes which run together may share, each of them some iterations. Lanes of a subgroup update scalars, and what each
 * has is combined; lanes of a quad compute an element of an array each, and tell it the others. Where lanes share nothing, each
 * runs all iterations, so that such a loop must do the same in every lane.
 */
import { constantOf, type SizeVariable, size, variablesOf } from "../../sizes/index.js";
import { type Buffer, type Expression, isShared, type Kernel, type Statement } from "./kernel.js";
import { allStatements, bodyOf, distinctExpressions, expressionsOf } from "./traversal.js";

type Loop = Extract<Statement, { kind: "for" }>;

/** The lanes of a quad. */
const quad = 4;

/** Why lanes of a subgroup or a quad must not share a loop; null where they may. */
export function sharedLoopProblem(kernel: Kernel, loop: Loop, kind: "subgroup" | "quad"): string | null {
  const { name } = loop.variable;
  const around = pathTo(kernel.body, loop);
  if (!around.some((each) => each.kind === "for" && isLane(each))) return `${name} stands outside of lanes`;
  const differing = differingIn(kernel);
  const isOfLane = (each: Statement): boolean => each.kind === "for" && !isLane(each) && differing.atLoop(each);
  if (around.some((each) => isOfLane(each) || (each.kind === "if" && differing.of(each.condition)))) {
    return `not all lanes may reach ${name}`;
  }
  if (differing.atLoop(loop)) return `lanes differ in how often ${name} runs`;
  const other = otherProblem(loop, differing);
  if (other !== null) return other;
  const lanes = around.reduce(
    (product, each) => product * (each.kind === "for" && isLane(each) ? constantOf(each.extent)! : 1),
    1,
  );
  if (kind === "quad" && lanes % quad !== 0) return `${lanes} lanes are not made of quads`;
  return kind === "quad" ? quadProblem(loop) : updateProblem(loop);
}

/** Why lanes would not do the same in a loop; null where they do. */
function otherProblem({ variable: { name }, body }: Loop, differing: Differing): string | null {
  for (const each of allStatements(body)) {
    if (each.kind === "barrier" || each.kind === "meet") return `lanes wait in ${name}`;
    if (each.kind === "for" && (isLane(each) || isShared(each.loop))) return `lanes share a loop in ${name}`;
    const isOther = expressionsOf(each).some((expression) => differing.of(expression));
    if (isOther) return `what ${name} computes differs from lane to lane`;
  }
  return null;
}

/** Why a loop does more than to store an element of an array in each of four iterations; null where it does just that. */
function quadProblem({ variable, extent, body }: Loop): string | null {
  const { name } = variable;
  if (constantOf(extent) !== quad) return `${name} does not have ${quad} iterations`;
  const own = allocatedIn(body);
  const stores = allStatements(body).filter((each) => each.kind === "store" && !own.has(each.buffer));
  const [store, ...others] = stores;
  if (store?.kind !== "store" || others.length > 0 || body.at(-1) !== store)
    return `${name} does not end with its only store`;
  const { buffer, index: at, update } = store;
  const place = at.length === 1 && at[0]!.kind === "index" ? at[0]!.value : null;
  const isElement = buffer.scope === "private" && place === size(variable) && update === null;
  return isElement ? null : `${name} stores to ${buffer.name}`;
}

/** Why a loop does more than to update scalars, each in one way; null where it does just that. */
function updateProblem({ variable: { name }, body }: Loop): string | null {
  const own = allocatedIn(body);
  const updates = new Map<Buffer, string>();
  for (const each of allStatements(body)) {
    if (each.kind !== "store" || own.has(each.buffer)) continue;
    const { buffer, update } = each;
    const isScalar = buffer.scope === "private" && buffer.shape.length === 0;
    if (!isScalar || update === null) return `${name} stores to ${buffer.name}`;
    if ((updates.get(buffer) ?? update) !== update) return `${name} updates ${buffer.name} in two ways`;
    updates.set(buffer, update);
  }
  for (const expression of distinctExpressions(allStatements(body).flatMap(expressionsOf))) {
    if (expression.kind !== "load" || !updates.has(expression.buffer)) continue;
    return `${name} reads ${expression.buffer.name}, which it updates`;
  }
  return null;
}

function allocatedIn(body: readonly Statement[]): ReadonlySet<Buffer> {
  return new Set(allStatements(body).flatMap((each) => (each.kind === "alloc" ? [each.buffer] : [])));
}

function isLane({ loop }: Loop): boolean {
  return loop.startsWith("lane.");
}

/** The statements around one, outer ones first. */
function pathTo(body: readonly Statement[], statement: Statement): readonly Statement[] {
  const visit = (statements: readonly Statement[], around: readonly Statement[]): readonly Statement[] | null => {
    for (const each of statements) {
      if (each === statement) return around;
      const found = visit(bodyOf(each), [...around, each]);
      if (found !== null) return found;
    }
    return null;
  };
  return visit(body, []) ?? [];
}

/** What may have another value in one lane than in another. */
interface Differing {
  readonly of: (expression: Expression) => boolean;
  /** Whether lanes may differ in how often a loop runs. */
  readonly atLoop: (loop: Loop) => boolean;
}

function differingIn({ body }: Kernel): Differing {
  const variables = new Set<SizeVariable>();
  const buffers = new Set<Buffer>();
  const of = (expression: Expression): boolean =>
    [...distinctExpressions([expression])].some((each) => {
      if (each.kind === "load") return buffers.has(each.buffer);
      return each.kind === "index" && variablesOf(each.value).some((variable) => variables.has(variable));
    });
  const atLoop = ({ extent }: Loop): boolean => variablesOf(extent).some((variable) => variables.has(variable));
  const visit = (statements: readonly Statement[], isOther: boolean): void => {
    for (const each of statements) {
      if (each.kind === "for") {
        const differs = isLane(each) || (!isShared(each.loop) && atLoop(each));
        if (differs) variables.add(each.variable);
        visit(each.body, isOther || (!isLane(each) && differs));
      } else if (each.kind === "if") visit(each.body, isOther || of(each.condition));
      else if (each.kind === "store" && each.buffer.scope === "private") {
        if (isOther || expressionsOf(each).some(of)) buffers.add(each.buffer);
      }
    }
  };
  // What a loop has stored is read by its next turn: until nothing is found any more.
  for (let before = -1; before < variables.size + buffers.size; ) {
    before = variables.size + buffers.size;
    visit(body, false);
  }
  return { of, atLoop };
}
