/** The loops of a kernel in a few lines, for pictures: which loops, how far, of which kind, and the tiles in them. */
import type { Kernel, LoopKind, Statement } from "../ir/kernel/index.js";
import { render } from "../sizes/index.js";
import type { Step } from "./step.js";
import { parseSchedule } from "./text.js";

/** Kinds that are how a loop is run on every target; others are said. */
const plain: ReadonlySet<LoopKind> = new Set(["serial"]);

/** Deeper and longer nests than this are cut. */
const mostLines = 12;

/**
 * `for b in B`, and under it, indented, the loops in it; then the tile that is unrolled or computed lane by lane, as the
 * schedule says, since those loops are written out in the kernel.
 */
export function nestText(kernel: Kernel): readonly string[] {
  const lines = nest(kernel.body, 0);
  const shown = lines.length > mostLines ? [...lines.slice(0, mostLines - 1), "\u2026"] : lines;
  const tile = kernel.schedule === undefined ? [] : tiles(parseSchedule(kernel.schedule));
  return [...shown, ...tile];
}

function nest(statements: readonly Statement[], depth: number): string[] {
  const lines: string[] = [];
  for (const statement of statements) {
    if (statement.kind === "if") lines.push(...nest(statement.body, depth));
    if (statement.kind === "barrier" || statement.kind === "meet") lines.push(`${"  ".repeat(depth)}${statement.kind}`);
    if (statement.kind === "alloc" && statement.buffer.scope === "workgroup") {
      const shape = statement.buffer.shape.map((size) => render(size)).join(", ");
      lines.push(`${"  ".repeat(depth)}workgroup ${statement.buffer.name}[${shape}]`);
    }
    if (statement.kind !== "for") continue;
    const kind = plain.has(statement.loop) ? "" : ` ${statement.loop}`;
    const line = `${"  ".repeat(depth)}for ${statement.variable.name} in ${render(statement.extent)}${kind}`;
    const inside = nest(statement.body, depth + 1);
    const block = [line, ...inside];
    // Loops that were unrolled around equal ones are said once.
    if (lines.slice(-block.length).join("\n") !== block.join("\n")) lines.push(...block);
  }
  return lines;
}

/** `tile 3 × 4 unrolled`: the factors of the loops that are marked, by kind. */
function tiles(steps: readonly Step[]): string[] {
  const factors = new Map<string, number>();
  const marked = new Map<LoopKind, number[]>();
  for (const step of steps) {
    if (step.step === "split" && step.names[1] !== undefined) factors.set(step.names[1], step.factor);
    if (step.step !== "mark") continue;
    const factor = factors.get(step.loop);
    if (factor !== undefined) marked.set(step.kind, [...(marked.get(step.kind) ?? []), factor]);
  }
  return [...marked].map(([kind, sizes]) => `tile ${[...new Set(sizes)].join(" \u00d7 ")} ${kindText(kind)}`);
}

function kindText(kind: LoopKind): string {
  return kind === "unroll" ? "unrolled" : kind;
}
