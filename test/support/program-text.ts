/** The text of a generated program as it grows: where space, new lines and comments may stand, and names. */
import type { Random } from "./random.js";

export interface ProgramOptions {
  readonly wild?: boolean;
  /** How deep expressions and bodies go; 3 unless told. */
  readonly depth?: number;
  /** How many declarations; 4 unless told. */
  readonly declarations?: number;
}

export const names = "x y z q k v mask weight T B D heads width eps attention norm softmax i j".split(" ");
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
export const numbers = ["0", "1", "12", "0.5", "1e-5", "3.25E+4", "10000"];

export class ProgramText {
  out = "";
  /** How many ( and [ stand open since the last {. */
  inside = 0;
  indent = 0;
  /** How many bodies are open. */
  bodies = 0;
  readonly wild: boolean;
  readonly depth: number;

  constructor(
    readonly random: Random,
    readonly options: ProgramOptions,
  ) {
    this.wild = options.wild ?? false;
    this.depth = options.depth ?? 3;
  }

  // ---- Text

  /** Text with nothing before it. */
  put(text: string): void {
    this.out += text;
  }

  /** A place where space may stand, and a new line inside of ( and [. `normal` is what stands there usually. */
  gap(normal = ""): void {
    if (this.wild && this.inside > 0 && this.random.chance(0.06)) this.newLine();
    else if (this.wild && this.random.chance(0.1)) this.put(this.random.of([" ", "  ", "\t", normal]));
    else this.put(normal);
  }

  /** As `gap`, where a line may end anyway. */
  breakable(normal = " "): void {
    if (this.wild && this.random.chance(0.08)) this.newLine();
    else this.gap(normal);
  }

  newLine(): void {
    if (this.random.chance(0.3)) this.put(this.random.of([" ", "  ", "", "\t"]) + this.comment());
    else if (this.random.chance(0.1)) this.put("  ");
    this.put("\n");
    this.emptyLines();
    this.put(" ".repeat(this.random.below(9)));
  }

  emptyLines(): void {
    while (this.random.chance(0.25)) {
      const content = this.random.chance(0.5) ? " ".repeat(this.random.below(6)) + this.comment() : "";
      this.put(`${content}${this.random.chance(0.1) ? "  " : ""}\n`);
    }
  }

  comment(): string {
    return this.random.of(["# one", "#two", "# see (3.4] {", '# "quoted', "#", "# let x = 3", "## é ☃ …", "#  deep  "]);
  }

  /** One statement or declaration, with the end of its line. */
  line(item: () => void): void {
    if (this.wild) this.emptyLines();
    else if (this.random.chance(0.15)) this.put("\n");
    const doubtful = this.wild && this.random.chance(0.3);
    this.put(" ".repeat(doubtful ? this.random.below(9) : this.indent));
    item();
    if (this.wild && this.random.chance(0.2)) this.put(`  ${this.comment()}`);
    this.put("\n");
  }

  enclosed(open: string, inner: () => void, close: string): void {
    this.put(open);
    this.inside++;
    this.gap();
    inner();
    this.gap();
    this.inside--;
    this.put(close);
  }

  list(count: number, item: () => void, trailing = false): void {
    for (let i = 0; i < count; i++) {
      if (i > 0) {
        this.gap();
        this.put(",");
        this.breakable();
      }
      item();
    }
    if (trailing && count > 0 && this.inside > 0 && this.random.chance(0.2)) this.put(",");
  }

  name(): string {
    return this.random.chance(0.1) ? this.random.of(words) : this.random.of(names);
  }

  /** A name at the beginning of a statement. */
  firstName(): string {
    return this.random.chance(0.1) ? this.random.of(plainWords) : this.random.of(names);
  }

  string(): string {
    return `"${this.random.of(strings)}"`;
  }

  count(least: number, most: number): number {
    return least + this.random.below(most - least + 1);
  }
}
