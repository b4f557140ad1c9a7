/** Everything that can compute a task, by name: Trafo's targets and its peers. */
import { importText, namedTensors } from "../../dist/src/driver/module-runner.js";
import { targetNames, targets } from "../../dist/src/driver/targets.js";
import { tiledByHand } from "./by-hand.mjs";
import { jaxJs } from "./peers/jax.mjs";
import { onnxruntime, onnxruntimeOnWebgpu } from "./peers/onnxruntime.mjs";
import { onnxruntimeWithCache } from "./peers/onnxruntime-cache.mjs";
import { tfjs } from "./peers/tensorflow.mjs";
import { webgpu } from "./peers/webgpu.mjs";

/** The compilation of a task for one of Trafo's targets; null where this machine cannot run it. @param how weights are held */
export async function compiled(target, task, how = {}) {
  if (!targetNames.includes(target) || (await targets[target].unavailable()) !== null) return null;
  const compilation = task.compile(how).compiledFor(target);
  await compilation.get("emit");
  return compilation;
}

/** A module as its users load it. */
async function loadedTrafo(target, task, { threads = 1, compilation = null, how = {} } = {}) {
  if (threads > 1 && target === "typescript") return null;
  const own = compilation ?? (await compiled(target, task, how));
  if (own === null) return null;
  const { javascript } = await own.get("emit");
  const { load } = await importText(javascript);
  return load({ weights: namedTensors([task.graph], task.weights), threads });
}

/** A module as its users run it. */
async function trafo(target, task, options) {
  const model = await loadedTrafo(target, task, options);
  if (model === null) return null;
  const inputs = Object.fromEntries(task.inputs);
  return {
    name: `trafo ${target}`,
    run: async () => (await model[task.entry](inputs))[task.output].data,
    dispose: () => model.dispose(),
  };
}

/** A module of the WGSL target on the device that its peers use too. */
async function trafoWgsl(task, { compilation = null } = {}) {
  const found = await webgpu();
  if (found === null) return null;
  const { device } = found;
  const { javascript } = await (compilation ?? task.compile().compiledFor("wgsl")).get("emit");
  const { load } = await importText(javascript);
  const model = await load({ weights: namedTensors([task.graph], task.weights), device });
  const inputs = Object.fromEntries(task.inputs);
  return {
    name: "trafo wgsl",
    run: async () => (await model[task.entry](inputs))[task.output].data,
    keep: async () => {
      const outputs = await model[task.entry](inputs, { keepOnDevice: true });
      await device.queue.onSubmittedWorkDone();
      for (const tensor of Object.values(outputs)) tensor.destroy();
    },
    dispose: () => model.dispose(),
  };
}

/** Sessions of a module, each with the positions of `capacity`, which take new tokens and give the scores of the last. */
async function trafoSessions(target, task, options, weights = "f32") {
  const model = await loadedTrafo(target, task, { ...options, how: { weights } });
  if (model === null) return null;
  const open = async (capacity) => {
    const session = await model[`${task.entry}Session`]({ capacity });
    const next = async (tokens) => (await session.next({ input_ids: [tokens] }))[task.output].data;
    return { next, dispose: () => session.dispose() };
  };
  const name = weights === "f32" ? `trafo ${target}` : `trafo ${target} ${weights}`;
  return { name, open, dispose: () => model.dispose() };
}

/** In Node, TensorFlow.js has one thread. */
const tensorflow =
  (backend) =>
  (task, { threads = 1 } = {}) =>
    task.tensorflow === null || threads > 1 ? null : tfjs(backend, task.tensorflow(task));

const onWebgpu = (make) => async (task) => ((await webgpu()) === null ? null : make(task));

const makers = {
  "trafo typescript": (task, options) => trafo("typescript", task, options),
  "trafo wasm": (task, options) => trafo("wasm", task, options),
  "trafo wgsl": trafoWgsl,
  "tfjs-webgpu": onWebgpu(tensorflow("webgpu")),
  "jax-js": onWebgpu((task) => (task.jax === null ? null : jaxJs(task.jax(task)))),
  "onnxruntime-web webgpu": (task) => onnxruntimeOnWebgpu("web", task),
  "onnxruntime-node webgpu": (task) => onnxruntimeOnWebgpu("node", task),
  "onnxruntime-web": (task, options) => onnxruntime("web", task, options),
  "tfjs-wasm": tensorflow("wasm"),
  "tfjs-cpu": tensorflow("cpu"),
  "onnxruntime-node": (task, options) => onnxruntime("node", task, options),
};
export const contestantNames = Object.keys(makers);

/** What decodes a task token by token. */
const decoders = {
  "trafo typescript": (task, options) => trafoSessions("typescript", task, options),
  "trafo wasm": (task, options) => trafoSessions("wasm", task, options),
  "trafo wasm f16": (task, options) => trafoSessions("wasm", task, options, "f16"),
  "trafo wasm bf16": (task, options) => trafoSessions("wasm", task, options, "bf16"),
  "trafo wasm int8": (task, options) => trafoSessions("wasm", task, options, "int8"),
  "trafo wasm int4": (task, options) => trafoSessions("wasm", task, options, "int4"),
  "onnxruntime-web": (task, options) => onnxruntimeWithCache("onnxruntime-web", task, options),
  "onnxruntime-node": (task, options) => onnxruntimeWithCache("onnxruntime-node", task, options),
};

/** The contestants of these names that this machine can run. */
export const contestantsFor = (task, names, options) => made(makers, task, names, options);
/** Those that decode. */
export const decodersFor = (task, names, options) => made(decoders, task, names, options);

async function made(makers, task, names, options = {}) {
  const found = [];
  for (const name of names) {
    const contestant = await makers[name](task, options);
    if (contestant !== null) found.push(contestant);
  }
  return found;
}

/** A product of matrices by hand. Its result is allocated anew, as that of a model is. */
export function byHand([m, n, k], task) {
  const x = task.inputs.get("x").data;
  const w = task.weights.get("w").data;
  return {
    name: "by hand",
    run: () => {
      const out = new Float32Array(m * n);
      tiledByHand(x, w, out, m, n, k);
      return out;
    },
    dispose: () => {},
  };
}

/**
 * The kernel of a product alone, without the call of the model around it: the first function of the module's text, called
 * with arrays by the names of its parameters. Null where it takes others than these.
 */
export async function kernelAlone([m, n], task) {
  const compilation = await compiled("typescript", task);
  const { javascript } = await compilation.get("emit");
  const [, name, parameters] = /^function (\w+)\(([^)]*)\)/m.exec(javascript) ?? [];
  const { [name]: kernel } = await importText(`${javascript}\nexport { ${name} };\n`);
  const given = new Map([
    ["x", () => task.inputs.get("x").data],
    ["w", () => task.weights.get("w").data],
    ["out", () => new Float32Array(m * n)],
    ["M", () => m],
  ]);
  const makers = parameters.split(",").map((each) => given.get(each.trim()));
  const at = makers.indexOf(given.get("out"));
  if (makers.includes(undefined) || at < 0) return null;
  const run = () => {
    const values = makers.map((make) => make());
    kernel(...values);
    return values[at];
  };
  return { name: "kernel alone", run, dispose: () => {} };
}
