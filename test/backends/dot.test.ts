/** Pictures of Graphs as DOT: what is drawn, what is folded, and that Graphviz reads it. */
import { describe, expect, it, vi } from "vitest";
import { dotOfGraph, type GraphPictureOptions, pictureOfGraph, viewOf } from "../../backends/dot/index.js";
import { UserError } from "../../src/diagnostics/index.js";
import { type Graph, GraphBuilder, type ValueId } from "../../src/ir/graph/index.js";
import { gpt2 } from "./dot-gpt2.js";
import { drawn, firstLine, parsed, Sketchpad, titles } from "./dot-support.js";

const draw = (graph: Graph, options?: GraphPictureOptions) => drawn(viewOf(pictureOfGraph(graph, options)));

/** Graphviz is a process, and a machine that tests has others. */
vi.setConfig({ testTimeout: 60_000 });

describe("a picture of GPT-2", () => {
  const dot = dotOfGraph(gpt2({ layers: 3 }));
  const picture = parsed(dot);

  it("shows the layers as the source has them", () => {
    expect(titles(picture.clusters)).toEqual(["h \u00d7 3 : Block", "attn : Attention", "attention", "mlp : MLP"]);
    expect(titles(picture.nodes)).toEqual(
      expect.arrayContaining(["ln_1 : LayerNorm", "c_attn : Conv1D", "gelu_tanh", "causal_mask", "softmax", "logits"]),
    );
    expect(picture.nodes.length).toBeLessThan(30);
  });

  it("writes numbers into titles, shapes with symbolic sizes into details", () => {
    const labels = picture.nodes.map(({ label }) => label);
    expect(labels).toContain("\u00d7 0.125\\n[B, 12, T, T]");
    expect(labels).toContain("where, else \u2212inf\\n[B, 12, T, T]");
    expect(labels).toContain("causal_mask\\nbool[T, T]");
    expect(labels).toContain("c_fc : Conv1D\\nweight: [768, 3072]\\nbias: [3072]\\n\u2192 [B, T, 3072]");
    expect(labels).toContain("wpe[0:T]\\n[T, 768]");
  });

  it("has no box for plumbing and joins movements", () => {
    expect(titles(picture.nodes)).toEqual(
      expect.arrayContaining([
        "q \u00b7 split_heads",
        "k \u00b7 split_heads \u00b7 transpose",
        "v \u00b7 split_heads",
        "merge_heads",
      ]),
    );
    expect(titles(picture.nodes).filter((title) => /^(reshape|transpose|broadcast|constant)/.test(title))).toEqual([]);
  });

  it("connects: one way in, one way out, and every box on it", () => {
    const reached = new Set(["input input_ids"]);
    for (let grown = true; grown; ) {
      const before = reached.size;
      for (const { from, to } of picture.edges) if (reached.has(from)) reached.add(to);
      grown = reached.size > before;
    }
    const sources = picture.nodes.filter(({ class: kind }) => kind !== "weight" && kind !== "index");
    expect(sources.map(({ name }) => name).filter((name) => !reached.has(name))).toEqual([]);
  });

  it("takes the tied embedding twice", () => {
    const uses = picture.edges.filter(({ from }) => from === "weight wte").map(({ to }) => to);
    expect(uses).toEqual(["take", "einsum"]);
  });

  it("leads a value that a cluster uses twice through one point in it", () => {
    const entering = picture.edges.filter(({ from }) => from === "add").map(({ to }) => to);
    expect(entering).toEqual(["h.0/in"]);
    const onward = picture.edges.filter(({ from }) => from === "h.0/in").map(({ to }) => to);
    expect(onward).toEqual(["h.0.ln_1", "h.0/add"]);
  });

  it("has one node a line", () => {
    const lines = dot.split("\n").filter((line) => /^\s*"[^"]*" \[label=/.test(line));
    expect(lines.length).toBe(picture.nodes.length);
  });

  it("does not grow with the number of equal layers", () => {
    const graph = gpt2({ layers: 96 });
    const { clusters, nodes } = draw(graph);
    expect(titles(clusters)[0]).toBe("h \u00d7 96 : Block");
    expect(nodes.length).toBe(picture.nodes.length);
  });
});

