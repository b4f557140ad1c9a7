/** The passes in their order. `--dump-after` and `without` take their names. */
import { algebra } from "./algebra.js";
import { diagonals } from "./diagonals.js";
import { fusion } from "./fusion/fuse.js";
import { halves } from "./halves.js";
import { movement } from "./movement.js";
import type { Pass } from "./pass.js";
import { projections } from "./projections/projections.js";
import { prologues } from "./prologues.js";
import { quantization } from "./quantization/quantization.js";
import { ranks } from "./ranks.js";
import { tables } from "./tables.js";
import { unbraid } from "./unbraid.js";

export const passes: readonly Pass[] = [
  algebra,
  movement,
  diagonals,
  tables,
  halves,
  unbraid,
  projections,
  quantization,
  ranks,
  fusion,
  prologues,
];
