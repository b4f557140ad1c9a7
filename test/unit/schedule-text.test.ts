/** The text of schedules: it says every step, and parses back. */
import { expect, test } from "vitest";
import { parseSchedule, printSchedule, type Schedule, ScheduleSyntaxError } from "../../src/schedule/index.js";

const schedule: Schedule = [
  { step: "reorder", loops: ["i", "b", "t"] },
  { step: "split", loop: "i", factor: 4, tail: "exact", names: ["io", "ii"], copies: [] },
  { step: "split", loop: "t", factor: 3, tail: "peel", names: ["to", "ti", "tr"], copies: ["ii2", "j2"] },
  {
    step: "split",
    loop: "n",
    factor: 2,
    tail: "peel",
    names: ["no", "ni", "nr"],
    copies: [],
    gather: { loop: "io", factor: 2, as: "io2" },
  },
  { step: "sink", loop: "ii", into: ["j", "k"] },
  { step: "sink", loop: "ti", into: [] },
  { step: "sink", loop: "tj", into: ["k"], apart: "tk" },
  { step: "mark", loop: "ii", kind: "unroll" },
  { step: "mark", loop: "b", kind: "grid.x" },
  { step: "peelGuard", loop: "io", name: "ir", copies: ["a"] },
  { step: "accumulate", buffer: "y", loop: "k", names: ["in", "out"] },
  { step: "fold", loop: "kj" },
  { step: "rfactor", loop: "ki", under: "ko", names: ["begin", "combine"] },
  {
    step: "packWeight",
    buffer: "w",
    layout: [
      { axis: 1, part: "outer", factor: 8 },
      { axis: 0, part: "all", factor: 1 },
      { axis: 1, part: "inner", factor: 8 },
    ],
  },
];

const text =
  "reorder i b t; split i 4 exact into io ii; split t 3 peel into to ti tr copies ii2 j2; " +
  "split n 2 peel into no ni nr gather io 2 io2; sink ii into j k; sink ti; " +
  "sink tj into k apart tk; " +
  "mark ii unroll; mark b grid.x; peelGuard io into ir copies a; accumulate y k into in out; " +
  "fold kj; rfactor ki ko into begin combine; packWeight w 1/8 0 1%8";

test("a schedule prints and parses back", () => {
  expect(printSchedule(schedule)).toBe(text);
  expect(parseSchedule(text)).toEqual(schedule);
  expect(parseSchedule(text.replaceAll("; ", "\n  "))).toEqual(schedule);
  expect(parseSchedule(" ; ")).toEqual([]);
});

test.each([
  ["unfold i", "unfold i: there is no step unfold"],
  ["split", "split: a loop is missing"],
  ["split i", "split i: a factor is missing"],
  ["split i four", "split i four: the factor is not a whole number"],
  ["split i 4 loose", "split i 4 loose: loose is not a tail: exact, guard, round, peel"],
  ["split i 4 exact io ii", "split i 4 exact io ii: io is one word too many"],
  ["mark i fast", "mark i fast: fast is not a kind of loop: serial, parallel, unroll, vector, grid.x"],
  ["sink i into j copies k", "sink i into j copies k: copies is one word too many"],
  ["sink i apart j k", "sink i apart j k: it names one loop"],
  ["fold", "fold: a loop is missing"],
  ["peelGuard i", "peelGuard i: the name of the second part is missing"],
  ["peelGuard i into a b", "peelGuard i into a b: the second part has one name"],
  ["packWeight w 1 eight", "packWeight w 1 eight: eight is no part of a layout"],
  ["rfactor i j into a", "rfactor i j into a: it names two loops"],
])("%s is no schedule", (wrong, message) => {
  expect(() => parseSchedule(wrong)).toThrow(ScheduleSyntaxError);
  expect(() => parseSchedule(wrong)).toThrow(message);
});
