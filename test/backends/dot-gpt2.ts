/** A model like GPT-2, built by hand as elaboration would: for pictures of something real. */
import {
  type Graph,
  GraphBuilder,
  matmul,
  type Scope,
  scalar,
  transposeLast,
  type ValueId,
} from "../../src/ir/graph/index.js";
import { floorDiv, type Size, SizeVariable, size } from "../../src/sizes/index.js";

export interface ModelSizes {
  readonly layers: number;
  readonly width: number;
  readonly heads: number;
  readonly vocabulary: number;
  readonly context: number;
  /** The hidden width of each layer, where it is not four times the width. */
  readonly hidden?: (layer: number) => number;
}

const small: ModelSizes = { layers: 12, width: 768, heads: 12, vocabulary: 50257, context: 1024 };

/** The entry `forward` of a GPT-2 of these sizes. */
export function gpt2(sizes: Partial<ModelSizes> = {}): Graph {
  return new Model({ ...small, ...sizes }).forward();
}

class Model {
  readonly #batch = new SizeVariable("B", 1, null);
  readonly #time: SizeVariable;
  readonly #builder: GraphBuilder;
  #scope: Scope = { parent: null, name: "", block: "GPT2", kind: "model" };
  #line = 1;

  constructor(readonly sizes: ModelSizes) {
    this.#time = new SizeVariable("T", 1, sizes.context);
    this.#builder = new GraphBuilder("forward", [this.#batch, this.#time]);
  }

  forward(): Graph {
    const { layers, width, vocabulary, context, hidden } = this.sizes;
    const builder = this.#builder;
    const shape = [size(this.#batch), size(this.#time)];
    this.#here();
    const ids = builder.emit("input", [], { name: "input_ids", element: "i32", shape, fill: null });
    const wte = this.#weight("wte", [size(vocabulary), size(width)]);
    const wpe = this.#weight("wpe", [size(context), size(width)]);
    const places = builder.emit("slice", [wpe], { axis: 0, start: size(0), length: size(this.#time) });
    let x = this.#add(builder.emit("take", [wte, ids], { axis: 0 }), places);
    builder.nameValue(x, "x");
    for (let layer = 0; layer < layers; layer++) {
      const input = x;
      x = this.#layer(`h.${layer}`, "Block", () => this.#block(input, hidden?.(layer) ?? 4 * width));
    }
    const normed = this.#norm("ln_f", x);
    const logits = matmul(builder, normed, transposeLast(builder, wte));
    return builder.finish([{ name: "logits", value: logits }]);
  }

  #block(x: ValueId, hidden: number): ValueId {
    const { width } = this.sizes;
    const attended = this.#add(x, this.#attention(this.#norm("ln_1", x)));
    this.#builder.nameValue(attended, "x");
    const normed = this.#norm("ln_2", attended);
    const fed = this.#layer("mlp", "MLP", () =>
      this.#linear("c_proj", this.#gelu(this.#linear("c_fc", normed, width, hidden)), hidden, width),
    );
    return this.#add(attended, fed);
  }

  #norm(name: string, x: ValueId): ValueId {
    return this.#layer(name, "LayerNorm", () => {
      const builder = this.#builder;
      const axis = builder.typeOf(x).shape.length - 1;
      const centred = builder.emit("sub", [x, builder.emit("mean", [x], { axis })], {});
      builder.nameValue(centred, "centred");
      const square = builder.emit("mul", [centred, centred], {});
      const variance = this.#add(builder.emit("mean", [square], { axis }), scalar(builder, 1e-5, "f32"));
      const scaled = this.#multiply(centred, builder.emit("rsqrt", [variance], {}));
      const weight = this.#weight("weight", [size(this.sizes.width)]);
      return this.#add(this.#multiply(scaled, weight), this.#weight("bias", [size(this.sizes.width)]));
    });
  }

