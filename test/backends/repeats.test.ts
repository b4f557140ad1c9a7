/** Lists with what equal layers have in common written once: they say the same as the whole list. */
import { expect, test } from "vitest";
import { foldRepeats } from "../../backends/common/repeats.js";
import { Random } from "../support/random.js";

/** What folded items are as a list of JavaScript. */
function evaluated(items: readonly string[]): unknown {
  const parts = foldRepeats(items).map(({ count, items: texts }) => {
    return `...Array.from({ length: ${count} }, (_, i) => [${texts.join(", ")}]).flat()`;
  });
  return new Function(`return [${parts.join(", ")}];`)();
}

const plain = (items: readonly string[]): unknown => new Function(`return [${items.join(", ")}];`)();

test("layers are written once", () => {
  const layer = (i: number) => [`[3, "h.${i}.norm", x]`, `[4, "h.${i}.w", "h.${i}.b.1", y]`];
  const items = ['[1, "table"]', ...Array.from({ length: 12 }, (_, i) => layer(i)).flat(), '[3, "norm", x]'];
  expect(foldRepeats(items)).toEqual([
    { count: 1, items: ['[1, "table"]'] },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what is written is a template
    { count: 12, items: ["[3, `h.${i}.norm`, x]", "[4, `h.${i}.w`, `h.${i}.b.1`, y]"] },
    { count: 1, items: ['[3, "norm", x]'] },
  ]);
});

test("numbers may grow by more than one", () => {
  const layer = (i: number) => [`[3, "packed${2 * i + 7}"]`, `[4, "packed${2 * i + 8}", "h.${i}.b"]`];
  const items = Array.from({ length: 6 }, (_, i) => layer(i)).flat();
  expect(foldRepeats(items)).toEqual([
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what is written is a template
    { count: 6, items: ["[3, `packed${2 * i + 7}`]", "[4, `packed${2 * i + 8}`, `h.${i}.b`]"] },
  ]);
  expect(evaluated(items)).toEqual(plain(items));
});

test("numbers that are added grow as well", () => {
  const items = Array.from({ length: 5 }, (_, i) => `[7, 1 + ${4096 * i + 2048}, "h.${i}.b", 2 + 5]`);
  expect(foldRepeats(items)).toEqual([
    // biome-ignore lint/suspicious/noTemplateCurlyInString: what is written is a template
    { count: 5, items: ["[7, 1 + 4096 * i + 2048, `h.${i}.b`, 2 + 5]"] },
  ]);
  expect(evaluated(items)).toEqual(plain(items));
});

test("keys are computed, and what cannot stand in a template is escaped", () => {
  const items = [7, 8, 9].map((i) => `"a\`$\{${i}": { of: ["é\\"\\\\${i}"] }`);
  const [only, ...others] = foldRepeats(items);
  expect(others).toEqual([]);
  const fields = new Function(`return [0, 1, 2].map((i) => ({ ${only!.items[0]} }));`)();
  expect(fields).toEqual([7, 8, 9].map((i) => ({ [`a\`$\{${i}`]: { of: [`é"\\${i}`] } })));
});

test.each([
  ["numbers that do not grow evenly", ['"a.0"', '"a.2"', '"a.5"']],
  ["numbers that go down", ['"a.3"', '"a.2"', '"a.1"']],
  ["numbers outside of texts", ["1", "2", "3"]],
  ["leading zeros", ['"a.00"', '"a.01"', '"a.02"']],
  ["other words", ['"a.0"', '"b.1"', '"c.2"']],
  ["nothing", []],
])("%s stay as they are", (_, items) => {
  expect(foldRepeats(items).every(({ count }) => count === 1)).toBe(true);
  expect(evaluated(items)).toEqual(plain(items));
});

test("any list keeps what it says", () => {
  const random = new Random(17);
  const pick = (count: number): number => random.below(count);
  for (let round = 0; round < 300; round++) {
    const items: string[] = [];
    while (items.length < 40) {
      const words = Array.from({ length: 1 + pick(3) }, () => `"${"ab"[pick(2)]}.${pick(3)}.${pick(3)}"`);
      const start = pick(3);
      const step = 1 + pick(2);
      for (let i = 0; i < 1 + pick(4); i++)
        for (const word of words) items.push(word.replace(/\d/, (digit) => String(Number(digit) + start + step * i)));
    }
    expect(evaluated(items)).toEqual(plain(items));
  }
});