describe("options", () => {
  it("expand opens everything and draws every layer", () => {
    const { clusters, nodes } = draw(gpt2({ layers: 2 }), { expand: true });
    expect(titles(clusters)).toEqual(
      expect.arrayContaining(["h.0 : Block", "h.1 : Block", "gelu_tanh", "causal_mask"]),
    );
    expect(titles(nodes)).toEqual(expect.arrayContaining(["tanh", "\u00d7 0.5", "+ 1e-5", "square", "1 / sqrt"]));
  });

  it("collapse draws layers of a depth as one box", () => {
    const model = draw(gpt2(), { collapse: 0 });
    expect(titles(model.nodes)).toEqual(["input_ids", "GPT2", "logits"]);
    const layers = draw(gpt2(), { collapse: 1 });
    expect(layers.clusters).toEqual([]);
    expect(layers.nodes.map(({ label }) => label)).toContain("h \u00d7 12 : Block\\n12 weights\\n\u2192 [B, T, 768]");
  });

  it("focus draws one layer with what enters and leaves it", () => {
    const { clusters, nodes, title } = draw(gpt2(), { focus: "h.7.mlp" });
    expect(title.trim()).toMatch(/^GPT2\.forward \u00b7 h\.7\.mlp/);
    expect(titles(clusters)).toEqual(["mlp : MLP"]);
    expect(titles(nodes).sort()).toEqual(["c_fc : Conv1D", "c_proj : Conv1D", "gelu_tanh", "h.7.ln_2", "to h.7"]);
  });

  it("focus on a layer that there is not says which there are", () => {
    const wrong = () => dotOfGraph(gpt2(), { focus: "h.12.attn" });
    expect(wrong).toThrow(UserError);
    expect(wrong).toThrow(/E0612: the model has no layer h\.12\.attn/);
  });
});

