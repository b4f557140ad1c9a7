/**
 * The ways in which size arithmetic fails. They are classes of their own because callers turn each of them into a
 * diagnostic of the program (family E04), while any other exception is a bug of the compiler.
 */

/** A coefficient or a value left the whole numbers that a JavaScript number holds exactly. */
export class SizeOverflow extends RangeError {
  constructor(readonly value: number) {
    super(`the size ${value} is beyond ${Number.MAX_SAFE_INTEGER}, the largest exact whole number`);
    this.name = "SizeOverflow";
  }
}

/** A size was divided by zero. */
export class DivisionByZero extends RangeError {
  constructor(message = "a size is divided by zero") {
    super(message);
    this.name = "DivisionByZero";
  }
}

/** A variable that has only multiples of a number as values was given another. */
export class NotAMultiple extends RangeError {
  constructor(name: string, value: number, step: number) {
    super(`${name} is ${value}, which is no multiple of ${step}`);
    this.name = "NotAMultiple";
  }
}

/** The text of a size does not follow the syntax that `render` writes; `offset` is where, in UTF-16 units. */
export class SizeSyntaxError extends SyntaxError {
  constructor(
    message: string,
    readonly offset: number,
  ) {
    super(`${message} at offset ${offset}`);
    this.name = "SizeSyntaxError";
  }
}

/** The value, if it is an exact whole number. Every number that enters a normal form passes here. */
export function exact(value: number): number {
  if (!Number.isSafeInteger(value)) throw new SizeOverflow(value);
  return value === 0 ? 0 : value; // -0 would be a second zero in the keys of the intern tables
}

/** Runs a computation that is only an attempt (a simplification, a proof step): null if its numbers overflow. */
export function attempt<T>(compute: () => T): T | null {
  try {
    return compute();
  } catch (error) {
    if (error instanceof SizeOverflow) return null;
    throw error;
  }
}
