/** Random steps for a kernel, decided by a seed: most are named after loops that there are, many must not be taken. */
import { allStatements, type Kernel, type Layout } from "../../src/ir/kernel/index.js";
import type { Step } from "../../src/schedule/index.js";
import type { Random } from "./random.js";

type Loop = Extract<Kernel["body"][number], { kind: "for" }>;

function loopsOf(body: Kernel["body"]): Loop[] {
  return [...allStatements(body)].filter((each) => each.kind === "for");
}

let made = 0;
const fresh = (stem: string): string => `${stem.replace(/_.*$/, "")}_${++made}`;

/** A step that attention is scheduled with, mostly for a loop or buffer that it fits. */
export function randomAttentionStep(kernel: Kernel, random: Random): Step | null {
  const loops = loopsOf(kernel.body);
  if (loops.length === 0) return null;
  const filling = loops.filter(({ body }) => {
    const last = body.at(-1);
    return last?.kind === "store" && last.update === null && last.buffer.scope === "private";
  });
  const loop = filling.length > 0 && random.chance(0.8) ? random.of(filling) : random.of(loops);
  const { name } = loop.variable;
  const updates = [...allStatements(kernel.body)].filter((each) => each.kind === "store" && each.update === "add");
  const update = updates.length > 0 ? random.of(updates) : null;
  const around = loops.filter((each) => update !== null && loopsOf([each]).some(({ body }) => body.includes(update)));
  const outer = around.length > 0 ? random.of(around) : loop;
  const side = random.of(["left", "right"] as const);
  const buffer = update?.kind === "store" ? update.buffer.name : "sum";
  const names = (most: number): string[] => Array.from({ length: random.below(most + 1) }, () => fresh("x"));
  const allocated = [...allStatements(kernel.body)].flatMap((each) => (each.kind === "alloc" ? [each.buffer] : []));
  switch (random.below(7)) {
    case 0:
      return {
        step: "stage",
        buffer,
        side,
        loop: outer.variable.name,
        scope: "private",
        into: fresh("stage"),
        names: names(3),
      };
    case 1: {
      const own = random.of([...allocated, { name: "nothing", shape: [] }]);
      const axes = random.shuffled([...own.shape.keys()]);
      const factor = 1 + random.below(4);
      const isCut = random.chance(0.5) && axes.length > 0;
      const cut = { axis: axes[0]!, factor };
      const whole = (axis: number) => ({ axis, part: "all" as const, factor: 1 });
      const layout = isCut
        ? [{ ...cut, part: "outer" as const }, ...axes.slice(1).map(whole), { ...cut, part: "inner" as const }]
        : axes.map(whole);
      return { step: "layout", buffer: own.name, layout };
    }
    case 2:
      return {
        step: "materialise",
        buffer,
        loop: around.at(-1)?.variable.name ?? name,
        into: fresh("m"),
        name: fresh("x"),
      };
    case 3: {
      const outside = loops.filter((each) => loopsOf(each.body).includes(loop)).map(({ variable }) => variable.name);
      return { step: "skipTiles", loop: name, over: outside.filter(() => random.chance(0.4)) };
    }
    case 4: {
      const copies = [outer, ...loopsOf(outer.body)].map(({ variable }) => fresh(variable.name));
      return { step: "whenFinite", buffer, side, loop: outer.variable.name, names: names(3), copies };
    }
    default: {
      const count = random.chance(0.8) ? 8 : 5;
      return {
        step: "online",
        loop: name,
        factor: 1 + random.below(5),
        names: Array.from({ length: count }, () => fresh("x")),
      };
    }
  }
}

