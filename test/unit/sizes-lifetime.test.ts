/** Interned sizes go when nothing holds their variables any more: a process that compiles on and on does not grow by them. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { add, floorDiv, maximum, mul, SizeVariable, size, sub } from "../../src/sizes/index.js";

setFlagsFromString("--expose_gc");
const collect: () => void = runInNewContext("gc");

/** Sizes of every kind over two variables, of which one outlives the call. */
function sizesOver(kept: SizeVariable): readonly WeakRef<object>[] {
  const own = new SizeVariable("own", 0, sub(size(kept), 1));
  const sum = add(mul(size(own), size(kept)), 3);
  const quotient = floorDiv(sum, 4);
  const largest = maximum(quotient, mul(size(own), 5));
  return [own, own.atom, size(own), sum, quotient, add(largest, 1)].map((each) => new WeakRef(each));
}

test("sizes go with the newest variable in them", async () => {
  const kept = new SizeVariable("kept", 1, null);
  const refs = sizesOver(kept);
  expect(refs.every((ref) => ref.deref() !== undefined)).toBe(true);
  // A reference that was just read lives until the turn ends, and what the engine is optimizing until that is done.
  for (let turn = 0; turn < 100 && refs.some((ref) => ref.deref() !== undefined); turn++) {
    await new Promise((done) => setTimeout(done, 20));
    collect();
  }
  expect(refs.filter((ref) => ref.deref() !== undefined)).toEqual([]);
  expect(size(kept).terms).toHaveLength(1);
});

test("equal sizes are one as long as they live", () => {
  const a = new SizeVariable("a", 0, null);
  collect();
  const once = floorDiv(add(mul(size(a), 3), 1), 2);
  collect();
  expect(floorDiv(add(1, mul(3, size(a))), 2)).toBe(once);
});
