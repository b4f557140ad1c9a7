/** llama.cpp, native, on a GGUF file, by way of node-llama-cpp. */
import { load } from "./packages.mjs";

/**
 * Null where it is not installed. Its session takes new tokens and gives the likeliest next one.
 * @param file of the weights
 */
export async function llamaCpp(file, { threads = 1 } = {}) {
  const module = await load("node-llama-cpp", "--no-save --ignore-scripts node-llama-cpp@3.22.1");
  if (module === null) return null;
  const llama = await module.getLlama({
    gpu: false,
    build: "never",
    maxThreads: threads,
    progressLogs: false,
    logLevel: "error",
  });
  const model = await llama.loadModel({ modelPath: file, gpuLayers: 0 });
  const open = async (capacity) => {
    const context = await model.createContext({ contextSize: Math.max(256, capacity), threads, sequences: 1 });
    const sequence = context.getSequence();
    const last = { generateNext: { token: true, options: { temperature: 0 } } };
    const next = async (tokens) => {
      const given = [...tokens.slice(0, -1), [tokens.at(-1), last]];
      return (await sequence.controlledEvaluate(given)).at(-1).next.token;
    };
    return { next, dispose: () => context.dispose() };
  };
  return { name: "llama.cpp", open, dispose: () => model.dispose() };
}
