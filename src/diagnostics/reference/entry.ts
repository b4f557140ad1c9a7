/** What `trafo explain CODE` prints about one kind of diagnostic. */
export interface Entry {
  /** The fact in a few words, without the names of a particular case. */
  readonly title: string;
  /** When it is reported and why it matters, in a few sentences. */
  readonly text: string;
  /** A small wrong program or command, where one helps. */
  readonly wrong?: string;
  /** The same, mended. */
  readonly right?: string;
}

/** A table of entries by code that keeps its keys as a type. */
export function entries<K extends string>(table: Record<K, Entry>): Record<K, Entry> {
  return table;
}
