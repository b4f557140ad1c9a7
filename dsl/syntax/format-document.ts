/**
 * Documents: text with places where a line may end, and the printer that chooses among them (after Oppen and Wadler,
 * as Prettier does it). A group is printed on one line if it fits, else the lines that it holds directly are broken.
 *
 * Comments are the difference. They stand in a document behind the token that they follow, and wait until the next
 * place where a line may end: a comma that comes first stays before them. So a comment keeps its place between two
 * tokens, and its kind (on a line of its own or behind code), which makes printing twice the same as printing once.
 */

export interface Comment {
  readonly text: string;
  /** True on a line of its own, false behind code. */
  readonly own: boolean;
  /** True if an empty line stands before it. */
  readonly blank: boolean;
}

export type Document =
  | { readonly kind: "text"; readonly text: string }
  /** Text that goes before comments that wait; `broken` alone: only where its group is broken. */
  | { readonly kind: "comma"; readonly onlyBroken: boolean }
  | { readonly kind: "space" }
  | { readonly kind: "line"; readonly flat: string }
  /** The end of a statement; `blank` asks for an empty line after it. */
  | { readonly kind: "newLine"; readonly blank: boolean }
  | { readonly kind: "comments"; readonly comments: readonly Comment[] }
  /** Prints the comments that wait, at this indentation. */
  | { readonly kind: "flush" }
  | { readonly kind: "concat"; readonly parts: readonly Document[]; readonly marks: Marks }
  | { readonly kind: "indent"; readonly body: Document }
  /** `solid`: what stands before it does not count on its lines being broken. */
  | { readonly kind: "group"; readonly body: Document; readonly broken: boolean; readonly solid: boolean }
  /** Items from the number `from` on and the lines between them; as many items on a line as fit. */
  | { readonly kind: "fill"; readonly items: readonly Document[]; readonly line: Document; readonly from: number }
  /** A body of statements: its lines do not break the groups around it. */
  | { readonly kind: "body"; readonly body: Document };

type DocumentOf<K extends Document["kind"]> = Extract<Document, { kind: K }>;

/** What a document says to those that hold it. */
interface Marks {
  /** A comment with something behind it: every group around it is broken. */
  readonly breaks: boolean;
  /** A comment at the end. */
  readonly ends: boolean;
  readonly empty: boolean;
}

const plain: Marks = { breaks: false, ends: false, empty: false };

function marksOf(document: Document): Marks {
  switch (document.kind) {
    case "concat":
      return document.marks;
    case "indent":
      return marksOf(document.body);
    case "group":
      return marksOf(document.body);
    case "comments":
      return { breaks: false, ends: true, empty: true };
    case "comma":
    case "flush":
      return { breaks: false, ends: false, empty: true };
    case "fill":
      return combine(document.items.flatMap((item, at) => (at > 0 ? [document.line, item] : [item])));
    case "body":
      return { ...marksOf(document.body), breaks: false };
    default:
      return plain;
  }
}

function combine(parts: readonly Document[]): Marks {
  let breaks = false;
  let ends = false;
  let empty = true;
  for (const part of parts) {
    const marks = marksOf(part);
    if (marks.breaks || (ends && !marks.empty)) breaks = true;
    if (!marks.empty) ends = marks.ends;
    else ends ||= marks.ends;
    empty &&= marks.empty;
  }
  return { breaks, ends, empty };
}

/** True if a comment is the last thing in a document. */
export const endsInComment = (document: Document): boolean => marksOf(document).ends;

export const text = (content: string): Document => ({ kind: "text", text: content });
export const space: Document = { kind: "space" };
/** A space, or the end of a line. */
export const line: Document = { kind: "line", flat: " " };
/** Nothing, or the end of a line. */
export const softLine: Document = { kind: "line", flat: "" };
export const newLine = (blank = false): Document => ({ kind: "newLine", blank });
export const comma: Document = { kind: "comma", onlyBroken: false };
export const trailingComma: Document = { kind: "comma", onlyBroken: true };
export const flush: Document = { kind: "flush" };
export const indent = (...parts: Document[]): Document => ({ kind: "indent", body: concat(...parts) });

