/** The built-in functions and constants of the language, by name: the one table of the checker and the reference. */
import { float, type Value } from "../../check/values.js";
import type { Builtin } from "./builtin.js";
import { mathematics } from "./mathematics.js";
import { products } from "./products.js";
import { reductions } from "./reductions.js";
import { shapes } from "./shapes.js";

export type { Builtin, BuiltinCall } from "./builtin.js";

export const builtins: Readonly<Record<string, Builtin>> = { ...mathematics, ...reductions, ...shapes, ...products };

export const constants: Readonly<Record<string, { readonly value: Value; readonly documentation: string }>> = {
  pi: { value: float(Math.PI), documentation: "The ratio of a circle's circumference to its diameter." },
  inf: { value: float(Number.POSITIVE_INFINITY), documentation: "Infinity; -inf is the score of what is masked." },
};
