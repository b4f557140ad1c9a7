/**
 * What all dumps hold in one form: run-time sizes with their ranges, source locations, shapes. Each is written and read
 * here, so that the structures agree.
 */
import type { Location } from "../../diagnostics/index.js";
import { constantOf, render, type Size, SizeVariable } from "../../sizes/index.js";
import type { DumpReader } from "./reader.js";
import { nameText, quoted, wordPattern } from "./words.js";

/** `T: 0..1024 step 4`; without an upper bound `T: 0..inf`. */
export function rangeText({ name, min, max, step }: SizeVariable): string {
  const range = `${name}: ${render(min)}..${max === null ? "inf" : render(max)}`;
  return step === 1 ? range : `${range} step ${step}`;
}

/** A size with its range, which is known by its name from there on. */
export function readRange(reader: DumpReader): SizeVariable {
  const name = reader.word();
  reader.mark(":");
  const min = reader.size();
  reader.mark("..");
  const max = reader.accept("number", "inf") ? null : reader.size();
  if (reader.sizes.has(name)) reader.fail(`two sizes are named ${name}`);
  const variable = readStep(reader, name, min, max);
  reader.sizes.set(name, variable);
  return variable;
}

function readStep(reader: DumpReader, name: string, min: Size, max: Size | null): SizeVariable {
  if (reader.indentation !== null || reader.accept("word", "step") === null) return new SizeVariable(name, min, max);
  const place = reader.span;
  const step = reader.index();
  const isKnown = constantOf(min) !== null && (max === null || constantOf(max) !== null);
  if (step === 0 || !isKnown) reader.fail(`a step is at least 1, and stands after bounds that are numbers`, place);
  return new SizeVariable(name, min, max, step);
}

/** `gpt2.trafo:41:9`; a file name that a dump cannot hold as it is stands between quotes. */
export function locationText({ file, line, column }: Location): string {
  return `${/^[^\s"#:;][^\s";]*$/u.test(file) ? file : quoted(file)}:${line}:${column}`;
}

/** Where something comes from: the parts that stand after `;`, each there or not. */
export interface OriginText {
  /** The layer's path, of a run in a plan. */
  readonly path: string | null;
  readonly location: Location | null;
  /** The number of a scope of a Graph. */
  readonly scope: string | null;
  /** The user's name for a value. */
  readonly name: string | null;
}

const quotedPattern = String.raw`"(?:[^"\\]|\\.)*"`;
const originPattern = new RegExp(
  String.raw`^(?:\s*(?<path>${wordPattern}|${quotedPattern})(?=\s|$))?` +
    String.raw`(?:\s*(?:(?<quoted>${quotedPattern})|(?<file>[^\s"]\S*?)):(?<line>\d+):(?<column>\d+)(?=\s|$))?` +
    String.raw`(?:\s*#(?<scope>\d+))?(?:\s*as (?<name>${wordPattern}|${quotedPattern}))?\s*$`,
  "u",
);

/** ` ; h.0 gpt2.trafo:41:9 #1 as x`, or nothing where nothing is known. */
export function originText({ path, location, scope, name }: Partial<OriginText>): string {
  const parts = [
    path ? nameText(path) : "",
    location ? locationText(location) : "",
    scope ? `#${scope}` : "",
    name === null || name === undefined ? "" : `as ${nameText(name)}`,
  ].filter((part) => part !== "");
  return parts.length === 0 ? "" : `  ; ${parts.join(" ")}`;
}

/** Reads what originText wrote, if it stands here. @param withPath whether a path may stand in it. */
export function readOrigin(reader: DumpReader, withPath = false): OriginText {
  const place = reader.span;
  const text = reader.accept("origin") ?? "";
  const parts = originPattern.exec(text)?.groups;
  if (parts === undefined || (parts.path !== undefined && !withPath))
    return reader.fail("a location, a scope and a name are needed here", place);
  const { path, quoted: quotedFile, file, line, column, scope, name } = parts;
  const source = quotedFile === undefined ? file : (JSON.parse(quotedFile) as string);
  return {
    path: unquoted(path),
    location: source === undefined ? null : { file: source, line: Number(line), column: Number(column) },
    scope: scope ?? null,
    name: unquoted(name),
  };
}

function unquoted(text: string | undefined): string | null {
  if (text === undefined) return null;
  return text.startsWith('"') ? (JSON.parse(text) as string) : text;
}

/** `f32[T, 4*D]`, and `f32` for rank 0. */
export function arrayText(element: string, shape: readonly Size[], size: (size: Size) => string = render): string {
  return shape.length === 0 ? element : `${element}[${shape.map(size).join(", ")}]`;
}

/** The type of an array, of one of these element types. */
export function readArray<E extends string>(
  reader: DumpReader,
  elements: readonly E[],
  size: () => Size = () => reader.size(),
): { readonly element: E; readonly shape: readonly Size[] } {
  const element = reader.oneOf("an element type", elements);
  return { element, shape: reader.sees("mark", "[") ? reader.list(size) : [] };
}
