import { expect, test } from "vitest";
import {
  annotatedKernel,
  Buffer,
  binary,
  constant,
  type Expression,
  index,
  type Kernel,
  load,
  mentionedSizes,
  printKernel,
  type Statement,
  statementText,
  unary,
} from "../../src/ir/kernel/index.js";
import { SizeVariable, size, sub } from "../../src/sizes/index.js";

const T = new SizeVariable("T", 1, 64);
const t = new SizeVariable("t", 0, sub(size(T), 1));
const at = index(size(t));
const x = new Buffer("x", "f32", [size(T)], "global");
const y = new Buffer("y", "f32", [size(T)], "global");

function kernel(body: readonly Statement[]): Kernel {
  return { name: "k", reads: [x], writes: [y], sizes: mentionedSizes(body, [x, y]), body, location: null };
}

function loop(body: readonly Statement[], kind: "serial" | "parallel" = "serial"): Statement {
  return { kind: "for", variable: t, extent: size(T), loop: kind, body };
}

const store = (buffer: Buffer, value: Expression, update: "max" | null = null): Statement => ({
  kind: "store",
  buffer,
  index: buffer.shape.length === 0 ? [] : [at],
  value,
  update,
});

test("statements of every kind", () => {
  const s = new Buffer("s", "f32", [], "private");
  const tile = new Buffer("tile", "f32", [size(4), size(T)], "workgroup");
  const body: readonly Statement[] = [
    { kind: "alloc", buffer: tile },
    loop(
      [
        { kind: "alloc", buffer: s },
        store(s, constant(0.5, "f32")),
        { kind: "barrier" },
        { kind: "meet", buffer: s, update: "add" },
        { kind: "if", condition: binary("lt", at, index(3)), body: [store(s, load(x, [at]), "max")] },
        store(y, load(s, [])),
      ],
      "parallel",
    ),
  ];
  expect(
    printKernel({ ...kernel(body), location: { file: "a.trafo", line: 2, column: 9 } }),
  ).toBe(`kernel k  ; a.trafo:2:9
  sizes  T: 1..64
  reads  x: f32[T]
  writes y: f32[T]
  alloc tile: f32[4, T] workgroup
  for t in 0..T parallel
    alloc s: f32 private
    s = 0.5
    barrier
    meet s add
    if t < 3
      s max= x[t]
    y[t] = s
`);
  expect(statementText(body[1]!)).toBe("for t in 0..T parallel");
});

test("what a statement uses twice is written once", () => {
  const part = unary("exp", binary("mul", load(x, [at]), constant(2, "f32")));
  const body = [loop([store(y, binary("div", part, binary("add", part, constant(1, "f32"))))])];
  expect(printKernel(kernel(body))).toContain("    %1 = exp(x[t] * 2.0)\n    y[t] = %1 / (%1 + 1.0)\n");
  let value = load(x, [at]);
  for (let i = 0; i < 50; i++) value = binary("add", unary("sin", value), value);
  expect(printKernel(kernel([loop([store(y, value)])])).length).toBeLessThan(3000);
});

test("two buffers of one name are told apart", () => {
  const other = new Buffer("y", "f32", [], "private");
  const body: readonly Statement[] = [{ kind: "alloc", buffer: other }, store(other, constant(1, "f32"))];
  expect(printKernel(kernel(body))).toContain("  alloc y.2: f32 private\n  y.2 = 1.0\n");
});

test("notes stand below the lines that they are about", () => {
  const statement = store(y, load(x, [at]));
  const text = annotatedKernel(kernel([loop([statement])]), [
    { statement, message: "this one" },
    { statement: null, message: "all of it" },
  ]);
  expect(text).toContain("  writes y: f32[T]\n  ^ all of it\n");
  expect(text).toContain("    y[t] = x[t]\n    ^ this one\n");
});
