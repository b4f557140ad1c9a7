/** What a module has for each entry on a device: its buffers for given sizes, and the calls of its shaders. */
import type { BufferId, Plan, PlanBuffer } from "../../src/ir/plan/plan.js";
import { type DescribedEntry, EntryDescription, type EntryNames, propertyName } from "../common/entries.js";
import { lineText } from "../common/module.js";
import { Names } from "../common/names.js";
import { takesTwoBytes } from "./packed.js";
import type { Shaders } from "./shaders.js";

/** The names of an entry's parts, of the function that gives its buffers, and of what holds all parts. */
export interface DeviceEntryNames extends EntryNames {
  readonly buffers: string;
  readonly program: string;
}

/** An entry with everything that is printed about it. */
export interface PrintedEntry extends DescribedEntry {
  readonly names: DeviceEntryNames;
  readonly printer: DeviceEntryPrinter;
}

export class DeviceEntryPrinter extends EntryDescription {
  /** The names of buffers, which are no names of variables. */
  readonly #buffers = new Map<BufferId, string>();

  constructor(
    plan: Plan,
    readonly shaders: Shaders,
    around: Names,
    /** Whether f16 takes two bytes. */
    readonly halves = false,
  ) {
    super(plan, around, ["sizes"]);
    const names = new Names(new Set());
    for (const id of plan.dispatches.flatMap(({ reads, writes }) => [...reads, ...writes])) {
      if (this.#buffers.has(id)) continue;
      const { place, name } = plan.buffers[id]!;
      this.#buffers.set(id, names.claim(place.kind === "weight" || place.kind === "prepared" ? place.name : name));
    }
    // An output that nothing writes, as it has no elements, still is one.
    for (const id of plan.outputs) {
      if (!this.#buffers.has(id)) this.#buffers.set(id, names.claim(plan.buffers[id]!.name));
    }
  }

  /** The body of the function that gives the bytes of the arena. */
  bytesBody(): string {
    const total = this.code(this.plan.arenaBytes).text;
    return [...this.destructured(total), `return ${total};`].join("\n");
  }

  /** The body of the function that gives the buffers. */
  buffersBody(): string {
    const lines = [...this.#buffers].map(([id, name]) => `  ${propertyName(name)}: ${this.#buffer(id)},`);
    const text = ["return {", ...lines, "};"].join("\n");
    return [...this.destructured(text), text].join("\n");
  }

  #buffer(id: BufferId): string {
    const buffer = this.plan.buffers[id]!;
    const shape = buffer.shape.map((extent) => this.code(extent).text).join(", ");
    const [count, room] = [this.count(buffer).text, this.room(buffer).text];
    const more = room === count || buffer.place.kind === "state" ? "" : `, room: ${room}`;
    const half = takesTwoBytes(buffer, this.halves) ? ", half: true" : "";
    return `{ type: "${buffer.element}"${half}, shape: [${shape}], ${this.#place(id, buffer)}${more} }`;
  }

  #place(id: BufferId, { place }: PlanBuffer): string {
    switch (place.kind) {
      case "input":
        return `input: ${this.plan.inputs.indexOf(id)}`;
      case "weight":
      case "prepared":
        return `weight: ${JSON.stringify(place.name)}`;
      case "output":
        return `output: ${JSON.stringify(place.name)}`;
      case "state":
        return `state: ${JSON.stringify(place.name)}`;
      case "arena":
        return `offset: ${this.code(place.offset).text}`;
    }
  }

  /** The calls, as the text of an array. */
  calls(): string {
    const lines: string[] = [];
    let scope: string | null = null;
    for (const dispatch of this.plan.dispatches) {
      if (dispatch.scope !== scope)
        lines.push(`    // ${dispatch.scope === "" ? "the model" : lineText(dispatch.scope)}`);
      scope = dispatch.scope;
      const { name } = this.shaders.of(this.plan.kernels[dispatch.kernel]!);
      const buffers = [...dispatch.reads, ...dispatch.writes].map((id) => JSON.stringify(this.#buffers.get(id)));
      lines.push(
        `    { shader: ${name}, layer: ${JSON.stringify(dispatch.scope)}, buffers: [${buffers.join(", ")}] },`,
      );
    }
    return lines.length === 0 ? "[]" : ["[", ...lines, "  ]"].join("\n");
  }
}
