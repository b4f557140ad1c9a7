/**
 * The files of `--target onnx`: a model for each entry, its weights within, or all weights once in a file beside them.
 *
 * A weight is read when its bytes are written, so that a checkpoint never lies in memory twice.
 */
import { modelParts, onnxModel } from "../../backends/onnx/index.js";
import { InternalError, type Location } from "../diagnostics/index.js";
import type { Program } from "../ir/graph/index.js";
import type { FileParts } from "../runtime/files.js";
import { bytesPerElement, elementCount, type Tensor } from "../runtime/host/tensors.js";
import { requestsOf, type WeightRequest, type Weights } from "../runtime/weights.js";

export interface OnnxFilesOptions {
  readonly program: Program;
  /** What the files are called: NAME-ENTRY.onnx, NAME.onnx.data. */
  readonly name: string;
  readonly weights: Weights;
  /** Whether the weights lie beside the models also where they would fit into them. */
  readonly beside: boolean;
  readonly documentation: string | null;
  /** Of Trafo; left out of the model if not given. */
  readonly producerVersion?: string;
  readonly sourceLine: (location: Location) => string | null;
}

/** Protobuf counts the bytes of a message in 31 bits. */
const largestModel = 2 ** 31 - 1;
/** Runtimes map pages of a file into memory, of this size or a part of it. */
const pageBytes = 4096;

/**
 * The files by name, in the order in which they are to be written.
 * @throws UserError E0502 where ONNX cannot express an entry; when parts are made, of the family E07 for a weight.
 */
export function onnxFiles(options: OnnxFilesOptions): [string, FileParts][] {
  const { program, name } = options;
  const requests = requestsOf(program.entries);
  const byName = new Map(requests.map((request) => [request.name, request]));
  const weight = (of: string): Tensor => {
    const request = byName.get(of);
    if (!request) throw new InternalError(`the program has no weight ${of}`);
    return options.weights(request);
  };
  const file = `${name}.onnx.data`;
  const { offsets, data } = weightFile(requests, weight);
  const models = (beside: boolean): [string, FileParts][] =>
    program.entries.map((graph) => {
      const external = (of: string) => (beside ? { file, offset: offsets.get(of) ?? 0 } : null);
      return [
        `${name}-${graph.name}.onnx`,
        modelParts(onnxModel({ ...options, name: program.name, graph, weight, external })),
      ];
    });
  const within = options.beside ? null : models(false);
  if (within?.every(([, { length }]) => length <= largestModel)) return within;
  return [[file, data], ...models(true)];
}

/** All weights one after the other, each at the start of a page. */
function weightFile(
  requests: readonly WeightRequest[],
  weight: (name: string) => Tensor,
): { offsets: Map<string, number>; data: FileParts } {
  const offsets = new Map<string, number>();
  let length = 0;
  for (const { name, shape, element } of requests) {
    length = Math.ceil(length / pageBytes) * pageBytes;
    offsets.set(name, length);
    length += elementCount(shape) * bytesPerElement[element];
  }
  return {
    offsets,
    data: {
      length,
      *parts() {
        let at = 0;
        for (const { name } of requests) {
          const start = offsets.get(name) ?? 0;
          if (start > at) yield new Uint8Array(start - at);
          const { data } = weight(name);
          yield new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
          at = start + data.byteLength;
        }
      },
    },
  };
}
