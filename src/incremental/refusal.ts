/** Refusing an entry: thrown while its step is derived, and the codes that reasons are reported under. */
import type { Code } from "../diagnostics/index.js";
import type { Refusal, RefusalReason } from "./facts.js";

export class NotIncremental extends Error {
  constructor(readonly refusal: Refusal) {
    super(refusal.message);
    this.name = "NotIncremental";
  }
}

export const refusalCodes: { readonly [K in RefusalReason]: Code } = {
  future: "E0801",
  length: "E0802",
  "from end": "E0803",
  select: "E0804",
  layout: "E0805",
  align: "E0806",
  square: "E0807",
  output: "E0808",
  input: "E0809",
};
