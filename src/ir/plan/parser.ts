/**
 * Reads the text form of plans, and of what is not planned yet; see sheet.ts for what it looks like.
 *
 * Reading gives what prints as the same text. The first mistake ends the reading, with a UserError of E0690 at its place.
 * Whether buffers overlap is not asked here: that is the question of src/memory/check.ts, for given sizes.
 */
import type { SourceFile } from "../../diagnostics/index.js";
import type { Size, SizeVariable } from "../../sizes/index.js";
import { type Kernel, readKernel, readLayout } from "../kernel/index.js";
import { readArray, readOrigin, readRange } from "../text/headers.js";
import { DumpReader } from "../text/reader.js";
import type { BufferId, Dispatch, IndexCheck, Place, Plan } from "./plan.js";
import { type Order, orders, type Sheet, type SheetBuffer, type SheetPlace, sheetElements } from "./sheet.js";

/** Reads one plan, which must be all of the text. @throws UserError E0690 */
export function parsePlan(file: SourceFile): Plan {
  const reader = new DumpReader(file);
  const plan = readPlan(reader);
  if (!reader.sees("end")) reader.fail("text stands after the plan");
  return plan;
}

/** Reads a plan from where the reader stands. @throws UserError E0690 */
export function readPlan(reader: DumpReader): Plan {
  const { sheet, facts } = readSheet(reader, "plan", { bytes: () => reader.size() });
  const { buffers, ...rest } = sheet;
  const placed = buffers.map(({ tag: _, place, ...buffer }) => ({ ...buffer, place: placeOf(reader, place) }));
  return { ...rest, buffers: placed, arenaBytes: facts.bytes };
}

function placeOf(reader: DumpReader, place: SheetPlace): Place {
  return place.kind === "temporary" ? reader.fail("a plan has a place for every buffer") : place;
}

/**
 * Reads a sheet.
 * @param word what its first line begins with
 * @param facts readers of the lines between the buffers and the runs
 * @throws UserError E0690
 */
export function readSheet<F extends Readonly<Record<string, unknown>>>(
  reader: DumpReader,
  word: string,
  facts: { readonly [K in keyof F]: () => F[K] },
): { readonly sheet: Sheet; readonly facts: F } {
  return new SheetParser(reader).sheet(word, facts);
}

/** How the place of a buffer is read, behind its type, by the word that the line begins with. */
const placeForms: {
  readonly [K in SheetPlace["kind"] | "within"]: (parser: SheetParser, name: string) => SheetPlace;
} = {
  input: (parser, name) => parser.input(name),
  weight: (parser) => parser.weight(),
  arena: (parser) => parser.arena(),
  output: (parser, name) => parser.output(name),
  within: (parser, name) => parser.output(name),
  prepared: (parser, name) => parser.prepared(name),
  state: (parser, name) => parser.state(name),
  temporary: () => ({ kind: "temporary" }),
};
const placeWords = Object.keys(placeForms) as readonly (keyof typeof placeForms)[];

/** A line that runs a kernel, the names of the kernel and of its sizes on it, and where the line begins. */
interface Run {
  readonly dispatch: Dispatch;
  readonly name: string;
  readonly where: readonly string[];
  readonly start: number;
}

class SheetParser {
  readonly #buffers: SheetBuffer[] = [];
  readonly #lists: { readonly [K in Order]: BufferId[] } = { inputs: [], weights: [], outputs: [] };
  readonly #indexChecks: IndexCheck[] = [];

  constructor(readonly reader: DumpReader) {}

