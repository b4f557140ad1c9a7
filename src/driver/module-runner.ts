/** Runs graphs by way of the module that is generated for them, as a user of the module would. */
import { sessionMethod } from "../../backends/common/decoding.js";
import type { DecodedEntry } from "../../backends/common/module.js";
import { InternalError, UserError } from "../diagnostics/index.js";
import type { Graph } from "../ir/graph/index.js";
import { arrayOf, elementCount, type Tensor } from "../runtime/host/tensors.js";
import { requestsOf } from "../runtime/weights.js";
import type { BackendName } from "./backends.js";
import type { Ready } from "./inputs.js";
import type { Compilation } from "./pipeline.js";
import type { Runner } from "./targets.js";
import { sharedDevice } from "./webgpu.js";

/** What a generated module exports, as far as it is used here. */
interface GeneratedModule {
  load(options: {
    readonly weights: ReadonlyMap<string, Tensor>;
    readonly device?: GPUDevice;
  }): Promise<GeneratedModel>;
}
export type GeneratedModel = Readonly<
  Record<string, (inputs: Readonly<Record<string, Tensor>>) => Promise<Record<string, Tensor>>>
> & {
  dispose(): void;
};

/** A session of a module. */
interface ModuleSession {
  step(inputs: Readonly<Record<string, Tensor>>): Promise<Record<string, Tensor>>;
  dispose(): void;
}
type OpenSession = (options: { readonly inputs: object; readonly capacity: number }) => Promise<ModuleSession>;

/** Runs what a user of the module would; what it finds wrong with its inputs, or a device with it, is told in its own words. */
export async function asUser<T>(entry: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Error && error.name === "InputError")
      throw UserError.of("E0711", `entry ${entry}: ${error.message}`);
    if (error instanceof Error && error.name === "ScoreError")
      throw UserError.of("E0812", `entry ${entry}: ${error.message}`, {
        help: ["trafo run says which outputs hold what is no number"],
      });
    if (error instanceof Error && error.name === "DeviceError") throw UserError.of("E0505", error.message);
    throw error;
  }
}

/** Loads the text of an ES module. It imports nothing, so that a data URL is enough, in Node and in browsers. */
export async function importText(text: string): Promise<unknown> {
  const bytes = new TextEncoder().encode(text);
  let binary = "";
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return import(/* @vite-ignore */ `data:text/javascript;base64,${btoa(binary)}`);
}

/**
 * Weights under the tensor names that the module looks for first. What was found under another alternative, or was
 * stacked from several tensors, is laid out as if the checkpoint had held the first.
 */
export function namedTensors(graphs: readonly Graph[], weights: ReadonlyMap<string, Tensor>): Map<string, Tensor> {
  const named = new Map<string, Tensor>();
  for (const { name, sources, shape } of requestsOf(graphs)) {
    const tensor = weights.get(name);
    if (!tensor) throw new InternalError(`the weight ${name} was not read`);
    const [names = [name]] = sources;
    if (names.length === 1) {
      named.set(names[0] ?? name, tensor);
      continue;
    }
    const part = shape.slice(1);
    const count = elementCount(part);
    for (const [index, each] of names.entries()) {
      const data = arrayOf(tensor.type, count);
      data.set(tensor.data.subarray(index * count, (index + 1) * count));
      named.set(each, { data, shape: part, type: tensor.type });
    }
  }
  return named;
}

/** Compiles to a module, loads it and gives it the weights. */
export async function loadedModel(
  target: BackendName,
  given: Compilation,
  weights: ReadonlyMap<string, Tensor>,
): Promise<{ readonly model: GeneratedModel; readonly decoded: readonly DecodedEntry[] }> {
  const compilation = given.compiledFor(target);
  const { javascript } = await compilation.get("emit");
  const module = (await importText(javascript)) as GeneratedModule;
  const options = { weights: namedTensors(compilation.program.entries, weights) };
  const device = target === "wgsl" ? { device: await sharedDevice(compilation.request.precision) } : {};
  const model = await asUser(given.program.name, () => module.load({ ...options, ...device }));
  return { model, decoded: compilation.decoded };
}

/** A runner of the module that a compilation gives. */
export async function moduleRunner(
  target: BackendName,
  given: Compilation,
  weights: ReadonlyMap<string, Tensor>,
): Promise<Runner> {
  const { model, decoded } = await loadedModel(target, given, weights);
  return runnerOf(model, decoded);
}

/** Runs the entries of a loaded module, and the sessions that it has. */
export function runnerOf(model: GeneratedModel, decoded: readonly DecodedEntry[]): Runner {
  return {
    run: async (entry: string, { inputs }: Ready) => {
      const method = model[entry];
      if (!method) throw new InternalError(`the generated module has no method ${entry}`);
      return asUser(entry, async () => new Map(Object.entries(await method.call(model, Object.fromEntries(inputs)))));
    },
    ...(decoded.length === 0 ? {} : { open: moduleStepper(model) }),
    dispose: () => model.dispose(),
  };
}

/** Opens sessions of a module. */
function moduleStepper(model: GeneratedModel): NonNullable<Runner["open"]> {
  return async ({ entry: { name } }, inputs, capacity) => {
    const open = model[sessionMethod(name)] as unknown as OpenSession | undefined;
    if (!open) throw new InternalError(`the generated module has no sessions of ${name}`);
    const session = await asUser(name, () => open({ inputs: Object.fromEntries(inputs), capacity }));
    return {
      step: (rows) => asUser(name, async () => new Map(Object.entries(await session.step(Object.fromEntries(rows))))),
      dispose: () => session.dispose(),
    };
  };
}
