/**
 * Random graphs over positions, many of them causal: masks of many kinds, attention as an operator and written out, running
 * sums, positions read back, tables, windows, sinks, and what looks ahead among them.
 */
import { type ElementType, type Graph, GraphBuilder, type ValueId } from "../../src/ir/graph/index.js";
import { add, SizeVariable, size } from "../../src/sizes/index.js";
import { Random } from "./random.js";

/** Features of a position. */
const width = 3;
/** Rows of the tables of positions. */
const context = 40;

class Generator {
  readonly random: Random;
  readonly batch = new SizeVariable("B", 0, null);
  readonly time = new SizeVariable("T", 0, context - 4);
  readonly builder = new GraphBuilder("random", [this.batch, this.time]);
  readonly B = size(this.batch);
  readonly T = size(this.time);
  readonly values: ValueId[] = [];
  readonly masks: ValueId[] = [];
  readonly scores: ValueId[] = [];
  readonly t: ValueId;
  readonly s: ValueId;
  #weights = 0;

  constructor(seed: number) {
    this.random = new Random(seed);
    const { builder, B, T } = this;
    const shape = [B, T, size(width)];
    this.values.push(builder.emit("input", [], { name: "x", element: "f32", shape, fill: null }));
    this.t = builder.emit("iota", [], { axis: 0, shape: [T, size(1)] });
    this.s = builder.emit("iota", [], { axis: 1, shape: [size(1), T] });
    this.masks.push(this.le(this.s, this.t));
  }

  number(value: number, element: ElementType = "f32"): ValueId {
    return this.builder.emit("constant", [], { value, element });
  }
  whole(value: number): ValueId {
    return this.number(value, "i32");
  }
  two(operator: "add" | "sub" | "mul" | "div" | "and" | "or" | "maximum", a: ValueId, b: ValueId): ValueId {
    return this.builder.emit(operator, [a, b], {});
  }
  le(a: ValueId, b: ValueId): ValueId {
    return this.builder.emit("le", [a, b], {});
  }
  lt(a: ValueId, b: ValueId): ValueId {
    return this.builder.emit("lt", [a, b], {});
  }
  not(a: ValueId): ValueId {
    return this.builder.emit("not", [a], {});
  }
  float(a: ValueId): ValueId {
    return this.builder.emit("cast", [a], { to: "f32" });
  }
  weight(...shape: number[]): ValueId {
    const name = `w${this.#weights++}`;
    return this.builder.emit("weight", [], {
      name,
      element: "f32",
      shape: shape.map((n) => size(n)),
      sources: [[name]],
    });
  }
  /** The later ones of a list more often. */
  recent(list: readonly ValueId[]): ValueId {
    return this.random.chance(0.75) ? this.random.of(list.slice(-3)) : this.random.of(list);
  }
  product(a: ValueId, b: ValueId): ValueId {
    return this.builder.emit("einsum", [a, b], {
      inputs: [
        [0, 1, 2],
        [0, 3, 2],
      ],
      output: [0, 1, 3],
    });
  }
  mix(weights: ValueId, values: ValueId): ValueId {
    return this.builder.emit("einsum", [weights, values], {
      inputs: [
        [0, 1, 2],
        [0, 2, 3],
      ],
      output: [0, 1, 3],
    });
  }
  square(value: ValueId): ValueId {
    return this.builder.emit("broadcast", [value], { shape: [this.B, this.T, this.T] });
  }
  where(mask: ValueId, a: ValueId, b: ValueId): ValueId {
    return this.builder.emit("where", [mask, a, b], {});
  }
  reduced(operator: "sum" | "max", value: ValueId, axis: number): ValueId {
    return this.builder.emit(operator, [value], { axis });
  }
  sigmoid(value: ValueId): ValueId {
    const { builder } = this;
    const e = builder.emit("exp", [builder.emit("neg", [value], {})], {});
    return this.two("div", this.number(1), this.two("add", this.number(1), e));
  }
  softmax(value: ValueId): ValueId {
    const { builder } = this;
    if (this.random.chance(0.5)) return builder.emit("softmax", [value], { axis: 2 });
    const e = builder.emit("exp", [this.two("sub", value, this.reduced("max", value, 2))], {});
    return this.two("div", e, this.reduced("sum", e, 2));
  }

  affine(): ValueId {
    const { t, s, random } = this;
    const e = random.of([() => t, () => s, () => s, () => this.two("sub", t, s), () => this.two("sub", s, t)])();
    if (random.chance(0.5)) return e;
    return this.two(random.of(["add", "sub"] as const), e, this.whole(random.below(6) - 2));
  }

