/** Measures trees without recursion, so that one that is too deep for the passes after the parser is refused here. */

/** True if some part of the tree stands more than `limit` deep. */
export function isDeeper(root: object, limit: number): boolean {
  let level: object[] = [root];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true;
    const below: object[] = [];
    for (const node of level) {
      for (const part of Object.values(node)) collect(part, below);
    }
    level = below;
  }
  return false;
}

/** Adds the nodes that a field of a node holds: objects with a `kind`, in lists and in plain records too. */
function collect(part: unknown, below: object[]): void {
  if (Array.isArray(part)) {
    for (const item of part) collect(item, below);
  } else if (typeof part === "object" && part !== null && !("text" in part && "lineCount" in part)) {
    if ("kind" in part) below.push(part);
    else if (!("file" in part)) for (const inner of Object.values(part)) collect(inner, below);
  }
}
