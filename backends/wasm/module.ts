/** The WebAssembly of a model: its kernels, each once, the functions that they need, and what runs them. */
import { type Kernel, kernelKey, variantOf } from "../../src/ir/kernel/index.js";
import type { Dispatch } from "../../src/ir/plan/plan.js";
import type { Size } from "../../src/sizes/index.js";
import { filled, functionName } from "../common/kernel-names.js";
import { allPlans, locationText, type Module, typeText } from "../common/module.js";
import { Names } from "../common/names.js";
import { LoopsApart } from "./code/apart.js";
import { withSumsBehindLoops } from "./code/behind-loops.js";
import { contentOf } from "./code/binary.js";
import type { ModuleCode } from "./code/module.js";
import { inSimilarOrder } from "./code/order.js";
import { withSumsLast } from "./code/relaxed.js";
import { calleesOf, type FunctionCode } from "./code/tree.js";
import { functionOf, hostFunctions } from "./functions/index.js";
import { claim, finish, run } from "./functions/threads.js";
import { elementBytes } from "./kernels/elements.js";
import { type KernelCode, kernelCode } from "./kernels/kernels.js";
import { shiftsOf } from "./kernels/shifts.js";

/** A kernel's place in the table, and what its calls must know. */
export interface KernelPlace {
  readonly number: number;
  /** The bytes of private arrays that each part of it needs, in its own sizes. */
  readonly scratch: Size;
  /** How many bytes behind its first element each argument begins, what is read before what is written. */
  readonly shifts: readonly number[];
}

const reserved = new Set([
  ...["run", "claim", "finish", "exp4", "tanh4", "erf4", "half4", "log", "log2", "sin", "cos"],
  ...["rowMax", "rowSum", "rowExp"],
]);

export class WasmKernels {
  readonly module: ModuleCode;
  readonly #places = new Map<string, KernelPlace>();

  constructor(module: Module) {
    const { sourceLine } = module;
    const names = new Names(new Set([...reserved, ...hostFunctions.map(({ name }) => name)]));
    const apart = new LoopsApart(() => names.claim("loop"));
    const codes: MadeKernel[] = [];
    /** The numbers of kernels by what they do: those of entries and of steps are equal but for the names of sizes. */
    const known = new Map<string, number>();
    const prepares = new Set(
      allPlans(module).flatMap(({ prepare, kernels }) => prepare.map(({ kernel }) => kernelKey(kernels[kernel]!))),
    );
    for (const plan of allPlans(module)) {
      for (const [number, kernel] of plan.kernels.entries()) {
        const key = kernelKey(kernel);
        if (this.#places.has(key)) continue;
        const dispatches = [...plan.prepare, ...plan.dispatches].filter((dispatch) => dispatch.kernel === number);
        const wanted = functionName(kernel, dispatches, plan);
        // What is prepared is called with arrays as they are.
        const shifts = shiftsOf(kernel).map((shift) => (prepares.has(key) ? 0 : shift));
        const code = (of: Kernel): KernelCode => {
          const whole = kernelCode(of, wanted, comment(of, of !== kernel, dispatches, sourceLine), shifts);
          return { ...whole, code: apart.taken(whole.code) };
        };
        const made = code(kernel);
        const variant = kernel.variants?.find(({ device }) => device === "relaxed");
        const other = variant === undefined ? null : code(variantOf(kernel, variant));
        // Both take the same arguments, private arrays among them.
        const relaxed = other?.scratch === made.scratch ? other.code : null;
        const contents = [made.code, ...(relaxed === null ? [] : [relaxed])].map(contentOf);
        const same = contents.map(({ key: text }) => text).join(" ");
        const place = known.get(same) ?? codes.length;
        const bytes = [...kernel.reads, ...kernel.writes].map((each, at) => shifts[at]! * elementBytes(each));
        this.#places.set(key, { number: place, scratch: made.scratch, shifts: bytes });
        if (known.has(same)) continue;
        known.set(same, place);
        const named = (function_: FunctionCode): FunctionCode => ({ ...function_, name: names.claim(wanted) });
        codes.push({
          ...made,
          bytes: contents.flatMap(({ bytes }) => bytes),
          code: named(made.code),
          relaxed: relaxed === null ? null : named(relaxed),
        });
      }
    }
    this.module = assembled(codes, apart.functions);
  }

  of(kernel: Kernel): KernelPlace {
    return this.#places.get(kernelKey(kernel))!;
  }
}

/** A kernel with another function for hosts with relaxed SIMD, if it has one, and with the bytes of both. */
type MadeKernel = KernelCode & { readonly bytes: readonly number[]; readonly relaxed: FunctionCode | null };

function assembled(codes: readonly MadeKernel[], loops: readonly FunctionCode[]): ModuleCode {
  const ordered = inSimilarOrder(codes, ({ bytes }) => bytes);
  const kernels = ordered.flatMap(({ code, relaxed }) => [code, ...(relaxed === null ? [] : [relaxed])]);
  const helpers = new Map<string, FunctionCode>();
  const wanted = codes.flatMap((each) => [...each.helpers]);
  for (let name = wanted.pop(); name !== undefined; name = wanted.pop()) {
    const made = helpers.has(name) ? null : functionOf(name);
    if (made === null) continue;
    helpers.set(name, made);
    wanted.push(...calleesOf(made));
  }
  const functions = [
    run(),
    claim(),
    finish(),
    ...[...helpers.values()].reverse(),
    ...[...loops, ...kernels].map((code) => withSumsBehindLoops(withSumsLast(code))),
  ];
  const called = new Set(functions.flatMap((each) => [...calleesOf(each)]));
  const imports = hostFunctions.filter(({ name }) => called.has(name));
  const numbers = [...imports, ...functions].map(({ name }) => name);
  // A number is one byte, which becomes the next: in a module with more functions some kernels stay as they are.
  const isShort = (name: string): boolean => numbers.indexOf(name) < 128;
  return {
    imports,
    functions,
    kernels: codes.map(({ code }) => code.name),
    relaxed: new Map(
      codes.flatMap(({ code: { name }, relaxed }) =>
        relaxed !== null && isShort(name) && isShort(relaxed.name) ? [[name, relaxed.name]] : [],
      ),
    ),
    exports: ["run"],
  };
}

/** Where a kernel comes from in the source, what it computes, its schedule and the types of its arguments. */
function comment(
  kernel: Kernel,
  isRelaxed: boolean,
  dispatches: readonly Dispatch[],
  sourceLine: Module["sourceLine"],
): string {
  const place = locationText(kernel.location);
  const layers = new Set(dispatches.map(({ scope }) => scope));
  const times = layers.size > 1 ? `, in ${layers.size} layers` : "";
  const source = kernel.location && sourceLine?.(kernel.location)?.trim();
  const lines = [`${place === null ? "" : `${place}: `}${kernel.name}${times}`];
  if (source) lines.push(`    ${source}`);
  if (isRelaxed) lines.push("On hosts with relaxed SIMD, instead of the function before.");
  if (kernel.schedule !== undefined) lines.push(...filled(`Schedule: ${kernel.schedule}`, 100));
  for (const buffer of [...kernel.reads, ...kernel.writes]) {
    lines.push(
      `  ${buffer.name}: ${typeText(buffer.element, buffer.shape)}${kernel.writes.includes(buffer) ? " (written)" : ""}`,
    );
  }
  return lines.join("\n");
}
