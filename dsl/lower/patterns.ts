/** The patterns of `rearrange` and `einsum`: names with spaces, `(a b)`, `...` and `1`. */
import type { Span } from "../../src/diagnostics/index.js";
import { fail } from "./context.js";

/** A name, `...`, `1`, or a group of names and `1`. */
export type Term = string | readonly string[];

/** The terms of one side of a pattern. */
function terms(text: string, what: string, at: Span): Term[] {
  const out: Term[] = [];
  let group: string[] | null = null;
  for (const [token] of text.matchAll(/\.\.\.|[A-Za-z_]\w*|\S/g)) {
    if (token === "(" && group === null) group = [];
    else if (token === ")" && group !== null) {
      out.push(group);
      group = null;
    } else if (!/^(\.\.\.|1|[A-Za-z_]\w*)$/.test(token))
      fail("E0311", `${what}: unexpected ${token} in "${text.trim()}"`, {
        at,
        help: ['a pattern is names with spaces: "b t (h k) -> b h t k"'],
      });
    else if (group !== null) {
      if (token === "...") fail("E0311", `${what}: ... stands outside of brackets`, { at });
      group.push(token);
    } else out.push(token);
  }
  if (group !== null) fail("E0311", `${what}: a ) is missing in "${text.trim()}"`, { at });
  const names = out.flat().filter((t) => t !== "1");
  const twice = names.find((t, i) => names.indexOf(t) !== i);
  if (twice) fail("E0311", `${what}: ${twice} stands twice in "${text.trim()}"`, { at });
  return out;
}

/** The sides of a pattern around `->`; the left one cut at commas. */
export function parsePattern(
  text: string,
  what: string,
  at: Span,
): { readonly inputs: Term[][]; readonly output: Term[] } {
  const sides = text.split("->");
  if (sides.length !== 2)
    fail("E0311", `${what}: the pattern "${text}" has no -> between what is and what becomes`, { at });
  return { inputs: sides[0]!.split(",").map((t) => terms(t, what, at)), output: terms(sides[1]!, what, at) };
}
