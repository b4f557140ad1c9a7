/** How much memory a plan needs at the least: what lives at one time. */
import type { BufferId, Plan } from "../ir/plan/plan.js";
import { evaluate, type SizeVariable } from "../sizes/index.js";
import { largestLiveSet } from "./order.js";

/**
 * The bytes of the largest set of buffers in the arena that live at one time, for given sizes. Buffers of which one takes
 * the place of another within a dispatch count once there, as their bytes are the same.
 */
export function largestLiveBytes(plan: Plan, sizeOf: (variable: SizeVariable) => number): number {
  const lives = new Map<BufferId, { first: number; last: number; start: number; bytes: number }>();
  for (const [at, { reads, writes }] of plan.dispatches.entries()) {
    for (const id of [...writes, ...reads]) {
      const { place } = plan.buffers[id]!;
      if (place.kind !== "arena") continue;
      const [start, bytes] = [evaluate(place.offset, sizeOf), evaluate(place.bytes, sizeOf)];
      const life = lives.get(id) ?? { first: at, last: at, start, bytes };
      life.last = at;
      lives.set(id, life);
    }
  }
  // A buffer that is replaced ends before the dispatch that replaces it.
  for (const early of lives.values()) {
    const isReplaced = [...lives.values()].some(
      (late) => late !== early && late.first === early.last && late.start === early.start && early.bytes > 0,
    );
    if (isReplaced) early.last--;
  }
  const all = [...lives.values()];
  return largestLiveSet(
    all,
    all.map(({ bytes }) => bytes),
  );
}
