/**
 * Makes one condition of several that follow each other and are the same, as those of a tile's rows are.
 *
 * Needs conditions over sizes and loop variables alone, which nothing that stands under them changes. What lanes exchange in
 * memory of their workgroup stays apart, since they wait for each other in between.
 */
import {
  type Buffer,
  distinctExpressions,
  type Kernel,
  loadedBuffers,
  type Statement,
  storedBuffers,
} from "../../ir/kernel/index.js";
import { dependsOn } from "./vectors.js";

export function mergedConditions(kernel: Kernel): Kernel {
  return { ...kernel, body: merged(kernel.body) };
}

function merged(body: readonly Statement[]): readonly Statement[] {
  const made: Statement[] = [];
  for (const statement of body) {
    const last = made.at(-1);
    const each = outside(statement);
    const isSame = each.kind === "if" && last?.kind === "if" && last.condition === each.condition;
    if (isSame && isFixed(each) && !isExchanged(last, each)) {
      made[made.length - 1] = { ...last, body: merged([...last.body, ...each.body]) };
    } else made.push(each.kind === "for" || each.kind === "if" ? { ...each, body: merged(each.body) } : each);
  }
  return made;
}

/** Whether lanes pass on what lies in the memory of a workgroup, so that all have to pass between two statements. */
function isExchanged(early: Statement, late: Statement): boolean {
  const [stored, loaded] = [
    [early, late].map((each) => storedBuffers([each])),
    [early, late].map((each) => loadedBuffers([each])),
  ];
  const isShared = (buffer: Buffer): boolean => buffer.scope === "workgroup";
  return [0, 1].some((at) =>
    [...stored[at]!].some((each) => isShared(each) && (stored[1 - at]!.has(each) || loaded[1 - at]!.has(each))),
  );
}

/** A condition in a vector loop that holds nothing else, and on which it does not depend, around the loop. */
function outside(statement: Statement): Statement {
  if (statement.kind !== "for" || statement.loop !== "vector") return statement;
  const [only, ...others] = statement.body;
  if (only?.kind !== "if" || others.length > 0 || dependsOn(only.condition, statement.variable)) return statement;
  return { ...only, body: [{ ...statement, body: only.body }] };
}

function isFixed({ condition }: Extract<Statement, { kind: "if" }>): boolean {
  return [...distinctExpressions([condition])].every(({ kind }) => kind !== "load");
}