describe("equal layers", () => {
  it("fold only where they are equal in structure", () => {
    const hidden = (layer: number) => (layer === 2 ? 512 : 1024);
    const { clusters } = draw(gpt2({ layers: 6, width: 256, heads: 4, hidden }));
    const blocks = titles(clusters).filter((title) => title.endsWith(": Block"));
    expect(blocks).toEqual(["h.0 \u2026 h.1 \u00d7 2 : Block", "h.2 : Block", "h.3 \u2026 h.5 \u00d7 3 : Block"]);
  });

  it("fold as a pattern where they alternate", () => {
    const hidden = (layer: number) => (layer % 2 === 0 ? 512 : 1024);
    const { clusters } = draw(gpt2({ layers: 6, width: 256, heads: 4, hidden }));
    expect(titles(clusters)).toEqual(expect.arrayContaining(["(h.0, h.1) \u00d7 3", "h.0 : Block", "h.1 : Block"]));
    expect(titles(clusters)).not.toContain("h.2 : Block");
  });

  it("fold within a pattern", () => {
    const hidden = (layer: number) => (layer % 3 === 2 ? 512 : 1024);
    const { clusters } = draw(gpt2({ layers: 6, width: 256, heads: 4, hidden }));
    const outer = titles(clusters).filter((title) => title.includes("h."));
    expect(outer).toEqual(["(h.0, h.1, h.2) \u00d7 2", "h.0 \u2026 h.1 \u00d7 2 : Block", "h.2 : Block"]);
  });

  it("fold where one layer is called again and again", () => {
    const pad = new Sketchpad();
    let x = pad.input();
    for (let call = 0; call < 5; call++) x = pad.block("shared", x);
    const picture = draw(pad.builder.finish([{ name: "y", value: x }]));
    expect(titles(picture.clusters)).toEqual(["shared, 5 calls : Block"]);
    expect(picture.edges.filter(({ to }) => to === "output y").map(({ from }) => from)).toEqual(["shared/add"]);
  });

  it("do not fold where something else uses what is inside", () => {
    const pad = new Sketchpad();
    let x = pad.input();
    const all: ValueId[] = [];
    for (let layer = 0; layer < 3; layer++) {
      x = pad.block(`h.${layer}`, x);
      all.push(x);
    }
    const outputs = all.map((value, layer) => ({ name: `hidden_${layer}`, value }));
    const kept = draw(pad.builder.finish(outputs));
    expect(titles(kept.clusters)).toEqual(["h.0 : Block", "h.1 : Block", "h.2 : Block"]);
    const folded = draw(pad.builder.finish(outputs.slice(-1)));
    expect(titles(folded.clusters)).toEqual(["h \u00d7 3 : Block"]);
  });

  it("do not fold where they stand side by side", () => {
    const pad = new Sketchpad();
    const x = pad.input();
    const [a, b] = [pad.block("h.0", x), pad.block("h.1", x)];
    const picture = draw(pad.builder.finish([{ name: "y", value: pad.add(a, b) }]));
    expect(titles(picture.clusters)).toEqual(["h.0 : Block", "h.1 : Block"]);
  });

  it("fold with what all of them take from elsewhere", () => {
    const pad = new Sketchpad();
    const memory = pad.linear("encoder", pad.input("source"));
    let x = pad.input();
    for (let layer = 0; layer < 4; layer++) {
      const from = x;
      x = pad.inside(`h.${layer}`, "Cross", "layer", () => pad.add(pad.linear("q", from), pad.linear("k", memory)));
    }
    const { clusters, edges } = draw(pad.builder.finish([{ name: "y", value: x }]));
    expect(titles(clusters)).toEqual(["h \u00d7 4 : Cross"]);
    expect(edges.map(({ from, to }) => `${from} -> ${to}`)).toContain("encoder -> h.0.k");
  });
});

describe("identity", () => {
  const names = (graph: Graph, options: GraphPictureOptions) => draw(graph, options).nodes.map(({ name }) => name);

  it("of every node stays when a layer is added", () => {
    for (const options of [{}, { expand: true }] as const) {
      const before = names(gpt2({ layers: 2 }), options);
      const after = new Set(names(gpt2({ layers: 3 }), options));
      expect(before.filter((name) => !after.has(name))).toEqual([]);
    }
  });

  it("is of the text as a whole: the same Graph gives the same text", () => {
    expect(dotOfGraph(gpt2())).toBe(dotOfGraph(gpt2()));
  });

  it("tells two calls of one layer apart", () => {
    const pad = new Sketchpad();
    const twice = pad.linear("shared", pad.add(pad.linear("shared", pad.input()), pad.number(1)));
    const { nodes, edges } = draw(pad.builder.finish([{ name: "y", value: twice }]));
    expect(nodes.map(({ name }) => name)).toEqual(["input x", "shared", "add", "shared#2", "output y"]);
    expect(edges.length).toBe(4);
  });
});

