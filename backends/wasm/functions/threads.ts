/**
 * Running a list of calls, and how threads share the work of each.
 *
 * A list is, for each call, the number of a kernel, the bytes up to the next call, and the arguments; -1 ends it. Every
 * thread walks through it on its own. A kernel's work comes in steps that are done one after another, each a number of
 * items that may be done at once. Threads claim items of a step until none is left, and go on to the next step when all
 * are done. Nobody waits for a thread that has claimed nothing: one that comes late, or is not scheduled, finds steps
 * that are done and passes them by, and the others have done its share.
 *
 * `epoch` is the number of the thread's step, in a variable of its own; that of the step that is being done stands in
 * memory beside the next item, so that nothing is claimed of a step that is over.
 */
import {
  type Code,
  call,
  type FunctionCode,
  get,
  globalGet,
  globalSet,
  i32,
  Local,
  op,
  plus,
  set,
} from "../code/tree.js";

/** Where in memory the next item is (i32) and, 4 bytes on, the step that it belongs to. */
const stateAddress = 64;
const epochAddress = 68;
/** How many items of the step are done. */
const doneAddress = 128;
/** How many threads sleep until the step is over. */
const sleepersAddress = 132;
/** The step that a run begins with. */
const begunAddress = 192;
/** Turns of spinning before a thread asks the host to let it sleep: some hundred microseconds. */
const spins = 100_000;
/** A claim is at least this part of a thread's fair share, so that there are not too many, and at most half. */
const finest = 32;

const zero = i32(0);
const epoch = globalGet("epoch");
const when = (condition: Code, ...body: readonly Code[]): Code => ({ kind: "if", condition, body, otherwise: [] });
const again = (loop: string): Code => ({ kind: "repeat", loop, condition: i32(1) });
const larger = (a: Code, b: Code): Code => op("select", [a, b, op("i32.gt_s", [a, b])]);

export function run(): FunctionCode {
  const [calls, part, parts] = locals("calls", "part", "parts");
  const [kernel] = locals("kernel");
  return {
    name: "run",
    parameters: [calls, part, parts],
    result: null,
    comment: "Runs a list of calls: of each what this thread can get.",
    body: [
      globalSet("epoch", op("i32.load", [zero], { offset: begunAddress })),
      {
        kind: "loop",
        name: "each",
        body: [
          set(kernel, op("i32.load", [get(calls)])),
          when(
            op("i32.ge_s", [get(kernel), zero]),
            { kind: "kernel", operands: [plus(get(calls), i32(8)), get(part), get(parts), get(kernel)] },
            set(calls, plus(get(calls), op("i32.load", [get(calls)], { offset: 4 }))),
            again("each"),
          ),
        ],
      },
    ],
  };
}

/**
 * Claims items of the step: gives the first, and leaves the end of them in `end`. Where all are claimed it returns when
 * the step is over, with 0 and 0. A claim is half of this thread's share of what is left, so that threads are done at
 * about the same time however fast they are.
 */
export function claim(): FunctionCode {
  const [total, parts] = locals("total", "parts");
  const [next, left, size, turns] = locals("next", "left", "size", "turns");
  const state = new Local("state", "i64");
  const share = (items: Code, part: number): Code => op("i32.div_u", [items, op("i32.mul", [get(parts), i32(part)])]);
  const claimed = op("i64.atomic.rmw.cmpxchg", [zero, get(state), op("i64.add", [get(state), wide(get(size))])], {
    offset: stateAddress,
  });
  return {
    name: "claim",
    parameters: [total, parts],
    result: "i32",
    comment: "Claims items of a step; none when all of them are done.",
    body: [
      globalSet("end", zero),
      when(op("i32.eqz", [get(total)]), op("return", [zero])),
      {
        kind: "loop",
        name: "wait",
        body: [
          set(state, op("i64.atomic.load", [zero], { offset: stateAddress })),
          when(
            op("i32.ne", [op("i32.wrap_i64", [op("i64.shr_u", [get(state), wide(i32(32))])]), epoch]),
            globalSet("epoch", plus(epoch, i32(1))),
            op("return", [zero]),
          ),
          set(next, op("i32.wrap_i64", [get(state)])),
          when(
            op("i32.lt_u", [get(next), get(total)]),
            set(left, op("i32.sub", [get(total), get(next)])),
            set(size, larger(larger(share(get(left), 2), share(get(total), finest)), i32(1))),
            set(size, op("select", [get(size), get(left), op("i32.lt_s", [get(size), get(left)])])),
            when(
              op("i64.eq", [claimed, get(state)]),
              globalSet("end", plus(get(next), get(size))),
              op("return", [get(next)]),
            ),
            again("wait"),
          ),
          set(turns, plus(get(turns), i32(1))),
          when(op("i32.gt_s", [get(turns), i32(spins)]), call("pause", epoch)),
          again("wait"),
        ],
      },
      zero,
    ],
  };
}

/** Tells that claimed items are done. With the last ones of a step, the next one begins. */
export function finish(): FunctionCode {
  const [items, total] = locals("items", "total");
  const done = op("i32.atomic.rmw.add", [zero, get(items)], { offset: doneAddress });
  const begun = op("i64.shl", [wide(plus(epoch, i32(1))), wide(i32(32))]);
  const sleepers = op("i32.atomic.load", [zero], { offset: sleepersAddress });
  return {
    name: "finish",
    parameters: [items, total],
    result: null,
    comment: "Tells that items of a step are done.",
    body: [
      when(
        op("i32.eq", [plus(done, get(items)), get(total)]),
        op("i32.atomic.store", [zero, zero], { offset: doneAddress }),
        op("i64.atomic.store", [zero, begun], { offset: stateAddress }),
        when(sleepers, op("drop", [op("memory.atomic.notify", [zero, i32(-1)], { offset: epochAddress })])),
      ),
    ],
  };
}

function locals<const T extends readonly string[]>(...names: T): { readonly [K in keyof T]: Local } {
  return names.map((name) => new Local(name, "i32")) as { readonly [K in keyof T]: Local };
}

/** An i32 as an i64 that is not negative. */
function wide(value: Code): Code {
  return op("i64.extend_i32_u", [value]);
}
