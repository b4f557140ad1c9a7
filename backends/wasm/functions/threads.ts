/**
 * Running a list of calls, and how threads wait for each other.
 *
 * A list is, for each call, the number of a kernel, the bytes up to the next call, and the arguments; -1 ends it. After
 * each call all parts wait for each other. They spin at first, as calls are mostly as long on one thread as on another,
 * and sleep if that takes long. The first part only spins: it may be the main thread of a page, which must not sleep.
 */
import { type Code, call, type FunctionCode, get, i32, Local, op, set } from "../code/tree.js";

/** Where in memory the number of parts that wait is, and how often all have met. */
export const waitingAddress = 64;
export const meetingsAddress = 128;
/** Not 0 when one of the parts will not come. */
export const lostAddress = 200;
/** Turns of spinning before a part sleeps: some tens of microseconds. */
const spins = 20000;

export function run(withThreads: boolean): FunctionCode {
  const [calls, part, parts] = ["calls", "part", "parts"].map((name) => new Local(name, "i32")) as [
    Local,
    Local,
    Local,
  ];
  const kernel = new Local("kernel", "i32");
  const several = op("i32.ne", [get(parts), i32(1)]);
  const meet: Code = { kind: "if", condition: several, body: [call("barrier", get(part), get(parts))], otherwise: [] };
  return {
    name: "run",
    parameters: [calls, part, parts],
    result: null,
    comment: "Runs a list of calls: of each the part of this thread.",
    body: [
      {
        kind: "loop",
        name: "each",
        body: [
          set(kernel, op("i32.load", [get(calls)])),
          {
            kind: "if",
            condition: op("i32.ge_s", [get(kernel), i32(0)]),
            body: [
              {
                kind: "kernel",
                operands: [op("i32.add", [get(calls), i32(8)]), get(part), get(parts), get(kernel)],
              },
              ...(withThreads ? [meet] : []),
              set(calls, op("i32.add", [get(calls), op("i32.load", [get(calls)], { offset: 4 })])),
              { kind: "repeat", loop: "each", condition: i32(1) },
            ],
            otherwise: [],
          },
        ],
      },
    ],
  };
}

/** Returns when as many parts as there are have called it. */
export function barrier(): FunctionCode {
  const [part, parts] = [new Local("part", "i32"), new Local("parts", "i32")];
  const [met, turns] = [new Local("met", "i32"), new Local("turns", "i32")];
  const current = op("i32.atomic.load", [i32(0)], { offset: meetingsAddress });
  const waits = op("i32.eq", [current, get(met)]);
  const isLast = op("i32.eq", [
    op("i32.add", [op("i32.atomic.rmw.add", [i32(0), i32(1)], { offset: waitingAddress }), i32(1)]),
    get(parts),
  ]);
  const wake: readonly Code[] = [
    op("i32.atomic.store", [i32(0), i32(0)], { offset: waitingAddress }),
    op("drop", [op("i32.atomic.rmw.add", [i32(0), i32(1)], { offset: meetingsAddress })]),
    op("drop", [op("memory.atomic.notify", [i32(0), i32(-1)], { offset: meetingsAddress })]),
    op("return", []),
  ];
  const sleep: Code = op("drop", [
    op("memory.atomic.wait32", [i32(0), get(met), op("i64.const", [], { values: [-1] })], { offset: meetingsAddress }),
  ]);
  const isLost = op("i32.atomic.load", [i32(0)], { offset: lostAddress });
  const maySleep = op("i32.and", [op("i32.gt_s", [get(turns), i32(spins)]), op("i32.ne", [get(part), i32(0)])]);
  return {
    name: "barrier",
    parameters: [part, parts],
    result: null,
    comment: "Waits until all parts are here.",
    body: [
      set(met, current),
      { kind: "if", condition: isLast, body: wake, otherwise: [] },
      {
        kind: "loop",
        name: "spin",
        body: [
          {
            kind: "if",
            condition: waits,
            body: [
              { kind: "if", condition: isLost, body: [op("unreachable", [])], otherwise: [] },
              set(turns, op("i32.add", [get(turns), i32(1)])),
              { kind: "if", condition: maySleep, body: [sleep], otherwise: [] },
              { kind: "repeat", loop: "spin", condition: i32(1) },
            ],
            otherwise: [],
          },
        ],
      },
    ],
  };
}
