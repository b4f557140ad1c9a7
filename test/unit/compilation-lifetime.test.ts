/** What a compilation makes goes with it: a process that compiles on and on, such as a language server, does not grow by it. */
import { queryObjects } from "node:v8";
import { expect, test } from "vitest";
import { backendNames } from "../../src/driver/backends.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { binary } from "../../src/ir/kernel/expressions.js";
import { Buffer, constant, index, type Kernel, kernelKey, load, unary } from "../../src/ir/kernel/index.js";
import { memoryFiles } from "../../src/runtime/files.js";
import { SizeVariable, size } from "../../src/sizes/index.js";

type Kind = new (...given: never[]) => object;

/** How many live after a whole collection. A reference that was just read lives until the turn ends. */
async function living(kind: Kind): Promise<number> {
  await new Promise((done) => setTimeout(done, 0));
  return queryObjects(kind, { format: "count" });
}

/**
 * How many live in the end: none, as these tests have a process of their own. What the engine is optimizing on another
 * thread holds what it saw until it is done, a second or two on a busy machine; a leak stays.
 */
async function leaked(kind: Kind): Promise<number> {
  let count = await living(kind);
  for (let turn = 0; turn < 100 && count > 0; turn++) {
    await new Promise((done) => setTimeout(done, 50));
    count = await living(kind);
  }
  return count;
}

/** Attention, a norm and a feed-forward block, with a step: kernels of every kind. */
function programOf(width: number, heads: number): string {
  return `import std: Linear, RMSNorm, attention, causal_mask, merge_heads, silu, split_heads

model Small() {
  param table: [41, ${width}]
  layer norm = RMSNorm()
  layer qkv = Linear(${3 * width})
  layer up = Linear(${2 * width})
  layer down = Linear(${width})
  entry forward(ids: i32[B, T <= 64]) incremental T -> (logits: [B, T, 41]) {
    let x = table[ids]
    let (q, k, v) = split(qkv(norm(x)), 3)
    let y = x + merge_heads(attention(split_heads(q, ${heads}), split_heads(k, ${heads}), split_heads(v, ${heads}), causal_mask(T)))
    (y + down(silu(up(y)))) @ table.T
  }
}
`;
}

test.each(backendNames)("a compilation for %s leaves no sizes and no buffers", async (target) => {
  const compile = (width: number, heads: number): number => {
    const text = programOf(width, heads);
    const compilation = new Compilation({ files: memoryFiles(), path: "small.trafo", text, target });
    return compilation.get("plan").length;
  };
  expect([compile(32, 2), compile(48, 3)]).toEqual([1, 1]);
  expect([await leaked(SizeVariable), await leaked(Buffer)]).toEqual([0, 0]);
});

/** `to[i] = exp(from[i] * factor)` over new loops and buffers. */
function scaled(factor: number, length = new SizeVariable("T", 0, 8)): Kernel {
  const variable = new SizeVariable("i", 0, 7);
  const [from, to] = ["from", "to"].map((name) => new Buffer(name, "f32", [size(length)], "global"));
  const product = binary("mul", load(from!, [index(size(variable))]), constant(factor, "f32"));
  const value = unary("exp", product);
  const store = { kind: "store", buffer: to!, index: [index(size(variable))], value, update: null } as const;
  const body = [{ kind: "for", variable, extent: size(8), loop: "serial", body: [store] } as const];
  return { name: "scaled", reads: [from!], writes: [to!], sizes: [length], body, location: null };
}

test("an expression goes, however new a number in it is", async () => {
  for (let i = 0; i < 20; i++) scaled(0.123 + i);
  expect(await leaked(Buffer)).toBe(0);
});

test("kernels that live at one time have one key, whatever was collected before", async () => {
  const length = new SizeVariable("T", 0, 8);
  const first = scaled(2, length);
  const key = kernelKey(first);
  await living(SizeVariable);
  expect(kernelKey(scaled(2, length))).toBe(key);
  expect(kernelKey(scaled(3, length))).not.toBe(key);
  await living(SizeVariable);
  expect(kernelKey(scaled(2, length))).toBe(key);
  expect(kernelKey(first)).toBe(key);
});

test("kernels with other bodies for some devices are others", () => {
  const kernel = scaled(2);
  const variant = { name: "v", device: "relaxed", few: null, body: kernel.body, schedule: "" } as const;
  const others = [
    kernel,
    { ...kernel, variants: [variant] },
    { ...kernel, variants: [{ ...variant, device: "software" as const }] },
    { ...kernel, variants: [{ ...variant, few: { size: size(3), most: 4 } }] },
    { ...kernel, variants: [{ ...variant, body: [] }] },
  ];
  expect(new Set(others.map(kernelKey)).size).toBe(others.length);
  expect(kernelKey({ ...kernel, variants: [{ ...variant }] })).toBe(kernelKey(others[1]!));
});
