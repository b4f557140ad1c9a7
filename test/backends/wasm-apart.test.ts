/** Loops that are functions of their own: which are, who shares them, and that they compute what they did. */
import { expect, test } from "vitest";
import { LoopsApart } from "../../backends/wasm/code/apart.js";
import { type Code, type FunctionCode, f32x4, get, i32, Local, op, plus, set } from "../../backends/wasm/code/tree.js";
import { encodeModule } from "../../backends/wasm/index.js";

const [from, end, to, at] = ["from", "end", "to", "at"].map((name) => new Local(name, "i32")) as [
  Local,
  Local,
  Local,
  Local,
];
const sums = ["a", "b"].map((name) => new Local(name, "v128"));
const load = (offset: number): Code => op("v128.load", [get(at)], { offset });

/** Adds 14 or more vectors a turn to two sums, which begin with a number. */
const kernel = (name: string, start: number, vectors = 14, stores = 0): FunctionCode => ({
  name,
  parameters: [from, end, to],
  result: null,
  comment: "",
  body: [
    ...sums.map((sum) => set(sum, f32x4(start))),
    set(at, get(from)),
    {
      kind: "loop",
      name: "turn",
      body: [
        ...Array.from({ length: vectors }, (_, i) => {
          const sum = sums[i % 2]!;
          return set(sum, op("f32x4.add", [get(sum), load(16 * i)]));
        }),
        set(at, plus(get(at), i32(16 * vectors))),
        { kind: "repeat", loop: "turn", condition: op("i32.ne", [get(at), get(end)]) },
      ],
    },
    ...sums.map((sum, i) => op("v128.store", [get(to), get(sum)], { offset: stores + 16 * i })),
  ],
});

function taken(...codes: readonly FunctionCode[]): {
  readonly codes: readonly FunctionCode[];
  readonly loops: readonly FunctionCode[];
} {
  let count = 0;
  const apart = new LoopsApart(() => `loop${++count}`);
  return { codes: codes.map((code) => apart.taken(code)), loops: apart.functions };
}

test("the same loop of two kernels is one function", () => {
  const { codes, loops } = taken(kernel("one", 0), kernel("two", 0, 14, 32), kernel("three", 0, 16));
  expect(loops.map(({ name, parameters }) => [name, parameters.length])).toEqual([
    ["loop1", 2],
    ["loop2", 2],
  ]);
  expect(codes.flatMap(({ body }) => body.filter((each) => each.kind === "loop"))).toEqual([]);
});

test("what loads little, or begins with other sums, stays", () => {
  const few = kernel("few", 0, 12);
  const other = kernel("other", 1);
  const { codes, loops } = taken(few, other);
  expect(loops).toEqual([]);
  expect(codes).toEqual([few, other]);
});

test("it computes the same", async () => {
  const whole = kernel("run", 0);
  const { codes, loops } = taken(whole);
  const results = await Promise.all(
    [[whole], [...loops, ...codes]].map(async (functions) => {
      const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
      const numbers = new Float32Array(memory.buffer);
      for (let i = 0; i < 1024; i++) numbers[i] = Math.sin(i);
      const module = { imports: [], functions, kernels: [], relaxed: new Map(), exports: ["run"] };
      const { instance } = await WebAssembly.instantiate(encodeModule(module), { host: { memory } });
      (instance.exports.run as (...all: number[]) => void)(256, 256 + 3 * 14 * 16, 8192);
      return numbers.slice(2048, 2056);
    }),
  );
  expect(results[0]!.some((each) => each !== 0)).toBe(true);
  expect(results[1]).toEqual(results[0]);
});