export function concat(...parts: Document[]): Document {
  return { kind: "concat", parts, marks: combine(parts) };
}

export function group(...parts: Document[]): Document {
  const body = concat(...parts);
  return { kind: "group", body, broken: marksOf(body).breaks, solid: false };
}

/** A group that is broken only if it does not fit by itself. */
export function solidGroup(...parts: Document[]): Document {
  const body = concat(...parts);
  return { kind: "group", body, broken: marksOf(body).breaks, solid: true };
}

export function fill(items: Document[], between: Document): Document {
  return { kind: "fill", items, line: between, from: 0 };
}

export const body = (...parts: Document[]): Document => ({ kind: "body", body: concat(...parts) });

/** The width of a document on one line; infinite if it cannot stand on one. */
export function flatWidth(document: Document): number {
  switch (document.kind) {
    case "text":
      return document.text.length;
    case "space":
      return 1;
    case "line":
      return document.flat.length;
    case "comma":
      return document.onlyBroken ? 0 : 1;
    case "newLine":
      return Number.POSITIVE_INFINITY;
    case "comments":
    case "flush":
      return 0;
    case "concat":
      return document.parts.reduce((sum, part) => sum + flatWidth(part), 0);
    case "group":
      return document.broken ? Number.POSITIVE_INFINITY : flatWidth(document.body);
    case "indent":
    case "body":
      return flatWidth(document.body);
    case "fill":
      return document.items.reduce(
        (sum, item, at) => sum + flatWidth(item) + (at > 0 ? flatWidth(document.line) : 0),
        0,
      );
  }
}

interface Command {
  readonly document: Document;
  readonly indent: number;
  readonly flat: boolean;
}

/** Prints a document in lines of at most `width` where that can be done. */
export function printDocument(document: Document, width: number): string {
  return new Printer(width).run(document);
}

class Printer {
  readonly #out: string[] = [];
  readonly #stack: Command[] = [];
  #column = 0;
  /** Spaces to print before the next text of a line. */
  #owed = 0;
  #pending: Comment[] = [];
  /** True after a comment: a new line has to come before anything else. */
  #mustEnd = false;

  constructor(readonly width: number) {}

