/** Expected values: the cases of a file such as `io.safetensors`. */
import { UserError } from "../diagnostics/index.js";
import type { Files } from "../runtime/files.js";
import type { Tensor } from "../runtime/host/tensors.js";
import { TensorFile } from "../runtime/tensor-file.js";
import type { Given } from "./inputs.js";

/** Inputs and what they should give. */
export interface Case {
  /** `case0`. */
  readonly name: string;
  readonly inputs: ReadonlyMap<string, Given>;
  readonly outputs: ReadonlyMap<string, Tensor>;
}

/** A tensor of a file as a value for an input; converted when its type is known. */
export function givenFromFile(file: TensorFile, name: string): Given {
  const shape = file.tensors.get(name)?.shape ?? [];
  return { shape, origin: `tensor ${name} of ${file.path}`, as: (type) => file.read(name, type) };
}

/**
 * The cases of a file, in the order of their numbers.
 * @throws UserError E0601, E0705 for the file, E0713 if it holds no case.
 */
export function readCases(files: Files, path: string): Case[] {
  const file = new TensorFile(files, path);
  const cases = new Map<number, { inputs: Map<string, Given>; outputs: Map<string, Tensor> }>();
  for (const tensor of file.tensors.keys()) {
    const match = /^case(\d+)\.(in|out)\.(.+)$/.exec(tensor);
    if (!match) continue;
    const [, number = "", way, name = ""] = match;
    const of = cases.get(Number(number)) ?? { inputs: new Map(), outputs: new Map() };
    cases.set(Number(number), of);
    if (way === "in") of.inputs.set(name, givenFromFile(file, tensor));
    else of.outputs.set(name, file.readAsWritten(tensor));
  }
  if (cases.size === 0) {
    const some = [...file.tensors.keys()].slice(0, 3).join(", ");
    throw UserError.of("E0713", `${path} holds no case`, {
      notes: [`its tensors are ${some || "none"}${file.tensors.size > 3 ? ", …" : ""}`],
      help: ["name inputs case0.in.NAME and expected outputs case0.out.NAME"],
    });
  }
  return [...cases].sort(([a], [b]) => a - b).map(([number, of]) => ({ name: `case${number}`, ...of }));
}
