/** What a module has for each entry: how much memory it takes, where everything lies for some sizes, and its calls. */
import { InternalError } from "../../src/diagnostics/index.js";
import { type BufferId, type Dispatch, type Plan, type PlanBuffer, sizeWhere } from "../../src/ir/plan/plan.js";
import { arenaBytesOf, roomOf } from "../../src/memory/index.js";
import { add, constantOf, isAtMost, maximum, type Size, size, substitute } from "../../src/sizes/index.js";
import { type DescribedEntry, EntryDescription, type EntryNames, propertyName } from "../common/entries.js";
import { heldName } from "../common/held.js";
import { lineText } from "../common/module.js";
import type { Names } from "../common/names.js";
import { foldRepeats } from "../common/repeats.js";
import type { WasmKernels } from "./module.js";

/** An entry with everything that is printed about it. */
export interface PrintedEntry extends DescribedEntry {
  readonly printer: EntryPrinter;
}

export class EntryPrinter extends EntryDescription {
  /** Where inputs and outputs lie behind the arena, and then private arrays: the same whatever grows from run to run. */
  readonly #offsets = new Map<BufferId, Size>();
  readonly #names = new Map<BufferId, string>();
  readonly #scratchOffset: Size;
  /** The most private bytes that a part of any kernel takes. */
  readonly #scratch: Size;

  constructor(
    plan: Plan,
    readonly names: EntryNames,
    readonly kernels: WasmKernels,
    around: Names,
  ) {
    super(plan, around, ["at", "sizes", "weights", "parts", "states"]);
    let offset = plan.arenaBytes;
    for (const id of [...plan.inputs, ...plan.outputs]) {
      this.#offsets.set(id, offset);
      // Vectors may read a little behind the last element.
      offset = add(add(offset, roomOf(plan, arenaBytesOf(plan.buffers[id]!))), 64);
    }
    this.#scratchOffset = offset;
    this.#scratch = plan.dispatches
      .map((dispatch) => {
        const kernel = plan.kernels[dispatch.kernel]!;
        const { scratch } = kernels.of(kernel);
        return roomOf(
          plan,
          substitute(scratch, (each) => sizeWhere(dispatch, kernel, each)),
        );
      })
      .reduce((most, each) => (isAtMost(each, most) ? most : maximum(most, each)), size(0));
    for (const [id, buffer] of plan.buffers.entries()) this.#place(id as BufferId, buffer);
  }

  #place(id: BufferId, { name, place }: PlanBuffer): void {
    if (place.kind === "arena") this.#offsets.set(id, place.offset);
    if (place.kind === "output" && !this.plan.outputs.includes(id)) {
      // What lies in an output's memory until the output is written there.
      const output = this.plan.outputs.find((each) => this.plan.buffers[each]!.name === place.name);
      if (output === undefined) throw new InternalError(`there is no output ${place.name}`);
      this.#offsets.set(id, this.#offsets.get(output)!);
    }
    if (this.#offsets.has(id)) this.#names.set(id, this.locals.claim(name));
  }

