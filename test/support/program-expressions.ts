/** Random expressions, for program-generator.ts. */
import { names, numbers, ProgramText } from "./program-text.js";

export abstract class ExpressionGenerator extends ProgramText {
  /** A body of some statements. */
  protected abstract braces(depth?: number): void;

  expression(depth: number, first = false): void {
    if (depth > 0 && this.random.chance(0.12)) {
      return this.choice(depth, () => this.expression(depth - 1));
    }
    const logic = depth > 0 && this.random.chance(0.15);
    for (let i = logic ? this.count(2, 3) : 1; i > 0; i--) {
      if (this.random.chance(0.08)) {
        this.put("not ");
        this.comparison(depth);
      } else this.comparison(depth, first);
      first = false;
      if (i > 1) {
        this.put(this.random.of([" and", " or"]));
        this.breakable();
        this.put(" ");
      }
    }
  }

  comparison(depth: number, first = false): void {
    this.sum(depth, first);
    if (depth === 0 || this.random.chance(0.8)) return;
    for (let i = this.count(1, 2); i > 0; i--) {
      this.gap(" ");
      this.put(this.random.of(["==", "!=", "<", "<=", ">", ">="]));
      this.breakable();
      this.sum(depth - 1);
    }
  }

  sum(depth: number, first = false): void {
    this.unary(depth, first);
    if (depth === 0 || this.random.chance(0.5)) return;
    for (let i = this.count(1, this.random.chance(0.1) ? 12 : 2); i > 0; i--) {
      this.gap(" ");
      this.put(this.random.of(["+", "-", "*", "/", "//", "%", "@", "**"]));
      this.breakable();
      this.unary(depth - 1);
    }
  }

  unary(depth: number, first = false): void {
    if (this.random.chance(0.1)) {
      this.put("-");
      this.gap();
      return this.unary(depth);
    }
    this.atom(depth, first);
    while (depth > 0 && this.random.chance(0.25)) this.postfix(depth);
  }

  postfix(depth: number): void {
    if (this.random.chance(0.3)) return this.put(".T");
    if (this.random.chance(0.6)) return this.arguments(depth - 1);
    const subscript = () => {
      if (this.random.chance(0.2)) return this.put("...");
      if (this.random.chance(0.5)) return this.expression(depth - 1);
      if (this.random.chance(0.5)) this.expression(depth - 1);
      this.gap();
      this.put(":");
      this.gap();
      if (this.random.chance(0.5)) this.expression(depth - 1);
    };
    this.enclosed("[", () => this.list(this.count(1, 3), subscript), "]");
  }

  arguments(depth: number): void {
    const argument = () => {
      if (this.random.chance(0.3)) {
        this.put(this.name());
        this.gap(" ");
        this.put("=");
        this.breakable();
      }
      this.expression(depth);
    };
    const count = this.random.chance(0.15) ? this.count(4, 12) : this.count(0, 3);
    this.enclosed("(", () => this.list(count, argument, true), ")");
  }

  atom(depth: number, first = false): void {
    const { random } = this;
    const simple = [
      () => this.put(random.of(numbers)),
      () => this.put(this.string()),
      () => this.put(random.of(["true", "false"])),
      () => this.put(first ? random.of(names) : this.name()),
      () => this.put(first ? random.of(names) : this.name()),
    ];
    const compound = [
      () => this.enclosed("(", () => this.expression(depth - 1), ")"),
      () => this.enclosed("(", () => this.list(this.count(2, 3), () => this.expression(depth - 1)), ")"),
      () => this.enclosed("[", () => this.list(this.count(0, 3), () => this.expression(depth - 1)), "]"),
      () => this.comprehension(depth),
    ];
    random.of(depth > 0 && random.chance(0.4) ? compound : simple)();
  }

  comprehension(depth: number): void {
    const index = () => {
      this.put(`${this.name()}:`);
      this.gap(" ");
      this.sum(depth - 1);
    };
    this.enclosed("[", () => this.list(this.count(1, 3), index), "]");
    this.gap(" ");
    this.put("=>");
    this.breakable();
    if (this.random.chance(0.4)) this.braces(1);
    else this.expression(depth - 1);
  }

  /** `if … then … else …` with values of some kind. */
  choice(depth: number, value: () => void): void {
    this.put("if ");
    this.expression(depth - 1);
    this.breakable();
    this.put(" then");
    this.breakable();
    this.put(" ");
    value();
    this.breakable();
    this.put(" else");
    this.breakable();
    this.put(" ");
    value();
  }
}
