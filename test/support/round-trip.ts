/** Structures by way of their text: what is read back from what they print. */
import { expect } from "vitest";
import { SourceFile } from "../../src/diagnostics/index.js";
import { type Kernel, parseKernel, printKernel } from "../../src/ir/kernel/index.js";
import { type Plan, parsePlan, printPlan } from "../../src/ir/plan/index.js";
import { DumpReader } from "../../src/ir/text/reader.js";
import { type LoweredGraph, printLowered, readLowered } from "../../src/lower/index.js";

/** Reads the text and expects that what is read prints as the same text. */
function again<T>(value: T, print: (value: T) => string, read: (file: SourceFile) => T, where: string): T {
  const text = print(value);
  const made = read(new SourceFile("dump", text));
  expect(print(made), where).toBe(text);
  return made;
}

export const kernelAgain = (kernel: Kernel, where = ""): Kernel =>
  again(kernel, (each) => printKernel(each), parseKernel, where);

export const planAgain = (plan: Plan, where = ""): Plan => again(plan, (each) => printPlan(each), parsePlan, where);

export const loweredAgain = (lowered: LoweredGraph, where = ""): LoweredGraph =>
  again(lowered, printLowered, (file) => readLowered(new DumpReader(file)), where);
