/** How statements of shaders are written: what reads better, and what a scalar's declaration can hold. */
import type { Buffer, Expression, Statement } from "../../src/ir/kernel/index.js";
import type { SizeVariable } from "../../src/sizes/index.js";
import { countUses } from "../common/constants.js";

type Store = Extract<Statement, { kind: "store" }>;

/** `x = x + y` as `x += y`, which reads better. */
export function compound(line: string): string {
  const match = /^(\S+) = (\S+) \+ (.*);$/.exec(line);
  return match !== null && match[1] === match[2] && isPlainSum(match[3]!) ? `${match[1]} += ${match[3]};` : line;
}

/** Whether nothing in the text binds less tightly than a sum. */
function isPlainSum(text: string): boolean {
  return !/ (<|>|<=|>=|==|!=|&&|\|\|) /.test(text);
}

export function isVariable({ scope, shape }: Buffer): boolean {
  return scope === "private" && shape.length === 0;
}

export function plainName({ name }: SizeVariable): string {
  return name.replace(/(?<=[A-Za-z])\d+$/, "");
}

/** The store that gives a scalar its first value, or all of a vector one number; null where a statement does not. */
export function firstValue(buffer: Buffer, statement: Statement): Store | null {
  if (statement.kind === "for" && statement.loop === "vector") {
    const [only, ...others] = statement.body;
    const isOne = only?.kind === "store" && others.length === 0 && only.value.kind === "constant";
    return isOne && isFirst(buffer, only) && buffer.shape.length === 1 ? only : null;
  }
  return statement.kind === "store" && isFirst(buffer, statement) && buffer.shape.length === 0 ? statement : null;
}

function isFirst(buffer: Buffer, { buffer: stored, update, index, value }: Store): boolean {
  const isOwn = stored === buffer && update === null && buffer.scope === "private";
  return isOwn && ![...index, value].some((each) => mentionsBuffer(each, buffer));
}

function mentionsBuffer(expression: Expression, buffer: Buffer): boolean {
  return [...countUses([expression], () => false).keys()].some(
    (each) => each.kind === "load" && each.buffer === buffer,
  );
}

export function indented(lines: readonly string[]): string[] {
  return lines.map((line) => (line === "" ? "" : `  ${line}`));
}

/** The uniform with the run-time sizes of a model. */
export function uniformText(fields: Iterable<string>): string[] {
  const members = [...fields].map((name) => `  ${name}: i32,`);
  return ["struct Sizes {", ...members, "}", "@group(0) @binding(0) var<uniform> sizes: Sizes;"];
}

/** The parts of a shader in their order. */
export interface ShaderParts {
  /** What it enables. */
  readonly extensions: readonly string[];
  readonly declarations: readonly string[];
  readonly helpers: readonly string[];
  readonly lanes: number;
  readonly body: readonly string[];
}

export function shaderText({ extensions, declarations, helpers, lanes, body }: ShaderParts): string {
  return [
    ...extensions.map((each) => `enable ${each};`),
    ...declarations,
    ...helpers.flatMap((text) => ["", text]),
    "",
    `@compute @workgroup_size(${lanes})`,
    "fn main(",
    "  @builtin(workgroup_id) workgroup: vec3u,",
    "  @builtin(num_workgroups) workgroups: vec3u,",
    "  @builtin(local_invocation_index) lane: u32,",
    ") {",
    ...indented(body),
    "}",
  ].join("\n");
}