  compared(a: ValueId, b: ValueId): ValueId {
    const forms = [
      () => this.le(a, b),
      () => this.lt(a, b),
      () => this.le(b, a),
      () => this.lt(b, a),
      () => this.builder.emit("eq", [a, b], {}),
      () => this.builder.emit("ne", [a, b], {}),
    ];
    return this.random.of(forms)();
  }

  mask(): ValueId {
    const { t, s, random, builder } = this;
    const q = random.next();
    if (q < 0.35) {
      const b = this.two("add", random.of([t, s]), this.whole(random.below(5) - 2));
      return random.of([() => this.le(s, b), () => this.lt(s, b), () => this.le(b, s), () => this.lt(b, t)])();
    }
    if (q < 0.45) return this.compared(this.affine(), this.whole(random.below(7) - 2));
    if (q < 0.55) {
      const distance = builder.emit("abs", [this.two("sub", t, s)], {});
      const most = this.whole(1 + random.below(4));
      return random.chance(0.7) ? this.lt(distance, most) : this.not(this.le(most, distance));
    }
    if (q < 0.8)
      return this.two(random.of(["and", "and", "or"] as const), this.recent(this.masks), this.recent(this.masks));
    if (q < 0.9) return this.not(this.recent(this.masks));
    const kept = this.reduced("sum", this.recent(this.values), 2);
    const { B, T } = this;
    const shape = random.chance(0.5) ? [B, size(1), T] : [B, T, size(1)];
    return this.lt(this.number(0), builder.emit("reshape", [kept], { shape }));
  }

  /** A whole attention, often windowed, sometimes with a mask that is off. */
  attention(): void {
    const { t, s, random, builder, values } = this;
    let m = random.chance(0.7)
      ? this.le(s, this.two("add", t, this.whole(random.of([0, 0, 0, -1, 1]))))
      : random.chance(0.6)
        ? this.lt(s, this.two("add", t, this.whole(random.of([0, 1, 1, 2]))))
        : this.recent(this.masks);
    const pick = () => this.recent(values);
    if (random.chance(0.4)) {
      this.odd(m);
      return;
    }
    if (random.chance(0.6)) m = this.windowed(m);
    if (random.chance(0.2)) m = this.two("or", m, builder.emit("eq", [s, t], {}));
    const scores = this.product(pick(), pick());
    if (random.chance(0.15)) {
      values.push(this.mix(this.behindSink(scores), pick()));
      return;
    }
    const weights = random.chance(0.4)
      ? this.sigmoid(this.where(m, scores, this.number(-Infinity)))
      : this.softmax(this.where(m, scores, this.number(random.of([-Infinity, -Infinity, -1e9, -10]))));
    values.push(this.mix(weights, pick()));
  }

  windowed(mask: ValueId): ValueId {
    return this.two("and", mask, this.lt(this.two("sub", this.t, this.whole(1 + this.random.below(5))), this.s));
  }

  /** Sums over positions that few models have. */
  odd(m: ValueId): void {
    const { t, s, random, builder, values, B } = this;
    const pick = () => this.recent(values);
    const causal = this.le(s, t);
    const scores = () => this.product(pick(), pick());
    const softened = () => this.softmax(this.where(this.windowed(causal), scores(), this.number(-Infinity)));
    const near = builder.emit("abs", [this.two("sub", s, t)], {});
    const fall = builder.emit("exp", [this.two("mul", this.number(-0.3), this.float(near))], {});
    const banded = random.chance(0.6) ? this.windowed(m) : m;
    const kernel = this.square(this.where(banded, fall, this.number(0)));
    const smoothed = (rows: ValueId) =>
      builder.emit("einsum", [rows, kernel], {
        inputs: [[0, 1, 2], random.chance(0.5) ? [0, 3, 2] : [0, 2, 3]],
        output: [0, 1, 3],
      });
    const forms = [
      // Keys smoothed over their neighbours, inside of the scores.
      () => values.push(this.mix(this.softmax(this.where(causal, smoothed(scores()), this.number(-Infinity))), pick())),
      // Two bands after one another are a wider band.
      () => values.push(this.mix(smoothed(this.where(this.windowed(causal), scores(), this.number(0))), pick())),
      // A reduction of scores themselves.
      () => {
        const filled = this.where(m, scores(), this.number(random.of([0, -Infinity, -1e9, 1])));
        values.push(this.two("add", pick(), this.reduced(random.of(["sum", "max"] as const), filled, 2)));
      },
      // A second, narrower window after the softmax, which still compares all keys of the first.
      () => values.push(this.mix(this.two("mul", softened(), this.float(this.windowed(causal))), pick())),
      // A running sum over keys.
      () => {
        const sums = builder.emit("cumsum", [softened()], { axis: 2 });
        values.push(this.mix(this.two("mul", sums, this.float(this.windowed(causal))), pick()));
      },
      // One number for the whole sequence, over pairs of positions or the diagonal.
      () => {
        const pairs = random.chance(0.5) ? builder.emit("eq", [s, t], {}) : m;
        const both = builder.emit("einsum", [this.square(this.float(pairs)), pick()], {
          inputs: [
            [0, 1, 2],
            [0, 2, 3],
          ],
          output: [0, 3],
        });
        const row = builder.emit("reshape", [both], { shape: [B, size(1), size(width)] });
        values.push(this.two("add", pick(), row));
      },
    ];
    random.of(forms)();
  }

