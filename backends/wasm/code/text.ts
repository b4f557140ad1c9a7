/**
 * The text of a module (WebAssembly Core Specification 2.0, chapter 6), for people: folded instructions, names, and the
 * lines of the source. Assembled, it gives the module's bytes, but that those share locals (locals.ts), whose names here say
 * what they are.
 */
import { kernelSignature, type ModuleCode, mostPages, type Signature, signatureKey, signaturesOf } from "./module.js";
import { operatorOf } from "./operators.js";
import {
  type Code,
  type FunctionCode,
  globals,
  globalsOf,
  type Local,
  localsOf,
  type PlainCode,
  sumGlobals,
} from "./tree.js";

const width = 110;

export function moduleText(module: ModuleCode): string {
  const signatures = signaturesOf(module);
  const typeName = (signature: Signature): string =>
    `$t${signatures.findIndex((each) => signatureKey(each) === signatureKey(signature))}`;
  const types = signatures.map((each) => `  (type ${typeName(each)} (func${signatureText(each)}))`);
  const imports = module.imports.map(
    (each) => `  (import "host" "${each.name}" (func $${each.name} (type ${typeName(each)})${signatureText(each)}))`,
  );
  const count = module.kernels.length;
  return [
    "(module",
    "  ;; In the module's bytes, locals that are not needed at the same time are one local.",
    ...types,
    `  (import "host" "memory" (memory 1 ${mostPages}))`,
    ...imports,
    `  (table ${count} ${count} funcref)`,
    ...globalsOf(module.functions).map((name) =>
      sumGlobals.includes(name)
        ? `  (global $${name} (mut v128) (v128.const i32x4 0 0 0 0))`
        : `  (global $${name} (mut i32) (i32.const 0))`,
    ),
    ...module.exports.map((name) => `  (export "${name}" (func $${name}))`),
    `  (elem (i32.const 0) func${module.kernels.map((name) => ` $${name}`).join("")})`,
    ...module.functions.flatMap((each) => [
      "",
      ...new FunctionText(each, typeName(signatureOf(each)), typeName(kernelSignature)).lines(),
    ]),
    ")",
    "",
  ].join("\n");
}

function signatureOf({ parameters, result }: FunctionCode): Signature {
  return { parameters: parameters.map(({ type }) => type), result };
}

function signatureText({ parameters, result }: Signature): string {
  const taken = parameters.length === 0 ? "" : ` (param ${parameters.join(" ")})`;
  return taken + (result === null ? "" : ` (result ${result})`);
}

class FunctionText {
  readonly #names = new Map<Local, string>();

  constructor(
    readonly code: FunctionCode,
    readonly type: string,
    readonly kernelType: string,
  ) {}

