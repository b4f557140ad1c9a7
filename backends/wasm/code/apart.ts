/**
 * Loops that load many vectors, as functions of their own, which kernels with the same loop share.
 *
 * V8 11 writes a loop out several times where it stands deep inside of others, and then begins it with all that it loads,
 * for which it has no registers: a single row by two panels of weights takes twice as long. It does neither in a function
 * that is nothing but the loop, whose test stands first, and stores the sums; as results of the function they are loaded
 * first, too. Such a function is called once for hundreds of turns.
 */
import { contentOf } from "./binary.js";
import {
  type Code,
  call,
  type FunctionCode,
  get,
  globalGet,
  globalSet,
  i32,
  type Local,
  type LoopCode,
  partsOf,
  set,
  sumGlobals,
} from "./tree.js";

/** So many are no matter in any loop. */
const fewest = 14;

type Repeat = Extract<Code, { kind: "repeat" }>;

/** Takes the loops out of functions, one after another. */
export class LoopsApart {
  readonly #found = new Map<string, FunctionCode>();

  /** @param nameOf a name for a function that no other has */
  constructor(readonly nameOf: () => string) {}

  /** The functions that are called, each once. */
  get functions(): readonly FunctionCode[] {
    return [...this.#found.values()];
  }

  /** The function with calls in place of its loops. */
  taken(code: FunctionCode): FunctionCode {
    const reads = readsIn(code.body);
    return { ...code, body: this.#block(code.body, reads) };
  }

  /** @param reads how often the whole function reads each local */
  #block(body: readonly Code[], reads: ReadonlyMap<Local, number>): readonly Code[] {
    const out: Code[] = [];
    /** What is read once behind a call, straight from where the function has left it. */
    const left = new Map<Local, Code>();
    for (const [at, each] of body.entries()) {
      if (each.kind === "loop") {
        const last = lastOf(each);
        // Another loop could be such a function, too, and leave its own.
        const rest = body.slice(at + 1);
        const isPlainRest = rest.every(({ kind }) => kind !== "loop" && kind !== "if");
        const once = readsIn(isPlainRest ? rest.filter(({ kind }) => kind === "plain") : []);
        if (last === null || !this.#call(each, last, reads, out, once, left)) {
          out.push({ ...each, body: this.#block(each.body, reads) });
        }
      } else if (each.kind === "if") {
        out.push({ ...each, body: this.#block(each.body, reads), otherwise: this.#block(each.otherwise, reads) });
      } else out.push(withLeft(each, left));
    }
    return out;
  }

  /**
   * Calls a function instead of a loop, whether it can be.
   * @param out the code before the loop, of which the function does what makes its sums 0
   * @param behind how often plain code behind the loop in its block reads each local
   * @param left takes what that reads once
   */
  #call(
    loop: LoopCode,
    last: Repeat,
    reads: ReadonlyMap<Local, number>,
    out: Code[],
    behind: ReadonlyMap<Local, number>,
    left: Map<Local, Code>,
  ): boolean {
    const inside = readsIn(loop.body);
    const { taken, made } = localsOfTurn(loop);
    // What is set anew before the loop is read by nothing behind it but what is before it, too.
    const anew = new Set(out.map(setBy));
    const before = readsIn(out);
    const readsElsewhere = (local: Local): number =>
      (reads.get(local) ?? 0) - (inside.get(local) ?? 0) - (anew.has(local) ? (before.get(local) ?? 0) : 0);
    const results = made.filter((local) => readsElsewhere(local) > 0);
    const zeros = new Set(zerosBefore(out, new Set(results)));
    const sums = new Set([...zeros].map(setBy));
    const given = taken.filter((local) => !sums.has(local));
    // Sums that go on are passed in every time.
    const isWhole = results.length <= sumGlobals.length && results.every((local) => sums.has(local));
    if (!isWhole || given.some(({ type }) => type !== "i32")) return false;
    const turn: Code = {
      kind: "if",
      condition: last.condition,
      body: [...loop.body.slice(0, -1), { ...last, condition: i32(1) }],
      otherwise: [],
    };
    const code: FunctionCode = {
      name: "",
      parameters: given,
      result: null,
      body: [{ ...loop, body: [turn] }, ...results.map((local, at) => globalSet(sumGlobals[at]!, get(local)))],
      comment: "A loop of kernels.",
    };
    const { key } = contentOf(code);
    const known = this.#found.get(key) ?? { ...code, name: this.nameOf() };
    this.#found.set(key, known);
    const kept = out.filter((each) => !zeros.has(each));
    out.splice(0, out.length, ...kept);
    out.push(call(known.name, ...given.map(get)));
    for (const [at, local] of results.entries()) {
      const value = globalGet(sumGlobals[at]!);
      if (readsElsewhere(local) === 1 && behind.get(local) === 1) left.set(local, value);
      else out.push(set(local, value));
    }
    return true;
  }
}

/** What repeats a loop of plain code that loads many vectors and is tested by two locals; null for other loops. */
function lastOf({ name, body }: LoopCode): Repeat | null {
  const last = body.at(-1);
  if (last?.kind !== "repeat" || last.loop !== name) return null;
  const { condition } = last;
  const isTest =
    condition.kind === "plain" && condition.name === "i32.ne" && condition.operands.every((each) => isGet(each));
  if (!isTest || !body.slice(0, -1).every(isPlain)) return null;
  const loads = (code: Code): number =>
    code.kind === "plain"
      ? code.operands.reduce((sum, each) => sum + loads(each), code.name.startsWith("v128.load") ? 1 : 0)
      : 0;
  return body.reduce((sum, each) => sum + loads(each), 0) >= fewest ? last : null;
}

/** Plain code with others in place of locals that it reads. */
function withLeft(code: Code, left: ReadonlyMap<Local, Code>): Code {
  if (left.size === 0 || code.kind === "note" || !("operands" in code)) return code;
  if (code.kind === "plain" && isGet(code)) return left.get(code.local!) ?? code;
  return { ...code, operands: code.operands.map((each) => withLeft(each, left)) };
}

function isGet(code: Code): boolean {
  return code.kind === "plain" && code.name === "local.get";
}

function isPlain(code: Code): boolean {
  return code.kind === "plain" && code.operands.every(isPlain);
}

function setBy(code: Code): Local | null {
  return code.kind === "plain" && code.name === "local.set" ? code.local : null;
}

/** The locals that a turn reads before it sets them, and those that it sets, each in the order of its first use. */
function localsOfTurn({ body }: LoopCode): { readonly taken: readonly Local[]; readonly made: readonly Local[] } {
  const [taken, made] = [new Set<Local>(), new Set<Local>()];
  const visit = (code: Code): void => {
    partsOf(code).forEach(visit);
    if (code.kind !== "plain" || code.local === null) return;
    if (code.name !== "local.get") made.add(code.local);
    else if (!made.has(code.local)) taken.add(code.local);
  };
  body.forEach(visit);
  return { taken: [...taken], made: [...made] };
}

/** Of the code before a loop, what sets locals to vectors of 0 that nothing behind it mentions. */
function zerosBefore(before: readonly Code[], wanted: ReadonlySet<Local>): readonly Code[] {
  const found: Code[] = [];
  const mentioned = new Set<Local>();
  for (const each of before.toReversed()) {
    if (isZeroed(each) && wanted.has(each.local!) && !mentioned.has(each.local!)) found.push(each);
    for (const local of mentionsIn(each)) mentioned.add(local);
  }
  return found;
}

function isZeroed(code: Code): code is Extract<Code, { kind: "plain" }> {
  if (code.kind !== "plain" || code.name !== "local.set") return false;
  const [value] = code.operands;
  return value?.kind === "plain" && value.name === "v128.const" && value.values.every((one) => Object.is(one, 0));
}

function mentionsIn(code: Code): readonly Local[] {
  const own = code.kind === "plain" && code.local !== null ? [code.local] : [];
  return [...own, ...partsOf(code).flatMap(mentionsIn)];
}

/** How often code reads each local. */
function readsIn(body: readonly Code[]): ReadonlyMap<Local, number> {
  const found = new Map<Local, number>();
  const visit = (code: Code): void => {
    if (isGet(code) && code.kind === "plain") found.set(code.local!, (found.get(code.local!) ?? 0) + 1);
    partsOf(code).forEach(visit);
  };
  body.forEach(visit);
  return found;
}
