/**
 * What a module has for each entry: the description that inputs are checked against, the arrays on the arena, and the
 * function that runs the kernels in the order of the plan.
 */
import { InternalError } from "../../src/diagnostics/index.js";
import type { Kernel } from "../../src/ir/kernel/index.js";
import type { BufferId, Plan } from "../../src/ir/plan/plan.js";
import { type Code, numberCode, plus, times } from "../common/code.js";
import { type DescribedEntry, EntryDescription, type EntryNames, propertyName, wrapped } from "../common/entries.js";
import { lineText } from "../common/module.js";
import { Names } from "../common/names.js";
import type { KernelFunctions } from "./functions.js";
import { globalArrays, privateArrays, scratchOf } from "./kernels.js";

/** An array of an entry on the arena. */
interface ArenaArray {
  readonly name: string;
  readonly array: string;
  readonly operands: readonly string[];
}

/** The names of an entry's parts, and of the function that makes its arrays. */
export interface ArrayEntryNames extends EntryNames {
  readonly arrays: string;
}

/** An entry with everything that is printed about it. */
export interface PrintedEntry extends DescribedEntry {
  readonly names: ArrayEntryNames;
  readonly printer: EntryPrinter;
}

export class EntryPrinter extends EntryDescription {
  readonly #buffers = new Map<BufferId, string>();
  readonly #arena = new Map<string, ArenaArray>();
  /** The arrays of the outputs of a step, which the next step writes over. */
  readonly #results = new Map<BufferId, string>();
  /** The names of inputs' defaults. */
  readonly #defaults = new Map<BufferId, string>();
  /** The names of the arrays that are kept from run to run. */
  readonly #fields = new Names(new Set());

  constructor(
    plan: Plan,
    readonly names: ArrayEntryNames,
    readonly functions: KernelFunctions,
    around: Names,
  ) {
    super(plan, around, ["arrays", "inputs", "instance", "sizes", "states", "weights"]);
    this.#nameBuffers();
  }

