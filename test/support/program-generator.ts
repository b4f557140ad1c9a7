/**
 * Random programs: texts that the grammar derives, seeded. They parse, but mean nothing: names are not declared and
 * sizes do not agree. Every construct of the grammar occurs, words that are both names and keywords among the names.
 *
 * With `wild`, space, new lines, empty lines and comments stand wherever the rules of lines allow them.
 */
import { ExpressionGenerator } from "./program-expressions.js";
import type { ProgramOptions } from "./program-text.js";
import { Random } from "./random.js";

export type { ProgramOptions } from "./program-text.js";

/** The text of a random program. */
export function randomProgram(seed: number, options: ProgramOptions = {}): string {
  return new Generator(new Random(seed), options).file();
}

class Generator extends ExpressionGenerator {
  file(): string {
    if (this.wild && this.random.chance(0.3)) this.emptyLines();
    const count = this.options.declarations ?? 4;
    for (let i = 0; i < count; i++) this.line(() => this.declaration());
    if (this.wild && this.random.chance(0.3)) this.out = this.out.trimEnd();
    return this.out;
  }

  // ---- Declarations

  declaration(): void {
    this.random.of([() => this.import(), () => this.fn(), () => this.block(), () => this.model()])();
  }

  import(): void {
    this.put("import ");
    this.put(this.random.chance(0.5) ? "std" : '"./a b.trafo"');
    this.gap();
    this.put(":");
    this.gap(" ");
    this.list(this.count(1, this.random.chance(0.2) ? 20 : 4), () => this.put(this.name()));
  }

  fn(): void {
    this.put(`fn ${this.name()}`);
    this.gap();
    this.parameters();
    if (this.random.chance(0.7)) this.results();
    if (this.random.chance(0.5)) this.value();
    else this.braces();
  }

  results(): void {
    this.breakable();
    this.put("->");
    this.breakable();
    if (this.random.chance(0.2)) {
      this.enclosed("(", () => this.list(this.count(1, 3), () => this.type()), ")");
    } else this.type();
  }

  value(): void {
    this.gap(" ");
    this.put("=");
    this.breakable();
    this.expression(this.deep);
  }

  block(): void {
    this.put(`block ${this.name()}`);
    this.parameters();
    this.gap();
    this.parameters();
    this.results();
    this.braces();
  }

  model(): void {
    this.put(`model ${this.name()}`);
    this.parameters();
    this.gap(" ");
    this.body(() =>
      this.random.of([() => this.fn(), () => this.block(), () => this.entry(), () => this.statement(2)])(),
    );
  }

  entry(): void {
    this.put(`entry ${this.name()}`);
    this.parameters();
    if (this.random.chance(0.5)) {
      this.breakable();
      this.put("incremental ");
      this.put(this.name());
    }
    this.breakable();
    this.put("->");
    this.breakable();
    const result = () => {
      this.put(`${this.name()}:`);
      this.gap(" ");
      this.type();
    };
    this.enclosed("(", () => this.list(this.count(1, 3), result), ")");
    this.braces();
  }

  parameters(): void {
    const count = this.random.chance(0.2) ? this.count(4, 9) : this.count(0, 3);
    this.enclosed("(", () => this.list(count, () => this.parameter(), true), ")");
  }

  parameter(): void {
    this.put(this.name());
    this.gap();
    this.put(":");
    this.gap(" ");
    this.type();
    if (this.random.chance(0.4)) {
      this.gap(" ");
      this.put("=");
      this.breakable();
      this.expression(1);
    }
    if (this.random.chance(0.3)) {
      this.breakable();
      this.put(" from ");
      this.alternatives(() => this.put(this.string()));
    }
  }

  alternatives(item: () => void): void {
    for (let i = this.count(1, 3), first = true; i > 0; i--, first = false) {
      if (!first) {
        this.breakable();
        this.put("|");
        this.breakable();
      }
      item();
    }
  }