  sheet<F extends Readonly<Record<string, unknown>>>(word: string, facts: { readonly [K in keyof F]: () => F[K] }) {
    const { reader } = this;
    reader.sizes.clear();
    reader.expect("word", `\`${word}\``, word);
    const name = reader.name();
    reader.endLine();
    const sizes = this.#sizes();
    while (this.#buffer()) reader.endLine();
    while (reader.accept("word", "order") !== null) this.#order();
    const read = Object.entries(facts).map(([key, value]: [string, () => unknown]) => {
      reader.expect("word", `\`${key}\``, key);
      const made = value();
      reader.endLine();
      return [key, made];
    });
    const [prepared, runs] = [this.#runs("prepare"), this.#runs("run")];
    const kernels = this.#kernels(new Map(reader.sizes));
    for (const run of [...prepared, ...runs]) this.#checkRun(run, kernels, sizes);
    const [prepare, dispatches] = [prepared, runs].map((each) => each.map(({ dispatch }) => dispatch));
    const called = { kernels, prepare: prepare!, dispatches: dispatches! };
    const rest = { buffers: this.#buffers, ...called, ...this.#lists, indexChecks: this.#indexChecks };
    return { sheet: { name, sizes, ...rest }, facts: Object.fromEntries(read) as F };
  }

  #sizes(): readonly SizeVariable[] {
    const { reader } = this;
    const found: SizeVariable[] = [];
    if (reader.accept("word", "sizes") === null) return found;
    do found.push(readRange(reader));
    while (reader.accept("mark", ",") !== null);
    reader.endLine();
    return found;
  }

  /** Takes the line of a buffer, if one stands here. */
  #buffer(): boolean {
    const { reader } = this;
    const word = placeWords.find((each) => reader.accept("word", each) !== null);
    if (word === undefined) return false;
    const name = reader.name();
    const place = reader.span;
    const id = this.#buffers.length as BufferId;
    if (reader.expect("value", "a buffer's number") !== String(id)) reader.fail(`the next buffer is %${id}`, place);
    reader.mark(":");
    const { element, shape } = readArray(reader, sheetElements);
    const layout = reader.accept("word", "in") === null ? {} : { layout: readLayout(reader) };
    const made = placeForms[word](this, name);
    const { scope } = readOrigin(reader);
    const tag = scope === null ? {} : { tag: Number(scope) };
    this.#buffers.push({ name, element, shape, place: made, ...layout, ...tag });
    if (word === "input" || word === "weight" || word === "output") this.#lists[`${word}s`].push(id);
    return true;
  }

  /** `as NAME`, or the buffer's own name. */
  #as(name: string): string {
    return this.reader.accept("word", "as") === null ? name : this.reader.name();
  }

  input(own: string): SheetPlace {
    const { reader } = this;
    const name = this.#as(own);
    let fill: number | null = null;
    while (reader.accept("mark", ",") !== null) {
      if (reader.accept("word", "elements") !== null) {
        reader.expect("word", "`below`", "below");
        this.#indexChecks.push({ input: name, limit: reader.size() });
        continue;
      }
      fill = reader.number();
      reader.expect("word", "`unless`", "unless");
      reader.expect("word", "`given`", "given");
    }
    return { kind: "input", name, fill };
  }

  weight(): SheetPlace {
    const { reader } = this;
    const name = reader.accept("word", "as") === null ? null : reader.name();
    reader.expect("word", "`from`", "from");
    const sources: string[][] = [];
    do {
      const parts = [reader.string()];
      while (reader.accept("mark", "+") !== null) parts.push(reader.string());
      sources.push(parts);
    } while (reader.accept("word", "or") !== null);
    return { kind: "weight", name: name ?? sources[0]![0]!, sources };
  }

  arena(): SheetPlace {
    const { reader } = this;
    reader.expect("word", "`at`", "at");
    const offset = reader.size();
    reader.mark(",");
    const bytes: Size = reader.size();
    reader.expect("word", "`bytes`", "bytes");
    return { kind: "arena", offset, bytes };
  }

