/**
 * Random programs: texts that the grammar derives, seeded. They parse, but mean nothing: names are not declared and
 * sizes do not agree. Every construct of the grammar occurs, words that are both names and keywords among the names.
 *
 * With `wild`, space, new lines, empty lines and comments stand wherever the rules of lines allow them.
 */
import { Random } from "./random.js";

export interface ProgramOptions {
  readonly wild?: boolean;
  /** How deep expressions and bodies go; 3 unless told. */
  readonly depth?: number;
  /** How many declarations; 4 unless told. */
  readonly declarations?: number;
}

/** The text of a random program. */
export function randomProgram(seed: number, options: ProgramOptions = {}): string {
  return new Generator(new Random(seed), options).file();
}

const names = "x y z q k v mask weight T B D heads width eps attention norm softmax i j".split(" ");
/** Words that begin a statement, or stand inside of one, and are names elsewhere. */
const words = "layer param block model entry fn import for let assert as from in incremental".split(" ");
/** Those with which a line may begin and be a name all the same. */
const plainWords = "layer param block model entry fn import for in".split(" ");
const strings = [
  "",
  "a",
  "attn.c_proj.weight",
  "b t (h k) -> b h t k",
  "# no comment",
  "{[(",
  "größe",
  "a // b",
  "\\",
  "'",
];
const numbers = ["0", "1", "12", "0.5", "1e-5", "3.25E+4", "10000"];

class Generator {
  #out = "";
  /** How many ( and [ stand open since the last {. */
  #inside = 0;
  #indent = 0;
  /** How many bodies are open. */
  #bodies = 0;
  readonly #wild: boolean;
  readonly #depth: number;

  constructor(
    readonly random: Random,
    readonly options: ProgramOptions,
  ) {
    this.#wild = options.wild ?? false;
    this.#depth = options.depth ?? 3;
  }

  file(): string {
    if (this.#wild && this.random.chance(0.3)) this.#emptyLines();
    const count = this.options.declarations ?? 4;
    for (let i = 0; i < count; i++) this.#line(() => this.#declaration());
    if (this.#wild && this.random.chance(0.3)) this.#out = this.#out.trimEnd();
    return this.#out;
  }

  // ---- Text

  /** Text with nothing before it. */
  #put(text: string): void {
    this.#out += text;
  }

  /** A place where space may stand, and a new line inside of ( and [. `normal` is what stands there usually. */
  #gap(normal = ""): void {
    if (this.#wild && this.#inside > 0 && this.random.chance(0.06)) this.#newLine();
    else if (this.#wild && this.random.chance(0.1)) this.#put(this.random.of([" ", "  ", "\t", normal]));
    else this.#put(normal);
  }

  /** As `gap`, where a line may end anyway. */
  #breakable(normal = " "): void {
    if (this.#wild && this.random.chance(0.08)) this.#newLine();
    else this.#gap(normal);
  }

  #newLine(): void {
    if (this.random.chance(0.3)) this.#put(this.random.of([" ", "  ", "", "\t"]) + this.#comment());
    else if (this.random.chance(0.1)) this.#put("  ");
    this.#put("\n");
    this.#emptyLines();
    this.#put(" ".repeat(this.random.below(9)));
  }

  #emptyLines(): void {
    while (this.random.chance(0.25)) {
      const content = this.random.chance(0.5) ? " ".repeat(this.random.below(6)) + this.#comment() : "";
      this.#put(`${content}${this.random.chance(0.1) ? "  " : ""}\n`);
    }
  }

