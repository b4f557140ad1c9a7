/** The loops of kernels in a few lines. */
import { describe, expect, it } from "vitest";
import { Compilation } from "../../src/driver/pipeline.js";
import { Buffer, type Kernel, type LoopKind, type Statement } from "../../src/ir/kernel/index.js";
import { nestText } from "../../src/schedule/nest.js";
import { SizeVariable, size } from "../../src/sizes/index.js";
import { gpt2 } from "../backends/dot-gpt2.js";

function loop(name: string, extent: number, body: readonly Statement[], kind: LoopKind = "serial"): Statement {
  const variable = new SizeVariable(name, 0, extent - 1);
  return { kind: "for", variable, extent: size(extent), loop: kind, body };
}

function kernel(body: readonly Statement[], schedule?: string): Kernel {
  const steps = schedule === undefined ? {} : { schedule };
  return { name: "k", reads: [], writes: [], sizes: [], body, location: null, ...steps };
}

describe("a nest", () => {
  it("has a line for each loop, indented, with its kind", () => {
    const body = [loop("b", 2, [loop("x", 4, [loop("k", 8, [])], "grid.x")], "lane.y")];
    expect(nestText(kernel(body))).toEqual(["for b in 2 lane.y", "  for x in 4 grid.x", "    for k in 8"]);
  });

  it("names what workgroups share and where they wait", () => {
    const tile = new Buffer("tile", "f32", [size(16), size(8)], "workgroup");
    const body = [loop("x", 4, [{ kind: "alloc", buffer: tile }, { kind: "barrier" }, loop("k", 8, [])])];
    expect(nestText(kernel(body))).toEqual(["for x in 4", "  workgroup tile[16, 8]", "  barrier", "  for k in 8"]);
  });

  it("says equal loops in a row once, and cuts what is long", () => {
    const k = loop("k", 8, []);
    expect(nestText(kernel([k, k, k]))).toEqual(["for k in 8"]);
    const many = Array.from({ length: 30 }, (_, i) => loop(`v${i}`, 8, []));
    const lines = nestText(kernel(many));
    expect(lines.length).toBe(12);
    expect(lines.at(-1)).toBe("\u2026");
  });

  it("ends with the tile of its schedule", () => {
    const schedule = "split i 4 exact into io ii; split j 3 exact into jo ji; mark ji unroll; mark ii unroll";
    expect(nestText(kernel([loop("io", 2, [])], schedule))).toEqual(["for io in 2", "tile 3 \u00d7 4 unrolled"]);
  });

  it("is short for every kernel of a model", () => {
    const [lowered] = Compilation.ofGraphs("m", [gpt2({ layers: 1 })]).get("schedule");
    for (const call of lowered!.calls) {
      const lines = nestText(call.kernel);
      expect(lines.length).toBeGreaterThan(0);
      expect(lines.length).toBeLessThan(16);
    }
  });
});
