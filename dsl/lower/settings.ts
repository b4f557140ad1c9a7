/** The static arguments of a model: from `--set`, from config.json, or their defaults. */
import { Diagnostics, nearest, SourceFile } from "../../src/diagnostics/index.js";
import type { Environment } from "../check/environment.js";
import { float, type Given, integer, numberOf, unknown, type Value } from "../check/values.js";
import type * as ast from "../syntax/index.js";
import { parseExpression } from "../syntax/index.js";
import { fail } from "./context.js";
import type { Elaborator } from "./elaborator.js";
import { match } from "./match.js";
import type { ElaborateOptions, StaticArgument } from "./program.js";

/** The value of a static argument as it is given: text such as `64`, `true`, `"llama3"`, `[4, 8]`, or the value itself. */
export type Setting = string | number | boolean | readonly (string | number | boolean)[];

/** Binds the model's static arguments in `env`. */
export function modelStatics(
  e: Elaborator,
  model: ast.Model,
  options: ElaborateOptions,
  env: Environment,
): StaticArgument[] {
  const given = new Map<string, Given>();
  const from = new Map<string, StaticArgument["from"]>();
  const names = model.statics.map((p) => p.name.name);
  for (const name of options.settings?.keys() ?? [])
    if (!names.includes(name)) {
      const near = nearest(name, names);
      fail("E0414", `the model ${model.name.name} has no static argument ${name}`, {
        at: model.name.span,
        help: [near ? `${near} is near` : `it has ${names.join(", ")}`],
      });
    }
  for (const p of model.statics) {
    const { name } = p.name;
    const setting = options.settings?.get(name);
    const configured = setting === undefined ? fromConfig(options.config, p) : undefined;
    if (setting !== undefined) given.set(name, { value: settingValue(setting, p), span: p.span });
    else if (configured !== undefined) given.set(name, { value: configured, span: p.span });
    else if (!p.default)
      fail(
        "E0413",
        p.keys.length
          ? `the model needs ${name}: config.json has no ${p.keys.map((k) => k.text).join(" and no ")}`
          : `the model needs ${name}`,
        {
          at: p.span,
          help: [`--set ${name}=…, or a default`],
        },
      );
    from.set(name, setting !== undefined ? "setting" : configured !== undefined ? "config" : "default");
  }
  warnOfOtherConfig(e, model, options, from);
  e.ctx.guard(model.name.span, [], () =>
    match(e, { what: model.name.name, statics: model.statics, parameters: [] }, given, env),
  );
  for (const p of model.statics) if (!env.own(p.name.name)) env.set(p.name.name, unknown);
  for (const p of model.statics) {
    const value = env.own(p.name.name);
    if (value?.kind === "integer") e.ctx.nameSize(numberOf(value) ?? 0, p.name.name);
  }
  return model.statics.map((p) => ({
    name: p.name.name,
    value: plain(env.own(p.name.name)),
    from: from.get(p.name.name)!,
  }));
}

/** A configuration that has none of the keys that the model reads is likely that of something else. */
function warnOfOtherConfig(
  e: Elaborator,
  model: ast.Model,
  { config }: ElaborateOptions,
  from: ReadonlyMap<string, StaticArgument["from"]>,
): void {
  const read = model.statics.filter(({ name, keys }) => keys.length > 0 && from.get(name.name) !== "setting");
  if (!isObject(config) || read.length === 0 || read.some(({ name }) => from.get(name.name) === "config")) return;
  const keys = read.flatMap((p) => p.keys.map(({ text }) => text));
  const has = Object.keys(config).slice(0, 8);
  e.ctx.diagnostics.report(
    "E0722",
    model.name.span,
    `the configuration has none of the keys that ${model.name.name} reads`,
    {
      severity: "warning",
      notes: [
        `it reads ${keys.slice(0, 8).join(", ")}${keys.length > 8 ? ", …" : ""}, and takes its defaults`,
        has.length === 0 ? "the configuration is empty" : `the configuration has ${has.join(", ")}`,
      ],
    },
  );
}

function plain(v: Value | undefined): StaticArgument["value"] {
  if (v?.kind === "string") return v.value;
  if (v?.kind === "boolean") return v.value;
  if (v?.kind === "list") return v.items.map((x) => plain(x) as string | number | boolean);
  return (v && numberOf(v)) ?? Number.NaN;
}

/** A JSON value as a value of the language; undefined for null and what has no counterpart. */
function fromJson(json: unknown): Value | undefined {
  if (typeof json === "number") return Number.isSafeInteger(json) ? integer(json) : float(json);
  if (typeof json === "boolean") return { kind: "boolean", value: json };
  if (typeof json === "string") return { kind: "string", value: json };
  if (!Array.isArray(json)) return undefined;
  const items = json.map(fromJson);
  return items.every((v) => v !== undefined) ? { kind: "list", items } : undefined;
}

/** The first key that is present and not null; dotted paths reach into objects; a list or object read as int is its length. */
function fromConfig(config: unknown, p: ast.Parameter): Value | undefined {
  for (const { text } of p.keys) {
    let json = config;
    for (const part of text.split(".")) json = isObject(json) && Object.hasOwn(json, part) ? json[part] : undefined;
    if (json === undefined || json === null) continue;
    if (p.type.element === "int" && p.type.dimensions === null && typeof json === "object")
      return integer(Object.keys(json).length);
    const value = fromJson(json);
    if (value) return value;
    fail("E0413", `config.json: ${text} is ${JSON.stringify(json).slice(0, 60)}, which is no ${p.type.element}`, {
      at: p.span,
    });
  }
  return undefined;
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}

/** A setting as a value. Text is read as an expression of literals; for a string argument a bare word is itself. */
function settingValue(setting: Setting, p: ast.Parameter): Value {
  if (typeof setting !== "string") return fromJson(setting)!;
  const word = p.type.element === "string" && p.type.dimensions === null && !/^\s*["[]/.test(setting);
  if (word) return { kind: "string", value: setting };
  const problems = new Diagnostics();
  const value = literal(parseExpression(new SourceFile(`--set ${p.name.name}`, setting), problems));
  if (problems.hasErrors || value === null)
    fail(
      "E0414",
      `--set ${p.name.name}=${setting}: ${p.name.name} is ${p.type.dimensions ? "a list" : `a ${p.type.element}`}, written as a literal`,
      { at: p.span },
    );
  return value;
}

function literal(e: ast.Expression): Value | null {
  switch (e.kind) {
    case "number":
      return e.whole ? integer(e.value) : float(e.value);
    case "string":
      return { kind: "string", value: e.value };
    case "boolean":
      return { kind: "boolean", value: e.value };
    case "group":
      return literal(e.value);
    case "negate": {
      const v = literal(e.value);
      const n = v && numberOf(v);
      return n === null ? null : v!.kind === "integer" ? integer(-n) : float(-n);
    }
    case "list": {
      const items = e.items.map(literal);
      return items.every((v) => v !== null) ? { kind: "list", items } : null;
    }
    default:
      return null;
  }
}