describe("hostile names", () => {
  const hostile = [
    'say "x"',
    "back\\slash",
    "end\\",
    "\\N\\G\\l",
    "<b>bold</b>",
    "a<b & c>d",
    "&lt;",
    "{a|b}",
    "\u00e9\u4e2d\u{1f600}",
    "]; b -> c; [",
    "-->",
    "]]>",
    "/* */",
    "// x",
    "#",
    "node",
  ];

  it("are drawn as they are, each a box of its own", () => {
    const pad = new Sketchpad();
    const outputs = hostile.map((name) => {
      const y = pad.inside(name, name, "layer", () => pad.linear("b", pad.product(pad.input(name), name)));
      pad.builder.nameValue(y, name);
      return { name, value: y };
    });
    const { nodes, clusters } = parsed(dotOfGraph(pad.builder.finish(outputs)));
    const named = (kind: string) => nodes.filter((node) => node.class === kind).map(({ label }) => firstLine(label));
    expect(named("input")).toEqual(hostile);
    expect(named("output")).toEqual(hostile);
    expect(named("weight")).toEqual(hostile);
    expect(titles(clusters).sort()).toEqual(hostile.map((name) => `${name} : ${name}`).sort());
    expect(nodes.length).toBe(5 * hostile.length);
  });

  it("lose only what no label holds", () => {
    const names = ["two\nlines", "tab\there", "nul\0byte", "lone \ud800", "bell\u0007!"];
    const pad = new Sketchpad();
    const { nodes } = parsed(dotOfGraph(pad.builder.finish(names.map((name) => ({ name, value: pad.input(name) })))));
    const shown = names.map((name) => name.replace(/\p{Surrogate}/gu, "\ufffd").replace(/\p{Control}/gu, " "));
    expect(titles(nodes.filter((node) => node.class === "input"))).toEqual(shown);
  });

  it("long names are cut", () => {
    const pad = new Sketchpad();
    const { nodes } = parsed(dotOfGraph(pad.builder.finish([{ name: "y", value: pad.input("x".repeat(500)) }])));
    expect(titles(nodes)[0]).toMatch(/^x{71}\u2026$/);
  });
});

describe("small graphs", () => {
  it("of nothing", () => {
    const picture = parsed(dotOfGraph(new GraphBuilder("empty", []).finish([])));
    expect(picture.nodes).toEqual([]);
    expect(picture.title).toBe("empty");
  });

  it("of an input that is an output, and of a constant", () => {
    const pad = new Sketchpad();
    const x = pad.input();
    const seven = pad.number(7);
    const { nodes, edges } = draw(
      pad.builder.finish([
        { name: "same", value: x },
        { name: "seven", value: seven },
      ]),
    );
    expect(titles(nodes)).toEqual(["x", "same", "seven", "7"]);
    expect(edges.map(({ from, to }) => `${from} -> ${to}`)).toEqual(["input x -> output same", "7 -> output seven"]);
  });

  it("read like this", () => {
    const pad = new Sketchpad();
    const y = pad.add(pad.linear("fc", pad.input()), pad.number(0.5));
    expect(dotOfGraph(pad.builder.finish([{ name: "y", value: y }]))).toMatchInlineSnapshot(`
      "digraph "Model.forward" {
        graph [label="Model.forward", fontname="Arial", fontsize=15, fontcolor="#1b1f24", labelloc="t", labeljust="l", bgcolor="white", rankdir="TB", nodesep=0.28, ranksep=0.32, pad=0.2, splines="true"];
        node [fontname="Arial", fontsize=11, fontcolor="#1b1f24", shape="box", style="filled", fillcolor="white", color="#6e7781", margin="0.12,0.06", height=0.3, width=0.4];
        edge [fontname="Arial", fontsize=9, fontcolor="#57606a", color="#424a53", arrowsize=0.6];
        "input x" [label="x\\n[R, 4]", class="input", tooltip="x\\n[R, 4]", style="filled,rounded", fillcolor="#d9ecf8", color="#0072b2"];
        "fc" [label="fc : Linear\\nweight: [4, 4]\\n→ [R, 4]", class="contraction layer", tooltip="fc : Linear\\n[R, 4]\\nfc.weight: [4, 4]", fillcolor="#d5efe6", color="#007a59", penwidth=1.8];
        "add" [label="+ 0.5\\n[R, 4]", class="elementwise", tooltip="+ 0.5\\n[R, 4]"];
        "output y" [label="y\\n[R, 4]", class="output", tooltip="y\\n[R, 4]", style="filled,rounded,bold", fillcolor="#d9ecf8", color="#0072b2"];
        "input x" -> "fc" [weight=3];
        "fc" -> "add" [weight=3];
        "add" -> "output y" [weight=3];
      }
      "
    `);
  });
});
