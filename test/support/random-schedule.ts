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
      const tail = random.of(["exact", "guard", "peel"] as const);
      const names = Array.from({ length: tail === "peel" ? 3 : 2 }, () => fresh(name));
      return {
        step: "split",
        loop: name,
        factor: 1 + random.below(5),
        tail,
        names,
        copies: tail === "peel" ? copies : [],
      };
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
