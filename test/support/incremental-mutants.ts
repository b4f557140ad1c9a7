/** Mutants of the derivation: each breaks one rule of it, and the fuzzer must notice. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Incremental } from "./incremental-check.js";

const source = fileURLToPath(new URL("../../src/incremental", import.meta.url));

interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface Mutant {
  readonly name: string;
  readonly edits: readonly Edit[];
}

const mutant = (name: string, ...[file, from, to, ...more]: [string, string, string, ...string[]]): Mutant => ({
  name,
  edits: [{ file, from, to }, ...(more.length === 3 ? [{ file: more[0]!, from: more[1]!, to: more[2]! }] : [])],
});

export const mutants: readonly Mutant[] = [
  mutant(
    "both predicates where one may hold",
    "fills.ts",
    "where: join(a.where, b.where)",
    "where: meet(a.where, b.where)",
  ),
  mutant(
    "the smaller bound where one may hold",
    "predicate.ts",
    "most: Math.max(each.most",
    "most: Math.min(each.most",
  ),
  mutant(
    "too much follows from two bounds",
    "predicate.ts",
    "boundOf(result, between, right);",
    "boundOf(result, between, right) - 1;",
  ),
  mutant("s <= t + 1 is causal", "reduction.ts", "best.ahead > 0)", "best.ahead > 1)"),
  mutant("a strict comparison is off by one", "affine.ts", "return signs(e, -1);", "return signs(e, -2);"),
  mutant(
    "a distance is off by one",
    "affine.ts",
    "strict ? constant - 1 : constant)",
    "strict ? constant - 2 : constant)",
  ),
  mutant(
    "where takes the other side",
    "fills.ts",
    "[whereNot(condition, 0), whereNot(condition, 1)]",
    "[whereNot(condition, 1), whereNot(condition, 0)]",
  ),
  mutant("any number is neutral", "reduction.ts", "return value <= deepest;", "return true;"),
  mutant("-10 is minus infinity", "facts.ts", "deepest = -5000", "deepest = -5"),
  mutant(
    "a product keeps any number",
    "fills.ts",
    'case "mul":\n      return value === 0 ? exactly(0) : [];',
    'case "mul":\n      return exactly(0);',
  ),
  mutant("every row has a visible key", "diagonal.ts", 'each === "ordinary" ||', "true ||"),
  mutant(
    "a window is one short",
    "reduction.ts",
    "boundOf(predicate, right, axis) + 1)",
    "boundOf(predicate, right, axis))",
  ),
  mutant(
    "a slot that is not written is position 0",
    "step-context.ts",
    "[isWritten, held, sizeValue(length)]",
    "[isWritten, held, sizeValue(size(0))]",
  ),
  mutant(
    "a slot is written a step late",
    "keep.ts",
    'builder.emit("le", [past, position]',
    'builder.emit("lt", [past, position]',
  ),
  mutant("the first new row is carried", "step-scans.ts", "start: add(size(sizes.count), -1)", "start: size(0)"),
  mutant(
    "the wrong rows are kept to be read back",
    "step-indexing.ts",
    "start: size(sizes.count), length: size(by)",
    "start: size(0), length: size(by)",
  ),
  mutant(
    "a later position is read back",
    "rules-movement.ts",
    'each.kind === "shifted" && each.least < 0',
    'each.kind === "shifted" && each.least < -9',
  ),
  mutant("the nearest row of a window is its farthest", "indexing.ts", "by: each.most }", "by: each.least }"),
  mutant(
    "the farthest row of a window is ahead",
    "indexing.ts",
    "least -= Math.max(0, farthest);",
    "least -= Math.min(0, farthest);",
  ),
  mutant(
    "a static row counts twice",
    "rules-leaves.ts",
    "rows.get(axis)?.before ?? 0",
    "2 * (rows.get(axis)?.before ?? 0)",
  ),
  mutant(
    "static rows before positions are positions of a window",
    "step-rules.ts",
    "axis, shape, before);",
    "axis, shape);",
  ),
  mutant(
    "positions begin anew in each step",
    "step-context.ts",
    'if (view === "new") return plus(local, sizeValue(size(past)));',
    'if (view === "new") return local;',
  ),
  mutant("a table begins anew in each step", "step-rules.ts", "new: size(sizes.past)", "new: size(0)"),
  mutant(
    "a window is counted from an old row",
    "step-rules.ts",
    "bands.filter(({ of }) => isNew(viewOf(of)))",
    "bands",
  ),
  mutant(
    "a label that is gone bounds the next",
    "rules-reductions.ts",
    "filter((each) => each !== label)",
    "filter(() => true)",
  ),
  mutant(
    "the length is a constant",
    "rules-leaves.ts",
    "if (mentions(context.attributes.value, time)) {",
    "if (time.name === '') {",
  ),
  mutant(
    "a softmax compares fewer keys",
    "rules-reductions.ts",
    "[reduced.bands, ...(facts.whole.get(axis) ?? [])]",
    "[reduced.bands]",
    "step-rules.ts",
    "if (!covers(view, needed))",
    "if (false)",
  ),
  mutant(
    "a running sum goes over a ring",
    "reduction.ts",
    "facts.ordered.has(axis) ? [] : ",
    "",
    "step-scans.ts",
    'if (view === null || view === "all") return sum;',
    'if (view !== "new") return sum;',
  ),
  mutant(
    "the last row is the first",
    "derive.ts",
    "const start = add(size(this.sizes.count), -1);",
    "const start = size(0);",
  ),
];

/** Builds the derivation with one change and loads it. */
export async function loadMutant({ name, edits }: Mutant): Promise<Incremental> {
  const folder = mkdtempSync(join(tmpdir(), "trafo-mutant-"));
  try {
    cpSync(source, folder, { recursive: true });
    for (const each of readdirSync(folder)) {
      const path = join(folder, each);
      let text = readFileSync(path, "utf8");
      for (const { from, to } of edits.filter(({ file }) => file === each)) {
        if (text.split(from).length !== 2) throw new Error(`${name}: ${each} does not hold "${from}" once`);
        text = text.replace(from, () => to);
      }
      writeFileSync(path, text.replaceAll('from "../', `from "${join(source, "..")}/`));
    }
    return (await import(/* @vite-ignore */ join(folder, "index.ts"))) as Incremental;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
