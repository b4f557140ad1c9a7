/**
 * Text from tokens that come one by one. A token may hold a part of a character, and how it is written may depend on the one
 * before it; so a text is given out when the tokens since the last that was given out are a whole text, and never taken back.
 */
import type { Tokenizer } from "./tokenizer.js";

/** Stands for bytes that are no character, or not yet. */
const replacement = "\ufffd";
/** The longest character has so many bytes: what is no character after them never becomes one. */
const mostBytes = 4;

export class Detokenizer {
  /** Tokens whose text is given out but that decide how the next is written, then those whose text is not. */
  #tokens: number[];
  #given: number;

  /** @param before tokens that the text goes on from, such as those of a prompt, which are not given out */
  constructor(
    readonly tokenizer: Tokenizer,
    before: readonly number[] = [],
  ) {
    this.#tokens = before.filter((id) => this.#isText(id)).slice(-mostBytes);
    this.#given = this.#tokens.length;
  }

  /** The text that a token completes, which may be none. */
  push(token: number): string {
    if (!this.#isText(token)) return this.flush();
    this.#tokens.push(token);
    const waiting = this.#tokens.length - this.#given;
    for (let count = waiting; count > 0; count--) {
      const text = this.#textWith(count);
      if (!text.endsWith(replacement)) return this.#give(count);
    }
    return waiting > mostBytes ? this.#give(1) : "";
  }

  /** What is left, where no more tokens come. */
  flush(): string {
    return this.#give(this.#tokens.length - this.#given);
  }

  #textWith(count: number): string {
    return this.tokenizer.decode(this.#tokens.slice(0, this.#given + count));
  }

  #give(count: number): string {
    if (count === 0) return "";
    const text = this.#textWith(count).slice(this.#textWith(0).length);
    this.#tokens = this.#tokens.slice(this.#given);
    this.#given = count;
    return text;
  }

  /** Special tokens stand for no text. */
  #isText(id: number): boolean {
    return !this.tokenizer.specialIds.has(id) && this.tokenizer.tokenOf(id) !== null;
  }
}

/** Text up to the first of some stop strings, which may come in parts. */
export class StopStrings {
  #held = "";
  isFound = false;

  constructor(readonly stops: readonly string[]) {}

  /** What of the text can be given out: what could be the beginning of a stop string is held back. */
  push(text: string): string {
    if (this.isFound) return "";
    const whole = this.#held + text;
    const found = this.stops.map((stop) => whole.indexOf(stop)).filter((at) => at >= 0);
    if (found.length > 0) {
      this.isFound = true;
      this.#held = "";
      return whole.slice(0, Math.min(...found));
    }
    let hold = 0;
    for (const stop of this.stops)
      for (let length = Math.min(stop.length - 1, whole.length); length > hold; length--)
        if (whole.endsWith(stop.slice(0, length))) hold = length;
    this.#held = whole.slice(whole.length - hold);
    return whole.slice(0, whole.length - hold);
  }

  /** What was held back, where no more text comes. */
  flush(): string {
    const rest = this.#held;
    this.#held = "";
    return rest;
  }
}