  type(): void {
    if (this.random.chance(0.3)) return this.put(this.random.of(["int", "float", "bool", "string", "fn"]));
    if (this.random.chance(0.1)) {
      this.put(this.random.of(["int", "float", "string"]));
      return this.enclosed("[", () => this.dimension(false), "]");
    }
    this.put(this.random.of(["f32", "f16", "i32", "bool", "", "", ""]));
    this.enclosed(
      "[",
      () => {
        const rest = this.random.chance(0.3);
        if (rest) this.put("...");
        const count = this.count(0, 3);
        if (rest && count > 0) this.put(", ");
        this.list(count, () => this.dimension(true));
      },
      "]",
    );
  }

  dimension(bounded: boolean): void {
    if (this.random.chance(0.2)) {
      this.put(`${this.name()}:`);
      this.gap(" ");
      return this.sum(1);
    }
    this.sum(1);
    if (bounded && this.random.chance(0.2)) {
      this.gap(" ");
      this.put("<=");
      this.gap(" ");
      this.sum(1);
    }
  }

  /** How deep an expression of a statement goes: less within bodies in expressions. */
  get deep(): number {
    return Math.max(0, this.depth + 1 - this.bodies);
  }

  // ---- Statements

  protected override braces(depth = 2): void {
    this.gap(" ");
    this.body(() => this.statement(depth - 1));
  }

  body(item: () => void): void {
    const { random } = this;
    const outer = this.inside;
    this.inside = 0;
    this.bodies++;
    if (random.chance(0.3)) {
      this.put(random.of(["{ ", "{"]));
      if (random.chance(0.9)) item();
      this.put(random.of([" }", "}"]));
    } else {
      this.put(this.wild && random.chance(0.1) ? `{ ${this.comment()}\n` : "{\n");
      this.indent += 2;
      for (let i = this.count(0, 4); i > 0; i--) this.line(item);
      if (this.wild && random.chance(0.2)) this.emptyLines();
      this.indent -= 2;
      this.put(`${" ".repeat(this.indent)}}`);
    }
    this.inside = outer;
    this.bodies--;
  }

  statement(depth: number): void {
    const { random } = this;
    const kinds = [
      () => this.param(),
      () => this.layer(),
      () => this.let(),
      () => {
        this.put(this.firstName());
        this.value();
      },
      () => this.assert(),
      () => this.expression(this.deep, true),
    ];
    const nested = [() => this.for(depth), () => this.if(depth)];
    random.of(depth > 0 ? [...kinds, ...nested] : kinds)();
  }

  param(): void {
    this.put(`param ${this.name()}:`);
    this.gap(" ");
    this.type();
    this.paths();
  }

  paths(): void {
    if (this.random.chance(0.5)) return;
    this.breakable();
    this.put(" as ");
    this.alternatives(() => (this.random.chance(0.8) ? this.put(this.string()) : this.expression(1)));
  }

  layer(): void {
    this.put(`layer ${this.name()}`);
    if (this.random.chance(0.4)) {
      const array = () => {
        if (this.random.chance(0.5)) this.put(`${this.name()}: `);
        this.expression(1);
      };
      this.enclosed("[", array, "]");
    }
    this.gap(" ");
    this.put("=");
    this.breakable();
    this.applied(2);
    this.paths();
  }

  applied(depth: number): void {
    if (depth > 0 && this.random.chance(0.3)) this.choice(1, () => this.applied(depth - 1));
    else {
      this.put(this.name());
      this.arguments(1);
    }
  }

  let(): void {
    this.put("let ");
    if (this.random.chance(0.3)) {
      this.enclosed("(", () => this.list(this.count(1, 3), () => this.put(this.name())), ")");
    } else this.put(this.name());
    this.value();
  }

  assert(): void {
    this.put("assert ");
    this.expression(1);
    this.put(",");
    this.breakable();
    this.put(this.string());
  }

  for(depth: number): void {
    this.put(`for ${this.name()}`);
    this.put(this.random.chance(0.5) ? " in " : ": ");
    this.expression(1);
    this.braces(depth);
  }

  if(depth: number): void {
    this.put("if ");
    this.expression(1);
    this.braces(depth);
    if (this.random.chance(0.5)) {
      this.breakable();
      this.put(" else");
      if (depth > 1 && this.random.chance(0.4)) {
        this.put(" ");
        this.if(depth - 1);
      } else this.braces(depth);
    }
  }
}
