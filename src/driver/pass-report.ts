/** What the passes did, for people: by the source line at which it happened. */
import type { Location } from "../diagnostics/index.js";
import { firedRules, type PassReport, type Remark } from "../passes/index.js";

/** Equal remarks at one place, as equal layers give them. */
interface Group {
  readonly pass: string;
  readonly remark: Remark;
  count: number;
}

/**
 * For every source line what the passes did there, and what they nearly did with the reason, each once with how often;
 * then how often each rule fired in all.
 *
 *     gpt2.trafo:7  x @ weight + bias
 *       × 12  fusion: einsum, add in one kernel (contraction with what follows)
 *       × 12  fusion, not done: add is stored: a contraction reads each element many times
 *
 * @param sourceLine the text of a line, where it is at hand
 */
export function remarksText(
  reports: readonly PassReport[],
  sourceLine: (location: Location) => string | null = () => null,
): string {
  const lines: string[] = [];
  for (const groups of [...byLine(reports).values()].sort(inOrder)) {
    const { location } = groups[0]!.remark;
    const text = location === null ? "" : (sourceLine(location)?.trim() ?? "");
    lines.push(location === null ? "made by passes" : `${location.file}:${location.line}  ${text}`.trimEnd());
    const width = Math.max(...groups.map(({ count }) => String(count).length));
    for (const each of groups) lines.push(`  × ${String(each.count).padEnd(width)}  ${remarkText(each)}`);
  }
  const rules = firedRules(reports);
  if (rules.length > 0) lines.push("in all");
  for (const [rule, count] of rules) lines.push(`${String(count).padStart(6)}  ${rule}`);
  return `${lines.join("\n")}\n`;
}

function remarkText({ pass, remark: { rule, kind, message } }: Group): string {
  if (kind === "missed") return `${pass}, not done: ${message === "" ? rule : message}`;
  return message === "" ? `${pass}: ${rule}` : `${pass}: ${message} (${rule})`;
}

function byLine(reports: readonly PassReport[]): Map<string, Group[]> {
  const found = new Map<string, Map<string, Group>>();
  for (const { pass, remarks } of reports) {
    for (const remark of remarks) {
      const { location, rule, kind, message } = remark;
      const place = location === null ? "" : `${location.file}:${location.line}`;
      const groups = found.get(place) ?? new Map<string, Group>();
      found.set(place, groups);
      const key = [pass, kind, rule, message].join("\n");
      const known = groups.get(key);
      if (known) known.count++;
      else groups.set(key, { pass, remark, count: 1 });
    }
  }
  return new Map([...found].map(([place, groups]) => [place, [...groups.values()].sort(doneFirst)]));
}

function doneFirst(a: Group, b: Group): number {
  return Number(a.remark.kind === "missed") - Number(b.remark.kind === "missed");
}

/** The program's own lines before those of the library, in their order; what has no line last. */
function inOrder([a]: readonly Group[], [b]: readonly Group[]): number {
  const [one, two] = [a!.remark.location, b!.remark.location];
  if (one === null || two === null) return Number(one === null) - Number(two === null);
  const isLibrary = ({ file }: Location): number => Number(file.startsWith("std/"));
  if (isLibrary(one) !== isLibrary(two)) return isLibrary(one) - isLibrary(two);
  return one.file === two.file ? one.line - two.line : one.file < two.file ? -1 : 1;
}
