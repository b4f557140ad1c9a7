/** The names under which people ask how weights are held. */
import type { IntegerStorage, WeightStorage } from "./storage.js";

/** `f32`: as they are. `f16`, `bf16`: rounded to that. The others: whole numbers of as many bits, with scales. */
export const weightsFormats = ["f32", "f16", "bf16", "int8", "int4"] as const;
export type WeightsFormat = (typeof weightsFormats)[number];

/** What a target computes with. */
export type Arithmetic = Pick<IntegerStorage, "unit" | "integers">;

/** How many numbers of 4 bits have one scale: as many as in the files of llama.cpp. */
const group = 32;

/**
 * How a target holds weights; null for as they are. Numbers of 8 bits have a scale for a column, but where the file has such
 * blocks itself, each with a scale: then as there, and nothing is rounded again.
 * @param file the types of the tensors in the file that weights come from, if one is known
 */
export function storageOf(
  format: WeightsFormat,
  arithmetic: Arithmetic,
  file: ReadonlyMap<string, { readonly dtype: string }> | null = null,
): WeightStorage | null {
  if (format === "f32") return null;
  if (format === "f16" || format === "bf16") return format;
  if (format === "int4") return { ...arithmetic, bits: 4, group };
  const isOfBlocks = [...(file?.values() ?? [])].some(({ dtype }) => dtype === "Q8_0");
  return { ...arithmetic, bits: 8, group: isOfBlocks ? group : null };
}
