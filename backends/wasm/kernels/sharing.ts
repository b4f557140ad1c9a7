/**
 * How a step's work is shared: its items are the iterations of a nest of parallel loops, numbered as one thread would do
 * them, and each claim is a run of them. What is in no parallel loop is one item.
 */
import type { Statement } from "../../../src/ir/kernel/index.js";
import { constantOf, type Size, type SizeVariable, variablesOf } from "../../../src/sizes/index.js";
import { type Code, call, get, globalGet, i32, Local, op, plus, set, times } from "../code/tree.js";

type Loop = Extract<Statement, { kind: "for" }>;

/** With so many iterations for sure, loops further inside are left whole. */
const enough = 32;

/** Which iterations of a loop are in a claim: from `first` on, before `end`. */
export interface Range {
  readonly first: Local;
  readonly end: Local;
  /** What moves at the end of every iteration, and by how much. */
  readonly moving: { readonly local: Local; readonly by: Code } | null;
}

/** Parallel loops of which each is all that the one around it holds, outermost first; none where there are none. */
function nestOf(statements: readonly Statement[], sizes: readonly SizeVariable[]): readonly Loop[] {
  const nest: Loop[] = [];
  let known = 1;
  for (let inside = statements; known < enough; ) {
    const [only, ...others] = inside;
    if (only?.kind !== "for" || only.loop !== "parallel" || others.length > 0) break;
    if (!variablesOf(only.extent).every((each) => sizes.includes(each))) break;
    nest.push(only);
    known *= constantOf(only.extent) ?? 1;
    inside = only.body;
  }
  return nest;
}

export class Sharing {
  readonly #nest: readonly Loop[];
  readonly #first = new Local("first", "i32");
  readonly #end = new Local("end", "i32");
  readonly #total: Code;
  /** How many items an iteration of each loop has. */
  readonly #items: readonly Code[];
  /** The number of the first item of the innermost loop that has been begun. */
  #begun: Code = i32(0);

  /** @param at the value of a size at the start of the function */
  constructor(
    statements: readonly Statement[],
    sizes: readonly SizeVariable[],
    readonly at: (value: Size) => Code,
  ) {
    this.#nest = nestOf(statements, sizes);
    const counts: Code[] = [i32(1)];
    for (const { extent } of this.#nest.toReversed()) counts.unshift(times(at(extent), counts[0]!));
    this.#total = counts[0]!;
    this.#items = counts.slice(1);
  }

  /** The iterations of a loop of the nest that are in the claim, and code before the loop; null for another loop. */
  range(loop: Loop, before: Code[]): Range | null {
    const level = this.#nest.indexOf(loop);
    if (level < 0) return null;
    if (this.#nest.length === 1) return { first: this.#first, end: this.#end, moving: null };
    const { name } = loop.variable;
    const [first, end] = [new Local(`${name}.first`, "i32"), new Local(`${name}.end`, "i32")];
    const [items, begun, extent] = [this.#items[level]!, this.#begun, this.at(loop.extent)];
    // What is claimed may begin before this loop does, and end behind it.
    const skipped = op("i32.sub", [get(this.#first), begun]);
    const wanted = op("i32.sub", [get(this.#end), begun]);
    before.push(
      set(first, divided(level === 0 ? skipped : larger(skipped, i32(0)), items)),
      set(end, divided(plus(wanted, op("i32.sub", [items, i32(1)])), items)),
    );
    if (level > 0) before.push(set(end, op("select", [get(end), extent, op("i32.lt_s", [get(end), extent])])));
    if (level === this.#nest.length - 1) return { first, end, moving: null };
    const local = new Local(`${name}.items`, "i32");
    before.push(set(local, plus(begun, times(get(first), items))));
    this.#begun = get(local);
    return { first, end, moving: { local, by: items } };
  }

  /** Claims items and does them, by code for a claim, until there are none. One part does all of them at once. */
  claims(parts: Local, name: string, body: readonly Code[]): readonly Code[] {
    const [first, end, items] = [this.#first, this.#end, new Local("items", "i32")];
    const several = op("i32.ne", [get(parts), i32(1)]);
    const when = (condition: Code, ...inside: readonly Code[]): Code => ({
      kind: "if",
      condition,
      body: inside,
      otherwise: [],
    });
    return [
      set(items, this.#total),
      set(first, i32(0)),
      set(end, get(items)),
      {
        kind: "loop",
        name,
        body: [
          when(several, set(first, call("claim", get(items), get(parts))), set(end, globalGet("end"))),
          when(
            op("i32.ne", [get(first), get(end)]),
            ...body,
            when(several, call("finish", op("i32.sub", [get(end), get(first)]), get(items)), {
              kind: "repeat",
              loop: name,
              condition: i32(1),
            }),
          ),
        ],
      },
    ];
  }
}

function larger(a: Code, b: Code): Code {
  return op("select", [a, b, op("i32.gt_s", [a, b])]);
}

function divided(a: Code, b: Code): Code {
  return op("i32.div_u", [a, b]);
}
