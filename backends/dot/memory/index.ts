/** Charts of memory over time. */
export { bytesText } from "./bytes.js";
export { type ChartBuffer, type ChartRun, liveBytes, type MemoryChart, memoryChart } from "./chart.js";
