/**
 * Lists whose items repeat from layer to layer but for a number in their texts or one that is added, written once with a
 * count.
 *
 * Models are mostly equal layers: what a module says of each layer would else be most of what it is.
 */

/** A line of a list, or lines that are repeated: in their texts `i` counts from 0. */
export type Folded = { readonly count: number; readonly items: readonly string[] };

/** An item with the numbers in its texts taken out. */
interface Pattern {
  readonly text: string;
  readonly rest: string;
  readonly numbers: readonly number[];
}

/** The most items of a layer. */
const longest = 100;

/**
 * Items in their order; those that follow each other `count` times, with numbers in their texts, or that are added, that grow
 * evenly or stay, once. Texts are in double quotes; where a number in them counts, they become templates, and keys are computed.
 */
export function foldRepeats(items: readonly string[]): readonly Folded[] {
  const patterns = items.map(patternOf);
  const folded: Folded[] = [];
  for (let at = 0; at < items.length; ) {
    const { period, count } = longestRun(patterns, at);
    const group = patterns.slice(at, at + period);
    const next = patterns.slice(at + period, at + 2 * period);
    folded.push({
      count,
      items: group.map((each, i) => (count === 1 ? each.text : templated(each, stepsOf(each, next[i]!)))),
    });
    at += period * count;
  }
  return folded;
}

const numberInText = /\d+/g;
/** A text, which may be a key, or a number that is added. */
const counting = /("(?:[^"\\]|\\.)*")(:?)|(?<=\+ )\d+(?![\w.])/g;

function patternOf(text: string): Pattern {
  const numbers: number[] = [];
  const rest = text.replace(counting, (literal) =>
    literal.replace(numberInText, (digits) => {
      if (String(Number(digits)) !== digits) return digits;
      numbers.push(Number(digits));
      return "\0";
    }),
  );
  return { text, rest, numbers };
}

/** The run from a place on that leaves out most; a single item if there is none. */
function longestRun(patterns: readonly Pattern[], at: number): { period: number; count: number } {
  let best = { period: 1, count: 1 };
  for (let period = 1; period <= longest && at + 2 * period <= patterns.length; period++) {
    let count = 1;
    while (repeats(patterns, at, period, count)) count++;
    // Two items always differ by some step: only those that count by one are a run.
    if (count === 2 && !countsUp(patterns, at, period)) continue;
    if (period * (count - 1) > best.period * (best.count - 1)) best = { period, count };
  }
  return best;
}

/** Whether the items after `count` rounds go on as the first two rounds began. */
function repeats(patterns: readonly Pattern[], at: number, period: number, count: number): boolean {
  if (at + (count + 1) * period > patterns.length) return false;
  for (let i = 0; i < period; i++) {
    const [first, second, item] = [at + i, at + period + i, at + count * period + i].map((place) => patterns[place]!);
    if (first!.rest !== item!.rest || first!.rest !== second!.rest) return false;
    const steps = stepsOf(first!, second!);
    if (!steps.every((step, k) => step >= 0 && item!.numbers[k] === first!.numbers[k]! + step * count)) return false;
  }
  return true;
}

/** Whether the numbers of the second round are those of the first or one more. */
function countsUp(patterns: readonly Pattern[], at: number, period: number): boolean {
  const first = patterns.slice(at, at + period);
  return first.every((each, i) => stepsOf(each, patterns[at + period + i]!).every((step) => step <= 1));
}

/** By how much each number grows from one item to another. */
function stepsOf(first: Pattern, second: Pattern): readonly number[] {
  return first.numbers.map((number, k) => second.numbers[k]! - number);
}

/** The item with `i` in the texts whose numbers count, and with numbers that are added and count. */
function templated({ text }: Pattern, steps: readonly number[]): string {
  let k = 0;
  const counted = (digits: string): string | null => {
    const step = String(Number(digits)) === digits ? steps[k++]! : 0;
    if (step === 0) return null;
    const grown = step === 1 ? "i" : `${step} * i`;
    return digits === "0" ? grown : `${grown} + ${digits}`;
  };
  return text.replace(counting, (whole, literal: string | undefined, colon: string) => {
    if (literal === undefined) return counted(whole) ?? whole;
    let counts = false;
    const template = literal
      .slice(1, -1)
      .replace(/`|\$(?=\{)/g, "\\$&")
      .replace(numberInText, (digits) => {
        const number = counted(digits);
        counts ||= number !== null;
        return number === null ? digits : `\${${number}}`;
      });
    if (!counts) return whole;
    return colon === "" ? `\`${template}\`` : `[\`${template}\`]:`;
  });
}