/** A step for a kernel; null if it has no loops. */
export function randomStep(kernel: Kernel, random: Random): Step | null {
  const loops = loopsOf(kernel.body);
  if (loops.length === 0) return null;
  const loop = random.of(loops);
  const { name } = loop.variable;
  const inside = loopsOf(loop.body);
  const copies = inside.map((each) => fresh(each.variable.name));
  switch (random.below(11)) {
    case 0:
    case 1: {
      const tail = random.of(["exact", "guard", "round", "peel"] as const);
      const names = Array.from({ length: tail === "peel" ? 3 : 2 }, () => fresh(name));
      const split = { step: "split", loop: name, factor: 1 + random.below(5), tail, names } as const;
      if (tail !== "peel") return { ...split, copies: [] };
      const outside = loops.filter((each) => loopsOf(each.body).includes(loop));
      if (outside.length === 0 || random.chance(0.6)) return { ...split, copies };
      const gather = { loop: random.of(outside).variable.name, factor: 1 + random.below(3), as: fresh("g") };
      return { ...split, copies, gather };
    }
    case 2: {
      const nest = [loop];
      for (let only = loop.body; only.length === 1 && only[0]?.kind === "for"; only = only[0].body) nest.push(only[0]);
      return {
        step: "reorder",
        loops: random.shuffled(nest.slice(0, 2 + random.below(3)).map((each) => each.variable.name)),
      };
    }
    case 3:
    case 4:
      return {
        step: "sink",
        loop: name,
        into: inside.filter(() => random.chance(0.7)).map((each) => each.variable.name),
      };
    case 5:
      return {
        step: "mark",
        loop: name,
        kind: random.of(["unroll", "vector", "parallel", "serial", "grid.x", "lane.x"] as const),
      };
    case 6:
      if (random.chance(0.5)) return { step: "fold", loop: name };
      return { step: "peelGuard", loop: name, name: fresh(name), copies };
    case 7: {
      const stores = [...allStatements(loop.body)].filter((each) => each.kind === "store" && each.update !== null);
      const [store] = stores;
      if (store?.kind !== "store") return { step: "mark", loop: name, kind: "serial" };
      const count = 2 * random.below(3);
      return {
        step: "accumulate",
        buffer: store.buffer.name,
        loop: name,
        names: Array.from({ length: count }, () => fresh(name)),
      };
    }
    case 8: {
      const constant = kernel.reads.filter(({ facts }) => facts.constant);
      if (kernel.reads.length === 0) return { step: "mark", loop: name, kind: "serial" };
      const buffer = random.of(constant.length > 0 ? constant : kernel.reads);
      const factor = 1 + random.below(5);
      const split = random.below(Math.max(1, buffer.shape.length));
      const whole = buffer.shape.flatMap(
        (_, axis): Layout => (axis === split ? [] : [{ axis, part: "all", factor: 1 }]),
      );
      const layout: Layout = [
        { axis: split, part: "outer", factor },
        ...random.shuffled(whole),
        { axis: split, part: "inner", factor },
      ];
      return { step: "packWeight", buffer: buffer.name, layout };
    }
    default: {
      const inner = inside.length > 0 ? random.of(inside).variable.name : name;
      return { step: "rfactor", loop: inner, under: name, names: [fresh("begin"), fresh("combine")] };
    }
  }
}

/** A step that a kernel is spread over lanes with, mostly for loops that it fits. */
export function randomLaneStep(kernel: Kernel, random: Random): Step | null {
  const loops = loopsOf(kernel.body);
  if (loops.length === 0) return null;
  const loop = random.of(loops);
  const { name } = loop.variable;
  const stores = [...allStatements(kernel.body)].flatMap((each) => (each.kind === "store" ? [each] : []));
  const update = random.of([...stores.filter((each) => each.update === "add"), stores[0]!]);
  switch (random.below(6)) {
    case 0:
      return {
        step: "split",
        loop: name,
        factor: random.of([2, 4]),
        tail: random.of(["exact", "clamp", "guard"] as const),
        names: [fresh(name), fresh(name)],
        copies: [],
      };
    case 1:
      return { step: "mark", loop: name, kind: "lane.x" };
    case 2: {
      const parts = loop.body.flatMap((each) => (each.kind === "for" ? [each] : []));
      const own = new Set([...allStatements([loop])].flatMap((each) => (each.kind === "alloc" ? [each.buffer] : [])));
      const counts = parts.map((part) => {
        const inner = [...allStatements(part.body)];
        const inside = new Set(inner.flatMap((each) => (each.kind === "alloc" ? [each.buffer] : [])));
        const updated = inner.flatMap((each) =>
          each.kind === "store" && each.update !== null && own.has(each.buffer) && !inside.has(each.buffer)
            ? [each.buffer]
            : [],
        );
        return 1 + 2 * new Set(updated).size;
      });
      const isMeeting = random.chance(0.3);
      const needed = isMeeting ? 1 + counts.length : counts.reduce((sum, each) => sum + each, 1);
      const count = needed + (random.chance(0.9) ? 0 : 1);
      const names = Array.from({ length: count }, () => fresh("lane"));
      return { step: "spread", loop: name, lanes: random.of([4, 4, 9, 5]), isMeeting, over: [], names };
    }
    default: {
      const around = loops.filter((each) => [...allStatements(each.body)].includes(update));
      const outer = around.length > 0 ? random.of(around) : loop;
      const all = around.filter((each) => each.loop.startsWith("lane.") || loopsOf(outer.body).includes(each));
      const used = random.shuffled(all.map(({ variable }) => variable.name));
      const cut = random.below(used.length + 1);
      const axes = [used.slice(0, cut), used.slice(cut)].filter((group) => group.length > 0);
      const width = random.of([1, 1, 2]);
      return {
        step: "share",
        buffer: update.buffer.name,
        side: random.of(["left", "right"] as const),
        loop: outer.variable.name,
        into: fresh("tile"),
        axes,
        across: random.chance(0.3),
        pad: random.below(2),
        width,
        names: Array.from({ length: width > 1 ? 2 : 1 }, () => fresh("fill")),
      };
    }
  }
}
