/** Tables of syntax mistakes as tests. */
import { describe, expect, it } from "vitest";
import { mended, mistakes } from "./syntax.js";

/** By family: a text, its mistakes, and the text after all fixes if there are any. */
export type Cases = Readonly<Record<string, readonly (readonly [string, readonly string[], string?])[]>>;

/**
 * Declares the tests of a table. `wrap` makes a file of a text; the texts in `still` are not right yet when what is
 * certain is mended.
 */
export function declareCases(all: Cases, wrap: (text: string) => string, still: readonly string[]): void {
  for (const [family, cases] of Object.entries(all)) {
    const named = cases.map(([text, expected, fixed]) => ({ text, expected, fixed }));
    describe(family, () => {
      it.each(named)("$text", ({ text, expected, fixed }) => {
        expect(mistakes(wrap(text))).toEqual(expected);
        expect(mended(wrap(text))).toBe(wrap(fixed ?? text));
        if (fixed !== undefined && !still.includes(text)) expect(mistakes(wrap(fixed))).toEqual([]);
      });
    });
  }
}
