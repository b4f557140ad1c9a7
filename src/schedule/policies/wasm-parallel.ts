/** Which loops threads share: the outermost ones whose iterations are independent, and those that are all they hold. */
import type { Statement } from "../../ir/kernel/index.js";
import type { Draft } from "../draft.js";

export function shareForWasm(draft: Draft): void {
  for (const statement of draft.kernel.body) share(draft, statement);
}

function share(draft: Draft, statement: Statement): void {
  if (statement.kind !== "for" || statement.loop !== "serial") return;
  const { name } = statement.variable;
  if (!draft.try(() => draft.take({ step: "mark", loop: name, kind: "parallel" }))) return;
  const [only, ...others] = statement.body;
  if (only !== undefined && others.length === 0) share(draft, only);
}
