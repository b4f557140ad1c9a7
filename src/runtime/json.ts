/**
 * JSON that a user wrote or downloaded: what is wrong with it is shown at its line.
 *
 * The engine parses; only where it refuses does the scanner here look for the place, because the engines' own messages
 * differ and often name none.
 */
import { diagnostic, SourceFile, UserError } from "../diagnostics/index.js";

/** Where a text stops being JSON, and what stands there instead. */
class Mistake extends Error {
  constructor(
    readonly offset: number,
    message: string,
    readonly help: string | null = null,
  ) {
    super(message);
  }
}

/** The first mistake of a text, or null. The nesting is bounded, so that a hostile text cannot exhaust the stack. */
function firstMistake(text: string): Mistake | null {
  let at = 0;
  const blank = () => {
    while (/[ \t\r\n]/.test(text[at] ?? "")) at++;
  };
  const wrong = (what: string, help: string | null = null): never => {
    throw new Mistake(at, at < text.length ? what : "it ends too early", help);
  };
  const string = () => {
    if (text[at] !== '"') wrong("a name in double quotes is missing here");
    const found = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy;
    found.lastIndex = at;
    const match = found.exec(text);
    if (!match) wrong("this string does not end, or has an escape or a line end that JSON does not allow");
    else at += match[0].length;
  };
  const items = (close: string, item: () => void) => {
    at++;
    blank();
    for (let first = true; text[at] !== close; first = false) {
      if (!first) {
        if (text[at] !== ",") wrong(`a comma or ${close} is missing here`);
        at++;
        blank();
        if (text[at] === close) wrong(`an item is missing before ${close}`, "take out the comma after the last item");
      }
      item();
      blank();
    }
    at++;
  };
  const value = (depth: number): void => {
    if (depth > 500) wrong("it is nested too deep");
    const start = text[at] ?? "";
    if (start === '"') string();
    else if (start === "[") items("]", () => value(depth + 1));
    else if (start === "{") items("}", () => member(depth));
    else literal();
  };
  const member = (depth: number) => {
    string();
    blank();
    if (text[at] !== ":") wrong("a colon is missing here");
    at++;
    blank();
    value(depth + 1);
  };
  const literal = () => {
    const word = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])/y;
    word.lastIndex = at;
    const match = word.exec(text);
    if (match) at += match[0].length;
    else if (/^-?(NaN|Infinity)\b/.test(text.slice(at, at + 12)))
      wrong("JSON has no NaN and no Infinity", "write null or a number");
    else wrong("no value of JSON starts like this");
  };
  try {
    blank();
    value(0);
    blank();
    return at < text.length ? new Mistake(at, "text follows after its end") : null;
  } catch (error) {
    if (error instanceof Mistake) return error;
    throw error;
  }
}

/** The value of a JSON text. @throws UserError E0704 with the place. */
export function parseJson(name: string, text: string): unknown {
  if (text.trim() === "") throw UserError.of("E0704", `${name} is empty: it must hold JSON`);
  try {
    return JSON.parse(text);
  } catch (error) {
    const engine = error instanceof Error ? error.message : String(error);
    const mistake = firstMistake(text) ?? new Mistake(text.length, engine);
    const start = mistake.offset;
    const span = { file: new SourceFile(name, text), start, end: Math.min(start + 1, text.length) };
    const help = mistake.help === null ? [] : [mistake.help];
    throw new UserError([diagnostic("E0704", span, `${name} is not JSON: ${mistake.message}`, { help })]);
  }
}

/** Whether a value is a JSON object. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object of a JSON text. @throws UserError E0704. */
export function parseJsonObject(name: string, text: string): Readonly<Record<string, unknown>> {
  const value = parseJson(name, text);
  if (isObject(value)) return value;
  const kind = value === null ? "null" : Array.isArray(value) ? "a list" : `a ${typeof value}`;
  throw UserError.of("E0704", `${name} must be a JSON object, but is ${kind}`);
}