  output(own: string): SheetPlace {
    const { reader } = this;
    const name = this.#as(own);
    if (reader.accept("word", "holds") === null) return { kind: "output", name };
    return { kind: "output", name, holds: this.#id() };
  }

  prepared(own: string): SheetPlace {
    return { kind: "prepared", name: this.#as(own) };
  }

  state(own: string): SheetPlace {
    return { kind: "state", name: this.#as(own) };
  }

  #id(): BufferId {
    const { reader } = this;
    const place = reader.span;
    const text = reader.expect("value", "a buffer, such as `%3`,");
    const id = Number(text);
    return this.#buffers[id] === undefined ? reader.fail(`there is no buffer %${text}`, place) : (id as BufferId);
  }

  #ids(): BufferId[] {
    const found: BufferId[] = [];
    if (!this.reader.sees("value")) return found;
    do found.push(this.#id());
    while (this.reader.accept("mark", ",") !== null);
    return found;
  }

  #order(): void {
    const { reader } = this;
    const list = this.#lists[reader.oneOf("a list", orders)];
    const place = reader.span;
    const ids = this.#ids();
    const isSame = ids.length === list.length && list.every((id) => ids.includes(id));
    if (!isSame) reader.fail("these are not the buffers of this list", place);
    list.splice(0, list.length, ...ids);
    reader.endLine();
  }

  #runs(word: string): readonly Run[] {
    const found: Run[] = [];
    while (this.reader.accept("word", word) !== null) found.push(this.#run());
    return found;
  }

  #run(): Run {
    const { reader } = this;
    const start = reader.position;
    const name = reader.name();
    const kernel = Number(reader.expect("scope", "a kernel's number, such as `#0`,"));
    const reads = this.#ids();
    reader.mark("->");
    const writes = this.#ids();
    const where: string[] = [];
    const values: Size[] = [];
    if (reader.accept("word", "where") !== null) {
      do {
        where.push(reader.word());
        reader.mark("=");
        values.push(reader.size());
      } while (reader.accept("mark", ",") !== null);
    }
    const { path, location } = readOrigin(reader, true);
    reader.endLine();
    const sizes = where.length === 0 ? {} : { sizes: values };
    return { dispatch: { kernel, reads, writes, ...sizes, location, scope: path ?? "" }, name, where, start };
  }

  #kernels(sizes: ReadonlyMap<string, SizeVariable>): readonly Kernel[] {
    const { reader } = this;
    const found: Kernel[] = [];
    while (reader.sees("word", "kernel")) {
      const place = reader.span;
      const { kernel, number } = readKernel(reader, sizes);
      if (number !== found.length) reader.fail(`the next kernel is #${found.length}`, place);
      found.push(kernel);
    }
    return found;
  }

  /** A kernel is run on as many buffers as it has arguments, of its element types and axes. */
  #checkRun({ dispatch, name, where, start }: Run, kernels: readonly Kernel[], sizes: readonly SizeVariable[]): void {
    const { reader } = this;
    const { kernel: number, reads, writes } = dispatch;
    const at = reader.spanFrom(start, start + 2);
    const kernel = kernels[number];
    if (kernel === undefined) return reader.fail(`there is no kernel #${number}`, at);
    if (kernel.name !== name) reader.fail(`the kernel #${number} is ${kernel.name}`, at);
    const [given, asked] = [
      [...reads, ...writes],
      [...kernel.reads, ...kernel.writes],
    ];
    if (reads.length !== kernel.reads.length || given.length !== asked.length) {
      const counts = `${kernel.reads.length} and writes ${kernel.writes.length}`;
      reader.fail(`${name} reads ${counts} buffers, and is run on ${reads.length} and ${writes.length}`, at);
    }
    const own = kernel.sizes.map((each) => each.name);
    if (where.length > 0 && where.join() !== own.join()) {
      const has = own.length === 0 ? "no sizes" : `the sizes ${own.join(", ")}`;
      reader.fail(`${name} has ${has}, and the run says ${where.join(", ")}`, at);
    }
    const unknown = where.length > 0 ? undefined : kernel.sizes.find((each) => !sizes.includes(each));
    if (unknown !== undefined) {
      reader.fail(
        `${name} has the size ${unknown.name}, which is none here: \`where ${unknown.name} = …\` says it`,
        at,
      );
    }
    for (const [i, argument] of asked.entries()) {
      const buffer = this.#buffers[given[i]!]!;
      const isShaped = where.length > 0 || buffer.shape.length === argument.shape.length;
      if (buffer.element === argument.element && isShaped) continue;
      reader.fail(`%${given[i]} is not what ${argument.name} of ${name} takes`, at);
    }
  }
}