  #linear(name: string, x: ValueId, from: number, to: number): ValueId {
    return this.#layer(name, "Conv1D", () => {
      const product = matmul(this.#builder, x, this.#weight("weight", [size(from), size(to)]));
      return this.#add(product, this.#weight("bias", [size(to)]));
    });
  }

  #attention(x: ValueId): ValueId {
    const { width, heads } = this.sizes;
    const builder = this.#builder;
    return this.#layer("attn", "Attention", () => {
      const all = this.#linear("c_attn", x, width, 3 * width);
      const [q, k, v] = ["q", "k", "v"].map((name, part) => {
        const value = builder.emit("slice", [all], { axis: 2, start: size(part * width), length: size(width) });
        builder.nameValue(value, name);
        return value;
      });
      const split = (value: ValueId): ValueId => this.#call("split_heads", () => this.#splitHeads(value));
      const [queries, keys, values] = [split(q!), split(k!), split(v!)];
      const mask = this.#call("causal_mask", () => this.#causalMask());
      const y = this.#call("attention", () => {
        const scores = matmul(builder, queries, transposeLast(builder, keys));
        const scaled = this.#multiply(scores, scalar(builder, 1 / Math.sqrt(width / heads), "f32"));
        const masked = builder.emit("where", [mask, scaled, scalar(builder, Number.NEGATIVE_INFINITY, "f32")], {});
        return matmul(builder, builder.emit("softmax", [masked], { axis: 3 }), values);
      });
      builder.nameValue(y, "y");
      const merged = this.#call("merge_heads", () => {
        const swapped = builder.emit("transpose", [y], { permutation: [0, 2, 1, 3] });
        return builder.emit("reshape", [swapped], { shape: [...this.#shape(), size(width)] });
      });
      return this.#linear("c_proj", merged, width, width);
    });
  }

  #splitHeads(x: ValueId): ValueId {
    const { width, heads } = this.sizes;
    const shape = [...this.#shape(), size(heads), floorDiv(size(width), size(heads))];
    const parts = this.#builder.emit("reshape", [x], { shape });
    return this.#builder.emit("transpose", [parts], { permutation: [0, 2, 1, 3] });
  }

  #causalMask(): ValueId {
    const builder = this.#builder;
    const shape = [size(this.#time), size(this.#time)];
    const key = builder.emit("iota", [], { axis: 1, shape });
    return builder.emit("le", [key, builder.emit("iota", [], { axis: 0, shape })], {});
  }

  #gelu(x: ValueId): ValueId {
    return this.#call("gelu_tanh", () => {
      const builder = this.#builder;
      const number = (value: number): ValueId => scalar(builder, value, "f32");
      const cube = builder.emit("pow", [x, number(3)], {});
      const inner = this.#add(x, this.#multiply(number(0.044715), cube));
      const bent = builder.emit("tanh", [this.#multiply(number(Math.sqrt(2 / Math.PI)), inner)], {});
      return this.#multiply(this.#multiply(number(0.5), x), this.#add(number(1), bent));
    });
  }

  #shape(): Size[] {
    return [size(this.#batch), size(this.#time)];
  }

  #add(a: ValueId, b: ValueId): ValueId {
    return this.#builder.emit("add", [a, b], {});
  }

  #multiply(a: ValueId, b: ValueId): ValueId {
    return this.#builder.emit("mul", [a, b], {});
  }

  #weight(name: string, shape: readonly Size[]): ValueId {
    const path = [name];
    for (let at = this.#scope; at.parent !== null; at = at.parent) path.unshift(at.name);
    const full = path.join(".");
    const value = this.#builder.emit("weight", [], { name: full, element: "f32", shape, sources: [[full]] });
    this.#builder.nameValue(value, name);
    return value;
  }

  #layer(name: string, block: string, body: () => ValueId): ValueId {
    return this.#inside({ parent: this.#scope, name, block, kind: "layer" }, body);
  }

  #call(name: string, body: () => ValueId): ValueId {
    return this.#inside({ parent: this.#scope, name, block: name, kind: "function" }, body);
  }

  #inside(scope: Scope, body: () => ValueId): ValueId {
    const outer = this.#scope;
    this.#scope = scope;
    this.#here();
    const value = body();
    this.#scope = outer;
    this.#here();
    return value;
  }

  #here(): void {
    this.#builder.origin = { location: { file: "gpt2.trafo", line: this.#line++, column: 3 }, scope: this.#scope };
  }
}
