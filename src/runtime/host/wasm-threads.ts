/**
 * Compiles the code of a module for this machine and runs it on one or more threads.
 *
 * A run is one call of the module, on every thread with another part. Threads wait for each other in the module
 * (functions/threads.ts of the backend); between runs they wait here, and sleep if nothing comes for a while.
 */
import { floorDivide, floorMod } from "./functions.js";

/** What the module asks of its host. */
export function wasmImports(memory: WebAssembly.Memory): WebAssembly.Imports {
  const host = { memory, pow: Math.pow, floorDivide, floorMod, sinOfLarge: Math.sin, cosOfLarge: Math.cos };
  return { host };
}

interface Exports {
  readonly run: (calls: number, part: number, parts: number) => void;
}

export class Threads {
  readonly memory: WebAssembly.Memory;
  readonly count: number;
  readonly exports: Exports;

  constructor(memory: WebAssembly.Memory, count: number, exports: Exports) {
    this.memory = memory;
    this.count = count;
    this.exports = exports;
  }

  static async start(code: Uint8Array<ArrayBuffer>, _threads: number): Promise<Threads> {
    const module = await WebAssembly.compile(code);
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
    const { exports } = await WebAssembly.instantiate(module, wasmImports(memory));
    return new Threads(memory, 1, exports as unknown as Exports);
  }

  run(calls: number): void {
    this.exports.run(calls, 0, this.count);
  }

  stop(): void {}
}
