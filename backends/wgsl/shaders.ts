/** Kernels as shaders of a module: their names, which come from the model, and the comments above them. */
import { type Kernel, type KernelVariant, kernelsOf } from "../../src/ir/kernel/index.js";
import type { BufferId, Plan } from "../../src/ir/plan/plan.js";
import { filled, functionName } from "../common/kernel-names.js";
import { lineText, locationText, type Module, typeText } from "../common/module.js";
import { camelCase, type Names } from "../common/names.js";
import { printShader } from "./kernels.js";
import type { PrintedShader, ShaderOptions } from "./shader.js";

export interface NamedShader {
  readonly name: string;
  readonly printed: PrintedShader;
  /** How each buffer is bound. */
  readonly access: readonly ("read" | "read_write")[];
  /** The lines of the comment. */
  readonly comment: readonly string[];
  /** What it computes and where it comes from, on a line. */
  readonly about: string;
  /** Shaders that suit some devices or some sizes better, in the order in which they are considered. */
  readonly variants: readonly {
    readonly use: Omit<KernelVariant, "body" | "schedule">;
    readonly shader: NamedShader;
  }[];
}

/** The shaders of all kernels of some plans. Kernels of one text share a shader, also those of two entries. */
export class Shaders {
  readonly all: NamedShader[] = [];
  readonly #byKernel = new Map<Kernel, NamedShader>();
  readonly #byText = new Map<string, NamedShader>();

  constructor({ sourceLine }: Module, plans: readonly Plan[], sizes: SizeFields, names: Names, options: ShaderOptions) {
    for (const plan of plans) {
      for (const [number, kernel] of plan.kernels.entries()) {
        const dispatches = [...plan.prepare, ...plan.dispatches].filter((dispatch) => dispatch.kernel === number);
        if (this.#byKernel.has(kernel) || dispatches.length === 0) continue;
        const isWritten = (id: BufferId): boolean => ["arena", "output"].includes(plan.buffers[id]!.place.kind);
        const access = [...kernel.reads, ...kernel.writes].map((_, at) => {
          const isBound = dispatches.some(({ reads }) => at < reads.length && isWritten(reads[at]!));
          return at >= kernel.reads.length || isBound ? "read_write" : "read";
        });
        const [printed, ...others] = kernelsOf(kernel).map((each) => printShader(each, sizes, access, options));
        if (printed === undefined) continue;
        const key = [printed, ...others].map(({ code }) => code).join("\n");
        let made = this.#byText.get(key);
        if (!made) {
          const name = names.claim(functionName(kernel, dispatches, plan));
          const layers = new Set(dispatches.map(({ scope }) => scope)).size;
          const place = locationText(kernel.location);
          const about = lineText(
            `${place === null ? "" : `${place}: `}${kernel.name}${layers > 1 ? `, in ${layers} layers` : ""}`,
          );
          const named = (name: string, printed: PrintedShader): NamedShader => {
            const comment = commentOf(printed.kernel, about, printed, sourceLine);
            return { name, printed, access, about, comment, variants: [] };
          };
          const shared = new Map<string, NamedShader>();
          const variants = (kernel.variants ?? []).map((use, at) => {
            const printed = others[at]!;
            const same = shared.get(printed.code) ?? named(names.claim(camelCase(name, use.name)), printed);
            shared.set(printed.code, same);
            return { use, shader: same };
          });
          made = { ...named(name, printed), variants };
          this.#byText.set(key, made);
          // What mentions others stands after them.
          this.all.push(...shared.values(), made);
        }
        this.#byKernel.set(kernel, made);
      }
    }
  }

  of(kernel: Kernel): NamedShader {
    return this.#byKernel.get(kernel)!;
  }
}

/** The run-time sizes of a model, and the names of their fields in the uniform. */
export type SizeFields = ReadonlyMap<string, string>;

function commentOf(
  kernel: Kernel,
  about: string,
  { bindings }: PrintedShader,
  sourceLine: Module["sourceLine"],
): readonly string[] {
  const lines = [about];
  if (kernel.schedule !== undefined) lines.push(...filled(`Schedule: ${kernel.schedule}`, 100));
  const source = kernel.location && sourceLine?.(kernel.location)?.trim();
  if (source) lines.push("", `    ${source}`);
  lines.push("");
  for (const { name, buffer } of bindings) {
    lines.push(
      `${name}: ${typeText(buffer.element, buffer.shape)}${kernel.writes.includes(buffer) ? " (written)" : ""}`,
    );
  }
  return lines.map(lineText);
}
