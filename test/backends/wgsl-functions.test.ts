/** Functions of one number as shaders compute them, against f64: near 0 errors are relative as well, for what follows. */
import { expect, it } from "vitest";
import { emitWgsl } from "../../backends/wgsl/index.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { memoryFiles } from "../../src/runtime/files.js";
import { importText } from "./typescript-support.js";
import { softwareDevice, softwareDrivers, wgslPlan } from "./wgsl-support.js";

const text = `model M() {
  entry run(x: [N]) -> (tanh: [N], sin: [N], log: [N], exp: [N]) { (tanh(x), sin(x), log(x * x), exp(x)) }
}
`;

/** Of both signs, from 1e-18 to 20, and where the polynomial of tanh ends. */
const numbers = Float32Array.from(
  [...Array.from({ length: 200 }, (_, i) => 10 ** (i / 10 - 18) * 1.37), 0.6249, 0.625, 0.6251, 12, 20].flatMap((x) => [
    x,
    -x,
  ]),
).filter((x) => Math.abs(x) <= 20);

const wanted = { tanh: Math.tanh, sin: Math.sin, log: (x: number) => Math.log(x * x), exp: Math.exp };

it.runIf(softwareDrivers.length > 0).each(softwareDrivers)(
  "are near in relation to themselves on %s",
  async (driver) => {
    const [graph] = new Compilation({ files: memoryFiles(), path: "m.trafo", text }).get("optimize").entries;
    const { load } = await importText(emitWgsl({ name: "m", plans: [wgslPlan(graph!)] }).javascript);
    const model = await load({ weights: new Map(), device: await softwareDevice(driver) });
    const found = await model.run!({ x: numbers });
    for (const [name, exact] of Object.entries(wanted)) {
      const { data } = found[name]!;
      const errors = Array.from(numbers, (x, i) => Math.abs(data[i]! / exact(x) - 1));
      const worst = errors.reduce((most, error, i) => (error > errors[most]! || Number.isNaN(error) ? i : most), 0);
      expect(errors[worst], `${name}(${numbers[worst]}) is ${data[worst]}`).toBeLessThan(5e-6);
    }
    model.dispose();
  },
);
