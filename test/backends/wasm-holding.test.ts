/**
 * Weights on their way into the memory of WebAssembly: whatever order they arrive in, what runs read is right in the end,
 * and memory is hardly larger than that.
 */
import { expect, test } from "vitest";
import { WasmHolding } from "../../src/runtime/host/wasm-holding.js";
import { type ComputedSpec, type HeldSpec, WasmMemory } from "../../src/runtime/host/wasm-memory.js";
import { Random } from "../support/random.js";

type Held = HeldSpec<"f32">;

/** What a kernel makes of its operands here: their elements one after another, each a little larger. */
const made = (operands: readonly (readonly number[])[], kernel: number): number[] =>
  operands.flat().map((value) => value + kernel);

/** Loads weights in an order; the values of everything that runs read, and the most memory that there was. */
function loaded(
  held: Readonly<Record<string, Held>>,
  computed: Readonly<Record<string, ComputedSpec>>,
  values: ReadonlyMap<string, readonly number[]>,
  groups: readonly (readonly string[])[],
  inRoom: boolean,
) {
  const all: Readonly<Record<string, HeldSpec>> = { ...held, ...computed };
  const counts = new Map(Object.entries(all).map(([name, { shape }]) => [name, shape[0]!]));
  const memory = new WasmMemory(new WebAssembly.Memory({ initial: 1, maximum: 65536 }), all);
  const operandCounts = Object.values(computed).map(({ of }) => of.map((each) => counts.get(each)!));
  const run = (calls: number): void => {
    const words = new Int32Array(memory.memory.buffer, calls);
    const kernel = words[0]!;
    const sizes = operandCounts[kernel]!;
    const operands = sizes.map((count, i) => [...(memory.read(words[2 + i]!, "f32", count) as Float32Array)]);
    const result = made(operands, kernel);
    memory.write(words[2 + sizes.length]!, "f32", Float32Array.from(result));
    // A kernel may write to its private arrays.
    const scratch = words[3 + sizes.length]!;
    memory.fill(scratch, "f32", Object.values(computed)[kernel]!.scratch / 4, Number.NaN);
  };
  const holding = new WasmHolding(memory, held, computed, run);
  for (const names of groups) {
    const data = Float32Array.from(values.get(names[0]!)!);
    const room = inRoom ? holding.room(names) : null;
    room?.set(data);
    holding.take(names, room === null ? data : null);
  }
  const kept = Object.entries(all).filter(([, { passing }]) => !passing);
  const read = kept.map(
    ([name]) => [name, [...memory.read(memory.addresses[name]!, "f32", counts.get(name)!)]] as const,
  );
  return { found: new Map(read), bytes: memory.memory.buffer.byteLength, end: memory.end };
}

/** The values of everything, computed plainly. */
function expected(
  computed: Readonly<Record<string, ComputedSpec>>,
  values: ReadonlyMap<string, readonly number[]>,
): Map<string, readonly number[]> {
  const all = new Map(values);
  for (const [kernel, [name, { of }]] of Object.entries(computed).entries()) {
    all.set(
      name,
      made(
        of.map((each) => all.get(each)!),
        kernel,
      ),
    );
  }
  return all;
}

test("any weights in any order", () => {
  for (let seed = 0; seed < 300; seed++) {
    const random = new Random(seed);
    const held: Record<string, Held> = {};
    const computed: Record<string, ComputedSpec> = {};
    const values = new Map<string, readonly number[]>();
    const groups: string[][] = [];
    for (let i = 0; i < 2 + random.below(8); i++) {
      const shape = [1 + random.below(random.chance(0.2) ? 20000 : 200)];
      const data = Array.from({ length: shape[0]! }, () => random.below(1000));
      // Equal weights arrive together.
      const names = Array.from({ length: random.chance(0.2) ? 2 : 1 }, (_, k) => `w${i}.${k}`);
      for (const name of names) {
        held[name] = { type: "f32", shape, ...(random.chance(0.6) ? { passing: true } : {}) };
        values.set(name, data);
      }
      groups.push(names);
    }
    const sources = [...values.keys()];
    for (let kernel = 0; kernel < 1 + random.below(8); kernel++) {
      const of = Array.from({ length: 1 + random.below(3) }, () => random.of(sources));
      const count = of.reduce((sum, each) => sum + (held[each] ?? computed[each])!.shape[0]!, 0);
      const name = `c${kernel}`;
      const passing = random.chance(0.3) ? { passing: true } : {};
      computed[name] = { type: "f32", shape: [count], of, kernel, scratch: 4 * random.below(50), ...passing };
      sources.push(name);
    }
    const { found } = loaded(held, computed, values, random.shuffled(groups), random.chance(0.5));
    const wanted = expected(computed, values);
    for (const [name, data] of found) expect(data, `seed ${seed}: ${name}`).toEqual(wanted.get(name));
  }
});

test("what is packed passes through the places of what has not arrived", () => {
  // A table that is half of all weights, as that of a small encoder, and matrices.
  const held: Record<string, Held> = { table: { type: "f32", shape: [400_000], passing: true } };
  const computed: Record<string, ComputedSpec> = {
    packed: { type: "f32", shape: [400_000], of: ["table"], kernel: 0, scratch: 0 },
  };
  const values = new Map<string, readonly number[]>([["table", new Array<number>(400_000).fill(3)]]);
  for (let i = 0; i < 20; i++) {
    held[`m${i}`] = { type: "f32", shape: [20_000], passing: true };
    computed[`p${i}`] = { type: "f32", shape: [20_000], of: [`m${i}`], kernel: i + 1, scratch: 0 };
    values.set(`m${i}`, new Array<number>(20_000).fill(i));
  }
  const first = loaded(
    held,
    computed,
    values,
    Object.keys(held).map((name) => [name]),
    true,
  );
  expect(first.bytes / first.end).toBeLessThan(1.1);
  const last = loaded(
    held,
    computed,
    values,
    Object.keys(held)
      .toReversed()
      .map((name) => [name]),
    true,
  );
  expect(last.bytes / last.end).toBeLessThan(1.6);
  expect([...first.found]).toEqual([...last.found]);
});

test("weights of more than 4 GiB are refused before any is read", () => {
  const memory = () => new WebAssembly.Memory({ initial: 1, maximum: 65536 });
  const large: Record<string, Held> = { w: { type: "f32", shape: [32768, 32768] } };
  expect(() => new WasmMemory(memory(), large)).toThrow(
    new RangeError("this takes 4294967616 bytes of memory with the weights, and WebAssembly has 4294967296 at most"),
  );
  const small = new WasmMemory(memory(), { w: { type: "f32", shape: [4] } });
  expect(() => small.reserve(2 ** 32 + 1)).toThrow(RangeError);
  expect(small.memory.buffer.byteLength).toBe(65536);
});
