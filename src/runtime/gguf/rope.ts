/**
 * How a model stretches its rotary positions. GGUF holds either a kind and a factor, or, for Llama 3, the factors by which each
 * frequency is divided (`rope_freqs.weight`), of which the published configuration holds four numbers.
 */
import { UserError } from "../../diagnostics/index.js";
import type { MetadataValue } from "./container.js";

/** The numbers of every Llama 3 that is published; only the factor differs. */
const llama3 = { low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };

/** The value of `rope_scaling` in a published configuration, or null where nothing is stretched. */
export function ropeScaling(
  path: string,
  architecture: string,
  metadata: ReadonlyMap<string, MetadataValue>,
  factors: ArrayLike<number> | null,
): Record<string, unknown> | null {
  const value = (key: string) => metadata.get(`${architecture}.rope.${key}`);
  if (factors !== null) {
    const base = value("freq_base") ?? 10000;
    const factor = Array.from(factors).reduce((most, each) => Math.max(most, each), 1);
    if (typeof base === "number" && factorsOf(base, factor, factors.length).every((f, i) => near(f, factors[i]!))) {
      return { rope_type: "llama3", factor, ...llama3 };
    }
    throw UserError.of("E0705", `${path}: rope_freqs.weight is not of the form that Llama 3 has`, {
      help: ["give the published configuration with --config FILE"],
    });
  }
  const type = value("scaling.type");
  if (type === undefined || type === "none") return null;
  const original = value("scaling.original_context_length");
  return {
    rope_type: type,
    factor: value("scaling.factor") ?? 1,
    ...(original === undefined ? {} : { original_max_position_embeddings: original }),
  };
}

/** The factors of Llama 3: 1 for short waves, `factor` for long ones, and between them smoothly from one to the other. */
function factorsOf(base: number, factor: number, count: number): number[] {
  const { low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: original } = llama3;
  return Array.from({ length: count }, (_, i) => {
    const length = 2 * Math.PI * base ** (i / count);
    if (length < original / high) return 1;
    if (length > original / low) return factor;
    const smooth = (original / length - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  });
}

function near(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-4 * Math.abs(b);
}
