/**
 * The maximum and the sum of a row of f32, and the exponentials of one: the loops of a softmax, four numbers at a time.
 *
 * Sixteen at a time hide the time that each takes; what is left is done by fours and then one by one. An empty row gives
 * what changes nothing.
 */
import { type Code, call, type FunctionCode, f32x4, get, i32, Local, op, plus, set } from "../code/tree.js";
import { sub } from "./vectors.js";

export const rowMaximum = (): FunctionCode => reduction("rowMax", "max", -Infinity, "the largest of a row");
export const rowSum = (): FunctionCode => reduction("rowSum", "add", 0, "the sum of a row");

/** (row, count) → one number. */
function reduction(name: string, operator: "max" | "add", identity: number, comment: string): FunctionCode {
  const [row, count, end] = integers("row", "count", "end");
  const parts = ["a", "b", "c", "d"].map((each) => new Local(each, "v128"));
  const [first, second, third, fourth] = parts as [Local, Local, Local, Local];
  const both = (a: Code, b: Code): Code => op(`f32x4.${operator}`, [a, b]);
  const taken = (local: Local, at: number): Code =>
    set(local, both(get(local), op("v128.load", [get(row)], { offset: 16 * at })));
  const total = new Local("total", "f32");
  const one = (a: Code, b: Code): Code => op(`f32.${operator}`, [a, b]);
  const lane = (number: number): Code => op("f32x4.extract_lane", [get(first)], { lane: number });
  return {
    name,
    parameters: [row, count],
    result: "f32",
    comment,
    body: [
      ...parts.map((each) => set(each, f32x4(identity))),
      ...along("sixteens", row, end, 64, op("i32.shl", [op("i32.shr_u", [get(count), i32(4)]), i32(6)]), [
        ...parts.map(taken),
      ]),
      set(first, both(both(get(first), get(second)), both(get(third), get(fourth)))),
      ...along("fours", row, end, 16, op("i32.shl", [op("i32.and", [get(count), i32(12)]), i32(2)]), [taken(first, 0)]),
      set(total, one(one(lane(0), lane(1)), one(lane(2), lane(3)))),
      ...along("ones", row, end, 4, op("i32.shl", [op("i32.and", [get(count), i32(3)]), i32(2)]), [
        set(total, one(get(total), op("f32.load", [get(row)]))),
      ]),
      get(total),
    ],
  };
}

/** (row, into, count, shift): stores exp(x - shift) of each. */
export function rowExponentials(): FunctionCode {
  const [row, into, count, end] = integers("row", "into", "count", "end");
  const shift = new Local("shift", "f32");
  const exponential = (x: Code): Code => call("exp4", sub(x, op("f32x4.splat", [get(shift)])));
  const moved = (bytes: number): Code => set(into, plus(get(into), i32(bytes)));
  const stored = (offset: number): Code =>
    op("v128.store", [get(into), exponential(op("v128.load", [get(row)], { offset }))], { offset });
  return {
    name: "rowExp",
    parameters: [row, into, count, shift],
    result: null,
    comment: "exp of a row, less a number",
    body: [
      ...along("eights", row, end, 32, op("i32.shl", [op("i32.shr_u", [get(count), i32(3)]), i32(5)]), [
        stored(0),
        stored(16),
        moved(32),
      ]),
      ...along("ones", row, end, 4, op("i32.shl", [op("i32.and", [get(count), i32(7)]), i32(2)]), [
        op("f32.store", [get(into), op("f32x4.extract_lane", [exponential(op("v128.load32_splat", [get(row)]))])]),
        moved(4),
      ]),
    ],
  };
}

/** A loop along a row, in steps of some bytes, until so many are behind it. */
function along(
  name: string,
  row: Local,
  end: Local,
  step: number,
  bytes: Code,
  body: readonly Code[],
): readonly Code[] {
  const isLeft = op("i32.ne", [get(row), get(end)]);
  const loop: Code = {
    kind: "loop",
    name,
    body: [...body, set(row, plus(get(row), i32(step))), { kind: "repeat", loop: name, condition: isLeft }],
  };
  return [set(end, plus(get(row), bytes)), { kind: "if", condition: isLeft, body: [loop], otherwise: [] }];
}

function integers(...names: readonly string[]): [Local, Local, Local, Local] {
  return names.map((name) => new Local(name, "i32")) as [Local, Local, Local, Local];
}