  /** The inputs first, which keep their names; buffers of one name and place share an array. */
  #nameBuffers(): void {
    const { plan } = this;
    for (const id of [...plan.inputs, ...plan.outputs])
      this.#buffers.set(id, this.locals.claim(plan.buffers[id]!.name));
    for (const [id, buffer] of plan.buffers.entries()) {
      const { place } = buffer;
      // What lies in an output's memory until the output is written there.
      const output = place.kind === "output" && plan.outputs.find((each) => plan.buffers[each]!.name === place.name);
      if (output !== false && output !== undefined) this.#buffers.set(id as BufferId, this.#buffers.get(output)!);
      if (place.kind === "state") this.#buffers.set(id as BufferId, this.locals.claim(buffer.name));
      if (buffer.place.kind !== "arena") continue;
      const { offset } = buffer.place;
      this.#buffers.set(
        id as BufferId,
        this.#arenaArray(buffer.name, globalArrays[buffer.element], this.code(offset), this.room(buffer)),
      );
    }
    for (const id of plan.grows === undefined ? [] : plan.outputs) {
      this.#results.set(id, `arrays.${this.#fields.claim(plan.buffers[id]!.name)}`);
    }
    for (const id of plan.inputs) {
      if (this.#isFilled(id)) this.#defaults.set(id, `arrays.${this.#fields.claim(plan.buffers[id]!.name)}`);
    }
    for (const { kernel } of plan.dispatches) this.#scratch(plan.kernels[kernel]!);
  }

  #arenaArray(wanted: string, array: string, offset: Code, count: Code): string {
    const operands = ["arena", offset.text, count.text];
    const key = [wanted, array, ...operands].join(" ");
    const known = this.#arena.get(key);
    if (known) return known.name;
    const name = `arrays.${this.#fields.claim(wanted)}`;
    this.#arena.set(key, { name, array, operands });
    return name;
  }

  /** The private arrays of a kernel, after all that the plan has placed. */
  #scratch(kernel: Kernel): readonly string[] {
    let offset = this.code(this.plan.arenaBytes);
    return scratchOf(kernel).map((buffer) => {
      const count = this.room(buffer);
      const name = this.#arenaArray(buffer.name, privateArrays[buffer.element], offset, count);
      offset = plus(offset, times(count, numberCode(8)));
      return name;
    });
  }

  /** The body of the function that gives the bytes of the arena. */
  bytesBody(): string {
    const total = this.code(this.plan.arenaBytes).text;
    const scratch = new Set<string>();
    for (const { kernel } of this.plan.dispatches) {
      const buffers = scratchOf(this.plan.kernels[kernel]!);
      if (buffers.length === 0) continue;
      const counts = buffers.map((buffer) => this.room(buffer)).reduce(plus);
      scratch.add(times(counts, numberCode(8)).text);
    }
    const [one, ...others] = scratch;
    const more = others.length > 0 ? `Math.max(${[...scratch].join(", ")})` : one;
    const sum = more === undefined ? total : total === "0" ? more : `${total} + ${more}`;
    return [...this.destructured(sum), `return ${sum};`].join("\n");
  }

  /** The body of the function that makes the arrays on the arena. */
  arraysBody(): string {
    const made = [...this.#arena.values()];
    const constants = this.#sharedQuotients(made.flatMap(({ operands }) => operands));
    const named = (operand: string): string =>
      [...constants].reduce((code, [quotient, name]) => code.replaceAll(quotient, name), operand);
    const fields = made.flatMap(({ name, array, operands }) =>
      wrapped(`  ${fieldOf(name)}: new ${array}(`, operands.map(named), "),", "  "),
    );
    for (const [position, id] of this.plan.inputs.entries()) {
      const name = this.#defaults.get(id);
      if (name === undefined) continue;
      const type = globalArrays[this.plan.buffers[id]!.element];
      fields.push(`  ${fieldOf(name)}: filledInput(${this.names.spec}.inputs[${position}]!, sizes) as ${type},`);
    }
    for (const [id, name] of this.#results) {
      const buffer = this.plan.buffers[id]!;
      fields.push(`  ${fieldOf(name)}: new ${globalArrays[buffer.element]}(${this.count(buffer).text}),`);
    }
    const lines = [...constants].map(([quotient, name]) => `const ${name} = ${quotient};`);
    const text = [...lines, "return {", ...fields, "};"].join("\n");
    return [...this.destructured(text), text].join("\n");
  }

  /** Offsets are rounded up to 16 bytes, most of them in the same way: the quotients that are used twice, and names. */
  #sharedQuotients(codes: readonly string[]): ReadonlyMap<string, string> {
    const all = codes.flatMap((code) => code.match(/Math\.floor\(\([^()]*\) \/ \d+\)/g) ?? []);
    const shared = new Set(all.filter((quotient, at) => all.indexOf(quotient) !== at));
    return new Map([...shared].map((quotient) => [quotient, this.locals.claim("blocks")]));
  }

  /** Whether an input has a default and is read. */
  #isFilled(id: BufferId): boolean {
    const { place } = this.plan.buffers[id]!;
    return place.kind === "input" && place.fill !== null && this.#isRead(id);
  }

  #isRead(id: BufferId): boolean {
    return this.plan.dispatches.some(({ reads, writes }) => reads.includes(id) || writes.includes(id));
  }

  /** Whether it is a program of a session. */
  get hasStates(): boolean {
    return this.plan.buffers.some(({ place }) => place.kind === "state") || this.plan.grows !== undefined;
  }

  /** Whether the entry has arrays that are kept from run to run. */
  get hasArrays(): boolean {
    return this.#arena.size > 0 || this.#results.size > 0 || this.plan.inputs.some((id) => this.#isFilled(id));
  }

  /** The body of the function that runs the entry. */
  runBody(): string {
    const { plan, names } = this;
    const lines: string[] = [];
    if (this.hasArrays) {
      const arrays = `instance.arrays(${names.spec}, sizes, ${names.bytes}(sizes), ${names.arrays})`;
      lines.push(`const arrays = ${arrays};`);
    }
    for (const [position, id] of plan.inputs.entries()) {
      if (!this.#isRead(id)) continue;
      const array = globalArrays[plan.buffers[id]!.element];
      const given = this.#isFilled(id) ? `(inputs[${position}] ?? ${this.#defaults.get(id)!})` : `inputs[${position}]`;
      lines.push(`const ${this.#buffers.get(id)!} = ${given} as ${array};`);
    }
    for (const id of plan.outputs) {
      const buffer = plan.buffers[id]!;
      const kept = this.#results.get(id);
      if (kept !== undefined) lines.push(`const ${this.#buffers.get(id)!} = ${kept};`);
      else
        lines.push(
          `const ${this.#buffers.get(id)!} = new ${globalArrays[buffer.element]}(${this.count(buffer).text});`,
        );
    }
    for (const [id, { place, element }] of plan.buffers.entries()) {
      if (place.kind !== "state" || !this.#isRead(id as BufferId)) continue;
      const name = this.#buffers.get(id as BufferId)!;
      lines.push(`const ${name} = states[${JSON.stringify(place.name)}] as ${globalArrays[element]};`);
    }
    let scope: string | null = null;
    for (const dispatch of plan.dispatches) {
      if (dispatch.scope !== scope)
        lines.push("", `// ${dispatch.scope === "" ? "the model" : lineText(dispatch.scope)}`);
      scope = dispatch.scope;
      const kernel = plan.kernels[dispatch.kernel]!;
      const { name } = this.functions.of(kernel);
      const buffers = [...dispatch.reads, ...dispatch.writes].map((id) => this.#reference(id));
      const sizes = kernel.sizes.map((variable) => this.variable(variable));
      lines.push(...wrapped(`${name}(`, [...buffers, ...this.#scratch(kernel), ...sizes], ");"));
    }
    const results = plan.outputs.map((id) => this.#result(id));
    lines.push("", ...wrapped("return { ", results, " };"));
    const start = [...this.destructured(lines.filter((line) => !line.startsWith("//")).join("\n"))];
    const readsWeights = plan.dispatches.some(({ reads }) =>
      reads.some((id) => ["weight", "prepared"].includes(plan.buffers[id]!.place.kind)),
    );
    if (readsWeights) start.push("const { weights } = instance;");
    return [...start, ...lines].join("\n");
  }

  #reference(id: BufferId): string {
    const { place } = this.plan.buffers[id]!;
    if (place.kind !== "weight" && place.kind !== "prepared") return this.#buffers.get(id)!;
    return /^[A-Za-z_]\w*$/.test(place.name) ? `weights.${place.name}` : `weights[${JSON.stringify(place.name)}]`;
  }

  #result(id: BufferId): string {
    const { place, element, shape } = this.plan.buffers[id]!;
    if (place.kind !== "output") throw new InternalError("an output of a plan has another place");
    const sizes = shape.map((extent) => this.code(extent).text).join(", ");
    return `${propertyName(place.name)}: { data: ${this.#buffers.get(id)!}, shape: [${sizes}], type: "${element}" }`;
  }
}

function fieldOf(name: string): string {
  return name.slice("arrays.".length);
}
