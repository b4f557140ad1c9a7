/**
 * Before all tests: Vulkan drivers that run on the CPU, in the environment of the processes that run tests. Where they
 * cannot be had, tests that need them are skipped and say so; with CI set, that is a failure.
 */
import { softwareVulkan, vulkanEnvironment } from "../../.ci/vulkan.mjs";

export default function setup(): void {
  const found = softwareVulkan((line: string) => console.log(line));
  if (found.missing.length > 0) {
    const reasons = found.missing.join("; ");
    if (process.env.CI) throw new Error(`tests of WebGPU need Vulkan drivers: ${reasons}`);
    console.log(`tests of WebGPU that need these drivers are skipped: ${reasons}`);
  }
  Object.assign(process.env, vulkanEnvironment(found));
}
