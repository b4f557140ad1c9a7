/** jax-js on WebGPU. Its models are written by hand, in transformer-jax.mjs, and run under its jit. */
import { pathToFileURL } from "node:url";
import { pathOf } from "./packages.mjs";

let jax = null;

async function loaded() {
  const path = pathOf("@jax-js/jax");
  if (path === null) return null;
  // Of the two builds, the one of modules.
  const module = await import(pathToFileURL(path.replace(/\.cjs$/, ".js")).href);
  const devices = await module.init();
  if (!devices.includes("webgpu")) throw new Error("it has no device of WebGPU");
  module.defaultDevice("webgpu");
  return module;
}

/** @param build gives a function of no arguments that returns an array */
export async function jaxJs(build) {
  jax ??= await loaded();
  if (jax === null) return null;
  const compute = build(jax);
  return {
    name: "jax-js",
    run: async () => await compute().data(),
    keep: async () => {
      const result = compute();
      await result.blockUntilReady();
      result.dispose();
    },
    dispose: () => {},
  };
}
