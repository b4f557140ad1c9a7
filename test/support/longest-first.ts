/**
 * The order in which files of tests start: those that take longest first, so that none of them runs on alone when the others
 * are done. Vitest orders by what it remembers of earlier runs, of which a new clone has none.
 */
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take more than ten seconds, the longest first. The others follow by name. */
export const longFiles: readonly string[] = [
  "backends/wgsl-steps",
  "backends/wgsl-valid",
  "numerics/on-off",
  "backends/wasm-families",
  "backends/decoding",
  "e2e/page",
  "backends/wasm-size",
  "backends/realistic-sizes",
  "numerics/quantized",
  "fuzz/weights.fuzz",
  "e2e/search",
  "e2e/browser-wgsl",
  "fuzz/incremental-mutants.fuzz",
  "e2e/browser",
  "unit/decoding-cost",
  "e2e/command-line",
  "unit/memory",
  "e2e/browser-threads",
  "backends/wgsl-examples",
  "backends/wasm-tails",
  "backends/wgsl-halves",
  "e2e/setup",
  "backends/wgsl-device",
  "backends/wasm-examples",
  "backends/modules-fuzz",
  "unit/cli-text",
  "unit/blame",
  "backends/wgsl-limits",
].map(pathOf);

/**
 * Files that change the process that they run in, by flags of the engine for one, or count what lives in it. In a process with
 * others it would be chance which of those run after them.
 */
export const apartFiles: readonly string[] = [
  "backends/wasm-functions",
  "backends/wasm-lost-threads",
  "backends/wasm-relaxed",
  "unit/compilation-lifetime",
  "unit/sizes-lifetime",
].map(pathOf);

function pathOf(name: string): string {
  return `test/${name}.test.ts`;
}

function placeOf({ moduleId }: TestSpecification): number {
  const place = longFiles.findIndex((name) => moduleId.endsWith(`/${name}`));
  return place < 0 ? longFiles.length : place;
}

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return [...files].sort((a, b) => placeOf(a) - placeOf(b) || (a.moduleId < b.moduleId ? -1 : 1));
  }
}