  lines(): readonly string[] {
    const { name, parameters, result, body, comment } = this.code;
    const taken = new Set<string>();
    const own = localsOf(this.code);
    for (const local of [...parameters, ...own]) {
      let unique = local.name;
      for (let number = 2; taken.has(unique); number++) unique = `${local.name}.${number}`;
      taken.add(unique);
      this.#names.set(local, unique);
    }
    const declared = (local: Local, word: string): string => `(${word} $${this.#names.get(local)} ${local.type})`;
    const head = [
      `  (func $${name} (type ${this.type})`,
      ...parameters.map((each) => declared(each, "param")),
      ...(result === null ? [] : [`(result ${result})`]),
    ].join(" ");
    const locals = filled(
      own.map((each) => declared(each, "local")),
      "    ",
    );
    const notes = comment === "" ? [] : comment.split("\n").map((line) => `  ;; ${line}`.trimEnd());
    return [...notes, head, ...locals, ...this.#block(body, "    "), "  )"];
  }

  #block(body: readonly Code[], indent: string): string[] {
    return body.flatMap((each) => this.#statement(each, indent));
  }

  #statement(code: Code, indent: string): string[] {
    switch (code.kind) {
      case "note":
        return [`${indent};; ${code.text}`];
      case "loop":
        return [`${indent}(loop $${code.name}`, ...this.#block(code.body, `${indent}  `), `${indent})`];
      case "if": {
        const otherwise =
          code.otherwise.length === 0
            ? []
            : [`${indent}  (else`, ...this.#block(code.otherwise, `${indent}    `), `${indent}  )`];
        return [
          ...this.#folded("if ", [code.condition], indent, ""),
          `${indent}  (then`,
          ...this.#block(code.body, `${indent}    `),
          `${indent}  )`,
          ...otherwise,
          `${indent})`,
        ];
      }
      default: {
        const whole = this.#inline(code);
        if (indent.length + whole.length <= width) return [indent + whole];
        return this.#folded(`${this.#head(code)} `, operandsOf(code), indent, ")");
      }
    }
  }

  /** An instruction whose operands stand on lines of their own where they are long. */
  #folded(head: string, operands: readonly Code[], indent: string, end: string): string[] {
    const inline = operands.map((each) => this.#inline(each)).join(" ");
    if (indent.length + head.length + inline.length < width) return [`${indent}(${head}${inline}${end}`];
    const lines = operands.flatMap((each) => this.#statement(each, `${indent}  `));
    return [`${indent}(${head.trimEnd()}`, ...lines, ...(end === "" ? [] : [indent + end])];
  }

  #inline(code: Code): string {
    const operands = operandsOf(code).map((each) => ` ${this.#inline(each)}`);
    return `(${this.#head(code)}${operands.join("")})`;
  }

  /** The instruction without its operands. */
  #head(code: Code): string {
    switch (code.kind) {
      case "plain":
        return this.#plain(code);
      case "repeat":
        return `br_if $${code.loop}`;
      case "call":
        return `call $${code.callee}`;
      case "kernel":
        return `call_indirect (type ${this.kernelType})`;
      default:
        return code.kind;
    }
  }

  #plain(code: PlainCode): string {
    const { immediate } = operatorOf(code.name);
    // Vectors lie where elements may; else an access is aligned by its own size.
    const aligned = code.name === "v128.load" || code.name === "v128.store" ? " align=4" : "";
    const offset = (code.offset === 0 ? "" : ` offset=${code.offset}`) + aligned;
    switch (immediate) {
      case "none":
        return code.name;
      case "memory":
        return code.name + offset;
      case "memory lane":
        return `${code.name}${offset} ${code.lane}`;
      case "lane":
        return `${code.name} ${code.lane}`;
      case "i32":
        return `${code.name} ${code.values[0]}`;
      case "f32":
      case "f64":
        return `${code.name} ${floatText(code.values[0]!, immediate === "f32")}`;
      case "v128": {
        const values = code.isFloat ? code.values.map((each) => floatText(each, true)) : code.values;
        return `${code.name} ${code.isFloat ? "f32x4" : "i32x4"} ${values.join(" ")}`;
      }
      case "shuffle":
        return `${code.name} ${code.values.join(" ")}`;
      case "global":
        return `${code.name} $${globals[code.values[0]!]}`;
      case "local":
        return `${code.name} $${this.#names.get(code.local!)}`;
    }
  }
}

function operandsOf(code: Code): readonly Code[] {
  if (code.kind === "repeat") return [code.condition];
  return "operands" in code ? code.operands : [];
}

/** The shortest text that reads back as the number. */
function floatText(value: number, isSingle: boolean): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value < 0 ? "-inf" : "inf";
  if (Object.is(value, -0)) return "-0.0";
  if (!isSingle) return String(value);
  const single = Math.fround(value);
  for (let digits = 1; digits <= 9; digits++) {
    const short = Number(single.toPrecision(digits));
    if (Math.fround(short) === single) return String(short);
  }
  return String(single);
}

/** Words in lines of a readable length. */
function filled(words: readonly string[], indent: string): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(indent + word);
  }
  return lines;
}
