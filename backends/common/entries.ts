/**
 * What a module says of each entry, whatever it runs on: the description that inputs are checked against, the properties
 * of what goes in and comes out, and sizes as code of the host's language.
 */
import { InternalError } from "../../src/diagnostics/index.js";
import type { Plan, PlanBuffer } from "../../src/ir/plan/plan.js";
import {
  bindingOf,
  constantOf,
  render,
  type Size,
  type SizeVariable,
  substitute,
  variablesOf,
} from "../../src/sizes/index.js";
import { type Code, numberCode, primary, times } from "./code.js";
import { largeSizes } from "./javascript.js";
import { typeText } from "./module.js";
import { identifier, Names, upperFirst } from "./names.js";
import { type SizeDialect, sizeCode } from "./sizes.js";

/** The names of an entry's parts in the module. */
export interface EntryNames {
  readonly inputs: string;
  readonly outputs: string;
  readonly spec: string;
  readonly bytes: string;
  readonly run: string;
  /** What it is called where something is wrong with its inputs. */
  readonly shown: string;
}

/** @param shown what callers know the plan as */
export function entryNames(plan: Plan, names: Names, shown: string): EntryNames {
  const name = identifier(plan.name);
  return {
    inputs: names.claim(`${upperFirst(name)}Inputs`),
    outputs: names.claim(`${upperFirst(name)}Outputs`),
    spec: names.claim(`${name}Spec`),
    bytes: names.claim(`${name}Bytes`),
    run: names.claim(`run${upperFirst(name)}`),
    shown,
  };
}

/** An entry with what is printed about it. */
export interface DescribedEntry {
  readonly plan: Plan;
  readonly names: EntryNames;
  readonly printer: EntryDescription;
}

/** An input or an output as a property of an interface. */
export interface EntryProperty {
  readonly name: string;
  readonly optional: boolean;
  readonly type: string;
  readonly comment: string;
}

export class EntryDescription {
  /** The names within the functions of the entry. */
  protected readonly locals: Names;
  readonly #variables = new Map<SizeVariable, string>();
  readonly #sizes: SizeDialect;
  readonly #indexed: ReadonlyMap<string, Size>;

  /** @param fixed names that the functions of the entry use for something else than its sizes. */
  constructor(
    readonly plan: Plan,
    around: Names,
    fixed: readonly string[],
  ) {
    this.locals = new Names(around.reserved, around);
    for (const local of fixed) this.locals.claim(local);
    for (const variable of plan.sizes) this.#variables.set(variable, this.locals.claim(variable.name));
    this.#sizes = largeSizes((variable) => this.variable(variable));
    this.#indexed = new Map(plan.indexChecks.map(({ input, limit }) => [input, limit]));
  }

  /** The name of a run-time size. */
  variable(variable: SizeVariable): string {
    const name = this.#variables.get(variable);
    if (name !== undefined) return name;
    throw new InternalError(`the plan of ${this.plan.name} does not know the size ${variable.name}`);
  }

