/**
 * Locals that are not needed at the same time share one, and those of inner loops have the least numbers.
 *
 * It is for the size of the code: similar kernels then number the locals of their loops alike, so that they compress
 * together, to half of what they take else. Loops are told apart by how many are in them, which is the same in kernels
 * over more or fewer axes, and the numbers of each kind begin at a multiple, so that one local more or less moves no
 * others. Engines give registers to values, not to locals.
 *
 * What must stay true: a local is shared only where its first use sets it, in the innermost block that holds all its uses.
 * Its value then lasts from there to its last use, or to the end of the outermost loop in that block that uses it.
 */
import { type Code, type FunctionCode, Local } from "./tree.js";

/** The group of what is needed all through a function, behind those of its loops. */
const outermost = 1000;

/** The body of a function, of a loop or of a branch. */
interface Block {
  readonly outer: Block | null;
  readonly isLoop: boolean;
  /** How many loops are in it, one in another, with itself if it is one. */
  height: number;
  /** The position behind it. */
  end: number;
}

interface Uses {
  readonly isSetFirst: boolean;
  /** The positions of the first and the last use. */
  readonly first: number;
  last: number;
  /** The block of the first use. */
  readonly start: Block;
  /** The innermost block that holds all uses. */
  home: Block;
  readonly blocks: Set<Block>;
}

/** The same function with as few locals as its blocks allow. */
export function withSharedLocals(code: FunctionCode): FunctionCode {
  const uses = usesOf(code);
  for (const parameter of code.parameters) uses.delete(parameter);
  const shared = new Map<Local, Local>();
  /** By type and height of loops: the locals there are, and until when each is needed. */
  const groups = new Map<string, { readonly local: Local; until: number }[]>();
  for (const [local, each] of [...uses].sort((a, b) => a[1].first - b[1].first)) {
    const isShared = each.isSetFirst && each.start === each.home;
    const height = isShared && each.home.outer !== null ? each.home.height + 1 : outermost;
    const key = `${local.type} ${height}`;
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    let slot = group.find(({ until }) => until < each.first);
    if (slot === undefined || !isShared) {
      slot = { local: new Local(local.name, local.type, height), until: 0 };
      group.push(slot);
    }
    slot.until = isShared ? lastNeed(each) : Number.POSITIVE_INFINITY;
    shared.set(local, slot.local);
  }
  const replaced = (each: Code): Code => {
    const next: Record<string, unknown> = { ...each };
    if (each.kind === "plain" && each.local !== null) next.local = shared.get(each.local) ?? each.local;
    if ("operands" in each) next.operands = each.operands.map(replaced);
    if ("condition" in each) next.condition = replaced(each.condition);
    if ("body" in each) next.body = each.body.map(replaced);
    if (each.kind === "if") next.otherwise = each.otherwise.map(replaced);
    return next as unknown as Code;
  };
  return { ...code, body: code.body.map(replaced) };
}

/** The position up to which the value is needed. */
function lastNeed({ home, blocks, last }: Uses): number {
  let until = last;
  for (const block of blocks) {
    for (let each = block; each !== home; each = each.outer!) if (each.isLoop) until = Math.max(until, each.end);
  }
  return until;
}

/** Where each local is used, in the order in which code runs when no loop is repeated. */
function usesOf({ body }: FunctionCode): Map<Local, Uses> {
  const uses = new Map<Local, Uses>();
  let position = 0;
  let current: Block = { outer: null, isLoop: false, height: 0, end: 0 };
  const inside = (isLoop: boolean, codes: readonly Code[]): void => {
    const outer = current;
    const block: Block = { outer, isLoop, height: 0, end: 0 };
    current = block;
    codes.forEach(visit);
    block.end = ++position;
    if (isLoop) block.height++;
    outer.height = Math.max(outer.height, block.height);
    current = outer;
  };
  const use = (local: Local, isSet: boolean): void => {
    const known = uses.get(local);
    position++;
    if (known === undefined) {
      uses.set(local, {
        isSetFirst: isSet,
        first: position,
        start: current,
        home: current,
        last: position,
        blocks: new Set([current]),
      });
      return;
    }
    known.home = commonBlock(known.home, current);
    known.last = position;
    known.blocks.add(current);
  };
  const visit = (code: Code): void => {
    if (code.kind === "note") return;
    if ("operands" in code) code.operands.forEach(visit);
    if ("condition" in code) visit(code.condition);
    if (code.kind === "plain" && code.local !== null) use(code.local, code.name !== "local.get");
    if ("body" in code) inside(code.kind === "loop", code.body);
    if (code.kind === "if") inside(false, code.otherwise);
  };
  body.forEach(visit);
  return uses;
}

function commonBlock(a: Block, b: Block): Block {
  const around = new Set<Block>();
  for (let each: Block | null = a; each !== null; each = each.outer) around.add(each);
  let found = b;
  while (!around.has(found)) found = found.outer!;
  return found;
}
