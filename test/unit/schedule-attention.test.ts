/** The steps that attention is scheduled with: what they make, what they refuse, and that results stay the same. */
import { describe, expect, test } from "vitest";
import { type Kernel, printKernel, verifyKernel } from "../../src/ir/kernel/index.js";
import { lowerGraph } from "../../src/lower/index.js";
import { optimizeGraph, passes } from "../../src/passes/index.js";
import { applySchedule, applyStep, parseSchedule, printSchedule, ScheduleError } from "../../src/schedule/index.js";
import type { SizeVariable } from "../../src/sizes/index.js";
import { randomArguments, resultOf } from "../support/naive-kernels.js";
import { program } from "../support/program.js";

/** The naive kernel of an attention over x: [T, 4], key and value: [S, 4]. */
function attention(masked: string, query = "x", key = "key", part = ""): Kernel {
  const text = `
import std: frequencies, rope

model M() {
  entry e(x: [T, 4], key: [S, 4], value: [S, 3]) -> (y: [T, 3]) {
    let q = ${query}
    let k = ${key}
    softmax(${masked})${part} @ value
  }
}
`;
  const used = text.includes("rope(") ? text : text.replace(/^import.*$/m, "");
  const { graph } = optimizeGraph(program(used).program.entries[0]!, passes);
  return lowerGraph(graph).calls.at(-1)!.kernel;
}

const causal = (): Kernel => attention("where([t: T, s: S] => s <= t, q @ k.T * 0.5, -inf)");
const plain = (): Kernel => attention("q @ k.T");
const rotated = (): Kernel => attention("q @ k.T", "x", "rope(key, frequencies(4, 100))");

function refusal(kernel: Kernel, text: string): string {
  try {
    applySchedule(kernel, parseSchedule(text));
  } catch (error) {
    expect(error).toBeInstanceOf(ScheduleError);
    return (error as ScheduleError).message;
  }
  return "nothing";
}

/** The statements after some steps; after each of them, the results are those of the kernel before. */
function scheduled(kernel: Kernel, text: string): string {
  const steps = parseSchedule(text);
  expect(printSchedule(steps)).toBe(text);
  const made = [kernel];
  for (const step of steps) made.push(applyStep(made.at(-1)!, step));
  for (const each of made) expect(verifyKernel(each), printKernel(each)).toEqual([]);
  for (const [T, S] of [
    [1, 1],
    [5, 7],
    [7, 3],
    [0, 4],
    [4, 0],
    [9, 16],
  ] as const) {
    const sizeOf = ({ name }: SizeVariable): number => (name === "T" ? T : S);
    const given = randomArguments(kernel, sizeOf, T + 10 * S);
    const wanted = resultOf(kernel, sizeOf, given);
    for (const [at, each] of made.entries()) {
      const results = resultOf(each, sizeOf, given);
      const off = results.map((result, i) => Math.abs(result - wanted[i]!));
      expect(
        off.every((one) => one < 1e-12),
        `step ${at} for ${T}, ${S}`,
      ).toBe(true);
    }
  }
  return printKernel(made.at(-1)!);
}

test("the naive kernel keeps one row of scores", () => {
  expect(printKernel(causal())).toMatchSnapshot();
});

describe("stage", () => {
  test("computes keys ahead of all queries", () => {
    const kernel = attention("q @ k.T", "2 * x", "key");
    expect(scheduled(kernel, "stage sum2 left t private scaled into j2")).toContain("sum2 += scaled[j] * k[s2, j]");
  });

  test("refuses what it cannot prove", () => {
    expect(refusal(rotated(), "stage sum2 right s2 private r into a b")).toBe(
      "stage: 2 names are given to fill r along j",
    );
    expect(refusal(plain(), "stage total left t private r")).toBe(
      "stage: total of attention is not updated with a product",
    );
    expect(refusal(plain(), "stage nothing left t private r")).toBe("stage: t updates nothing at 0 places, not at one");
    expect(refusal(plain(), "stage sum left t private r into a")).toBe(
      "stage: the factor of sum reads score, which t writes",
    );
    expect(refusal(plain(), "stage sum2 right t private r into t k")).toBe("stage: the name t is taken in attention");
  });
});

describe("layout", () => {
  test("transposes what is staged, or cuts it into panels", () => {
    const staged = "stage sum2 right t private r into a b";
    expect(scheduled(plain(), `${staged}; layout r 1 0`)).toContain("alloc r: f32[4, S] private");
    expect(scheduled(plain(), `${staged}; layout r 0/4 1 0%4`)).toContain("r[s2 // 4, j, s2 % 4]");
  });

  test("refuses axes that are missing, and what is not the kernel's own", () => {
    const staged = "stage sum2 right t private r into a b";
    expect(refusal(plain(), `${staged}; layout r 1`)).toContain("axis 0 does not lie there once");
    expect(refusal(plain(), `${staged}; layout r 0/4 1 0%2`)).toContain("axis 0 does not lie there once");
    expect(refusal(plain(), "layout k 1 0")).toBe("layout: attention allocates 0 buffers called k");
  });
});

