/** The names under which people ask how weights are held. */
import type { Attributes } from "../../ir/graph/operators.js";
import type { IntegerStorage, WeightStorage } from "./storage.js";

/** `f32`: as they are. `f16`, `bf16`: rounded to that. The others: whole numbers of as many bits, with scales. */
export const weightsFormats = ["f32", "f16", "bf16", "int8", "int4"] as const;
export type WeightsFormat = (typeof weightsFormats)[number];

/** What a target computes with. */
export type Arithmetic = Pick<IntegerStorage, "unit" | "integers">;

/** How something is held that is made of some weights. */
export type HeldWeights = (weights: readonly Pick<Attributes["weight"], "sources">[]) => WeightStorage;

/** How many numbers of 4 bits have one scale: as many as in the files of llama.cpp. */
const group = 32;

/** What is known of a tensor in a file. */
interface FileTensor {
  readonly dtype: string;
  /** Whether its blocks use the ends of their numbers; not there for types whose blocks always do, or never need to. */
  readonly reachesEnds?: () => boolean;
}

/** The types of blocks in files that have a least number beside the scale of 4 bits. */
const typesWithLeast: ReadonlySet<string> = new Set(["Q4_1", "Q4_K"]);
/** Those of more than 4 bits. */
const typesOfMoreBits: ReadonlySet<string> = new Set(["Q5_0", "Q5_1", "Q5_K", "Q6_K", "Q8_0"]);
/** Those of them that are whole numbers from -32 to 31, or from -16 to 15, times a scale for 16 or 32 of them. */
const typesOfFewSteps: ReadonlySet<string> = new Set(["Q5_0", "Q6_K"]);
/** Those whose scales, one for each group of numbers, are f16. */
const typesOfGroups: ReadonlySet<string> = new Set(["Q4_0", "Q4_1", "Q8_0"]);

/**
 * How a target holds weights; null for as they are. Numbers of 8 bits have a scale for a column, but where the file has such
 * blocks itself, each with a scale: then as there, and nothing is rounded again. So it is with blocks of 4 bits. What a file
 * has in blocks of more than 4 bits is held in 8, in groups: of 5 and 6 bits with a scale alone, as the same numbers too.
 * @param file the tensors in the file that weights come from, if one is known
 */
export function storageOf(
  format: WeightsFormat,
  arithmetic: Arithmetic,
  file: ReadonlyMap<string, FileTensor> | null = null,
): HeldWeights | null {
  if (format === "f32") return null;
  if (format === "f16" || format === "bf16") return () => format;
  return (weights) => {
    const tensors = weights.flatMap((each) => tensorsOf(each, file));
    const isAny = (...of: string[]): boolean => tensors.some(({ dtype }) => of.includes(dtype));
    const isAll = (of: ReadonlySet<string>): boolean =>
      tensors.length > 0 && tensors.every(({ dtype }) => of.has(dtype));
    if (format === "int8" || isAny(...typesOfMoreBits)) {
      const isSearched = format === "int4" && isAll(typesOfFewSteps);
      const few = isSearched && isAny("Q6_K") ? group / 2 : group;
      return {
        ...arithmetic,
        bits: 8,
        group: format === "int4" || isAny("Q8_0") ? few : null,
        hasLeast: false,
        isSearched,
        scales: isAll(new Set(["Q8_0"])) ? "f16f" : "f32",
      };
    }
    const isSearched = isAny("Q4_K") || tensors.some(({ reachesEnds }) => reachesEnds?.() === false);
    const scales = !isSearched && isAll(typesOfGroups) ? "f16f" : "f32";
    return { ...arithmetic, bits: 4, group, hasLeast: isAny(...typesWithLeast), isSearched, scales };
  };
}

/** The tensors of a weight in a file. */
function tensorsOf(
  { sources }: Pick<Attributes["weight"], "sources">,
  file: ReadonlyMap<string, FileTensor> | null,
): readonly FileTensor[] {
  const source = sources.find((names) => names.every((name) => file?.has(name))) ?? [];
  return source.flatMap((name) => file?.get(name) ?? []);
}
