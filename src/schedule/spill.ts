/**
 * Moves private arrays whose length is known only when running to memory of the plan, for targets whose private memory
 * has constant sizes: each iteration of the loops that are not run one after another gets a part of a global buffer.
 *
 * It is what remains for kernels that no schedule has given arrays of constant sizes.
 */
import { allStatements, Buffer, index, isInOrder, type Kernel, kernelKey, type Statement } from "../ir/kernel/index.js";
import type { BufferId } from "../ir/plan/plan.js";
import type { Call, LoweredBuffer, LoweredGraph } from "../lower/index.js";
import { constantOf, type Size, size } from "../sizes/index.js";
import { type Loop, Rewriter } from "./rewrite.js";

/** Larger arrays than this many elements are moved as well: private memory is small. */
const mostElements = 1024;

export function spilled(lowered: LoweredGraph): LoweredGraph {
  const made = new Map<string, Spilled | null>();
  const buffers: LoweredBuffer[] = [...lowered.buffers];
  const calls = lowered.calls.map((call): Call => {
    const key = kernelKey(call.kernel);
    let result = made.get(key);
    if (result === undefined) {
      result = spill(call.kernel);
      made.set(key, result);
    }
    if (result === null) return call;
    const { value } = lowered.buffers[call.writes[0]!]!;
    const ids = result.buffers.map(({ name, element, shape }): BufferId => {
      return (buffers.push({ name, element, shape, home: { kind: "temporary" }, value }) - 1) as BufferId;
    });
    return { ...call, kernel: result.kernel, writes: [...call.writes, ...ids] };
  });
  return { ...lowered, buffers, calls };
}

interface Spilled {
  readonly kernel: Kernel;
  readonly buffers: readonly Buffer[];
}

function spill(kernel: Kernel): Spilled | null {
  const isLarge = (buffer: Buffer): boolean => {
    const count = buffer.shape.reduce((product, each) => product * (constantOf(each) ?? Number.POSITIVE_INFINITY), 1);
    return buffer.scope === "private" && count > mostElements;
  };
  const isAny = allStatements(kernel.body).some((each) => each.kind === "alloc" && isLarge(each.buffer));
  if (!isAny) return null;
  const rewriter = new Rewriter();
  const buffers: Buffer[] = [];
  const visit = (statements: readonly Statement[], around: readonly Loop[]): readonly Statement[] =>
    statements.flatMap((each): readonly Statement[] => {
      if (each.kind === "alloc" && isLarge(each.buffer)) {
        const loops = around.filter(({ loop }) => !isInOrder(loop));
        const shape: Size[] = [...loops.map(({ extent }) => extent), ...each.buffer.shape];
        const buffer = new Buffer(each.buffer.name, each.buffer.element, shape, "global");
        const place = loops.map(({ variable }) => index(size(variable)));
        rewriter.buffer(each.buffer, { buffer, index: (at) => [...place, ...at] });
        buffers.push(buffer);
        return [];
      }
      if (each.kind === "for") return [{ ...each, body: visit(each.body, [...around, each]) }];
      return each.kind === "if" ? [{ ...each, body: visit(each.body, around) }] : [each];
    });
  const body = visit(kernel.body, []);
  return { kernel: { ...kernel, writes: [...kernel.writes, ...buffers], body: rewriter.statements(body) }, buffers };
}