  score(): void {
    const { random, builder, B, T } = this;
    let a = this.recent(this.scores);
    const c = random.of([-Infinity, -Infinity, -Infinity, -1e9, 0, -10, 1]);
    const m = this.recent(this.masks);
    const z = random.next();
    if (z < 0.3) a = this.where(m, a, this.number(c));
    else if (z < 0.34) a = this.where(m, this.number(c), a);
    else if (z < 0.42) a = this.two("add", a, this.where(m, this.number(0), this.number(random.of([-Infinity, -1e9]))));
    else if (z < 0.48) a = this.two("mul", a, this.float(m));
    else if (z < 0.5)
      a = this.two("add", a, this.two("mul", this.two("sub", this.number(1), this.float(m)), this.number(-1e9)));
    else if (z < 0.52) a = this.two("sub", a, this.two("mul", this.float(this.not(m)), this.number(1e9)));
    else if (z < 0.58)
      a = this.two("add", a, this.two("mul", this.number(0.3), this.float(this.two("sub", this.s, this.t))));
    else if (z < 0.62) a = builder.emit(random.of(["tanh", "exp", "neg"] as const), [a], {});
    else if (z < 0.64) a = random.chance(0.5) ? this.sigmoid(a) : this.two("maximum", a, this.number(0));
    else if (z < 0.8) a = this.softmax(a);
    else if (z < 0.84)
      a = builder.emit("einsum", [a, this.recent(this.scores)], {
        inputs: [
          [0, 1, 2],
          [0, 2, 3],
        ],
        output: [0, 1, 3],
      });
    else if (z < 0.88) a = this.two(random.of(["add", "mul"] as const), a, this.recent(this.scores));
    else if (z < 0.9) a = builder.emit("transpose", [a], { permutation: [0, 2, 1] });
    else if (z < 0.93) {
      const sink = builder.emit("broadcast", [this.number(0.1)], { shape: [B, T, size(1)] });
      const parts = random.chance(0.5) ? [a, sink] : [sink, a];
      const joined = this.softmax(builder.emit("concat", parts, { axis: 2 }));
      a = builder.emit("slice", [joined], { axis: 2, start: size(parts[0] === a ? 0 : 1), length: T });
    } else if (z < 0.95) a = builder.emit("cumsum", [a], { axis: 1 + random.below(2) });
    else a = this.two("sub", a, this.reduced(random.of(["max", "sum"] as const), a, 2));
    this.scores.push(a);
  }

  /** Rows that many positions back, zero before the first. */
  shifted(value: ValueId, by: number): ValueId {
    const { builder, random, B, T } = this;
    const axes = [B, T, size(width)].map((extent, axis) =>
      builder.emit("iota", [], { axis, shape: [0, 1, 2].map((at) => (at === axis ? extent : size(1))) }),
    );
    const back = this.two("sub", axes[1]!, this.whole(by));
    const rows = builder.emit("element", [value, axes[0]!, back, axes[2]!], {});
    if (random.chance(0.3)) return rows;
    return this.where(this.le(this.whole(by), axes[1]!), rows, this.number(0));
  }

  /** The softmax of scores behind a sink's, masked by the numbers of their rows. */
  behindSink(scores: ValueId): ValueId {
    const { builder, random, B, T, t } = this;
    const sink = builder.emit("broadcast", [this.number(0.1)], { shape: [B, T, size(1)] });
    const rows = builder.emit("concat", [sink, scores], { axis: 2 });
    const row = builder.emit("iota", [], { axis: 1, shape: [size(1), add(T, 1)] });
    const far = this.two("add", t, this.whole(random.of([1, 1, 0, 2])));
    let m = this.le(row, far);
    if (random.chance(0.5)) m = this.two("and", m, this.lt(this.two("sub", t, this.whole(1 + random.below(3))), row));
    const near = this.two("mul", this.number(0.1), this.float(this.two("sub", row, t)));
    const joined = this.softmax(this.where(m, this.two("add", rows, near), this.number(-Infinity)));
    return builder.emit("slice", [joined], { axis: 2, start: size(1), length: T });
  }