describe("materialise", () => {
  test("computes exponentials once", () => {
    const text = scheduled(plain(), "materialise total s4 share into u");
    expect(text).toContain("share[u] = exp(score[u] - shift)");
    expect(text).toContain("total += share[s4]");
    expect(text).toContain("sum += share[s] * value[s, i]");
  });

  test("refuses loops that do more, and what changes", () => {
    expect(refusal(plain(), "materialise total s2 p into u")).toBe(
      "materialise: s2 does more, or other, than to update total",
    );
    expect(refusal(plain(), "materialise total s4 p into t")).toBe("materialise: the name t is taken in attention");
  });
});

describe("skipTiles", () => {
  test("leaves out the keys that no query sees", () => {
    const text = scheduled(causal(), "skipTiles s2");
    expect(text).toContain("for s2 in 0..min(S, t + 1)");
    expect(text).toContain("for s in 0..min(S, t + 1)");
  });

  test("bounds all rows of a tile together", () => {
    const text = scheduled(causal(), "split t 2 guard into to ti; skipTiles s2 over ti");
    expect(text).toContain("for s2 in 0..min(S, 2*to + 2)");
  });

  test("starts where a window starts", () => {
    const window = attention("where([t: T, s: S] => abs(t - s) <= 2, q @ k.T, -inf)");
    expect(scheduled(window, "skipTiles s2")).toMatchSnapshot();
  });

  test("takes several masks, and masks before a scale", () => {
    const chunk = attention("where([t: T, s: S] => s <= t and s // 4 == t // 4, q @ k.T, -inf) / 2");
    expect(scheduled(chunk, "skipTiles s2")).toMatchSnapshot();
    const prefix = attention("where([t: T, s: S] => s <= t or s < 3, q @ k.T, -inf)");
    expect(scheduled(prefix, "skipTiles s2")).toContain("max(t, 2) + 1");
  });

  test("refuses what is not masked, or not by indices alone", () => {
    expect(refusal(plain(), "skipTiles s2")).toBe("skipTiles: score is not masked with -inf");
    const byData = attention("where([t: T, s: S] => key[s, 0] > 0, q @ k.T, -inf)");
    expect(refusal(byData, "skipTiles s2")).toBe("skipTiles: the mask of score says nothing of s2 by its index alone");
    expect(refusal(causal(), "skipTiles s3")).toBe("skipTiles: s3 does not fill a private row");
    expect(refusal(causal(), "skipTiles s2 over i")).toBe("skipTiles: s2 does not stand in i");
    expect(refusal(causal(), "split s2 2 guard into a b; skipTiles b")).toContain("skipTiles: ");
  });
});

describe("online", () => {
  const tiled = "online s2 4 into so si s5 s6 s7 begin scale end";

  test("keeps a tile of scores, and scales what was summed", () => {
    expect(scheduled(causal(), tiled)).toMatchSnapshot();
    scheduled(plain(), tiled);
  });

  test("after and before other steps", () => {
    scheduled(causal(), `split t 3 guard into to ti; skipTiles s2 over ti; ${tiled}`);
    scheduled(causal(), `${tiled}; materialise total s6 p into u; split begin 2 guard into a b`);
  });

  test("starts with a sink", () => {
    const masked = "concat(where([t: T, s: S] => s < t, q @ k.T, -inf), [t: T, i: 1] => 0.5)";
    const kernel = attention(masked, "x", "key", "[..., 0:S]");
    expect(printKernel(kernel)).toContain("largest = 0.5");
    scheduled(kernel, `skipTiles s2; ${tiled}`);
  });

  test("refuses what is no softmax, and wrong names", () => {
    expect(refusal(plain(), "online s3 4 into a b")).toBe("online: s3 does not fill a private row");
    expect(refusal(plain(), "online s2 4 into a b")).toBe("online: 2 names are given for 8 loops");
    expect(refusal(plain(), "online s2 0 into a")).toBe("online: 0 is no factor");
    const twice = `${tiled}; online si 2 into a b c d e f g h`;
    expect(refusal(plain(), twice)).toContain("online: ");
  });
});

describe("whenFinite", () => {
  test("asks ahead whether values are finite", () => {
    const text = scheduled(causal(), "whenFinite sum right t into a b copies t2 u1 k2 u2 u3 i2 u4; skipTiles s2");
    expect(text).toContain("sum_finite += value[a, b] * 0.0");
    expect(text).toContain("if not (sum_finite == 0.0)");
  });

  test("refuses wrong names and what changes", () => {
    expect(refusal(plain(), "whenFinite sum left t into a")).toBe(
      "whenFinite: the factor of sum reads score, which t writes",
    );
    expect(refusal(plain(), "whenFinite sum right t into a")).toBe(
      "whenFinite: 1 names are given for the test along s, i",
    );
  });
});
