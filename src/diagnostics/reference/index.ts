/**
 * The reference of every diagnostic, by code. A code is stable: it is never given another meaning.
 * Families: E01 syntax, E02 names, E03 shapes and element types, E04 sizes and static values, E05 targets,
 * E06 files and the command line, E07 checkpoints and inputs, E08 decoding.
 */
import { checkpoints } from "./checkpoints.js";
import { decoding } from "./decoding.js";
import type { Entry } from "./entry.js";
import { files } from "./files.js";
import { names } from "./names.js";
import { shapes } from "./shapes.js";
import { sizes } from "./sizes.js";
import { syntax } from "./syntax.js";
import { targets } from "./targets.js";

const table = { ...syntax, ...names, ...shapes, ...sizes, ...targets, ...files, ...checkpoints, ...decoding };

/** The code of a diagnostic, such as `E0304`. */
export type Code = keyof typeof table;

/** Every code with its entry. */
export const reference: Readonly<Record<Code, Entry>> = table;
