/** How modules treat a device: whose it is, what happens when it is lost, full, or refuses something; how often it is called. */
import { afterEach, describe, expect, it } from "vitest";
import { emitWgsl } from "../../backends/wgsl/index.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { memoryFiles } from "../../src/runtime/files.js";
import type { DeviceTensor } from "../../src/runtime/host/device-tensors.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { importText, type LoadedModel } from "./typescript-support.js";
import { adapterFlag, limitedDevice, softwareDrivers, wgslPlan } from "./wgsl-support.js";

const text = `
model M() {
  param w: [64, 64]
  entry forward(x: [T, 64]) -> (y: [T, 64]) { tanh(x @ w) @ w }
}
`;

function moduleText(source = text): string {
  const compilation = new Compilation({ files: memoryFiles(), path: "m.trafo", text: source });
  return emitWgsl({ name: "m", plans: compilation.get("optimize").entries.map((graph) => wgslPlan(graph)) }).javascript;
}

const weights = (scale = 1) =>
  new Map<string, Tensor>([
    [
      "w",
      { data: Float32Array.from({ length: 4096 }, (_, i) => (i % 65 === 0 ? scale : 0)), shape: [64, 64], type: "f32" },
    ],
  ]);
const input = (rows: number) => ({
  x: Array.from({ length: rows }, () => Array.from({ length: 64 }, (_, i) => i / 8)),
});

const devices: GPUDevice[] = [];
async function nextDevice(flag = "backend=null"): Promise<GPUDevice> {
  const device = await limitedDevice(flag);
  devices.push(device);
  return device;
}
afterEach(() => {
  for (const device of devices.splice(0)) device.destroy();
});

async function loaded(device: GPUDevice, scale = 1, code = moduleText()): Promise<LoadedModel> {
  const { load } = await importText(code);
  return load({ weights: weights(scale), device });
}

async function failure(running: Promise<unknown>): Promise<string> {
  const error = await running.then(
    () => new Error("it succeeded"),
    (error: Error) => error,
  );
  return `${error.name}: ${error.message}`;
}

describe("a device that is lost", () => {
  it("fails the runs under way and those after", async () => {
    const device = await nextDevice();
    const model = await loaded(device);
    await model.forward!(input(2));
    const running = failure(model.forward!(input(3)));
    device.destroy();
    expect(await running).toMatch(/^DeviceError: the device was lost: it was destroyed/);
    expect(await failure(model.forward!(input(3)))).toMatch(/^DeviceError: the device was lost: it was destroyed/);
    model.dispose();
    expect(await failure(model.forward!(input(3)))).toMatch(/^Error: the model was disposed of/);
  });

  it("is told with the reason that the host gives", async () => {
    const device = await nextDevice();
    let lose = (_: object): void => {};
    const lost = new Promise<object>((resolve) => {
      lose = resolve;
    });
    Object.defineProperty(device, "lost", { value: lost });
    const model = await loaded(device);
    lose({ reason: "unknown", message: "the driver was updated" });
    await lost;
    expect(await failure(model.forward!(input(1)))).toBe("DeviceError: the device was lost: the driver was updated");
    model.dispose();
  });

  it("fails loading", async () => {
    const device = await nextDevice();
    device.destroy();
    expect(await failure(loaded(device))).toMatch(/^DeviceError: /);
  });
});

it("says what a device has no memory for, and runs again when it has", async () => {
  // Dawn's null device has 512 MB.
  const device = await nextDevice();
  const code = moduleText("model M() {\n  entry forward(x: [T]) -> (y: [T]) { x + 1 }\n}\n");
  const { load } = await importText(code);
  const model = await load({ device });
  const rows = 2 ** 24;
  const x: Tensor<"f32"> = { data: new Float32Array(rows), shape: [rows], type: "f32" };
  const taken = Array.from({ length: 4 }, () => device.createBuffer({ size: 2 ** 27 - 2 ** 22, usage: 0x80 }));
  const told = await failure(model.forward!({ x }));
  expect(told).toMatch(/^DeviceError: m\.forward: .*memory/i);
  for (const buffer of taken) buffer.destroy();
  expect((await model.forward!({ x })).y!.shape).toEqual([rows]);
  model.dispose();
});

