/** What the tests of pictures share: Graphviz as a parser, and small Graphs. */
import { execFileSync, type StdioOptions } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { boxesOf, isCluster, type Picture, tensorText } from "../../backends/dot/picture/picture.js";
import { GraphBuilder, matmul, type Scope, type ValueId } from "../../src/ir/graph/index.js";
import { SizeVariable, size } from "../../src/sizes/index.js";

/** A node or a cluster, as Graphviz has read it. */
export interface Drawn {
  readonly name: string;
  readonly label: string;
  readonly class: string;
}

export interface Parsed {
  readonly clusters: readonly Drawn[];
  readonly nodes: readonly Drawn[];
  readonly edges: readonly { readonly from: string; readonly to: string; readonly label: string }[];
  readonly title: string;
}

/** Reads DOT through Graphviz; throws where that fails. */
export function parsed(dot: string): Parsed {
  const program = join(dirname(createRequire(import.meta.url).resolve("graphviz-cli")), "..", "bin", "graphviz.cjs");
  const stdio: StdioOptions = ["pipe", "pipe", "ignore"];
  const output = execFileSync(process.execPath, [program, "-Tjson"], { input: dot, stdio, maxBuffer: 1 << 28 });
  const graph = JSON.parse(output.toString()) as {
    readonly label: string;
    readonly _subgraph_cnt: number;
    readonly objects?: readonly (Drawn & { readonly _gvid: number })[];
    readonly edges?: readonly { readonly tail: number; readonly head: number; readonly label?: string }[];
  };
  const objects = graph.objects ?? [];
  const byId = new Map(objects.map((object) => [object._gvid, object.name]));
  return {
    title: graph.label,
    clusters: objects.slice(0, graph._subgraph_cnt),
    nodes: objects.slice(graph._subgraph_cnt),
    edges: (graph.edges ?? []).map(({ tail, head, label = "" }) => ({
      from: byId.get(tail)!,
      to: byId.get(head)!,
      label: label.trim(),
    })),
  };
}

/** The same of a Picture, without Graphviz. */
export function drawn(picture: Picture): Parsed {
  const clusters: Drawn[] = [];
  const walk = (items: Picture["items"]): void => {
    for (const item of items) {
      if (!isCluster(item)) continue;
      clusters.push({ name: item.id, label: item.title, class: "" });
      walk(item.items);
    }
  };
  walk(picture.items);
  const nodes = [...boxesOf(picture.items)].map(({ node }) => ({
    name: node.id,
    label: node.kind === "junction" ? "" : [node.title, ...node.details].join("\\n"),
    class: node.kind,
  }));
  const edges = picture.edges.map(({ from, to, tensor }) => ({
    from,
    to,
    label: tensor === null ? "" : tensorText(tensor),
  }));
  return { clusters, nodes, edges, title: picture.title };
}

/** The first lines of labels. */
export function titles(drawn: readonly Drawn[]): string[] {
  return drawn.map(({ label }) => firstLine(label).trim());
}

/** The first line of a label, with Graphviz's escapes undone. */
export function firstLine(label: string): string {
  const [line = ""] = /^(?:\\[^n]|[^\\])*/.exec(label) ?? [];
  return line.replace(/\\(.)/g, "$1").replaceAll("&amp;", "&");
}

/** Builds small Graphs: a square matrix product is a layer, a call doubles. */
export class Sketchpad {
  readonly builder = new GraphBuilder("forward", []);
  scope: Scope = { parent: null, name: "", block: "Model", kind: "model" };
  readonly rows = new SizeVariable("R", 1, null);

  input(name = "x"): ValueId {
    this.#here();
    const shape = [size(this.rows), size(4)];
    return this.builder.emit("input", [], { name, element: "f32", shape, fill: null });
  }

  inside<T>(name: string, block: string, kind: "layer" | "function", body: () => T): T {
    const outer = this.scope;
    this.scope = { parent: outer, name, block, kind };
    const value = body();
    this.scope = outer;
    return value;
  }

  /** A layer of one product. */
  linear(name: string, x: ValueId): ValueId {
    return this.inside(name, "Linear", "layer", () => this.product(x));
  }

  /** A layer of two linear layers and a residual. */
  block(name: string, x: ValueId): ValueId {
    return this.inside(name, "Block", "layer", () => {
      const y = this.linear("down", this.linear("up", x));
      return this.add(x, y);
    });
  }

  add(a: ValueId, b: ValueId): ValueId {
    this.#here();
    return this.builder.emit("add", [a, b], {});
  }

  number(value: number): ValueId {
    this.#here();
    return this.builder.emit("constant", [], { value, element: "f32" });
  }

  /** x times a weight of the current layer. */
  product(x: ValueId, name = "weight"): ValueId {
    this.#here();
    const path = [name];
    for (let at = this.scope; at.parent !== null; at = at.parent) path.unshift(at.name);
    const full = path.join(".");
    const attributes = { name: full, element: "f32", shape: [size(4), size(4)], sources: [[full]] } as const;
    const weight = this.builder.emit("weight", [], attributes);
    this.builder.nameValue(weight, name);
    return matmul(this.builder, x, weight);
  }

  #here(): void {
    this.builder.origin = { location: null, scope: this.scope };
  }
}
