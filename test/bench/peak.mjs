/**
 * The bound for products of matrices as WebAssembly: a loop that multiplies and adds vectors of four and does nothing else.
 * Twelve sums that do not wait for each other fill the units of the processor, and fit into its registers.
 */
const sums = 12;
const turns = 500_000;

/** Numbers below 2^14 in the variable length of the format. */
const leb = (value) => (value < 128 ? [value] : [(value & 127) | 128, value >> 7]);
const section = (id, bytes) => [id, ...leb(bytes.length), ...bytes];
const simd = (operator) => [0xfd, ...leb(operator)];
const get = (local) => [0x20, local];
const set = (local) => [0x21, local];
const [mul, add] = [simd(0xe6), simd(0xe4)];

/** (turns: i32) -> (): sum = sum * half + one, for each of the sums. */
function code() {
  const [half, one, first] = [1, 2, 3];
  const splat = (bytes) => [0x43, ...bytes, ...simd(0x13)];
  const step = Array.from({ length: sums }, (_, i) => [
    ...get(first + i),
    ...get(half),
    ...mul,
    ...get(one),
    ...add,
    ...set(first + i),
  ]).flat();
  const count = [...get(0), 0x41, 1, 0x6b, 0x22, 0, 0x0d, 0];
  const start = [...splat([0, 0, 0, 0x3f]), ...set(half), ...splat([0, 0, 0x80, 0x3f]), ...set(one)];
  // The sums are stored, or there would be no need to compute them.
  const store = Array.from({ length: sums }, (_, i) => [0x41, 0, ...get(first + i), ...simd(11), 4, 0]).flat();
  const body = [1, sums + 2, 0x7b, ...start, 0x03, 0x40, ...step, ...count, 0x0b, ...store, 0x0b];
  return [
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, 0x7f, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [1, 1, 0x66, 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ];
}

/** Not a product, but what a product cannot be faster than. */
export function peak() {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(new Uint8Array(code())));
  return {
    name: "peak",
    work: sums * 4 * 2 * turns,
    bound: true,
    run: () => exports.f(turns),
    dispose: () => {},
  };
}
