/** What a derived step keeps, exactly, and how it is laid out. */
import { describe, expect, it } from "vitest";
import { type Derived, derive } from "../../src/incremental/index.js";
import { shapeText } from "../../src/ir/graph/index.js";
import { decoders, loadDecoder } from "../support/decoders.js";
import { program } from "../support/program.js";

function statesOf({ states }: Derived): string[] {
  return states.map(({ kind, name, element, shape }) => `${kind} ${name} ${element}${shapeText(shape)}`);
}

const layers = `  block Project()(x: [B, T, width]) -> [B, T, width] {
    param weight: [width, width]
    let y = x @ weight
    y
  }
  layer q = Project()
  layer k = Project()
  layer v = Project()`;

/** The states of a model of one layer's worth of text. */
function kept(body: string, more = ""): string[] {
  const text = `import std: causal_mask, repeat_heads, window_mask\n\nmodel M(width: int = 8) {\n${more}\n
  entry forward(x: [B, T <= 64, width]) incremental T -> (y: [B, T, width]) {\n${body}\n  }\n}\n`;
  return statesOf(derive(program(text).program.entries[0]!, "T"));
}

describe("the states of decoders", () => {
  it.each(decoders)("$name", (decoder) => {
    const found = loadDecoder(decoder).program.entries.flatMap((entry) =>
      entry.incremental === undefined ? [] : statesOf(derive(entry, entry.incremental)),
    );
    expect(found.join("\n")).toMatchSnapshot();
  });
});

describe("what is kept", () => {
  const mask = "let mask = causal_mask(T)";

  it("is a key and a value", () => {
    expect(kept(`${mask}\nsoftmax(where(mask, q(x) @ k(x).T, -inf)) @ v(x)`, layers)).toEqual([
      "append past.k.y f32[B, P, 8]",
      "append past.v.y f32[B, P, 8]",
    ]);
  });

  it("is one value for a key and its transpose", () => {
    const body = `${mask}\nlet key = k(x)\nlet a = q(x) @ key.T + einsum("b t k, b s k -> b t s", x, key)\nsoftmax(where(mask, a, -inf)) @ v(x)`;
    expect(kept(body, layers)).toEqual(["append past.k.y f32[B, P, 8]", "append past.v.y f32[B, P, 8]"]);
  });

  it("is the latent where the program multiplies by it last", () => {
    const body = `${mask}
    let c = x @ down
    let scores = einsum("b t r, b s r -> b t s", einsum("b t k, k r -> b t r", x, up), c)
    let mixed = softmax(where(mask, scores, -inf)) @ c
    einsum("b t r, k r -> b t k", mixed, out)`;
    const weights = "  param down: [width, 3]\n  param up: [width, 3]\n  param out: [width, 3]";
    expect(kept(body, weights)).toEqual(["append past.c f32[B, P, 3]"]);
  });

  it("is the latent and what all heads share, not what is made of them", () => {
    const body = `${mask}
    let c = x @ down
    let key = repeat_heads(rearrange(c, "b t r -> b 1 t r"), 4)
    let query = repeat_heads(rearrange(x @ down, "b t r -> b 1 t r"), 4)
    let p = softmax(where(mask, query @ key.T, -inf))
    x + sum(rearrange(p @ key, "b h t r -> b t (h r)"))`;
    expect(kept(body, "  param down: [width, 3]")).toEqual(["append past.c f32[B, P, 3]"]);
  });

  it("is the window of a sliding window", () => {
    expect(kept("softmax(where(window_mask(T, 5), x @ x.T, -inf)) @ x")).toEqual(["ring past.x f32[B, 5, 8]"]);
    expect(kept("softmax(where(window_mask(T, 1), x @ x.T, -inf)) @ x")).toEqual([]);
  });

  it("is one row of a running sum, and the rows that are read back", () => {
    expect(kept("cumsum(x, axis = 1)")).toEqual(["carry past.cumsum f32[B, 1, 8]"]);
    expect(kept("[b: B, t: T, k: width] => if t < 2 then 0 else x[b, t - 2, k]")).toEqual(["tail past.x f32[B, 2, 8]"]);
  });

  it("is what a causal convolution reaches, however its windows are written", () => {
    const convolved = (window: string) =>
      kept(`sum([b: B, t: T, d: width, k: 4] => ${window}, keep = false)`).join("\n");
    expect(convolved("if t + k - 3 >= 0 then x[b, t + k - 3, d] else 0")).toBe("tail past.x f32[B, 3, 8]");
    expect(convolved("if t >= 2 * k then x[b, t - 2 * k, d] else 0")).toBe("tail past.x f32[B, 6, 8]");
    expect(() => convolved("if 0 <= t + 2 * k - 5 < T then x[b, t + 2 * k - 5, d] else 0")).toThrow(
      "T is used as a number",
    );
  });

  it("is nothing of learned rows before the positions, whose masks count them", () => {
    const body = `let keys = concat(rearrange(memory, "n d -> 1 n d"), x, axis = 1)
    let mask = [t: T, s: T + 3] => s <= t + 3`;
    const memory = "  param memory: [3, width]";
    expect(kept(`${body}\nsoftmax(where(mask, x @ keys.T, -inf)) @ keys`, memory)).toEqual([
      "append past.x f32[B, P, 8]",
    ]);
    const near = "mask and [t: T, s: T + 3] => s > t - 1";
    expect(kept(`${body}\nsoftmax(where(${near}, x @ keys.T, -inf)) @ keys`, memory)).toEqual([
      "ring past.x f32[B, 4, 8]",
    ]);
    const ahead = "[t: T, s: T + 3] => s <= t + 4";
    expect(() => kept(`${body}\nsoftmax(where(${ahead}, x @ keys.T, -inf)) @ keys`, memory)).toThrow();
  });

  it("is nothing for what looks at its own position only", () => {
    expect(kept("x * 2 + [t: T, k: width] => f32(t + k)")).toEqual([]);
  });

  it("is a mask in its own type", () => {
    const text = `import std: causal_mask, padding_mask\n\nmodel M(width: int = 8) {
  entry forward(x: [B, T, width], keep: i32[B, T] = 1) incremental T -> (y: [B, T, width]) {
    let mask = causal_mask(T) and [b: B, t: T, s: T] => keep[b, s] != 0
    softmax(where(mask, x @ x.T, -inf)) @ x
  }\n}\n`;
    const found = statesOf(derive(program(text).program.entries[0]!, "T"));
    expect(found.map((each) => each.replace(/ past\.\S+/, ""))).toEqual([
      "append f32[B, P, 8]",
      "append bool[B, 1, P]",
    ]);
  });
});
