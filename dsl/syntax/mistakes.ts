/**
 * What the parser says about a mistake. `explain` is handed the place where it stumbled and what it looked for there;
 * the recognisers know the usual reasons for that and name the mend. They are tried in order, the general message last.
 */
import { attribute, conditionalWithoutElse, inBrackets, range } from "./mistakes-expressions.js";
import {
  augmented,
  bareTuple,
  foreignWord,
  header,
  letForm,
  reservedWord,
  starterWithoutName,
  statementEnds,
  strayElse,
  strayEquals,
  walrus,
} from "./mistakes-statements.js";
import { Place, type Recogniser, type Stumble } from "./stumble.js";

const general: Recogniser = (p) => p.report("E0106", p.span, `expected ${p.expected}, found ${p.foundText}`);

const recognisers: readonly Recogniser[] = [
  ...[walrus, reservedWord, foreignWord, starterWithoutName, augmented, strayEquals, letForm, bareTuple, range],
  ...[attribute, strayElse],
  ...[inBrackets, header, conditionalWithoutElse, statementEnds, general],
];

/** Reports a stumble in the words of the language. */
export function explain(stumble: Stumble): void {
  const place = new Place(stumble);
  for (const recognise of recognisers) if (recognise(place)) return;
}
