/**
 * The WGSL target beside its peers on one adapter. Each table is made in a process of its own, whose environment names the
 * driver: all who find an adapter themselves find the same, and what a peer leaves behind, or breaks, ends with it.
 */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { softwareVulkan, vulkanEnvironment } from "../../../.ci/vulkan.mjs";
import { table } from "../report.mjs";
import { models, shallowModels } from "../tasks.mjs";

const child = fileURLToPath(new URL("./webgpu-child.mjs", import.meta.url));
const shapes = [
  [512, 512, 512],
  [128, 768, 768],
  [128, 3072, 768],
  [127, 777, 763],
  [1, 768, 768],
];

/** The environments of the adapters: those of the drivers that run on the processor, or what VK_DRIVER_FILES names. */
function adapters() {
  if (process.env.VK_DRIVER_FILES !== undefined) return [{}];
  const { drivers, libraries, missing } = softwareVulkan();
  for (const reason of missing) console.log(`left out: ${reason}`);
  return Object.entries(drivers).map(([name, file]) => vulkanEnvironment({ libraries, drivers: { [name]: file } }));
}

const inChild = (request, environment) =>
  new Promise((resolve, reject) => {
    const made = fork(child, [JSON.stringify(request)], { env: { ...process.env, ...environment } });
    let answer = null;
    made.on("message", (message) => {
      answer = message;
    });
    made.on("exit", (code, signal) =>
      answer === null ? reject(new Error(`${request.names}: it ended with ${signal ?? code}`)) : resolve(answer),
    );
  });

export async function webgpu({ rounds = 5, only = /./, full = false }) {
  const products = shapes.map((shape) => ({ shape, names: [shape.join("×")] }));
  const whole = Object.keys(full ? models : shallowModels).filter((name) => !/T5|BERT/.test(name));
  const requests = [...products, ...whole.map((name) => ({ full, names: [name] }))];
  for (const environment of adapters())
    for (const request of requests) {
      if (!only.test(request.names[0])) continue;
      try {
        const { title, header, rows, data } = await inChild({ ...request, rounds }, environment);
        table(title, header, rows, data);
      } catch (error) {
        console.log(`\n${error.message}`);
      }
    }
}
