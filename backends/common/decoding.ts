/** What a module says of an entry that is computed step by step, whatever its steps run on. */
import { InternalError } from "../../src/diagnostics/index.js";
import type { Plan } from "../../src/ir/plan/plan.js";
import { bindingOf, constantOf, type SizeVariable } from "../../src/sizes/index.js";
import type { DescribedEntry } from "./entries.js";
import type { DecodedEntry, Module } from "./module.js";
import { identifier, type Names } from "./names.js";

/** An entry with its steps, and the names that they have in the module. */
export interface PrintedDecoding<Printed extends DescribedEntry = DescribedEntry> {
  readonly decoded: DecodedEntry;
  /** The constant with the `DecodingSpec`. */
  readonly spec: string;
  /** The function that makes the `StepTarget` of an instance. */
  readonly target: string;
  /** The method that opens a session. */
  readonly session: string;
  readonly begin: Printed | null;
  readonly step: Printed;
  readonly last: Printed;
  readonly one: { readonly plan: Printed; readonly apart: Printed } | null;
}

/** The decoded entries of a module, printed. @param printed all programs of the module */
export function printedDecodings<Printed extends DescribedEntry>(
  { decoded = [] }: Module,
  names: Names,
  printed: readonly Printed[],
): readonly PrintedDecoding<Printed>[] {
  const of = (plan: Plan): Printed => {
    const found = printed.find((each) => each.plan === plan);
    if (found === undefined) throw new InternalError(`the program ${plan.name} is not printed`);
    return found;
  };
  return decoded.map((each) => {
    const name = identifier(each.entry);
    return {
      decoded: each,
      spec: names.claim(`${name}Decoding`),
      target: names.claim(`${name}Target`),
      session: names.claim(`${name}Session`),
      begin: each.begin === null ? null : of(each.begin),
      step: of(each.step),
      last: of(each.last),
      one: each.one === null ? null : { plan: of(each.one.plan), apart: of(each.one.apart) },
    };
  });
}

/** The method that opens a session of an entry: `forwardSession`. */
export function sessionMethod(entry: string): string {
  return `${identifier(entry)}Session`;
}

/** The object literal of a `DecodingSpec`. */
export function decodingSpec({ decoded, begin, step, last }: PrintedDecoding): string {
  const { entry, sizes, tokens, scores, areProbabilities } = decoded;
  const text = (value: string | null): string => (value === null ? "null" : JSON.stringify(value));
  const most = sizes.capacity.max === null ? null : constantOf(sizes.capacity.max);
  const states = decoded.step.buffers.flatMap(({ place, element, shape }) => {
    if (place.kind !== "state") return [];
    const extents = shape.map((each) => step.printer.dimension(each)).join(", ");
    return [`    { name: ${text(place.name)}, type: "${element}", shape: [${extents}] },`];
  });
  return [
    "{",
    `  entry: ${text(entry)},`,
    `  begin: ${begin === null ? "null" : begin.names.spec},`,
    `  step: ${step.names.spec},`,
    `  last: ${last.names.spec},`,
    `  capacity: ${text(sizes.capacity.name)},`,
    `  past: ${text(sizes.past.name)},`,
    `  count: ${text(sizes.count.name)},`,
    `  batch: ${text(batchOf(decoded)?.name ?? null)},`,
    `  most: ${most},`,
    ...(states.length === 0 ? ["  states: [],"] : ["  states: [", ...states, "  ],"]),
    `  tokens: ${text(tokens)},`,
    `  scores: ${text(scores)},`,
    `  areProbabilities: ${areProbabilities},`,
    "}",
  ].join("\n");
}

/** The size that counts the rows of a batch: that of the first axis of what a step takes, if it is one. */
function batchOf({ step, sizes }: DecodedEntry): SizeVariable | null {
  const [first] = step.inputs;
  const axis = first === undefined ? undefined : step.buffers[first]!.shape[0];
  const bound = axis === undefined ? null : bindingOf(axis);
  return bound === null || bound.times > 1 || bound.variable === sizes.count ? null : bound.variable;
}