  /** A size as code. */
  code(value: Size): Code {
    return sizeCode(value, this.#sizes);
  }

  /** The number of elements of a shape. */
  count({ shape }: { readonly shape: readonly Size[] }): Code {
    return shape.reduce((all, extent) => times(all, this.code(extent)), primary("1"));
  }

  /** The number of elements that there is room for, whatever grows from run to run. */
  room(shaped: { readonly shape: readonly Size[] }): Code {
    const { grows } = this.plan;
    if (grows === undefined) return this.count(shaped);
    const shape = shaped.shape.map((each) =>
      substitute(each, (variable) => (variable === grows.size ? grows.to : null)),
    );
    return this.count({ shape });
  }

  /** `const { B, T } = sizes;`, as far as some code mentions them. */
  destructured(text: string): readonly string[] {
    const fields = this.plan.sizes.flatMap((variable) => {
      const name = this.#variables.get(variable)!;
      if (!new RegExp(`\\b${name}\\b`).test(text)) return [];
      return [name === variable.name ? name : `${JSON.stringify(variable.name)}: ${name}`];
    });
    return fields.length === 0 ? [] : [`const { ${fields.join(", ")} } = sizes;`];
  }

  /** The object literal that inputs are checked against. @param shown what the entry is called in messages; no two share it */
  spec(shown: string): string {
    const { plan } = this;
    const lines = [`{`, `  name: ${JSON.stringify(shown)},`];
    const sizes = plan.sizes.map((variable) => {
      const { name, min, max, step } = variable;
      const most = max === null ? "null" : this.dimension(max);
      const more = (step === 1 ? "" : `, step: ${step}`) + (plan.grows?.size === variable ? ", grows: true" : "");
      return `    { name: ${JSON.stringify(name)}, min: ${this.dimension(min)}, max: ${most}${more} },`;
    });
    lines.push(...(sizes.length === 0 ? ["  sizes: [],"] : ["  sizes: [", ...sizes, "  ],"]));
    const inputs = plan.inputs.map((id) => `    ${this.#inputSpec(plan.buffers[id]!)},`);
    lines.push(...(inputs.length === 0 ? ["  inputs: [],"] : ["  inputs: [", ...inputs, "  ],"]), "}");
    return lines.join("\n");
  }

  #inputSpec({ place, element, shape }: PlanBuffer): string {
    if (place.kind !== "input") throw new InternalError("an input of a plan has another place");
    const fields = [
      `name: ${JSON.stringify(place.name)}`,
      `type: ${JSON.stringify(element)}`,
      `shape: [${shape.map((extent) => this.dimension(extent)).join(", ")}]`,
    ];
    if (place.fill !== null) fields.push(`fill: ${numberCode(place.fill).text}`);
    const limit = this.#indexed.get(place.name);
    if (limit) fields.push(`limit: ${this.dimension(limit)}`);
    return `{ ${fields.join(", ")} }`;
  }

  /** A number, the name of a size, a multiple of one, or a formula. */
  dimension(value: Size): string {
    const constant = constantOf(value);
    if (constant !== null) return String(constant);
    const bound = bindingOf(value);
    if (bound !== null) {
      const name = JSON.stringify(bound.variable.name);
      if (bound.times === 1) return name;
      return `{ text: ${JSON.stringify(render(value))}, times: ${bound.times}, of: ${name} }`;
    }
    const code = this.code(value).text;
    const sizes = variablesOf(value).map((each) => {
      const name = this.#variables.get(each)!;
      return name === each.name ? name : `${JSON.stringify(each.name)}: ${name}`;
    });
    return `{ text: ${JSON.stringify(render(value))}, value: ({ ${sizes.join(", ")} }) => ${code} }`;
  }

  /** The properties of the interface of the inputs. */
  inputs(): EntryProperty[] {
    return this.plan.inputs.map((id) => {
      const { place, element, shape } = this.plan.buffers[id]!;
      if (place.kind !== "input") throw new InternalError("an input of a plan has another place");
      const limit = this.#indexed.get(place.name);
      const notes = [typeText(element, shape)];
      for (const { name, step } of new Set(shape.flatMap(variablesOf)))
        if (step > 1) notes.push(`${name} a multiple of ${step}`);
      if (limit) notes.push(`indices less than ${render(limit)}`);
      if (place.fill !== null)
        notes.push(`${element === "bool" ? place.fill !== 0 : place.fill} where it is not given`);
      return {
        name: propertyName(place.name),
        optional: place.fill !== null,
        type: "TensorInput",
        comment: notes.join("; "),
      };
    });
  }

  /** The properties of the interface of the outputs. */
  outputs(): EntryProperty[] {
    return this.plan.outputs.map((id) => {
      const { place, element, shape } = this.plan.buffers[id]!;
      if (place.kind !== "output") throw new InternalError("an output of a plan has another place");
      return {
        name: propertyName(place.name),
        optional: false,
        type: `Tensor<"${element}">`,
        comment: typeText(element, shape),
      };
    });
  }
}

export function propertyName(name: string): string {
  // The one name that an object literal takes for something else.
  if (name === "__proto__") return '["__proto__"]';
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}

/** A list between brackets: on one line where it fits, else an item a line. */
export function wrapped(open: string, items: readonly string[], close: string, indent = ""): string[] {
  const line = open + items.join(", ") + close;
  if (line.length <= 116) return [line];
  return [open.trimEnd(), ...items.map((item) => `${indent}  ${item},`), indent + close.trimStart()];
}
