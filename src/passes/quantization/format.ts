/** The names under which people ask how weights are held. */
import type { IntegerStorage, WeightStorage } from "./storage.js";

/** `f32`: as they are. `f16`, `bf16`: rounded to that. The others: whole numbers of as many bits, with scales. */
export const weightsFormats = ["f32", "f16", "bf16", "int8", "int4"] as const;
export type WeightsFormat = (typeof weightsFormats)[number];

/** What a target computes with. */
export type Arithmetic = Pick<IntegerStorage, "unit" | "integers">;

/** How many numbers of 4 bits have one scale: as many as in the files of llama.cpp. */
const group = 32;

/** How a target holds weights; null for as they are. */
export function storageOf(format: WeightsFormat, arithmetic: Arithmetic): WeightStorage | null {
  if (format === "f32") return null;
  if (format === "f16" || format === "bf16") return format;
  return format === "int8" ? { ...arithmetic, bits: 8, group: null } : { ...arithmetic, bits: 4, group };
}
