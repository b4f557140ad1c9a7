/** Sizes as code: i32 arithmetic, of which what does not change in a loop is computed before it. */
import { InternalError } from "../../../src/diagnostics/index.js";
import {
  type Atom,
  constantOf,
  type FloorDivAtom,
  rangeOf,
  type Size,
  type SizeVariable,
  splitModulo,
  withWholeVariables,
} from "../../../src/sizes/index.js";
import { type Code, call, get, i32, Local, op, plus, times } from "../code/tree.js";
import type { Blocks } from "./blocks.js";

export class SizeCode {
  /** The functions that the code calls. */
  readonly #parameters = new Map<SizeVariable, Local>();

  constructor(
    readonly blocks: Blocks,
    readonly helper: (name: string) => string,
  ) {}

  parameter(variable: SizeVariable, local: Local): void {
    this.#parameters.set(variable, local);
  }

  /** The value of a variable: of a loop around, or a parameter. */
  variable(variable: SizeVariable): Code {
    const block = this.blocks.all.findLast((each) => each.variable === variable);
    if (block?.counter) {
      block.isCounted = true;
      return get(block.counter);
    }
    const local = this.#parameters.get(variable);
    if (local === undefined) throw new InternalError(`the size ${variable.name} is not known here`);
    return get(local);
  }

  /** A size for the block of a level: in a local where it takes more than an addition. */
  at(value: Size, level: number): Code {
    const constant = constantOf(value);
    if (constant !== null) return i32(constant);
    const known = this.blocks.held(`size ${value.id}`);
    if (known !== null) return known;
    if (isSimple(value)) return this.#sum(value, level);
    const outermost = Math.min(level, this.blocks.levelOfSize(value));
    const code = this.#sum(value, outermost);
    return this.blocks.hold(`size ${value.id}`, outermost, new Local("size", "i32"), code, null);
  }

  #sum(value: Size, level: number): Code {
    const split = splitModulo(value);
    if (split !== null) {
      const remainder = this.#division(split.dividend, split.modulus, level, "mod");
      return plus(times(remainder, this.at(split.factor, level)), this.at(split.rest, level));
    }
    let sum: Code = i32(0);
    let constant = 0;
    for (const { coefficient, monomial } of value.terms) {
      if (monomial.factors.length === 0) constant = coefficient;
      else {
        const product = monomial.factors.map((atom) => this.#atom(atom, level)).reduce(times);
        sum = plus(sum, times(product, i32(coefficient)));
      }
    }
    return plus(sum, i32(constant));
  }

  #atom(atom: Atom, level: number): Code {
    switch (atom.kind) {
      case "variable": {
        const value = this.variable(atom.variable);
        return atom.variable.step === 1 ? value : op("i32.div_u", [value, i32(atom.variable.step)]);
      }
      case "floorDiv": {
        const { dividend, divisor } = withWholeVariables(atom as FloorDivAtom);
        return this.#division(dividend, divisor, level, "div");
      }
      case "min":
      case "max":
        return atom.operands
          .map((each) => this.at(each, level))
          .reduce((a, b) => op("select", [a, b, op(atom.kind === "min" ? "i32.lt_s" : "i32.gt_s", [a, b])]));
    }
  }

  #division(dividend: Size, divisor: Size, level: number, what: "div" | "mod"): Code {
    const [a, b] = [this.at(dividend, level), this.at(divisor, level)];
    const isPlain = rangeOf(dividend).min >= 0 && rangeOf(divisor).min >= 1;
    if (!isPlain) return call(this.helper(what === "div" ? "floor_div" : "floor_mod"), a, b);
    return op(what === "div" ? "i32.div_u" : "i32.rem_u", [a, b]);
  }
}

/** A variable, or one and a number. */
function isSimple(value: Size): boolean {
  const moving = value.terms.filter(({ monomial }) => monomial.factors.length > 0);
  const [only, ...others] = moving;
  const [atom, ...rest] = only?.monomial.factors ?? [];
  if (others.length > 0 || rest.length > 0 || only?.coefficient !== 1) return false;
  return atom?.kind === "variable" && atom.variable.step === 1;
}
