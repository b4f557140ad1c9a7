/**
 * A Graph as an ONNX model, operator by operator and before any fusion, so that a runtime of others is a witness of what
 * the passes and backends make of the Graph.
 *
 * What must stay true: every value of the Graph is one value of the model, in the same order; sizes that only a run shows
 * are computed from the shapes of inputs; the names are those of the source.
 */
import { type Location, UserError } from "../../src/diagnostics/index.js";
import type { Attributes, Graph, Node, OperatorName, Scope, ValueId } from "../../src/ir/graph/index.js";
import { typeText } from "../../src/ir/graph/index.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { bytesPerElement, elementCount } from "../../src/runtime/host/tensors.js";
import { requestOf } from "../../src/runtime/weights.js";
import { bindingOf, render, type SizeVariable, variablesOf } from "../../src/sizes/index.js";
import { OnnxBuilder } from "./builder.js";
import { einsum } from "./einsum.js";
import { binaryRules, cast, unaryRules, where } from "./elementwise.js";
import type { OnnxModel, OnnxNode, Port, Value } from "./messages.js";
import { broadcast, concat, element, iota, reshape, slice, take, transpose } from "./movement.js";
import { cumsum, reductionRules, softmax, topk } from "./reductions.js";
import type { Context, Rule, RuleContext } from "./rules.js";
import { type SizeSource, SizeValues } from "./sizes.js";

/** Where the bytes of a weight lie in a file beside the model. */
export interface ExternalWeight {
  readonly file: string;
  readonly offset: number;
}

export interface OnnxOptions {
  readonly graph: Graph;
  /** The model's name, for people. */
  readonly name: string;
  readonly documentation?: string | null;
  /** Of Trafo; left out of the model if not given. */
  readonly producerVersion?: string;
  /** The tensor of a weight; asked for when the file is written. */
  readonly weight: (name: string) => Tensor;
  /** Where a weight lies beside the model; null for one within it. */
  readonly external?: (name: string) => ExternalWeight | null;
  /** The line of the source at a location, where it is known. */
  readonly sourceLine?: (location: Location) => string | null;
}

type Leaf = "input" | "weight";

const rules: { readonly [K in Exclude<OperatorName, Leaf>]: Rule<K> } = {
  ...unaryRules,
  ...binaryRules,
  ...reductionRules,
  constant: ({ builder, node }) => builder.scalar(node.attributes.value, node.attributes.element),
  size: ({ sizes, node }) => sizes.number(node.attributes.value),
  iota,
  cast,
  where,
  softmax,
  cumsum,
  einsum,
  transpose,
  reshape,
  broadcast,
  slice,
  concat,
  take,
  element,
  topk,
};

/**
 * The model of one entry.
 * @throws UserError E0502 where ONNX cannot express the entry.
 */
export function onnxModel(options: OnnxOptions): OnnxModel {
  return new Emission(options).model();
}

class Emission {
  readonly #builder = new OnnxBuilder();
  readonly #inputs = new Map<string, Value>();
  readonly #values: Value[] = [];

  constructor(readonly options: OnnxOptions) {}

  model(): OnnxModel {
    const { graph, name, documentation, producerVersion = "" } = this.options;
    this.#checkNames();
    const inputs = this.#declareInputs();
    const context: Context = { graph, builder: this.#builder, sizes: new SizeValues(this.#builder, this.#sources()) };
    for (const id of graph.nodes.keys()) this.#values.push(this.#emit(context, id as ValueId));
    const outputs = this.#outputs();
    const nodes = living(this.#builder.nodes, outputs);
    const used = new Set(nodes.flatMap((node) => node.inputs));
    return {
      name: graph.name,
      documentation: documentation ?? "",
      producerVersion,
      metadata: this.#metadata(name),
      inputs,
      outputs,
      nodes,
      initializers: this.#builder.initializers.filter(({ value }) => used.has(value)),
    };
  }

  /** Inputs and outputs share one space of names in ONNX. */
  #checkNames(): void {
    const { graph } = this.options;
    const names = new Set(inputsOf(graph).map(({ name }) => name));
    for (const { name } of graph.outputs) {
      if (names.has(name)) {
        throw UserError.of("E0502", `entry ${graph.name} has ${name} as an input and as an output, which ONNX cannot`, {
          help: ["give the output another name"],
        });
      }
    }
    for (const { name } of graph.outputs) this.#builder.named(name, "f32");
  }

  /**
   * Every input must be given: an initializer in place of a fill could not be overridden from JavaScript, where
   * onnxruntime knows only the inputs without one.
   */
  #declareInputs(): Port[] {
    return inputsOf(this.options.graph).map(({ name, element, shape, fill }) => {
      const value = this.#builder.named(name, element);
      this.#inputs.set(name, value);
      const text = fill === null ? "" : `, ${fill} everywhere where it is not known`;
      return { value, shape, documentation: `${typeText({ element, shape })}${text}` };
    });
  }

