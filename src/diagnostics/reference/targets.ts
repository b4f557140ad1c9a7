/** The reference of the family E05 targets. */
import { entries } from "./entry.js";

export const targets = entries({
  E0501: {
    title: "an entry has a name that a generated model needs itself",
    text: "A generated model has a method for each entry, and `dispose`, which frees it. An entry named `then` would make the model a promise, which is awaited when it is loaded.",
    wrong: "entry dispose(x: [B, T]) -> (y: [B, T]) { … }",
    right: "entry run(x: [B, T]) -> (y: [B, T]) { … }",
  },
  E0502: {
    title: "ONNX cannot express an entry",
    text: "In an ONNX model, inputs and outputs share one space of names, and every size comes from the shape of an input. An entry that returns a value under the name of an input, or has a size that no input has as an axis, cannot be written with `--target onnx`; other targets take it.",
    wrong: "entry forward(x: [B, T]) -> (x: [B, T]) { x + 1 }",
    right: "entry forward(x: [B, T]) -> (y: [B, T]) { x + 1 }",
  },
  E0503: {
    title: "a target cannot be run on this machine",
    text: "The target wgsl runs on WebGPU: in browsers on their own, in Node through the package webgpu (`npm install webgpu`), which needs a GPU with a driver for Vulkan, Metal or D3D12. Without a GPU a Vulkan driver that runs on the CPU will do, such as Mesa's lavapipe or SwiftShader: set VK_DRIVER_FILES to its .json file. Compiling needs none of these.",
  },
  E0504: {
    title: "a program cannot be computed in f16",
    text: "`--precision f16` keeps what lies between kernels, and large weights, in f16, and multiplies in it; the target wgsl can, on devices with shader-f16. Other targets compute in f32, and hold weights as f16 with `--weights f16`. A program that has values of f16 itself is compiled as it is.",
    wrong: "trafo compile gpt2.trafo --target wasm --precision f16",
    right: "trafo compile gpt2.trafo --target wgsl --precision f16",
  },
  E0505: {
    title: "a device refuses a program",
    text: "A GPU, or the driver that stands for one, has limits: how large a buffer may be, how many a shader reads, how much memory its lanes share. What does not fit is refused, and so is what the device has no memory for. The message names the kernel or the buffer, the limit and a way out. Smaller sizes, another device or another target help.",
  },
});