  /** A convolution over a few rows back, some of them apart, or backwards. */
  convolved(value: ValueId): ValueId {
    const { builder, random, B, T } = this;
    const taps = 1 + random.below(4);
    const shape = [B, T, size(width), size(taps)];
    const [b, t, d, k] = shape.map((extent, axis) =>
      builder.emit("iota", [], { axis, shape: shape.map((_, at) => (at === axis ? extent : size(1))) }),
    );
    const step = random.of([1, 1, 2]);
    const apart = this.two("mul", k!, this.whole(step));
    const back = random.chance(0.5)
      ? this.two("sub", t!, this.two("add", apart, this.whole(random.of([0, 0, 1, -1]))))
      : this.two("add", this.two("sub", t!, this.whole(step * (taps - 1))), apart);
    const rows = builder.emit("element", [value, b!, back, d!], {});
    const padded = random.chance(0.3) ? rows : this.where(this.le(this.whole(0), back), rows, this.number(0));
    return builder.emit("einsum", [padded, this.weight(width, taps)], {
      inputs: [
        [0, 1, 2, 3],
        [2, 3],
      ],
      output: [0, 1, 2],
    });
  }

  value(): void {
    const { random, builder, T } = this;
    const position = () => builder.emit("iota", [], { axis: 0, shape: [T] });
    const column = () => builder.emit("reshape", [this.float(position())], { shape: [T, size(1)] });
    let x = this.recent(this.values);
    const z = random.next();
    if (z < 0.25) {
      const y = builder.emit("einsum", [x, this.weight(width, width)], {
        inputs: [
          [0, 1, 2],
          [2, 3],
        ],
        output: [0, 1, 3],
      });
      x = builder.emit("tanh", [y], {});
    } else if (z < 0.45) x = this.two(random.of(["add", "add", "mul", "sub"] as const), x, this.recent(this.values));
    else if (z < 0.52) x = this.shifted(x, random.below(5) - 1);
    else if (z < 0.56) x = this.convolved(x);
    else if (z < 0.65) {
      const table = this.weight(context, width);
      const first = random.of([0, 2]);
      const rows = random.chance(0.5)
        ? builder.emit("take", [table, this.two("add", position(), this.whole(first))], { axis: 0 })
        : builder.emit("slice", [table], { axis: 0, start: size(first), length: T });
      x = this.two("add", x, rows);
    } else if (z < 0.74) x = this.two("mul", builder.emit("cumsum", [x], { axis: 1 }), this.number(0.2));
    else if (z < 0.8) x = this.two("div", x, this.two("add", column(), this.number(1)));
    else if (z < 0.82) {
      const kept = builder.emit("transpose", [x], { permutation: [2, 0, 1] });
      x = builder.emit("transpose", [builder.emit("tanh", [kept], {})], { permutation: [1, 2, 0] });
    } else if (z < 0.85) x = this.two("sub", x, this.reduced(random.of(["sum", "max"] as const), x, 1));
    else if (z < 0.87) x = this.two("div", x, this.float(builder.emit("size", [], { value: T })));
    else if (z < 0.92) {
      const parts = [1, 0].map((start) =>
        builder.emit("slice", [x], { axis: 2, start: size(start), length: size(start === 1 ? width - 1 : 1) }),
      );
      x = builder.emit("concat", parts, { axis: 2 });
    } else x = this.two("mul", builder.emit("cos", [column()], {}), x);
    this.values.push(x);
  }

  run(): Graph {
    const { random } = this;
    for (let count = 6 + random.below(20); count > 0; count--) {
      const q = random.next();
      if (q < 0.18) this.masks.push(this.mask());
      else if (q < 0.26)
        this.scores.push(
          this.two("mul", this.product(this.recent(this.values), this.recent(this.values)), this.number(0.5)),
        );
      else if (q < 0.34) this.attention();
      else if (q < 0.55 && this.scores.length > 0) this.score();
      else if (q < 0.75 && this.scores.length > 0) {
        const a = this.recent(this.scores);
        const weights = random.chance(0.5)
          ? this.softmax(this.where(this.recent(this.masks), a, this.number(-Infinity)))
          : a;
        this.values.push(this.mix(weights, this.recent(this.values)));
      } else this.value();
    }
    let y = this.two("add", this.values.at(-1)!, this.recent(this.values));
    if (this.scores.length > 0 && random.chance(0.6))
      y = this.two("add", y, this.mix(this.scores.at(-1)!, this.recent(this.values)));
    return this.builder.finish([{ name: "y", value: y }]);
  }
}

/** A graph from x: f32[B, T, 3] to y: f32[B, T, 3], decided by a seed. */
export function randomCausalGraph(seed: number): Graph {
  return new Generator(seed).run();
}