  #comment(): string {
    return this.random.of(["# one", "#two", "# see (3.4] {", '# "quoted', "#", "# let x = 3", "## é ☃ …", "#  deep  "]);
  }

  /** One statement or declaration, with the end of its line. */
  #line(item: () => void): void {
    if (this.#wild) this.#emptyLines();
    else if (this.random.chance(0.15)) this.#put("\n");
    const doubtful = this.#wild && this.random.chance(0.3);
    this.#put(" ".repeat(doubtful ? this.random.below(9) : this.#indent));
    item();
    if (this.#wild && this.random.chance(0.2)) this.#put(`  ${this.#comment()}`);
    this.#put("\n");
  }

  #enclosed(open: string, inner: () => void, close: string): void {
    this.#put(open);
    this.#inside++;
    this.#gap();
    inner();
    this.#gap();
    this.#inside--;
    this.#put(close);
  }

  #list(count: number, item: () => void, trailing = false): void {
    for (let i = 0; i < count; i++) {
      if (i > 0) {
        this.#gap();
        this.#put(",");
        this.#breakable();
      }
      item();
    }
    if (trailing && count > 0 && this.#inside > 0 && this.random.chance(0.2)) this.#put(",");
  }

  #name(): string {
    return this.random.chance(0.1) ? this.random.of(words) : this.random.of(names);
  }

  /** A name at the beginning of a statement. */
  #firstName(): string {
    return this.random.chance(0.1) ? this.random.of(plainWords) : this.random.of(names);
  }

  #string(): string {
    return `"${this.random.of(strings)}"`;
  }

  #count(least: number, most: number): number {
    return least + this.random.below(most - least + 1);
  }

  // ---- Declarations

  #declaration(): void {
    this.random.of([() => this.#import(), () => this.#fn(), () => this.#block(), () => this.#model()])();
  }

  #import(): void {
    this.#put("import ");
    this.#put(this.random.chance(0.5) ? "std" : '"./a b.trafo"');
    this.#gap();
    this.#put(":");
    this.#gap(" ");
    this.#list(this.#count(1, this.random.chance(0.2) ? 20 : 4), () => this.#put(this.#name()));
  }

  #fn(): void {
    this.#put(`fn ${this.#name()}`);
    this.#gap();
    this.#parameters();
    if (this.random.chance(0.7)) {
      this.#breakable();
      this.#put("->");
      this.#breakable();
      if (this.random.chance(0.2)) {
        this.#enclosed("(", () => this.#list(this.#count(1, 3), () => this.#type()), ")");
      } else this.#type();
    }
    if (this.random.chance(0.5)) this.#value();
    else this.#braces();
  }

  #value(): void {
    this.#gap(" ");
    this.#put("=");
    this.#breakable();
    this.#expression(this.#deep);
  }

  #block(): void {
    this.#put(`block ${this.#name()}`);
    this.#parameters();
    this.#gap();
    this.#parameters();
    this.#breakable();
    this.#put("->");
    this.#breakable();
    this.#type();
    this.#braces();
  }

  #model(): void {
    this.#put(`model ${this.#name()}`);
    this.#parameters();
    this.#gap(" ");
    this.#body(() =>
      this.random.of([() => this.#fn(), () => this.#block(), () => this.#entry(), () => this.#statement(2)])(),
    );
  }

  #entry(): void {
    this.#put(`entry ${this.#name()}`);
    this.#parameters();
    if (this.random.chance(0.5)) {
      this.#breakable();
      this.#put("incremental ");
      this.#put(this.#name());
    }
    this.#breakable();
    this.#put("->");
    this.#breakable();
    const result = () => {
      this.#put(`${this.#name()}:`);
      this.#gap(" ");
      this.#type();
    };
    this.#enclosed("(", () => this.#list(this.#count(1, 3), result), ")");
    this.#braces();
  }

  #parameters(): void {
    const count = this.random.chance(0.2) ? this.#count(4, 9) : this.#count(0, 3);
    this.#enclosed("(", () => this.#list(count, () => this.#parameter(), true), ")");
  }

  #parameter(): void {
    this.#put(this.#name());
    this.#gap();
    this.#put(":");
    this.#gap(" ");
    this.#type();
    if (this.random.chance(0.4)) {
      this.#gap(" ");
      this.#put("=");
      this.#breakable();
      this.#expression(1);
    }
    if (this.random.chance(0.3)) {
      this.#breakable();
      this.#put(" from ");
      this.#alternatives(() => this.#put(this.#string()));
    }
  }

  #alternatives(item: () => void): void {
    for (let i = this.#count(1, 3), first = true; i > 0; i--, first = false) {
      if (!first) {
        this.#breakable();
        this.#put("|");
        this.#breakable();
      }
      item();
    }
  }

  #type(): void {
    if (this.random.chance(0.3)) return this.#put(this.random.of(["int", "float", "bool", "string", "fn"]));
    if (this.random.chance(0.1)) {
      this.#put(this.random.of(["int", "float", "string"]));
      return this.#enclosed("[", () => this.#dimension(false), "]");
    }
    this.#put(this.random.of(["f32", "f16", "i32", "bool", "", "", ""]));
    this.#enclosed(
      "[",
      () => {
        const rest = this.random.chance(0.3);
        if (rest) this.#put("...");
        const count = this.#count(0, 3);
        if (rest && count > 0) this.#put(", ");
        this.#list(count, () => this.#dimension(true));
      },
      "]",
    );
  }

  #dimension(bounded: boolean): void {
    if (this.random.chance(0.2)) {
      this.#put(`${this.#name()}:`);
      this.#gap(" ");
      return this.#sum(1);
    }
    this.#sum(1);
    if (bounded && this.random.chance(0.2)) {
      this.#gap(" ");
      this.#put("<=");
      this.#gap(" ");
      this.#sum(1);
    }
  }

  /** How deep an expression of a statement goes: less within bodies in expressions. */
  get #deep(): number {
    return Math.max(0, this.#depth + 1 - this.#bodies);
  }

  // ---- Statements

  #braces(depth = 2): void {
    this.#gap(" ");
    this.#body(() => this.#statement(depth - 1));
  }

  #body(item: () => void): void {
    const { random } = this;
    const outer = this.#inside;
    this.#inside = 0;
    this.#bodies++;
    if (random.chance(0.3)) {
      this.#put(random.of(["{ ", "{"]));
      if (random.chance(0.9)) item();
      this.#put(random.of([" }", "}"]));
    } else {
      this.#put(this.#wild && random.chance(0.1) ? `{ ${this.#comment()}\n` : "{\n");
      this.#indent += 2;
      for (let i = this.#count(0, 4); i > 0; i--) this.#line(item);
      if (this.#wild && random.chance(0.2)) this.#emptyLines();
      this.#indent -= 2;
      this.#put(`${" ".repeat(this.#indent)}}`);
    }
    this.#inside = outer;
    this.#bodies--;
  }

  #statement(depth: number): void {
    const { random } = this;
    const kinds = [
      () => this.#param(),
      () => this.#layer(),
      () => this.#let(),
      () => {
        this.#put(this.#firstName());
        this.#value();
      },
      () => this.#assert(),
      () => this.#expression(this.#deep, true),
    ];
    const nested = [() => this.#for(depth), () => this.#if(depth)];
    random.of(depth > 0 ? [...kinds, ...nested] : kinds)();
  }

  #param(): void {
    this.#put(`param ${this.#name()}:`);
    this.#gap(" ");
    this.#type();
    this.#paths();
  }

  #paths(): void {
    if (this.random.chance(0.5)) return;
    this.#breakable();
    this.#put(" as ");
    this.#alternatives(() => (this.random.chance(0.8) ? this.#put(this.#string()) : this.#expression(1)));
  }

  #layer(): void {
    this.#put(`layer ${this.#name()}`);
    if (this.random.chance(0.4)) {
      const array = () => {
        if (this.random.chance(0.5)) this.#put(`${this.#name()}: `);
        this.#expression(1);
      };
      this.#enclosed("[", array, "]");
    }
    this.#gap(" ");
    this.#put("=");
    this.#breakable();
    this.#applied(2);
    this.#paths();
  }

  #applied(depth: number): void {
    if (depth > 0 && this.random.chance(0.3)) this.#choice(1, () => this.#applied(depth - 1));
    else {
      this.#put(this.#name());
      this.#arguments(1);
    }
  }

  /** `if … then … else …` with values of some kind. */
  #choice(depth: number, value: () => void): void {
    this.#put("if ");
    this.#expression(depth - 1);
    this.#breakable();
    this.#put(" then");
    this.#breakable();
    this.#put(" ");
    value();
    this.#breakable();
    this.#put(" else");
    this.#breakable();
    this.#put(" ");
    value();
  }

  #let(): void {
    this.#put("let ");
    if (this.random.chance(0.3)) {
      this.#enclosed("(", () => this.#list(this.#count(1, 3), () => this.#put(this.#name())), ")");
    } else this.#put(this.#name());
    this.#value();
  }

  #assert(): void {
    this.#put("assert ");
    this.#expression(1);
    this.#put(",");
    this.#breakable();
    this.#put(this.#string());
  }

  #for(depth: number): void {
    this.#put(`for ${this.#name()}`);
    this.#put(this.random.chance(0.5) ? " in " : ": ");
    this.#expression(1);
    this.#braces(depth);
  }

  #if(depth: number): void {
    this.#put("if ");
    this.#expression(1);
    this.#braces(depth);
    if (this.random.chance(0.5)) {
      this.#breakable();
      this.#put(" else");
      if (depth > 1 && this.random.chance(0.4)) {
        this.#put(" ");
        this.#if(depth - 1);
      } else this.#braces(depth);
    }
  }

  // ---- Expressions

  #expression(depth: number, first = false): void {
    if (depth > 0 && this.random.chance(0.12)) {
      return this.#choice(depth, () => this.#expression(depth - 1));
    }
    const logic = depth > 0 && this.random.chance(0.15);
    for (let i = logic ? this.#count(2, 3) : 1; i > 0; i--) {
      if (this.random.chance(0.08)) {
        this.#put("not ");
        this.#comparison(depth);
      } else this.#comparison(depth, first);
      first = false;
      if (i > 1) {
        this.#put(this.random.of([" and", " or"]));
        this.#breakable();
        this.#put(" ");
      }
    }
  }

  #comparison(depth: number, first = false): void {
    this.#sum(depth, first);
    if (depth === 0 || this.random.chance(0.8)) return;
    for (let i = this.#count(1, 2); i > 0; i--) {
      this.#gap(" ");
      this.#put(this.random.of(["==", "!=", "<", "<=", ">", ">="]));
      this.#breakable();
      this.#sum(depth - 1);
    }
  }

  #sum(depth: number, first = false): void {
    this.#unary(depth, first);
    if (depth === 0 || this.random.chance(0.5)) return;
    for (let i = this.#count(1, this.random.chance(0.1) ? 12 : 2); i > 0; i--) {
      this.#gap(" ");
      this.#put(this.random.of(["+", "-", "*", "/", "//", "%", "@", "**"]));
      this.#breakable();
      this.#unary(depth - 1);
    }
  }

  #unary(depth: number, first = false): void {
    if (this.random.chance(0.1)) {
      this.#put("-");
      this.#gap();
      return this.#unary(depth);
    }
    this.#atom(depth, first);
    while (depth > 0 && this.random.chance(0.25)) this.#postfix(depth);
  }

  #postfix(depth: number): void {
    if (this.random.chance(0.3)) return this.#put(".T");
    if (this.random.chance(0.6)) return this.#arguments(depth - 1);
    const subscript = () => {
      if (this.random.chance(0.2)) return this.#put("...");
      if (this.random.chance(0.5)) return this.#expression(depth - 1);
      if (this.random.chance(0.5)) this.#expression(depth - 1);
      this.#gap();
      this.#put(":");
      this.#gap();
      if (this.random.chance(0.5)) this.#expression(depth - 1);
    };
    this.#enclosed("[", () => this.#list(this.#count(1, 3), subscript), "]");
  }

  #arguments(depth: number): void {
    const argument = () => {
      if (this.random.chance(0.3)) {
        this.#put(this.#name());
        this.#gap(" ");
        this.#put("=");
        this.#breakable();
      }
      this.#expression(depth);
    };
    const count = this.random.chance(0.15) ? this.#count(4, 12) : this.#count(0, 3);
    this.#enclosed("(", () => this.#list(count, argument, true), ")");
  }

  #atom(depth: number, first = false): void {
    const { random } = this;
    const simple = [
      () => this.#put(random.of(numbers)),
      () => this.#put(this.#string()),
      () => this.#put(random.of(["true", "false"])),
      () => this.#put(first ? random.of(names) : this.#name()),
      () => this.#put(first ? random.of(names) : this.#name()),
    ];
    const compound = [
      () => this.#enclosed("(", () => this.#expression(depth - 1), ")"),
      () => this.#enclosed("(", () => this.#list(this.#count(2, 3), () => this.#expression(depth - 1)), ")"),
      () => this.#enclosed("[", () => this.#list(this.#count(0, 3), () => this.#expression(depth - 1)), "]"),
      () => this.#comprehension(depth),
    ];
    random.of(depth > 0 && random.chance(0.4) ? compound : simple)();
  }

  #comprehension(depth: number): void {
    const index = () => {
      this.#put(`${this.#name()}:`);
      this.#gap(" ");
      this.#sum(depth - 1);
    };
    this.#enclosed("[", () => this.#list(this.#count(1, 3), index), "]");
    this.#gap(" ");
    this.#put("=>");
    this.#breakable();
    if (this.random.chance(0.4)) this.#braces(1);
    else this.#expression(depth - 1);
  }
}
