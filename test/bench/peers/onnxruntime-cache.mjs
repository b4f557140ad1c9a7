/** onnxruntime decoding with a key/value cache: what a step gives as `present` goes into the next one as `past`. */
import { gpt2WithCache } from "./gpt2-onnx.mjs";
import { runtime, sessionOptions } from "./onnxruntime.mjs";

const kinds = { "onnxruntime-web": "web", "onnxruntime-node": "node" };

/**
 * Loads GPT-2. Null where the runtime is not installed. Its session takes `inputs` of new positions and gives the scores of
 * the last.
 */
export async function onnxruntimeWithCache(name, { weights, settings }, { threads = 1 } = {}) {
  const ort = await runtime(kinds[name], threads);
  if (ort === null) return null;
  const { bytes, kept } = gpt2WithCache(weights, settings);
  const session = await ort.InferenceSession.create(bytes, sessionOptions(kinds[name], threads));
  const i32 = (values, shape = [values.length]) => new ort.Tensor("int32", Int32Array.from(values), shape);
  const open = () => {
    let position = 0;
    let cache = Object.fromEntries(
      kept.map(({ past, shape }) => [past, new ort.Tensor("float32", new Float32Array(0), shape)]),
    );
    return {
      next: async (tokens) => {
        const positions = Array.from(tokens, (_, i) => position + i);
        position += tokens.length;
        const outputs = await session.run({
          input_ids: i32(tokens, [1, tokens.length]),
          positions: i32(positions),
          last: i32([position - 1]),
          total: i32([position], []),
          ...cache,
        });
        cache = Object.fromEntries(kept.map(({ past, present }) => [past, outputs[present]]));
        return outputs.logits.data;
      },
      dispose: () => {},
    };
  };
  return { name, open, dispose: () => session.release() };
}