  run(document: Document): string {
    this.#stack.push({ document, indent: 0, flat: false });
    for (let command = this.#stack.pop(); command; command = this.#stack.pop()) this.#print(command);
    this.#flush(0, true);
    return this.#out.join("");
  }

  #print({ document, indent: spaces, flat }: Command): void {
    switch (document.kind) {
      case "text":
        this.#endComments(spaces);
        this.#write(document.text);
        break;
      case "comma":
        if (!document.onlyBroken || !flat) this.#comma(spaces);
        break;
      case "space":
        if (!this.#endComments(spaces)) this.#write(" ");
        break;
      case "line":
        if (this.#endComments(spaces)) break;
        if (flat) this.#write(document.flat);
        else this.#newLine(spaces);
        break;
      case "newLine":
        this.#flush(spaces, true);
        this.#mustEnd = false;
        if (document.blank) this.#blank();
        this.#newLine(spaces);
        break;
      case "comments":
        this.#pending.push(...document.comments);
        break;
      case "flush":
        if (this.#pending.length > 0) this.#flush(spaces, true);
        break;
      case "concat":
        for (let i = document.parts.length - 1; i >= 0; i--) this.#push(document.parts[i]!, spaces, flat);
        break;
      case "indent":
        // On one line nothing is further in; a body there begins its lines as far in as that line.
        this.#push(document.body, flat ? spaces : spaces + 2, flat);
        break;
      case "body":
        this.#push(document.body, spaces, false);
        break;
      case "group": {
        const fits = !document.broken && (flat || this.#fits(document.body));
        this.#push(document.body, spaces, fits);
        break;
      }
      case "fill":
        this.#fill(document, spaces);
        break;
    }
  }

  #push(document: Document, spaces: number, flat: boolean): void {
    this.#stack.push({ document, indent: spaces, flat });
  }

  #fill(document: DocumentOf<"fill">, spaces: number): void {
    const { items, line: between, from } = document;
    const first = items[from];
    if (!first) return;
    const next = items[from + 1];
    if (next) {
      const room = this.width - this.#column - this.#owed - flatWidth(first) - flatWidth(between);
      this.#push({ ...document, from: from + 1 }, spaces, false);
      this.#push(between, spaces, flatWidth(next) <= room);
    }
    this.#push(first, spaces, flatWidth(first) <= this.width - this.#column - this.#owed);
  }

  // ---- Text and lines

  #write(content: string): void {
    if (content === "") return;
    if (this.#owed > 0) {
      this.#out.push(" ".repeat(this.#owed));
      this.#column += this.#owed;
      this.#owed = 0;
    }
    this.#out.push(content);
    this.#column += content.length;
  }

  #newLine(spaces: number): void {
    if (this.#out.length > 0) this.#out.push("\n");
    this.#column = 0;
    this.#owed = spaces;
  }

  #blank(): void {
    if (this.#out.length > 0) this.#out.push("\n");
  }

  #comma(spaces: number): void {
    if (this.#mustEnd) this.#endComments(spaces);
    this.#write(",");
  }

  // ---- Comments

  /** Prints the comments that wait and ends their line. False if there were none. */
  #endComments(spaces: number): boolean {
    if (this.#pending.length > 0) this.#flush(spaces, false);
    if (!this.#mustEnd) return false;
    this.#mustEnd = false;
    this.#newLine(spaces);
    return true;
  }

  /** Prints the comments that wait; `blanks` keeps the empty lines before them. */
  #flush(spaces: number, blanks: boolean): void {
    for (const comment of this.#pending) {
      // Two comments behind code that came together (`a # one`, `, # two`) do not share a line.
      if (comment.own || this.#mustEnd) {
        if (blanks && comment.blank) this.#blank();
        this.#newLine(spaces);
      } else {
        this.#write("  ");
      }
      this.#write(comment.text);
      this.#mustEnd = true;
    }
    this.#pending = [];
  }

  // ---- Measuring

  /** True if the document fits on the rest of the line, with what follows it up to where that line may end. */
  #fits(document: Document): boolean {
    let room = this.width - this.#column - this.#owed;
    const own: Command[] = [{ document, indent: 0, flat: true }];
    let following = this.#stack.length - 1;
    while (room >= 0) {
      let command = own.pop();
      if (!command) {
        if (following < 0) return true;
        command = this.#stack[following--]!;
      }
      const { document: next, flat } = command;
      switch (next.kind) {
        case "text":
          room -= next.text.length;
          break;
        case "comma":
          if (!next.onlyBroken || !flat) room--;
          break;
        case "space":
          room--;
          break;
        case "line":
          if (!flat) return true;
          room -= next.flat.length;
          break;
        case "newLine":
          return true;
        case "concat":
          for (let i = next.parts.length - 1; i >= 0; i--) own.push({ ...command, document: next.parts[i]! });
          break;
        case "indent":
          own.push({ ...command, document: next.body });
          break;
        case "body":
          own.push({ ...command, document: next.body, flat: false });
          break;
        case "group":
          own.push({ ...command, document: next.body, flat: next.broken ? false : flat || next.solid });
          break;
        case "fill":
          for (let i = next.items.length - 1; i >= next.from; i--) {
            own.push({ ...command, document: next.items[i]! });
            if (i > next.from) own.push({ ...command, document: next.line });
          }
          break;
      }
    }
    return false;
  }
}
