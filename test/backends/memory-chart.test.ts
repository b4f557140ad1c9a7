/** Charts of memory: what they show of a plan, and that they are whole whatever things are called. */
import { describe, expect, it } from "vitest";
import { ticks } from "../../backends/dot/memory/bytes.js";
import { type ChartBuffer, liveBytes, type MemoryChart, memoryChart } from "../../backends/dot/memory/index.js";
import { rasterised } from "../../backends/dot/render.js";
import { chartOf } from "../../src/driver/picture/memory.js";
import { assumedSizes } from "../../src/driver/picture/sizes.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { largestLiveBytes } from "../../src/memory/index.js";
import { gpt2 } from "./dot-gpt2.js";

const buffer: ChartBuffer = { name: "x", type: "f32[T]", offset: 0, bytes: 64, first: 0, last: 1, hue: 0 };
const small: MemoryChart = {
  title: "m",
  notes: [],
  arena: 128,
  runs: ["a", "b", "c"].map((kernel) => ({ kernel, layer: "", about: [kernel] })),
  buffers: [buffer, { ...buffer, name: "y", offset: 64, first: 1, last: 2 }],
};

describe("a chart", () => {
  it("draws a bar as long as a buffer lives and as high as it is large", () => {
    const svg = memoryChart(small);
    const bars = [
      ...svg.matchAll(
        /<g class="buffer"><title>(\w)[\s\S]*?<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/g,
      ),
    ];
    const [x, y] = bars.map(([, , left, top, width, height]) => [left, top, width, height].map(Number));
    expect(bars.map(([, name]) => name)).toEqual(["x", "y"]);
    expect(x![2]).toBe(y![2]);
    expect(y![0]! - x![0]!).toBe(x![2]! / 2);
    expect(x![1]! - y![1]!).toBe(210);
    expect([x![3], y![3]]).toEqual([210, 210]);
  });

  it("adds up what lives at one time", () => {
    expect(liveBytes(small)).toEqual([64, 128, 64]);
  });

  it("is whole whatever things are called, and with nothing in it", async () => {
    const hostile = `<&>"' ]]> --> \u0001 \ud800 \u4e2d`;
    for (const chart of [
      { ...small, title: hostile, buffers: [{ ...buffer, name: hostile, type: hostile }] },
      { ...small, runs: [{ kernel: hostile, layer: hostile, about: [hostile] }], buffers: [] },
      { ...small, runs: [], buffers: [], arena: 0 },
    ]) {
      expect((await rasterised(memoryChart(chart))).length).toBeGreaterThan(100);
    }
  });

  it("of thousands of runs has a size that can be shown", () => {
    const runs = Array.from({ length: 5000 }, (_, i) => ({ kernel: `k${i}`, layer: `h.${i >> 3}`, about: [] }));
    const [, width] = /<svg width="([\d.]+)pt"/.exec(memoryChart({ ...small, runs }))!;
    expect(Number(width)).toBeLessThan(12_000);
  });

  it("of a plan shows every buffer of the arena where it lies, and the largest live set", () => {
    const compilation = Compilation.ofGraphs("m", [gpt2({ layers: 2 })]);
    const [plan] = compilation.get("plan");
    const sizes = assumedSizes(plan!.sizes, new Map([["T", 32]]));
    const chart = chartOf("m", plan!, sizes);
    const arena = plan!.buffers.filter(({ place }) => place.kind === "arena");
    expect(chart.buffers.length).toBe(arena.length);
    expect(Math.max(...chart.buffers.map(({ offset, bytes }) => offset + bytes))).toBe(chart.arena);
    expect(Math.max(...liveBytes(chart))).toBe(largestLiveBytes(plan!, (variable) => sizes.get(variable)!));
    for (const [i, a] of chart.buffers.entries()) {
      for (const b of chart.buffers.slice(i + 1)) {
        const meet = a.first <= b.last && b.first <= a.last;
        expect(meet && a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes, `${a.name} and ${b.name}`).toBe(
          false,
        );
      }
    }
  });

  it("has round numbers at its side", () => {
    expect(ticks(0)).toEqual([0]);
    expect(ticks(100)).toEqual([0, 20, 40, 60, 80, 100]);
    expect(ticks(3 * 1024 * 1024)).toEqual([0, 1, 2, 3].map((mebibytes) => mebibytes * 1024 * 1024));
    for (const most of [1, 7, 1023, 1025, 1e6, 2 ** 31, 3e12]) expect(ticks(most).length).toBeLessThan(9);
  });
});

describe("assumed sizes", () => {
  it("are a batch of one and 128 of the others, within their bounds", () => {
    const { sizes } = gpt2({ layers: 1, context: 64 });
    expect([...assumedSizes(sizes, new Map())].map(([{ name }, value]) => [name, value])).toEqual([
      ["B", 1],
      ["T", 64],
    ]);
    expect([...assumedSizes(sizes, new Map([["T", 3]])).values()]).toEqual([1, 3]);
    expect(() => assumedSizes(sizes, new Map([["T", 65]]))).toThrow(/E0611/);
  });
});
