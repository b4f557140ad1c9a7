/** Locals that share a place: which may, and that functions do the same with them. */
import { expect, test } from "vitest";
import { withSharedLocals } from "../../backends/wasm/code/locals.js";
import { type Code, type FunctionCode, get, i32, Local, localsOf, op, set } from "../../backends/wasm/code/tree.js";
import { encodeModule } from "../../backends/wasm/index.js";

const n = new Local("n", "i32");
const [a, b, c, d] = ["a", "b", "c", "d"].map((name) => new Local(name, "i32")) as [Local, Local, Local, Local];
const plus = (x: Code, y: Code): Code => op("i32.add", [x, y]);
const times = (x: Code, y: Code): Code => op("i32.mul", [x, y]);

/** Runs the body at least once, and as long as `counter`, which grows by one each time, is below `end`. */
const loop = (name: string, counter: Local, end: Code, ...body: Code[]): Code => ({
  kind: "loop",
  name,
  body: [
    ...body,
    set(counter, plus(get(counter), i32(1))),
    { kind: "repeat", loop: name, condition: op("i32.lt_s", [get(counter), end]) },
  ],
});
const when = (condition: Code, body: Code[], otherwise: Code[] = []): Code => ({
  kind: "if",
  condition,
  body,
  otherwise,
});

const functionOf = (...body: Code[]): FunctionCode => {
  return { name: "test", parameters: [n], result: "i32", body, comment: "" };
};

async function results(code: FunctionCode, isVerbatim: boolean): Promise<readonly number[]> {
  const bytes = encodeModule(
    { imports: [], functions: [code], kernels: [], relaxed: new Map(), exports: ["test"] },
    { isVerbatim },
  );
  const { instance } = await WebAssembly.instantiate(bytes, {
    host: { memory: new WebAssembly.Memory({ initial: 1, maximum: 65536 }) },
  });
  const run = instance.exports.test as (n: number) => number;
  return [0, 1, 2, 5, 9].map(run);
}

test.each<[string, number, Code[]]>([
  [
    "values one after another share",
    1,
    [set(a, times(get(n), i32(3))), set(b, plus(get(a), i32(1))), set(c, times(get(b), get(b))), get(c)],
  ],
  ["values at once do not", 2, [set(a, times(get(n), i32(3))), set(b, plus(get(n), i32(1))), times(get(a), get(b))]],
  [
    "a value from before a loop lasts to its end",
    4,
    [
      set(a, i32(7)),
      set(b, i32(0)),
      set(d, i32(0)),
      loop(
        "each",
        b,
        get(n),
        set(d, plus(get(d), get(a))),
        set(c, times(get(b), i32(5))),
        set(d, plus(get(d), get(c))),
      ),
      get(d),
    ],
  ],
  [
    "values of two loops share",
    3,
    [
      set(d, i32(0)),
      set(a, i32(0)),
      loop("first", a, get(n), set(c, times(get(a), i32(3))), set(d, plus(get(d), get(c)))),
      set(b, i32(0)),
      loop("second", b, get(n), set(c, times(get(b), i32(5))), set(d, plus(get(d), get(c)))),
      get(d),
    ],
  ],
  [
    "what the turn before has set stays",
    4,
    [
      set(a, i32(0)),
      set(d, i32(0)),
      loop(
        "each",
        a,
        get(n),
        set(d, plus(get(d), get(c))),
        set(b, times(get(a), i32(2))),
        set(c, plus(get(b), i32(1))),
      ),
      get(d),
    ],
  ],
  [
    "what only one branch sets is 0 in the other",
    2,
    [set(a, times(get(n), i32(2))), when(op("i32.gt_s", [get(a), i32(3)]), [set(b, plus(get(a), i32(1)))]), get(b)],
  ],
  [
    "branches share",
    2,
    [
      set(d, i32(0)),
      when(get(n), [set(a, times(get(n), i32(3))), set(d, get(a))], [set(b, plus(get(n), i32(4))), set(d, get(b))]),
      get(d),
    ],
  ],
])("%s", async (_, count, body) => {
  const code = functionOf(...body);
  expect(localsOf(withSharedLocals(code)).length).toBe(count);
  expect(await results(code, false)).toEqual(await results(code, true));
});
