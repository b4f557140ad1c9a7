/**
 * The text form of Graphs and Programs, which parser.ts reads back.
 *
 *     program @GPT2
 *
 *     graph @forward(
 *       %input_ids: i32[B, T],
 *       %mask: i32[B, T] = 1
 *     ) sizes { B: 0..64, T: 0..1024 step 4 } incremental T {
 *       scope #0 = model "" : GPT2
 *       scope #1 = layer wte : Embedding in #0
 *       %2 = weight {name = "wte.weight", sources = [["wte.weight"]]} : f32[50257, 768]  ; gpt2.trafo:41:9 #1
 *       %3 = take %2, %input_ids {axis = 0} : f32[B, T, 768]  ; gpt2.trafo:41:9 #1 as x
 *       return %3 as logits
 *     }
 *
 * Where fusion has decided, `inline` or `stored` stands before the operator: `%7 = inline mul %5, %6 : f32[B, T]`.
 * An input is named, every other value is numbered by its id. After `;` stand the location, the scope and the name that
 * the user gave. Attributes that the type says already (a new shape, an element type) are left out. Scopes are numbered
 * in order of first use, an outer one first. What must stay true: equal graphs give equal texts, and a change of one
 * node changes few lines.
 */
import { render, type SizeVariable } from "../../sizes/index.js";
import { originText, rangeText } from "../text/headers.js";
import { nameText, numberText } from "../text/words.js";
import { formsOf } from "./attributes.js";
import type { Graph, Program, Scope, ValueId } from "./graph.js";
import type { Node } from "./operators.js";
import { typeText } from "./type-text.js";

/** A program and its entries. */
export function printProgram(program: Program): string {
  return [`program @${nameText(program.name)}\n`, ...program.entries.map(printGraph)].join("\n");
}

/** One graph, ending in a line break. */
export function printGraph(graph: Graph): string {
  return new GraphPrinter(graph).text();
}

/** One graph with notes below the lines of nodes, or, for notes of no node, above it. Any graph, even a broken one. */
export function annotatedGraph(
  graph: Graph,
  notes: readonly { readonly node: ValueId | null; readonly message: string }[],
): string {
  return new GraphPrinter(graph, notes).text();
}

class GraphPrinter {
  readonly #scopes = new Map<Scope, number>();

  constructor(
    readonly graph: Graph,
    readonly notes: readonly { readonly node: ValueId | null; readonly message: string }[] = [],
  ) {
    for (const scope of graph.scopes) if (scope) this.#numberScope(scope);
  }

  text(): string {
    const { graph } = this;
    const inputs = graph.nodes.filter((node) => node.operator === "input").length;
    const ids = graph.nodes.map((_, id) => id as ValueId);
    const isInput = (id: ValueId): boolean => graph.nodes[id]!.operator === "input";
    const head = ids.filter(isInput).flatMap((id, i) => this.#lines(id, this.#input(id), i < inputs - 1 ? "," : ""));
    const body = ids.filter((id) => !isInput(id)).flatMap((id) => this.#lines(id, this.#node(id), ""));
    const outputs = graph.outputs.map(({ name, value }) => `${this.#value(value)} as ${nameText(name)}`);
    const incremental = graph.incremental === undefined ? "" : ` incremental ${graph.incremental}`;
    const lines = [
      ...this.#notesOf(null),
      `graph @${nameText(graph.name)}(${head.length === 0 ? "" : `\n${head.join("\n")}\n`})${sizesText(graph.sizes)}${incremental} {`,
      ...[...this.#scopes].map(([scope, number]) => `  ${this.#scope(scope, number)}`),
      ...body,
      `  return ${outputs.join(", ")}`.trimEnd(),
      "}",
    ];
    return `${lines.join("\n")}\n`;
  }

  #numberScope(scope: Scope): void {
    const path: Scope[] = [];
    for (let at: Scope | null = scope; at !== null && !this.#scopes.has(at); at = at.parent) path.push(at);
    for (const each of path.reverse()) this.#scopes.set(each, this.#scopes.size);
  }

  #scope({ parent, name, block, kind }: Scope, number: number): string {
    const inside = parent === null ? "" : ` in #${this.#scopes.get(parent)}`;
    return `scope #${number} = ${kind} ${nameText(name)} : ${nameText(block)}${inside}`;
  }

  #lines(id: ValueId, text: string, end: string): string[] {
    const { locations, scopes, names } = this.graph;
    const [location, scope, name] = [locations[id], scopes[id], names[id]];
    const number = scope ? String(this.#scopes.get(scope)) : null;
    const tail = originText({ location: location ?? null, scope: number, name: name ?? null });
    return [`  ${text}${end}${tail}`, ...this.#notesOf(id)];
  }

  #notesOf(id: ValueId | null): string[] {
    return this.notes.filter(({ node }) => node === id).map(({ message }) => `  ; ^ ${message}`);
  }

  #input(id: ValueId): string {
    const node = this.graph.nodes[id]!;
    const fill = node.operator === "input" ? node.attributes.fill : null;
    return `${this.#value(id)}: ${this.#type(id)}${fill === null ? "" : ` = ${numberText(fill)}`}`;
  }

  #node(id: ValueId): string {
    const node = this.graph.nodes[id]!;
    const operands = node.operands.map((operand) => this.#value(operand)).join(", ");
    const attributes = writtenAttributes(node);
    const placement = this.graph.placements[id] ?? null;
    const parts = [
      ...(placement === null ? [] : [placement]),
      node.operator,
      ...(operands === "" ? [] : [operands]),
      ...(attributes === "" ? [] : [attributes]),
    ];
    return `${this.#value(id)} = ${parts.join(" ")} : ${this.#type(id)}`;
  }

  #type(id: ValueId): string {
    const type = this.graph.types[id];
    return type === undefined ? "?" : typeText(type);
  }

  #value(id: ValueId): string {
    const node = this.graph.nodes[id];
    return node?.operator === "input" ? `%${nameText(node.attributes.name)}` : `%${id}`;
  }
}

function writtenAttributes(node: Node): string {
  const values: Readonly<Record<string, unknown>> = node.attributes;
  const written = formsOf(node.operator)
    .filter(([, form]) => form.implied === undefined)
    .map(([name, form]) => `${name} = ${form.write(values[name], render)}`);
  return written.length === 0 ? "" : `{${written.join(", ")}}`;
}

function sizesText(sizes: readonly SizeVariable[]): string {
  if (sizes.length === 0) return "";
  return ` sizes { ${sizes.map(rangeText).join(", ")} }`;
}
