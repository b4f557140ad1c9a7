/** The public face of the ONNX export. */
export { type ExternalWeight, type OnnxOptions, onnxModel } from "./emit.js";
export { modelParts, type OnnxModel, opset } from "./messages.js";
