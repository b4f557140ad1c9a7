/**
 * Reads the text form of Graphs and Programs; see printer.ts for what it looks like.
 *
 * Nothing is folded or shared, so that reading gives exactly the graph that was printed. Any numbers will do for the
 * values of a text written by hand, as long as each stands before its use. The first mistake ends the reading, with a
 * UserError of E0690 at its place; then the verifier's rules are checked, each with an error of its own.
 */
import { diagnostic, type Location, type SourceFile, type Span, UserError } from "../../diagnostics/index.js";
import type { SizeVariable } from "../../sizes/index.js";
import { readOrigin, readRange } from "../text/headers.js";
import { DumpReader } from "../text/reader.js";
import { formsOf } from "./attributes.js";
import type { Graph, GraphOutput, Placement, Program, Scope, ValueId } from "./graph.js";
import { GraphTypeError, inferType, isOperator } from "./infer.js";
import type { Attributes, Node, OperatorName } from "./operators.js";
import { roundTo } from "./rounding.js";
import { typeText } from "./type-text.js";
import { type ElementType, elementTypes, type TensorType } from "./types.js";
import { equalTypes, violations } from "./verifier.js";

/** Reads `program @name` and its graphs. Throws UserError. */
export function parseProgram(file: SourceFile): Program {
  const reader = new DumpReader(file);
  reader.expect("word", "`program`", "program");
  const name = reader.expect("graph", "the program's name, such as `@GPT2`,");
  const entries: Graph[] = [];
  while (!reader.sees("end")) entries.push(new GraphParser(reader).graph());
  return { name, entries };
}

/** Reads one graph, which must be all of the text. Throws UserError. */
export function parseGraph(file: SourceFile): Graph {
  const reader = new DumpReader(file);
  const graph = new GraphParser(reader).graph();
  if (!reader.sees("end")) reader.fail("text stands after the graph");
  return graph;
}

class GraphParser {
  readonly #nodes: Node[] = [];
  readonly #types: TensorType[] = [];
  readonly #locations: (Location | null)[] = [];
  readonly #scopes: (Scope | null)[] = [];
  readonly #names: (string | null)[] = [];
  readonly #placements: (Placement | null)[] = [];
  readonly #places: Span[] = [];
  readonly #values = new Map<string, ValueId>();
  readonly #scopeByNumber = new Map<string, Scope>();
  readonly #sizes: SizeVariable[] = [];
  #incremental: string | null = null;

  constructor(readonly reader: DumpReader) {}

  graph(): Graph {
    const { reader } = this;
    reader.expect("word", "`graph`", "graph");
    const place = reader.span;
    const name = reader.expect("graph", "the graph's name, such as `@forward`,");
    this.#head();
    while (reader.sees("value")) this.#node();
    reader.expect("word", "a value or `return`", "return");
    const outputs = this.#outputs();
    reader.mark("}");
    const graph: Graph = {
      name,
      sizes: this.#sizes,
      nodes: this.#nodes,
      types: this.#types,
      locations: this.#locations,
      scopes: this.#scopes,
      names: this.#names,
      placements: this.#placements,
      outputs,
      ...(this.#incremental === null ? {} : { incremental: this.#incremental }),
    };
    const broken = violations(graph);
    if (broken.length === 0) return graph;
    throw new UserError(
      broken.map(({ node, message }) => diagnostic("E0690", node === null ? place : this.#places[node]!, message)),
    );
  }

  /** All up to the first node. Inputs mention the sizes and scopes that stand behind them, and are read last. */
  #head(): void {
    const { reader } = this;
    reader.sizes.clear();
    reader.mark("(");
    const inputs = reader.position;
    reader.skipTo(")");
    if (reader.accept("word", "sizes")) {
      reader.mark("{");
      this.#sizes.push(...reader.items(() => readRange(reader), "}"));
    }
    if (reader.accept("word", "incremental")) {
      const place = reader.span;
      this.#incremental = reader.word();
      if (!reader.sizes.has(this.#incremental)) reader.fail(`the graph has no size ${this.#incremental}`, place);
    }
    reader.mark("{");
    while (reader.accept("word", "scope")) this.#scope();
    const body = reader.position;
    reader.position = inputs;
    while (!reader.accept("mark", ")")) this.#input();
    reader.position = body;
  }

  #scope(): void {
    const { reader } = this;
    const number = reader.expect("scope", "a scope's number, such as `#0`,");
    reader.mark("=");
    const kind = reader.word();
    if (kind !== "model" && kind !== "layer" && kind !== "function")
      this.reader.fail(`\`${kind}\` is no kind of scope`);
    const name = reader.name();
    reader.mark(":");
    const block = reader.name();
    const parent = reader.accept("word", "in") ? this.#scopeOf(reader.expect("scope", "a scope's number")) : null;
    this.#scopeByNumber.set(number, { parent, name, block, kind });
  }

  #scopeOf(number: string): Scope {
    return this.#scopeByNumber.get(number) ?? this.reader.fail(`there is no scope #${number}`);
  }

  #input(): void {
    const { reader } = this;
    const place = reader.span;
    const name = reader.expect("value", "an input, such as `%x`,");
    reader.mark(":");
    const type = this.#type();
    const fill = reader.accept("mark", "=") ? roundTo(type.element, reader.number()) : null;
    if (!reader.sees("mark", ")")) reader.accept("mark", ",");
    this.#add("input", [], { name, ...type, fill }, type, name, place);
  }

  #node(): void {
    const { reader } = this;
    const place = reader.span;
    const label = reader.expect("value", "a value");
    reader.mark("=");
    const placement = this.#placement();
    const operator = reader.word();
    if (!isOperator(operator) || operator === "input") this.reader.fail(`\`${operator}\` is no operator`, place);
    const operands: ValueId[] = [];
    while (reader.sees("value")) {
      operands.push(this.#value());
      if (!reader.accept("mark", ",")) break;
    }
    const written = this.#attributes(operator);
    reader.mark(":");
    const type = this.#type();
    this.#add(operator, operands, this.#complete(operator, written, type, place), type, label, place);
    this.#placements[this.#placements.length - 1] = placement;
  }

  #placement(): Placement | null {
    if (this.reader.accept("word", "inline")) return "inline";
    return this.reader.accept("word", "stored") ? "stored" : null;
  }