  /** The first input and axis that show each size. */
  #bindings(): Map<SizeVariable, { name: string; axis: number; times: number }> {
    const { graph } = this.options;
    const found = new Map<SizeVariable, { name: string; axis: number; times: number }>();
    for (const { name, shape } of inputsOf(graph)) {
      for (const [axis, each] of shape.entries()) {
        const bound = bindingOf(each);
        if (bound !== null && !found.has(bound.variable)) found.set(bound.variable, { name, axis, times: bound.times });
      }
    }
    return found;
  }

  /** @throws UserError E0502 for a size that no input shows. */
  #sources(): Map<SizeVariable, SizeSource> {
    const { graph } = this.options;
    const bindings = this.#bindings();
    const needed = new Set(graph.types.flatMap(({ shape }) => shape.flatMap((each) => variablesOf(each))));
    for (const variable of needed) {
      if (bindings.has(variable)) continue;
      throw UserError.of("E0502", `no input of entry ${graph.name} shows the size ${variable.name}`, {
        help: [`give an input an axis of size ${variable.name}`],
      });
    }
    return new Map(
      [...bindings].map(([variable, { name, axis, times }]) => [
        variable,
        { input: this.#inputs.get(name)!, axis, times },
      ]),
    );
  }

  #emit(context: Context, id: ValueId): Value {
    const { graph } = context;
    const node = graph.nodes[id]!;
    this.#builder.origin = { path: this.#path(id, node), documentation: this.#documentation(id) };
    const before = this.#builder.nodes.length;
    const value = this.#value(context, id, node);
    const producer = this.#builder.producerOf(value);
    // The last of the nodes that compute the value takes the value's own name.
    const isOwn = producer !== undefined && this.#builder.nodes.indexOf(producer, before) >= 0;
    if (isOwn) this.#builder.rename(value, this.#path(id, node));
    return value;
  }

  #value(context: Context, id: ValueId, node: Node): Value {
    if (node.operator === "input") return this.#inputs.get(node.attributes.name)!;
    if (node.operator === "weight") return this.#weight(node.attributes);
    return call(node.operator, {
      ...context,
      node,
      inputs: node.operands.map((operand) => this.#values[operand]!),
      types: node.operands.map((operand) => context.graph.types[operand]!),
      type: context.graph.types[id]!,
    });
  }

  #weight(attributes: Attributes["weight"]): Value {
    const { name, element, shape } = requestOf(attributes);
    const value = this.#builder.value(name, element);
    const length = elementCount(shape) * bytesPerElement[element];
    const beside = this.options.external?.(name) ?? null;
    const read = (): Uint8Array => bytesOf(this.options.weight(name));
    const contents =
      beside === null ? { kind: "weight" as const, length, read } : { kind: "external" as const, ...beside, length };
    this.#builder.initializers.push({ value, shape, contents });
    return value;
  }

  /** Values with the names of the entry's outputs. */
  #outputs(): Port[] {
    const { graph } = this.options;
    const given = new Set<Value>(this.#inputs.values());
    return graph.outputs.map(({ name, value: id }) => {
      const from = this.#values[id]!;
      const type = graph.types[id]!;
      const port = (value: Value): Port => {
        given.add(value);
        return { value, shape: type.shape, documentation: typeText(type) };
      };
      if (this.#builder.producerOf(from) !== undefined && !given.has(from)) {
        from.name = name;
        return port(from);
      }
      const value: Value = { name, element: from.element };
      this.#builder.add("Identity", [from], [value]);
      return port(value);
    });
  }

  #path(id: ValueId, { operator }: Node): string {
    const { scopes, names } = this.options.graph;
    return [...scopePath(scopes[id]!), names[id] ?? operator].join("/");
  }

  #documentation(id: ValueId): string {
    const location = this.options.graph.locations[id] ?? null;
    if (location === null) return "";
    const { file, line, column } = location;
    const text = this.options.sourceLine?.(location)?.trim() ?? "";
    return `${file}:${line}:${column}${text === "" ? "" : ` ${text}`}`;
  }

  #metadata(name: string): Map<string, string> {
    const { graph } = this.options;
    const metadata = new Map([
      ["trafo.model", name],
      ["trafo.entry", graph.name],
    ]);
    for (const variable of graph.sizes) {
      const most = variable.max === null ? "" : render(variable.max);
      const step = variable.step === 1 ? "" : `, a multiple of ${variable.step}`;
      metadata.set(`trafo.size.${variable.name}`, `${render(variable.min)}..${most}${step}`);
    }
    return metadata;
  }
}

function inputsOf(graph: Graph): Attributes["input"][] {
  return graph.nodes.flatMap((node) => (node.operator === "input" ? [node.attributes] : []));
}

function call<K extends Exclude<OperatorName, Leaf>>(
  operator: K,
  context: Context & {
    node: Node;
    inputs: readonly Value[];
    types: RuleContext<K>["types"];
    type: RuleContext<K>["type"];
  },
): Value {
  return rules[operator](context as RuleContext<K>);
}

/** The names of layers and functions from the root: layers with dots, as checkpoints have them, functions apart. */
function scopePath(scope: Scope | null): string[] {
  const path: string[] = [];
  let layers = "";
  const chain: Scope[] = [];
  for (let each = scope; each !== null && each.parent !== null; each = each.parent) chain.unshift(each);
  for (const { name, kind } of chain) {
    if (kind === "layer") layers = layers === "" ? name : `${layers}.${name}`;
    else {
      if (layers !== "") path.push(layers);
      layers = "";
      path.push(name);
    }
  }
  return layers === "" ? path : [...path, layers];
}

/** The nodes that the outputs need. */
function living(nodes: readonly OnnxNode[], outputs: readonly Port[]): OnnxNode[] {
  const needed = new Set(outputs.map(({ value }) => value));
  const kept: OnnxNode[] = [];
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((output) => needed.has(output))) continue;
    kept.push(node);
    for (const input of node.inputs) needed.add(input);
  }
  return kept.reverse();
}

function bytesOf({ data }: Tensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}
