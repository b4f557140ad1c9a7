/**
 * Reads the text that `render` writes: numbers, names, `+ - * // %` with Python's precedence, parentheses, `min(...)`
 * and `max(...)`. For tests, for textual IR and for declared facts; sizes in programs are parsed by the language.
 */
import { add, mul, neg, sub } from "./arithmetic.js";
import { floorDiv, mod } from "./division.js";
import { SizeSyntaxError } from "./errors.js";
import { extreme } from "./extremes.js";
import { type Size, type SizeVariable, size } from "./form.js";

/** Throws SizeSyntaxError, whose offset is where the text stops making sense. */
export function parseSize(text: string, lookup: (name: string) => SizeVariable | null): Size {
  const parser = new SizeParser(text, lookup);
  const result = parser.sum();
  parser.expectEnd();
  return result;
}

class SizeParser {
  private readonly tokens: { text: string; offset: number }[] = [];
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly lookup: (name: string) => SizeVariable | null,
  ) {
    const pattern = /\s*(?:(\/\/|[+\-*%(),]|\d+|[\p{L}_][\p{L}\p{N}_.']*)|(\S))/gu;
    for (const match of text.matchAll(pattern)) {
      const token = match[1] ?? match[2]!;
      const offset = match.index + match[0].length - token.length;
      if (match[1] === undefined) throw new SizeSyntaxError(`unexpected "${token}"`, offset);
      this.tokens.push({ text: token, offset });
    }
  }

  sum(): Size {
    let result = this.product();
    for (;;) {
      if (this.accept("+")) result = add(result, this.product());
      else if (this.accept("-")) result = sub(result, this.product());
      else return result;
    }
  }

  expectEnd(): void {
    if (this.at < this.tokens.length) throw this.unexpected();
  }

  private product(): Size {
    let result = this.factor();
    for (;;) {
      if (this.accept("*")) result = mul(result, this.factor());
      else if (this.accept("//")) result = floorDiv(result, this.factor());
      else if (this.accept("%")) result = mod(result, this.factor());
      else return result;
    }
  }

  private factor(): Size {
    if (this.accept("-")) return neg(this.factor());
    const token = this.tokens[this.at];
    if (token === undefined) throw this.unexpected();
    if (this.accept("(")) {
      const inner = this.sum();
      this.expect(")");
      return inner;
    }
    if (/^\d/.test(token.text)) {
      this.at++;
      return size(Number(token.text));
    }
    if (!/^[\p{L}_]/u.test(token.text)) throw this.unexpected();
    this.at++;
    if ((token.text === "min" || token.text === "max") && this.accept("(")) return this.extremeOf(token.text);
    const variable = this.lookup(token.text);
    if (variable === null) throw new SizeSyntaxError(`unknown size "${token.text}"`, token.offset);
    return size(variable);
  }

  private extremeOf(kind: "min" | "max"): Size {
    const operands = [this.sum()];
    while (this.accept(",")) operands.push(this.sum());
    this.expect(")");
    return extreme(kind, operands);
  }

  private accept(text: string): boolean {
    if (this.tokens[this.at]?.text !== text) return false;
    this.at++;
    return true;
  }

  private expect(text: string): void {
    if (!this.accept(text)) throw this.unexpected();
  }

  private unexpected(): SizeSyntaxError {
    const token = this.tokens[this.at];
    if (token === undefined) return new SizeSyntaxError("the size ends too early", this.text.length);
    return new SizeSyntaxError(`unexpected "${token.text}"`, token.offset);
  }
}
