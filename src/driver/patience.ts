/**
 * Waiting for Dawn without spinning.
 *
 * The package webgpu looks by setImmediate, again and again, whether the device is done. Where the device is the same
 * processor, that takes a core from it: on two cores everything takes twice as long. It imports nothing, as benchmarks
 * take it to other machines.
 */

/** How long the thread sleeps at each look, in milliseconds. */
const nap = 0.1;

let isPatient = false;

/** From now on setImmediate sleeps a moment before it calls. For processes that do nothing else while they wait. */
export function waitPatiently(): void {
  if (isPatient || typeof globalThis.setImmediate !== "function") return;
  isPatient = true;
  const { setImmediate } = globalThis;
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const patient = (act: (...args: unknown[]) => void, ...args: unknown[]) =>
    setImmediate(() => {
      Atomics.wait(cell, 0, 0, nap);
      act(...args);
    });
  globalThis.setImmediate = Object.assign(patient, setImmediate) as typeof setImmediate;
}
