/** Writes ONNX models operator by operator, for peers' own ways to say things: with the operators of their extensions. */

const types = { f32: 1, i32: 6, i64: 7 };

function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return [...bytes, Number(rest)];
}

const number = (field, value) => Uint8Array.from([...varint(field << 3), ...varint(value)]);
const float = (field, value) =>
  Uint8Array.from([...varint((field << 3) | 5), ...new Uint8Array(Float32Array.of(value).buffer)]);

/** A field that is bytes, a text, or a message of the given parts; as parts, so that large ones are not copied. */
function field(id, content) {
  const parts = typeof content === "string" ? [new TextEncoder().encode(content)] : content;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return [Uint8Array.from([...varint((id << 3) | 2), ...varint(length)]), ...parts];
}

function attribute(name, value) {
  const start = field(1, name);
  if (Array.isArray(value)) return [...start, ...value.map((each) => number(8, each)), number(20, 7)];
  return Number.isInteger(value)
    ? [...start, number(3, value), number(20, 2)]
    : [...start, float(2, value), number(20, 1)];
}

function tensor(name, type, shape, data) {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return [...shape.map((each) => number(1, each)), number(2, types[type]), ...field(8, name), ...field(9, [bytes])];
}

function port(name, type, shape) {
  const dimensions = shape.flatMap((each) => field(1, typeof each === "number" ? [number(1, each)] : field(2, each)));
  return [...field(1, name), ...field(2, field(1, [number(1, types[type]), ...field(2, dimensions)]))];
}

/** Operators whose name has a domain (`com.microsoft.FastGelu`) are of extensions. */
export class OnnxWriter {
  #graph = [];
  #count = 0;

  input(name, type, shape) {
    this.#graph.push(...field(11, port(name, type, shape)));
    return name;
  }

  output(name, type, shape) {
    this.#graph.push(...field(12, port(name, type, shape)));
  }

  /** A weight or a constant. */
  constant(name, type, shape, data) {
    this.#graph.push(...field(5, tensor(name, type, shape, data)));
    return name;
  }

  integers(...values) {
    return this.constant(`integers${++this.#count}`, "i64", [values.length], BigInt64Array.from(values, BigInt));
  }

  /** Applies an operator. @param results the names of its outputs, or how many there are @returns their names */
  apply(operator, inputs, attributes = {}, results = 1) {
    const outputs = Array.isArray(results)
      ? results
      : Array.from({ length: results }, () => `${operator}${++this.#count}`);
    const at = operator.lastIndexOf(".");
    const node = [
      ...inputs.flatMap((each) => field(1, each)),
      ...outputs.flatMap((each) => field(2, each)),
      ...field(4, operator.slice(at + 1)),
      ...Object.entries(attributes).flatMap(([name, value]) => field(5, attribute(name, value))),
      ...(at < 0 ? [] : field(7, operator.slice(0, at))),
    ];
    this.#graph.push(...field(1, node));
    return outputs;
  }

  /** The bytes of the model. */
  bytes() {
    const opset = (domain, version) => field(8, [...field(1, domain), number(2, version)]);
    const parts = [
      number(1, 8),
      ...field(7, [...field(2, "peer"), ...this.#graph]),
      ...opset("", 18),
      ...opset("com.microsoft", 1),
    ];
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let offset = 0;
    for (const part of parts) {
      whole.set(part, offset);
      offset += part.length;
    }
    return whole;
  }
}