it("names the kernel, its line and the source of a shader that a device refuses", async () => {
  const device = await nextDevice();
  const code = moduleText().replaceAll("lane: u32,\n) {", "lane: u32,\n) {\n  let wrong = nothing;");
  const told = await failure(loaded(device, 1, code));
  expect(told).toMatch(/^DeviceError: the kernel \w+: /);
  expect(told).toContain("unresolved value 'nothing'");
  expect(told).toContain("m.trafo:4:");
});

it("names the entry and the kernel of a call that a device refuses", async () => {
  const device = await nextDevice();
  const code = moduleText().replaceAll("workgroups: (sizes) => {", "workgroups: (sizes) => { return 4294967295;");
  expect(await failure(loaded(device, 1, code).then((model) => model.forward!(input(2))))).toMatch(
    /^DeviceError: (m\.forward: |the kernel \w+ needs 4294967295 workgroups)/,
  );
});

it("frees once, however often it is disposed of, and leaves the caller's device alone", async () => {
  const device = await nextDevice();
  const [first, second] = [await loaded(device), await loaded(device)];
  await first.forward!(input(1));
  first.dispose();
  first.dispose();
  expect(await failure(first.forward!(input(1)))).toBe("Error: the model was disposed of: load it again to run it");
  expect((await second.forward!(input(2))).y!.shape).toEqual([2, 64]);
  second.dispose();
  let isLost = false;
  void device.lost.then(() => {
    isLost = true;
  });
  await device.queue.onSubmittedWorkDone();
  expect(isLost).toBe(false);
  expect((await (await loaded(device)).forward!(input(1))).y!.shape).toEqual([1, 64]);
});

it("fails a run that is under way when the model is disposed of, or finishes it", async () => {
  const device = await nextDevice();
  const model = await loaded(device);
  const running = model.forward!(input(2)).then(
    ({ y }) => y!.shape.length,
    (error: Error) => error.name,
  );
  model.dispose();
  expect([2, "DeviceError", "Error"]).toContain(await running);
});

it("makes pipelines side by side, and submits once for each run", async () => {
  const device = await nextDevice();
  let [open, most, submits] = [0, 0, 0];
  const { createComputePipelineAsync } = device;
  device.createComputePipelineAsync = async (descriptor) => {
    most = Math.max(most, ++open);
    const made = await createComputePipelineAsync.call(device, descriptor);
    open--;
    return made;
  };
  const { queue } = device;
  const { submit } = queue;
  Object.defineProperty(device, "queue", { value: queue });
  queue.submit = (buffers) => {
    submits++;
    submit.call(queue, buffers);
  };
  const model = await loaded(device);
  expect(most).toBeGreaterThan(1);
  submits = 0;
  await model.forward!(input(2));
  expect(submits).toBe(1);
  await model.forward!(input(3));
  await model.forward!(input(2));
  expect(submits).toBe(3);
  model.dispose();
});

describe.each(softwareDrivers)("on %s", (driver) => {
  it("runs several models on one device, whose runs overlap", async () => {
    const device = await nextDevice(adapterFlag(driver));
    const scales = [1, 2, 0.5];
    const models = await Promise.all(scales.map((scale) => loaded(device, scale)));
    const expected = await Promise.all(models.map((model) => model.forward!(input(3))));
    const again = await Promise.all([0, 1, 2, 2, 1, 0].map((at) => models[at]!.forward!(input(3))));
    expect(again.map(({ y }) => y!.data)).toEqual([0, 1, 2, 2, 1, 0].map((at) => expected[at]!.y!.data));
    expect(expected[0]!.y!.data).not.toEqual(expected[1]!.y!.data);
    for (const model of models) model.dispose();
  });

  it("leaves outputs on the device, which outlive the model", async () => {
    const device = await nextDevice(adapterFlag(driver));
    const model = await loaded(device);
    const { y: read } = await model.forward!(input(2));
    const run = model.forward as unknown as (
      inputs: object,
      options: { readonly keepOnDevice: true },
    ) => Promise<Record<string, DeviceTensor>>;
    const { y } = await run.call(model, input(2), { keepOnDevice: true });
    await model.forward!(input(1));
    model.dispose();
    expect(await y!.read()).toEqual(read);
    y!.destroy();
    expect(await failure(y!.read())).toMatch(/^DeviceError: the tensor could not be read/);
  });
});
