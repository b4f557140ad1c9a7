/**
 * The messages of the ONNX format that a model needs, with the numbers of their fields (onnx.proto of ONNX 1.13, IR
 * version 8), written with a writer of the protobuf wire format.
 *
 * What must stay true: the bytes of weights are no part of any buffer here. A tensor's header announces them, the graph
 * around counts them, and whoever writes the file puts them in their places one after the other, so that a checkpoint
 * never lies in memory a second time.
 */
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { FileParts } from "../../src/runtime/files.js";
import type { Size } from "../../src/sizes/index.js";
import { constantOf, render } from "../../src/sizes/index.js";

/** The element types of ONNX that are used: those of Trafo, and what sizes and exact logarithms are computed in. */
export const dataTypes = {
  f32: 1,
  i8: 3,
  i16: 5,
  i32: 6,
  i64: 7,
  bool: 9,
  f16: 10,
  f16f: 10,
  f64: 11,
  bf16: 16,
} as const;
export type DataType = keyof typeof dataTypes;

/** A value of an ONNX graph; its name may be bettered until the graph is written. */
export interface Value {
  name: string;
  readonly element: DataType;
}

/** Whole numbers, lists of whole numbers, and texts: no operator that is used has other attributes. */
export type Attribute = number | readonly number[] | string;

export interface OnnxNode {
  readonly name: string;
  readonly operator: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly documentation: string;
}

/** A tensor that the file holds, or one beside it. */
export interface Initializer {
  readonly value: Value;
  readonly shape: readonly number[];
  readonly contents:
    | { readonly kind: "bytes"; readonly bytes: Uint8Array }
    /** A weight, whose bytes are asked for when the file is written. */
    | { readonly kind: "weight"; readonly length: number; readonly read: () => Uint8Array }
    | { readonly kind: "external"; readonly file: string; readonly offset: number; readonly length: number };
}

export interface Port {
  readonly value: Value;
  readonly shape: readonly Size[];
  readonly documentation: string;
}

export interface OnnxModel {
  readonly name: string;
  readonly documentation: string;
  readonly producerVersion: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly Initializer[];
}

/**
 * The oldest set of operators in which reductions take their axes as a tensor: that of onnxruntime 1.14, of the year
 * 2023, and of all that came after.
 */
export const opset = 18;
const irVersion = 8;

type Write = (writer: BinaryWriter) => void;

function text(writer: BinaryWriter, field: number, value: string): void {
  if (value !== "") writer.tag(field, WireType.LengthDelimited).string(value);
}
function whole(writer: BinaryWriter, field: number, value: number): void {
  writer.tag(field, WireType.Varint).int64(value);
}
function message(writer: BinaryWriter, field: number, write: Write): void {
  writer.tag(field, WireType.LengthDelimited).fork();
  write(writer);
  writer.join();
}
/** StringStringEntryProto */
function pair(writer: BinaryWriter, field: number, key: string, value: string): void {
  message(writer, field, (inner) => {
    text(inner, 1, key);
    text(inner, 2, value);
  });
}

/** AttributeProto, with its type among FLOAT, INT, STRING … */
function writeAttribute(writer: BinaryWriter, name: string, value: Attribute): void {
  text(writer, 1, name);
  if (typeof value === "number") {
    whole(writer, 3, value);
    whole(writer, 20, 2);
  } else if (typeof value === "string") {
    writer.tag(4, WireType.LengthDelimited).string(value);
    whole(writer, 20, 3);
  } else {
    for (const each of value) whole(writer, 8, each);
    whole(writer, 20, 7);
  }
}

/** NodeProto */
function writeNode(writer: BinaryWriter, node: OnnxNode): void {
  for (const { name } of node.inputs) writer.tag(1, WireType.LengthDelimited).string(name);
  for (const { name } of node.outputs) writer.tag(2, WireType.LengthDelimited).string(name);
  text(writer, 3, node.name);
  text(writer, 4, node.operator);
  for (const [name, value] of Object.entries(node.attributes)) {
    message(writer, 5, (inner) => writeAttribute(inner, name, value));
  }
  text(writer, 6, node.documentation);
}

/** ValueInfoProto: a name, an element type, and for each axis a number or the formula of a size. */
function writePort(writer: BinaryWriter, { value, shape, documentation }: Port): void {
  text(writer, 1, value.name);
  message(writer, 2, (type) =>
    message(type, 1, (tensor) => {
      whole(tensor, 1, dataTypes[value.element]);
      message(tensor, 2, (axes) => {
        for (const size of shape) message(axes, 1, (axis) => writeAxis(axis, size));
      });
    }),
  );
  text(writer, 3, documentation);
}

function writeAxis(writer: BinaryWriter, size: Size): void {
  const constant = constantOf(size);
  if (constant === null) text(writer, 2, render(size));
  else whole(writer, 1, constant);
}

/** TensorProto without its bytes, which are its last field. */
function tensorHeader({ value, shape, contents }: Initializer): Uint8Array {
  const writer = new BinaryWriter();
  for (const size of shape) whole(writer, 1, size);
  whole(writer, 2, dataTypes[value.element]);
  text(writer, 8, value.name);
  if (contents.kind === "external") {
    pair(writer, 13, "location", contents.file);
    pair(writer, 13, "offset", String(contents.offset));
    pair(writer, 13, "length", String(contents.length));
    whole(writer, 14, 1);
    return writer.finish();
  }
  writer.tag(9, WireType.LengthDelimited).uint32(lengthOf(contents));
  return writer.finish();
}

/** How many bytes of an initializer follow its header. */
function lengthOf(contents: Initializer["contents"]): number {
  if (contents.kind === "external") return 0;
  return contents.kind === "bytes" ? contents.bytes.length : contents.length;
}

const prefix = (field: number, length: number): Uint8Array =>
  new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(length).finish();

const written = (write: Write): Uint8Array => {
  const writer = new BinaryWriter();
  write(writer);
  return writer.finish();
};

/** The bytes of a model. */
export function modelParts(model: OnnxModel): FileParts {
  const head = written((writer) => {
    whole(writer, 1, irVersion);
    text(writer, 2, "trafo");
    text(writer, 3, model.producerVersion);
    text(writer, 6, model.documentation);
    message(writer, 8, (inner) => whole(inner, 2, opset));
    for (const [key, value] of model.metadata) pair(writer, 14, key, value);
  });
  const graph = written((writer) => {
    for (const node of model.nodes) message(writer, 1, (inner) => writeNode(inner, node));
    text(writer, 2, model.name);
    for (const port of model.inputs) message(writer, 11, (inner) => writePort(inner, port));
    for (const port of model.outputs) message(writer, 12, (inner) => writePort(inner, port));
  });
  const tensors = model.initializers.map((initializer) => {
    const header = tensorHeader(initializer);
    const { contents } = initializer;
    return { contents, header, before: prefix(5, header.length + lengthOf(contents)) };
  });
  const inner = tensors.reduce(
    (sum, { contents, header, before }) => sum + before.length + header.length + lengthOf(contents),
    graph.length,
  );
  const start = prefix(7, inner);
  return {
    length: head.length + start.length + inner,
    *parts() {
      yield head;
      yield start;
      yield graph;
      for (const { contents, header, before } of tensors) {
        yield before;
        yield header;
        if (contents.kind === "bytes") yield contents.bytes;
        else if (contents.kind === "weight") yield contents.read();
      }
    },
  };
}
