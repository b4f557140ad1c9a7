/** How modules treat a device: whose it is, what happens when it is lost, full, or refuses something; how often it is called. */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { emitWgsl } from "../../backends/wgsl/index.js";
import { asUser } from "../../src/driver/module-runner.js";
import { Compilation } from "../../src/driver/pipeline.js";
import { nodeFiles } from "../../src/node.js";
import { Checkpoint } from "../../src/runtime/checkpoint.js";
import { memoryFiles } from "../../src/runtime/files.js";
import type { DeviceTensor } from "../../src/runtime/host/device-tensors.js";
import type { Tensor } from "../../src/runtime/host/tensors.js";
import { type DecodingModel, sessionOf } from "../support/decoding-module.js";
import { printedBy } from "../support/own-process.js";
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

function decoderText(): Promise<string> {
  const files = nodeFiles();
  const checkpoint = Checkpoint.open(files, "examples/gpt2/checkpoint");
  const compilation = new Compilation({ files, path: "examples/gpt2/gpt2.trafo", checkpoint, target: "wgsl" });
  return compilation.get("emit").then(({ javascript }) => javascript);
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

/** The buffers of a device that are not freed, from now on. */
function liveBuffers(device: GPUDevice): Set<GPUBuffer> {
  const live = new Set<GPUBuffer>();
  const { createBuffer } = device;
  device.createBuffer = (descriptor) => {
    const buffer = createBuffer.call(device, descriptor);
    const { destroy } = buffer;
    live.add(buffer);
    buffer.destroy = () => {
      expect(buffer.mapState, buffer.label).not.toBe("pending");
      live.delete(buffer);
      return destroy.call(buffer);
    };
    return buffer;
  };
  return live;
}

async function failure(running: Promise<unknown>): Promise<string> {
  const error = await running.then(
    () => new Error("it succeeded"),
    (error: Error) => error,
  );
  return `${error.name}: ${error.message}`;
}

/**
 * What a program gives that has `device` and the module's `load`, in a process of its own: where a mapping fails, Dawn's bindings
 * may end the process some time later.
 */
function elsewhere(code: string, body: string): Promise<unknown> {
  const webgpu = pathToFileURL(createRequire(import.meta.url).resolve("webgpu")).href;
  const module = `data:text/javascript;base64,${Buffer.from(code).toString("base64")}`;
  return printedBy(`
import { create } from ${JSON.stringify(webgpu)};
const { load } = await import(${JSON.stringify(module)});
const gpu = create(["backend=null"]);
const device = await (await gpu.requestAdapter()).requestDevice();
const failure = (running) => running.then(() => "it succeeded", ({ name, message }) => name + ": " + message);
const given = await (async () => {${body}})();
console.log(JSON.stringify(given));
// Dawn's object is kept to the end.
setTimeout(() => gpu, 60_000);
`);
}

describe("a device that is lost", () => {
  it("fails the runs under way and those after", async () => {
    const found = await elsewhere(
      moduleText(),
      `
      const input = (rows) => ({ x: { data: new Float32Array(64 * rows), shape: [rows, 64], type: "f32" } });
      const model = await load({ weights: { w: { data: new Float32Array(4096), shape: [64, 64] } }, device });
      const first = await failure(model.forward(input(2)));
      const running = failure(model.forward(input(3)));
      device.destroy();
      const [during, after] = [await running, await failure(model.forward(input(3)))];
      model.dispose();
      return [first, during, after, await failure(model.forward(input(3)))];
      `,
    );
    const lost = expect.stringMatching(/^DeviceError: the device was lost: it was destroyed/);
    const gone = expect.stringMatching(/^Error: the model was disposed of/);
    expect(found).toEqual(["it succeeded", lost, lost, gone]);
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
  const found = await elsewhere(
    moduleText("model M() {\n  entry forward(x: [T]) -> (y: [T]) { x + 1 }\n}\n"),
    `
    const model = await load({ device });
    const rows = 2 ** 24;
    const x = { data: new Float32Array(rows), shape: [rows], type: "f32" };
    const taken = Array.from({ length: 4 }, () => device.createBuffer({ size: 2 ** 27 - 2 ** 22, usage: 0x80 }));
    const told = await failure(model.forward({ x }));
    for (const buffer of taken) buffer.destroy();
    return [told, (await model.forward({ x })).y.shape];
    `,
  );
  expect(found).toEqual([expect.stringMatching(/^DeviceError: m\.forward: .*memory/i), [2 ** 24]]);
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

describe("frees every buffer", () => {
  it("of runs and weights", async () => {
    const device = await nextDevice();
    const live = liveBuffers(device);
    const model = await loaded(device);
    const counts: number[] = [];
    for (const rows of [11, ...Array(30).keys()]) {
      await model.forward!(input(1 + (rows % 12)));
      counts.push(live.size);
    }
    // Those of 8 sizes are kept.
    expect(Math.max(...counts)).toBe(counts.at(-1));
    expect(new Set(counts.slice(-22)).size).toBe(1);
    model.dispose();
    expect(live.size).toBe(0);
  });

  it("when loading fails: by a shader, by a buffer, by sizes that no run may have", async () => {
    const device = await nextDevice();
    const live = liveBuffers(device);
    const wrong = moduleText().replaceAll("lane: u32,\n) {", "lane: u32,\n) {\n  let wrong = nothing;");
    expect(await failure(loaded(device, 1, wrong))).toMatch(/^DeviceError: the kernel/);
    expect(live.size).toBe(0);
    const { createBuffer } = device;
    device.createBuffer = () => {
      throw new Error("no more buffers");
    };
    expect(await failure(loaded(device))).toBe("Error: no more buffers");
    device.createBuffer = createBuffer;
    expect(live.size).toBe(0);
    const { load } = await importText(moduleText());
    const most = 2 ** 40;
    expect(await failure(load({ weights: weights(), device, sizes: { T: most } }))).toMatch(
      /^DeviceError: a run of these sizes needs \d+ bytes, and the device allows \d+ \(maxBufferSize\)/,
    );
    expect(live.size).toBe(0);
    expect(await failure(load({ weights: weights(), device, sizes: { S: 1 } }))).toMatch(/^InputError: /);
    expect(live.size).toBe(0);
  });

  it("of a run that is refused", async () => {
    const device = await limitedDevice("backend=null", { maxStorageBufferBindingSize: 64 * 64 * 4 });
    devices.push(device);
    const live = liveBuffers(device);
    const two =
      "model M() {\n  entry forward(x: [T, 4]) -> (y: [T, 4], z: [T, 4, 64]) { (x + 1, [t: T, c: 4, i: 64] => x[t, c]) }\n}\n";
    const model = await (await importText(moduleText(two))).load({ device });
    expect(await failure(model.forward!({ x: [[1, 2, 3, 4]] }))).toBe("Error: it succeeded");
    const held = live.size;
    const wide = Array.from({ length: 17 }, () => [1, 2, 3, 4]);
    expect(await failure(model.forward!({ x: wide }))).toMatch(/^DeviceError: the output z needs 17408 bytes/);
    expect(live.size).toBeLessThanOrEqual(held);
    model.dispose();
    expect(live.size).toBe(0);
  });
});

it.each([
  [{}, "no GPUDevice, but [object Object]"],
  [null, "no GPUDevice, but null"],
  [{ requestDevice: () => {} }, "an adapter: give the device of its requestDevice()"],
])("refuses %j for a device", async (device, message) => {
  expect(await failure(loaded(device as GPUDevice))).toBe(`DeviceError: the option device is ${message}`);
});

it("is told to users of the command line as what they can mend", async () => {
  const device = await nextDevice();
  const code = moduleText().replaceAll("workgroups: (sizes) => {", "workgroups: (sizes) => { return 4294967295;");
  const model = await loaded(device, 1, code);
  await expect(asUser("forward", () => model.forward!(input(2)))).rejects.toThrow(
    /^E0505: the kernel \w+ needs 4294967295 workgroups/,
  );
  await expect(asUser("forward", () => model.forward!({}))).rejects.toThrow("E0711");
  model.dispose();
});

it("fails a run that is under way when the model is disposed of, or finishes it", async () => {
  const device = await nextDevice();
  liveBuffers(device);
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

  it("frees what sessions and generations hold, with them or with the model", async () => {
    const device = await nextDevice(adapterFlag(driver));
    const live = liveBuffers(device);
    const { load } = await importText(await decoderText());
    const loaded: unknown = await load({ weights: "examples/gpt2/checkpoint/model.safetensors", device });
    const model = loaded as DecodingModel;
    const drain = async (most: number) => {
      let count = 0;
      for await (const _ of model.generate({ prompt: [1, 2, 3], maxTokens: 5, temperature: 1 })) {
        if (++count === most) break;
      }
      return count;
    };
    expect(await drain(9)).toBe(5);
    const held = live.size;
    expect([await drain(1), await drain(3), await drain(9)]).toEqual([1, 3, 5]);
    // What is under way when a generation is left is waited for.
    await expect.poll(() => live.size).toBe(held);
    const open = model.generate({ prompt: [4], maxTokens: 3 });
    await open.next();
    const session = await sessionOf(model, "forward")();
    await session.next({ input_ids: [[1, 2]] });
    const fork = session.fork();
    expect(live.size).toBeGreaterThan(held);
    model.dispose();
    await expect.poll(() => live.size).toBe(0);
    const gone = "Error: the model was disposed of: load it again to run it";
    expect(await failure(session.next({ input_ids: [[1]] }))).toBe(gone);
    expect(await failure(fork.save())).toBe(gone);
    expect(() => fork.fork()).toThrow("the model was disposed of");
    // A token that was chosen before may still come.
    await expect(open.next().then(() => open.next())).rejects.toThrow();
    session.dispose();
    expect(live.size).toBe(0);
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
    expect(await failure(model.forward!({ x: y }))).toBe("InputError: x lies on a device: give what its read() gives");
    model.dispose();
    expect(await y!.read()).toEqual(read);
    y!.destroy();
    expect(await failure(y!.read())).toMatch(/^DeviceError: the tensor could not be read/);
  });
});