  #value(): ValueId {
    const { reader } = this;
    const place = reader.span;
    const label = reader.expect("value", "a value");
    return this.#values.get(label) ?? reader.fail(`%${label} is not defined before its use`, place);
  }

  #attributes(operator: OperatorName): Map<string, unknown> {
    const { reader } = this;
    const written = new Map<string, unknown>();
    if (!reader.accept("mark", "{")) return written;
    const forms = new Map(formsOf(operator));
    reader.items(() => {
      const place = reader.span;
      const name = reader.word();
      const form = forms.get(name) ?? reader.fail(`${operator} has no attribute ${name}`, place);
      reader.mark("=");
      written.set(name, form.read(reader));
    }, "}");
    return written;
  }

  /** The written attributes with those that the type implies. */
  #complete<K extends OperatorName>(
    operator: K,
    written: Map<string, unknown>,
    type: TensorType,
    place: Span,
  ): Attributes[K] {
    const complete: Record<string, unknown> = {};
    for (const [name, form] of formsOf(operator)) {
      if (written.has(name)) complete[name] = written.get(name);
      else if (form.implied) complete[name] = form.implied(type);
      else this.reader.fail(`${operator} needs its attribute ${name}`, place);
    }
    return complete as Attributes[K];
  }

  #type(): TensorType {
    const { reader } = this;
    const place = reader.span;
    const word = reader.word();
    const element: ElementType =
      elementTypes.find((each) => each === word) ?? reader.fail(`\`${word}\` is no element type`, place);
    return { element, shape: reader.list(() => reader.size()) };
  }

  #add<K extends OperatorName>(
    operator: K,
    operands: readonly ValueId[],
    attributes: Attributes[K],
    type: TensorType,
    label: string,
    place: Span,
  ): void {
    const { reader } = this;
    this.#checkType(operator, operands, attributes, type, place);
    if (this.#values.has(label)) reader.fail(`%${label} is defined twice`, place);
    this.#values.set(label, this.#nodes.length as ValueId);
    this.#nodes.push({ operator, operands, attributes } as unknown as Node);
    this.#types.push(type);
    this.#placements.push(null);
    this.#places.push(place);
    this.#origin();
  }

  #checkType<K extends OperatorName>(
    operator: K,
    operands: readonly ValueId[],
    attributes: Attributes[K],
    written: TensorType,
    place: Span,
  ): void {
    try {
      const types = operands.map((operand) => this.#types[operand]!);
      const type = inferType(operator, types, attributes);
      if (!equalTypes(type, written)) {
        this.reader.fail(`the type is ${typeText(type)}, and ${typeText(written)} is written`, place);
      }
    } catch (error) {
      if (!(error instanceof GraphTypeError)) throw error;
      this.reader.fail(error.message, place);
    }
  }

  /** What stands after `;`, if anything does: `model.trafo:41:9 #1 as x`, each part optional. */
  #origin(): void {
    const { location, scope, name } = readOrigin(this.reader);
    this.#locations.push(location);
    this.#scopes.push(scope === null ? null : this.#scopeOf(scope));
    this.#names.push(name);
  }

  #outputs(): GraphOutput[] {
    const { reader } = this;
    const outputs: GraphOutput[] = [];
    while (reader.sees("value")) {
      const value = this.#value();
      reader.expect("word", "`as` with a name", "as");
      outputs.push({ name: reader.name(), value });
      if (!reader.accept("mark", ",")) break;
    }
    return outputs;
  }
}
