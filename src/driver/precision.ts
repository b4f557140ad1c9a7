/** Computing in f16, where it is asked for and the target can. */
import { UserError } from "../diagnostics/index.js";
import type { Graph } from "../ir/graph/index.js";
import type { Backend } from "./backends.js";

export const precisionNames = ["f32", "f16"] as const;
/** What lies between kernels is kept in this. */
export type PrecisionName = (typeof precisionNames)[number];

/** The target as it computes in a precision: in f16 where it can. */
export function withPrecision(backend: Backend, precision: PrecisionName = "f32"): Backend {
  const { narrow } = backend;
  if (precision === "f32" || narrow === undefined) return backend;
  return {
    ...backend,
    scheduler: (policy) => {
      const schedule = backend.scheduler(policy);
      return (lowered) => narrow.lower(schedule(lowered));
    },
    planning: narrow.planning,
    emit: (module) => backend.emit({ ...module, halves: true }),
  };
}

/** @throws UserError E0504 for a program that says itself what is f16, where all that can be is to be. */
export function requireWide({ narrow }: Backend, precision: PrecisionName | undefined, graphs: readonly Graph[]): void {
  if (precision !== "f16" || narrow === undefined) return;
  const own = graphs.find(({ types }) => types.some(({ element }) => element === "f16"));
  if (own === undefined) return;
  throw UserError.of(
    "E0504",
    `the entry ${own.name} has values of f16 itself, which --precision f16 does not go with`,
    {
      help: ["leave --precision out: what the program says is f16 stays that"],
    },
  );
}

/** @param word the targets, as the command line has them @throws UserError E0504, E0607 */
export function precisionOf(word: string, target: string | undefined): PrecisionName {
  const found = precisionNames.find((name) => name === word);
  if (found === undefined)
    throw UserError.of("E0607", `--precision takes ${precisionNames.join(", ")}, but is ${word}`);
  const targets = (target ?? "typescript").split(",");
  if (found === "f16" && !targets.includes("wgsl") && !targets.includes("all")) {
    throw UserError.of("E0504", `the target ${targets.join(", ")} does not compute in f16`, {
      help: ["compile for WebGPU: --target wgsl"],
    });
  }
  return found;
}
