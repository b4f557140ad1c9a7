/**
 * What a Plan and a Graph that is lowered but not yet planned have in common, and its text: buffers, and kernels that are
 * run on them. A Plan says where each buffer lies, what is not planned yet says whose each is.
 */
import { render } from "../../sizes/index.js";
import type { KernelElement, Layout } from "../kernel/index.js";
import { kernelElements, layoutText, printKernel } from "../kernel/index.js";
import { arrayText, originText, rangeText } from "../text/headers.js";
import { nameText, numberText, quoted } from "../text/words.js";
import type { BufferId, Dispatch, Place, Plan, PlanBuffer } from "./plan.js";

/** The place of a buffer, or that it has none yet. */
export type SheetPlace = Place | { readonly kind: "temporary" };

export interface SheetBuffer extends Omit<PlanBuffer, "place"> {
  readonly place: SheetPlace;
  /** A number that is kept with it, such as that of the Graph's value that it holds. */
  readonly tag?: number | undefined;
  /** How it holds what it holds, where that is not row by row. */
  readonly layout?: Layout | undefined;
}

/** A Plan but for places that only it has. */
export interface Sheet extends Omit<Plan, "buffers" | "arenaBytes" | "grows"> {
  readonly buffers: readonly SheetBuffer[];
}

/** The element types of buffers. */
export const sheetElements: readonly KernelElement[] = kernelElements;

/** The lists of a sheet that name buffers, which are in the order of their numbers unless a line says otherwise. */
export const orders = ["inputs", "weights", "outputs"] as const;
export type Order = (typeof orders)[number];

/** The word that a buffer's line begins with. `within` is the memory of an output, until that is written over it. */
export function wordOf(
  sheet: Pick<Sheet, "outputs">,
  { place }: SheetBuffer,
  id: number,
): SheetPlace["kind"] | "within" {
  return place.kind === "output" && !sheet.outputs.includes(id as BufferId) ? "within" : place.kind;
}

/** How each kind of place is written, behind the buffer's type. */
const placeTexts: {
  readonly [K in SheetPlace["kind"]]: (
    place: Extract<SheetPlace, { kind: K }>,
    buffer: SheetBuffer,
    sheet: Sheet,
  ) => string;
} = {
  input: ({ name, fill }, buffer, { indexChecks }) => {
    const check = indexChecks.find((each) => each.input === name);
    const given = fill === null ? "" : `, ${numberText(fill)} unless given`;
    return asText(name, buffer) + given + (check === undefined ? "" : `, elements below ${render(check.limit)}`);
  },
  weight: ({ name, sources }) => {
    const isPlain = sources.length === 1 && sources[0]!.length === 1 && sources[0]![0] === name;
    const from = sources.map((each) => each.map(quoted).join(" + ")).join(" or ");
    return `${isPlain ? "" : ` as ${nameText(name)}`} from ${from}`;
  },
  arena: ({ offset, bytes }) => ` at ${render(offset)}, ${render(bytes)} bytes`,
  output: ({ name, holds }, buffer) => asText(name, buffer) + (holds === undefined ? "" : ` holds %${holds}`),
  prepared: ({ name }, buffer) => asText(name, buffer),
  state: ({ name }, buffer) => asText(name, buffer),
  temporary: () => "",
};

function asText(name: string, buffer: SheetBuffer): string {
  return name === buffer.name ? "" : ` as ${nameText(name)}`;
}

function placeText<K extends SheetPlace["kind"]>(
  place: Extract<SheetPlace, { kind: K }>,
  buffer: SheetBuffer,
  sheet: Sheet,
) {
  const write: (place: Extract<SheetPlace, { kind: K }>, buffer: SheetBuffer, sheet: Sheet) => string =
    placeTexts[place.kind as K];
  return write(place, buffer, sheet);
}

/**
 * The lines of a sheet.
 * @param head its first line
 * @param facts lines between the buffers and the runs, by their first word
 */
export function sheetText(
  sheet: Sheet,
  head: string,
  facts: Readonly<Record<string, string>>,
  kernels: boolean,
): string {
  const lines = [head];
  const field = (name: string, text: string): unknown => lines.push(`  ${name.padEnd(8)} ${text}`);
  if (sheet.sizes.length > 0) field("sizes", sheet.sizes.map(rangeText).join(", "));
  for (const [id, buffer] of sheet.buffers.entries()) {
    const type = arrayText(buffer.element, buffer.shape);
    const tag = originText({ scope: buffer.tag === undefined ? null : String(buffer.tag) });
    const layout = buffer.layout === undefined ? "" : ` in ${layoutText(buffer.layout)}`;
    const place = placeText(buffer.place, buffer, sheet);
    field(wordOf(sheet, buffer, id), `${nameText(buffer.name)} %${id}: ${type}${layout}${place}${tag}`);
  }
  for (const order of orders) {
    const ids = sheet[order];
    if (!ids.every((id, i) => i === 0 || id > ids[i - 1]!)) field("order", `${order} ${idsText(ids)}`);
  }
  for (const [name, text] of Object.entries(facts)) field(name, text);
  for (const dispatch of sheet.prepare) field("prepare", dispatchText(sheet, dispatch));
  for (const dispatch of sheet.dispatches) field("run", dispatchText(sheet, dispatch));
  const texts = sheet.kernels.map((kernel, number) => printKernel(kernel, number));
  return [`${lines.join("\n")}\n`, ...(kernels ? texts : [])].join("\n");
}

const idsText = (ids: readonly BufferId[]): string => ids.map((id) => `%${id}`).join(", ");

function dispatchText({ kernels }: Sheet, { kernel, reads, writes, sizes, location, scope }: Dispatch): string {
  const name = `${nameText(kernels[kernel]?.name ?? "none")}#${kernel}`;
  const given = reads.length === 0 ? "" : ` ${idsText(reads)}`;
  const values = sizes?.map((value, at) => `${kernels[kernel]?.sizes[at]?.name} = ${render(value)}`) ?? [];
  const where = values.length === 0 ? "" : ` where ${values.join(", ")}`;
  return `${name}${given} -> ${idsText(writes)}${where}${originText({ path: scope === "" ? null : scope, location })}`;
}