  /** The body of the function that gives the bytes that a run takes. */
  bytesBody(): string {
    const total = this.code(add(this.#scratchOffset, 64)).text;
    const scratch = this.code(this.#scratch);
    const sum = scratch.text === "0" ? total : `${total} + (${scratch.text}) * parts`;
    return [...this.destructured(sum), `return ${sum};`].join("\n");
  }

  /** Whether it reads or writes what a session keeps. */
  get hasStates(): boolean {
    return this.plan.buffers.some(({ place }) => place.kind === "state");
  }

  get usesParts(): boolean {
    return constantOf(this.#scratch) !== 0;
  }

  /** The body of the function that says where everything lies, and what is called. */
  runBody(): string {
    const lines: string[] = [];
    const used = new Set(this.plan.dispatches.flatMap(({ reads, writes }) => [...reads, ...writes]));
    for (const id of [...this.plan.inputs, ...this.plan.outputs]) used.add(id);
    /** What lies in one place has one name there: that of the first that does. */
    const places = new Map<string, string>();
    for (const [id, name] of this.#names) {
      if (!used.has(id)) continue;
      const offset = this.code(this.#offsets.get(id)!).text;
      this.#names.set(id, places.get(offset) ?? name);
      if (places.has(offset)) continue;
      places.set(offset, name);
      lines.push(`const ${name} = at${offset === "0" ? "" : ` + ${offset}`};`);
    }
    if (this.usesParts) lines.push(`const scratch = at + ${this.code(this.#scratchOffset).text};`);
    const list = (ids: readonly BufferId[]): string => ids.map((id) => this.#names.get(id)!).join(", ");
    lines.push(
      "return {",
      `  inputs: [${list(this.plan.inputs)}],`,
      `  outputs: [${list(this.plan.outputs)}],`,
      "  calls: [",
      ...this.#calls(),
      "  ],",
      "};",
    );
    const text = lines.filter((line) => !line.trim().startsWith("//")).join("\n");
    return [...this.destructured(text), ...lines].join("\n");
  }

  /** The calls; those that layers have in common are written once. */
  #calls(): readonly string[] {
    const { dispatches } = this.plan;
    let at = 0;
    return foldRepeats(dispatches.map((each) => this.#call(each))).flatMap(({ count, items }) => {
      const isRepeated = count > 1;
      const lines = items.map((item, i) => {
        const { scope } = dispatches[at + i]!;
        const isSame = dispatches[at + i - 1]?.scope === scope && (i > 0 || !isRepeated);
        const note = `${scope === "" ? "the model" : lineText(scope)}${isRepeated ? ", and so on" : ""}`;
        return [...(isSame ? [] : [`// ${note}`]), `${item},`];
      });
      at += count * items.length;
      if (!isRepeated) return lines.flat().map((line) => `    ${line}`);
      const inner = lines.flat().map((line) => `      ${line}`);
      return [`    ...repeated(${count}, (i) => [`, ...inner, "    ]),"];
    });
  }

  #call(dispatch: Dispatch): string {
    const { reads, writes } = dispatch;
    const kernel = this.plan.kernels[dispatch.kernel]!;
    const { number, shifts } = this.kernels.of(kernel);
    const argument = (id: BufferId, position: number): string => {
      const shift = shifts[position]!;
      return shift === 0 ? this.#reference(id) : `${this.#reference(id)} + ${shift}`;
    };
    const operands = [
      `/* ${this.kernels.module.kernels[number]} */ ${number}`,
      ...[...reads, ...writes].map(argument),
      ...kernel.sizes.map((variable) => this.code(sizeWhere(dispatch, kernel, variable)).text),
      ...(this.usesParts ? ["scratch"] : ["0"]),
    ];
    return `[${operands.join(", ")}]`;
  }

  #reference(id: BufferId): string {
    const name = this.#names.get(id);
    if (name !== undefined) return name;
    const { place } = this.plan.buffers[id]!;
    if (place.kind === "state") return `states[${JSON.stringify(place.name)}]!`;
    return `weights[${JSON.stringify(heldName(this.plan, id))}]!`;
  }

  /** The list of what the entry gives. */
  outputSpecs(): string {
    const lines = this.plan.outputs.map((id) => {
      const { place, element, shape } = this.plan.buffers[id]!;
      if (place.kind !== "output") throw new InternalError("an output of a plan has another place");
      const extents = shape.map((each) => this.code(each).text).join(", ");
      const sizes = this.destructured(extents);
      const taken = sizes.length === 0 ? "()" : `(${sizes[0]!.replace(/^const /, "").replace(/ = sizes;$/, "")})`;
      const name = JSON.stringify(place.name);
      return `    { name: ${name}, type: ${JSON.stringify(element)}, shape: ${taken} => [${extents}] },`;
    });
    return ["[", ...lines, "  ]"].join("\n");
  }

  /** The entry as the host code takes it. */
  description(run: string): string {
    const { names } = this;
    return `{\n  spec: ${names.spec},\n  outputs: ${this.outputSpecs()},\n  bytes: ${names.bytes},\n  run: ${run},\n}`;
  }

  /** The names of all properties that a run gives. */
  get outputNames(): readonly string[] {
    return this.outputs().map(({ name }) => propertyName(name));
  }
}
