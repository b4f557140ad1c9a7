/** `trafo bench`: what it prints, for targets with a device and without. Times are not tested, only that they are there. */
import { describe, expect, it } from "vitest";
import { type BenchFigures, kernelFigures } from "../../src/driver/bench.js";
import { trafo } from "./support/cli.js";

const words = ["bench", "tiny.trafo", "--random-weights", "--size", "B=2,T=4", "--rounds", "3"];

describe("trafo bench", () => {
  it.each(["typescript", "wasm", "interpreter"])("measures every round on %s", async (target) => {
    const { status, out, err } = await trafo([...words, "--target", target]);
    expect([status, err]).toEqual([0, ""]);
    expect(out).toMatch(new RegExp(`^target +${target}\\n`));
    expect(out).toMatch(/\nload +[\d.]+ ms\n/);
    expect(out).toMatch(
      /\nentry +forward, [\d.e-]+ GFLOP\nfirst run +[\d.]+ ms\nrun +[\d.e-]+ ms \(.+\), [\d.e-]+ GFLOP\/s\n/,
    );
    const figures = JSON.parse((await trafo([...words, "--target", target, "--json"])).out) as BenchFigures;
    expect(figures.entries[0]!.times).toHaveLength(3);
    expect(figures.entries[0]).toMatchObject({ entry: "forward", left: null, dispatches: null, kernels: null });
    expect(figures.entries[0]!.flops).toBeGreaterThan(0);
  });

  it.runIf(process.env.VK_DRIVER_FILES)("tells the kernels and the pipelines on a device", async () => {
    const { status, out } = await trafo([...words, "--target", "wgsl", "--json"]);
    expect(status).toBe(0);
    const { device, pipelines, entries } = JSON.parse(out) as BenchFigures;
    expect(device).toMatch(/\w/);
    const [{ left, dispatches, kernels }] = entries as [BenchFigures["entries"][0]];
    expect(left).toHaveLength(3);
    expect(pipelines!.count).toBeGreaterThanOrEqual(kernels!.length);
    expect(dispatches).toBe(kernels!.reduce((sum, { runs }) => sum + runs, 0));
    for (const { about } of kernels!) expect(about).toMatch(/\.trafo:\d+:\d+: /);
    const text = (await trafo([...words, "--target", "wgsl"])).out;
    expect(text).toMatch(/\nload .* ms, of it \d+ pipelines in [\d.e-]+ ms\n/);
    expect(text).toMatch(/\noutputs left on the device +[\d.e-]+ ms/);
    expect(text).toMatch(/\non the device, ms +share +runs +kernel\n +[\d.e-]+ +[\d.]+ % +\d+ {2}\S+\.trafo:/);
  });

  it("sums the runs of a kernel, and takes the median of the rounds", () => {
    const time = (kernel: string, milliseconds: number) => ({ kernel, about: `at ${kernel}`, layer: "", milliseconds });
    const samples = [
      [time("a", 1), time("b", 10), time("a", 2)],
      [time("a", 7), time("b", 30), time("a", 5)],
      [time("a", 2), time("b", 20), time("a", 2)],
    ];
    expect(kernelFigures(samples)).toEqual([
      { kernel: "b", about: "at b", runs: 1, milliseconds: 20 },
      { kernel: "a", about: "at a", runs: 2, milliseconds: 4 },
    ]);
    expect(kernelFigures([[]])).toEqual([]);
  });

  it.each([
    [["--rounds", "0"], "E0607", "--rounds takes a whole number from 1"],
    [["--rounds", "x"], "E0607", "--rounds takes a whole number from 0, but is x"],
    [["--target", "wsgl"], "E0606", "the nearest is wgsl"],
    [["--input", "idz=[[1]]"], "E0710", "the nearest is ids"],
  ])("refuses %j", async (more, code, message) => {
    const { status, out, err } = await trafo([...words, ...more]);
    expect([status > 0, out]).toEqual([true, ""]);
    expect(err).toContain(code);
    expect(err).toContain(message);
  });

  it("needs sizes or inputs", async () => {
    const { status, err } = await trafo(["bench", "tiny.trafo", "--random-weights"]);
    expect([status, err]).toEqual([1, expect.stringContaining("E0610")]);
  });
});
